"""Stores entries: rows, the ids by which they are known again, words and minute counts, in one transaction."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from applogs.entry_index import COUNTS, INDEX
from applogs.models import EntryId, LogEntry
from applogs.senders import Sender
from logsite.tables.bulk import highest_id, insert_new_or_old, store_columns

HOURS = 24
HOUR = 3_600 * 10**9  # in nanoseconds
FORGET_ROWS = 1000
Columns = dict[str, list[Any]]


def store(columns: Columns, sender: Sender, *, protocol: str, received_at: int) -> int:
    """Store the entries within the transaction that runs; returns how many were stored before, by their id.

    `columns` are those of `Incoming`, which `prepare` has seen; `received_at` is in nanoseconds.
    """
    number = len(columns["timestamp"])
    if not number:
        return 0
    fresh = _fresh(columns["entry_id"], sender.owner, received_at)
    if len(fresh) < number:
        columns = {name: [values[row] for row in fresh] for name, values in columns.items()}
    if fresh:
        _insert(columns, len(fresh), sender, protocol, received_at)
    return number - len(fresh)


def prepare(columns: Columns) -> None:
    """Add the tokens of the entries to `columns`, and make ready for their days.

    Called before the transaction that stores them: on SQLite all other writers wait for that transaction.
    """
    columns["tokens"] = INDEX.tokens_of_rows(columns)
    INDEX.prepare(columns["timestamp"])


def _insert(columns: Columns, number: int, sender: Sender, protocol: str, received_at: int) -> None:
    token = sender.token.pk if sender.token else None
    fixed = {"received_at": received_at, "token_id": token, "protocol": protocol}
    columns = columns | {name: [value] * number for name, value in fixed.items()}
    if connection.vendor == "sqlite":  # where the tokens are in tables of their own
        tokens = columns.pop("tokens")
        first = highest_id(LogEntry) + 1
        columns["id"] = list(range(first, first + number))
        columns["xact"] = [0] * number
        store_columns(LogEntry, columns)
        INDEX.add(columns["id"], columns["timestamp"], tokens)
    else:
        store_columns(LogEntry, columns)
    COUNTS.append(columns["timestamp"], columns["level"], columns["app"])


def _fresh(entry_ids: Sequence[str], owner: str, received_at: int) -> Sequence[int]:
    """The numbers of the rows that were not stored in the last 24 hours, nor stand in the batch before."""
    named = {entry_id: row for row, entry_id in reversed(list(enumerate(entry_ids))) if entry_id}
    if not named:
        return range(len(entry_ids))
    before = received_at - HOURS * HOUR
    _forget(before)
    new = insert_new_or_old(
        EntryId,
        ("owner", "entry_id", "received_at"),
        [(owner, entry_id, received_at) for entry_id in sorted(named)],
        ("owner", "entry_id"),
        age="received_at",
        before=before,
        returning="entry_id",
    )
    kept = {named[entry_id] for entry_id in new}
    return [row for row, entry_id in enumerate(entry_ids) if not entry_id or row in kept]


def _forget(before: int) -> None:
    """Remove some ids that are older; another request removes others."""
    old = EntryId.objects.filter(received_at__lt=before).select_for_update(skip_locked=True)
    if keys := list(old.order_by("received_at").values_list("pk", flat=True)[:FORGET_ROWS]):
        EntryId.objects.filter(pk__in=keys, received_at__lt=before).delete()
