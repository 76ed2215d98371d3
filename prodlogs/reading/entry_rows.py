"""Inserts rows of entries, each once, with its tokens and in the minute counts."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from logsite.tables.bulk import Values, copy_rows, highest_id, insert_new, insert_new_returning
from prodlogs.entry_index import COUNTS, INDEX
from prodlogs.models import ContainerLogEntry

COLUMNS = (
    "snapshot_id",
    "container_id",
    "container_name",
    "stream",
    "timestamp",
    "sequence",
    "level",
    "level_rule",
    "message",
    "raw_line",
    "truncated_bytes",
)
UNIQUE = ("container_id", "timestamp", "stream", "sequence")
INDEXED = ("container_name", "stream", "timestamp", "level", "message")
KEY = [COLUMNS.index(name) for name in UNIQUE]
Tokens = list[str]


def tokens_of(rows: Sequence[Values]) -> Tokens:
    """The tokens of `rows`; before the transaction that stores them, for which other writers wait."""
    return INDEX.tokens_of_rows({name: _column(rows, name) for name in INDEXED})


def insert(rows: Sequence[Values], tokens: Tokens, *, quickly: bool = False) -> int:
    """Insert those of `rows` that are not stored yet, in the running transaction; how many. On PostgreSQL `quickly`
    tries first to insert all at once."""
    if not rows:
        return 0
    if connection.vendor == "postgresql":
        new = _insert_with_tokens(rows, tokens, quickly)
    else:
        new = _insert_by_ids(rows, tokens)
    inserted = rows if len(new) == len(rows) else [rows[place] for place in new]
    COUNTS.append(*(_column(inserted, name) for name in ("timestamp", "level", "container_name")))
    return len(new)


def _insert_with_tokens(rows: Sequence[Values], tokens: Tokens, quickly: bool) -> Sequence[int]:
    """Which of `rows` were inserted, on PostgreSQL."""
    columns, values = (*COLUMNS, "tokens"), [(*row, found) for row, found in zip(rows, tokens, strict=True)]
    if quickly and copy_rows(ContainerLogEntry, columns, values):
        return range(len(rows))
    places: dict[Values, int] = {}
    for place, row in enumerate(rows):
        places.setdefault(tuple(row[number] for number in KEY), place)  # the first of two is stored
    return [places[key] for key in insert_new_returning(ContainerLogEntry, columns, values, UNIQUE, UNIQUE)]


def _insert_by_ids(rows: Sequence[Values], tokens: Tokens) -> Sequence[int]:
    """Which of `rows` were inserted, on SQLite. This transaction has the one right to write, so ids may be chosen."""
    first = highest_id(ContainerLogEntry) + 1
    values = [(row_id, *row) for row_id, row in enumerate(rows, first)]
    if insert_new(ContainerLogEntry, ("id", *COLUMNS), values, UNIQUE) == len(rows):
        new: Sequence[int] = range(len(rows))
    else:
        stored = ContainerLogEntry.objects.filter(pk__gte=first).order_by("pk").values_list("pk", flat=True)
        new = [row_id - first for row_id in stored]
        tokens = [tokens[place] for place in new]
    times = _column(rows, "timestamp")
    INDEX.add([first + place for place in new], [times[place] for place in new], tokens)
    return new


def _column(rows: Sequence[Values], name: str) -> list[Any]:
    number = COLUMNS.index(name)
    return [row[number] for row in rows]
