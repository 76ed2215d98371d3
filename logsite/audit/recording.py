"""Writing an audit entry: at once, on a connection of its own, so that no rolled-back request takes it along."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from logsite.audit.event_types import EventType, Severity
from logsite.audit.reader import Reader, in_request
from logsite.audit.routing import ALIAS
from logsite.commands.stopping import account
from logsite.redaction import redact
from logsite.text.cutting import shortened

TEXT_CHARACTERS = 2000  # of a text in the details
# Of the text called `query`: a query of 10,000 characters, with the filters noted beside it, and what redaction adds.
# It is kept whole, so that nobody hides a search behind a long beginning.
QUERY_CHARACTERS = 40_000
NESTED_ITEMS = 200  # of a list or object in the details
NESTED_LEVELS = 6
LOCK_SECONDS = 30  # that an entry waits for a lock of its table; then it cannot be written


def record(
    event_type: EventType,
    severity: Severity,
    reader: Reader,
    details: Mapping[str, Any] | None = None,
    *,
    what: str = "",
    target: str = "",
    count: int = 1,
) -> None:
    """Write one audit entry; when this returns, it is on disk, whatever becomes of the transaction around it.

    Raises the database's error where it cannot be written: the caller must not go on then, so that nothing is seen,
    changed or given out without a record. Credentials in the texts are redacted.
    """
    from logsite.audit.models import (
        AuditEntry,  # an app's `ready` imports this module before models are there
    )

    user, user_id = _who(reader)
    row = AuditEntry(
        timestamp=timezone.now(),
        event_type=event_type,
        severity=severity,
        user=_text(user, 150),
        user_id=user_id,
        address=reader.address or None,
        via=reader.via,
        what=_text(what, 64),
        target=_text(redact(target), 255),
        details=_storable(details or {}),
        count=count,
    )
    with _connection(), transaction.atomic(using=ALIAS, durable=True):
        _limit_wait()
        row.save(using=ALIAS, force_insert=True)


@contextmanager
def _connection() -> Iterator[None]:
    """Outside of a request the connection is closed again: its thread knows nothing of it."""
    connection = connections[ALIAS]
    was_open = connection.connection is not None
    try:
        yield
    finally:
        if not (was_open or in_request() or connection.in_atomic_block):
            connection.close()


def _limit_wait() -> None:
    """On PostgreSQL, to LOCK_SECONDS for a lock; on SQLite the connection has such a limit."""
    connection = connections[ALIAS]
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")


def _who(reader: Reader) -> tuple[str, str]:
    """Name and id; of a command or the site itself the name of the system account."""
    if reader.user is not None:
        return reader.user.get_username(), str(reader.user.pk or "")
    return (account(), "") if reader.via in ("cli", "system") else ("", "")


def _text(text: str, characters: int) -> str:
    """The beginning, as every database takes it: NUL and lone surrogates are written out."""
    return _plain(text)[:characters]


def _plain(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _storable(value: Any, level: int = 0, characters: int = TEXT_CHARACTERS) -> Any:
    """`value` as a JSON column takes it: bounded, and without credentials."""
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if level < NESTED_LEVELS and isinstance(value, Mapping):
        some = list(value.items())[:NESTED_ITEMS]
        limits = {"query": QUERY_CHARACTERS}
        return {
            _text(str(key), 100): _storable(each, level + 1, limits.get(key, TEXT_CHARACTERS))
            for key, each in some
        }
    if level < NESTED_LEVELS and isinstance(value, list | tuple | set | frozenset):
        return [_storable(each, level + 1) for each in list(value)[:NESTED_ITEMS]]
    return shortened(_plain(redact(str(value))), characters)
