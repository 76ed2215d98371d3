"""What search, live tail, export and shipping know of the log apps: `LogRecord` and `LogSource`.

A log app's model derives from `LogRow`, its source from `LogSource`, registered in the app's `apps.py`.

Reading by cursor is safe against transactions that commit late. On PostgreSQL a row carries the id of the
transaction that wrote it (`xact`), and only rows whose transaction is older than every transaction still
running (`pg_snapshot_xmin`) are handed out, in the order (xact, id); a lower `id` that commits later has a
transaction that was running, so it is still to come. SQLite has one writer, so ids commit in order and
`xact` is 0.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple, Self

from django.db import connections, models

# The OpenTelemetry severity numbers of our levels (logs data model, «SeverityNumber»). SECURITY and AUDIT
# are no severities there; they travel as the category and count as WARN and INFO.
LEVELS: dict[str, int] = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "AUDIT": 9,
    "WARNING": 13,
    "SECURITY": 13,
    "ERROR": 17,
    "CRITICAL": 21,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC, exact to the microsecond that `datetime` holds."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def from_nanoseconds(nanoseconds: int) -> datetime:
    """The UTC time of `nanoseconds` since the epoch, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


class CursorError(ValueError):
    """A cursor that cannot be read or that does not belong to this database."""


@dataclass(frozen=True, order=True, slots=True)
class Cursor:
    """A place in a source: everything up to and including (xact, id) has been handed out."""

    xact: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.xact}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str(cursor)` gave. Raises CursorError."""
        if not (match := re.fullmatch(r"([0-9]{1,19})-([0-9]{1,19})", text)):
            raise CursorError(f"cursor {text[:60]!r}: expected the form '0-123', as given in next_cursor")
        return cls(*(min(int(part), 2**63 - 1) for part in match.groups()))


class Parts(NamedTuple):
    """A command and what it brought; a part that is None is not in the line.

    A command that was only sent has no exit code and no outputs. `stderr` is None where a command failed without
    any error output, and empty where a command that went well wrote none.
    """

    step: int
    command: str
    exit_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One entry of any source.

    `timestamp` is in nanoseconds since the epoch; `labels` are few and low-cardinality (they name a Loki
    stream); `attributes` hold the rest and travel as structured metadata. A command has `parts`, of which
    `message` is the whole line: `line_of` cuts it, and nobody finds the parts by parsing a message.
    """

    id: int
    source: str
    timestamp: int
    level: str
    message: str
    labels: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parts: Parts | None = None


def line_of(record: LogRecord, output_characters: int = 0) -> str:
    """The line of `record`, its outputs cut to `output_characters` each; 0 leaves them whole."""
    return record.message if record.parts is None else line_of_parts(record.parts, output_characters)


def line_of_parts(parts: Parts, output_characters: int = 0) -> str:
    """`STEP: 1 | COMMAND: uptime | EXIT_CODE: 0 | STDOUT: up 3 days | STDERR:`"""
    line = f"STEP: {parts.step} | COMMAND: {parts.command}"
    if parts.exit_code is not None:
        line += f" | EXIT_CODE: {parts.exit_code}"
    if parts.stdout is not None:
        line += f" | STDOUT:{_cut(parts.stdout, output_characters)}"
    if parts.stderr is not None:
        line += f" | STDERR:{_cut(parts.stderr, output_characters)}"
    return line


def _cut(output: str, characters: int) -> str:
    """` up 3... (5 more characters)`, and nothing for an empty output."""
    more = len(output) - characters
    if not characters or more <= 0:
        return f" {output}" if output else ""
    return f" {output[:characters]}... ({more:,} more character{'s' if more > 1 else ''})"


class CurrentTransaction(models.Func):
    """The id of the running PostgreSQL transaction; 0 on SQLite, which has one writer at a time."""

    arity = 0
    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        return "pg_current_xact_id()::text::bigint", []

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[str | int, ...]]:
        return "0", ()


class LogRow(models.Model):
    """The base of every table that a `LogSource` offers."""

    id = models.BigAutoField(primary_key=True)
    xact = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)

    class Meta:
        abstract = True


class LogSource(ABC):
    """How a log app offers its rows. `permission` is what a reader of the source must hold."""

    name: ClassVar[str]
    permission: ClassVar[str]

    def may_read(self, user: Any) -> bool:
        """Whether `user` may have whole records; a source may ask for more than `permission`."""
        return bool(user.has_perm(self.permission))

    def handed_out(self, request: Any, records: list[LogRecord]) -> None:  # noqa: B027  most keep none
        """`request` is answered with `records`; a source that keeps account of its readers notes it."""

    @abstractmethod
    def queryset(self) -> models.QuerySet[Any]:
        """The rows, with whatever `to_record` reads already joined."""

    @abstractmethod
    def to_record(self, row: Any) -> LogRecord:
        """One row as a record; the same row always gives the same record, or a re-send would double it."""

    def fetch(self, rows: models.QuerySet[Any]) -> Iterable[Any]:
        """`rows` as whatever `to_record` takes; a source overrides it to read faster than the ORM's objects."""
        return rows

    def committed_after(
        self,
        cursor: Cursor,
        limit: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[tuple[Cursor, LogRecord]]:
        """Up to `limit` committed records after `cursor`, oldest commit first, each with its own cursor.

        Empty when there is nothing yet. `since` (inclusive) and `until` (exclusive) narrow by timestamp.
        Raises CursorError when the cursor is ahead of the database, as after a restore elsewhere.
        """
        rows = committed(self.queryset(), cursor)
        if since is not None:
            rows = rows.filter(timestamp__gte=since)
        if until is not None:
            rows = rows.filter(timestamp__lt=until)
        found = self.fetch(rows.order_by("xact", "id")[:limit])
        return [(Cursor(row.xact, row.id), self.to_record(row)) for row in found]

    def end(self) -> Cursor:
        """The cursor after the newest committed record."""
        rows = committed(self.queryset(), Cursor()).order_by("-xact", "-id")
        newest = rows.values_list("xact", "id").first()
        return Cursor(*newest) if newest else Cursor()


def committed(rows: models.QuerySet[Any], cursor: Cursor) -> models.QuerySet[Any]:
    """Those of `rows` after `cursor` that no transaction still running can precede."""
    connection = connections[rows.db]
    if connection.vendor != "postgresql":
        if cursor.xact or cursor.id > _last_id(connection, rows.model):
            raise _ahead(cursor)
        return rows.filter(id__gt=cursor.id)
    with connection.cursor() as sql:
        # Read before the rows: what is older than this xmin has ended, so the later SELECT sees all of it.
        sql.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
        oldest_running, next_transaction = sql.fetchone()
    if cursor.xact >= next_transaction:
        raise _ahead(cursor)
    return rows.filter(xact__gte=cursor.xact, xact__lt=oldest_running).exclude(
        xact=cursor.xact, id__lte=cursor.id
    )


def after(cursor: Cursor) -> models.Q:
    """The rows after `cursor`, in the order of shipping, whether committed or not."""
    return models.Q(xact__gt=cursor.xact) | models.Q(xact=cursor.xact, id__gt=cursor.id)


def _last_id(connection: Any, model: type[models.Model]) -> int:
    """The highest id SQLite ever gave in this database, whether its row is still there or not."""
    with connection.cursor() as sql:
        sql.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        return int((sql.fetchone() or [0])[0])


def _ahead(cursor: Cursor) -> CursorError:
    return CursorError(
        f"cursor {cursor} is ahead of the database, which was restored or replaced; "
        "see «After a restore» in docs/shipping.md"
    )


_sources: dict[str, LogSource] = {}


def register_source(source: LogSource) -> None:
    """Make `source` known; the log apps call this from `AppConfig.ready`."""
    _sources[source.name] = source


def sources() -> dict[str, LogSource]:
    """Every registered source by name."""
    return dict(_sources)


def get_source(name: str) -> LogSource:
    """The source called `name`. Raises ValueError naming the ones there are."""
    try:
        return _sources[name]
    except KeyError:
        raise ValueError(
            f"source {name!r} does not exist; there are: {', '.join(sorted(_sources))}"
        ) from None


# --- What must not be removed yet ---------------------------------------------------------------------------

Keeper = Callable[[str], Iterable[Cursor]]
_keepers: list[Keeper] = []


def register_keeper(keeper: Keeper) -> None:
    """Make known who still needs rows: called with a source's name, `keeper` gives the cursor of each reader.

    So a room that removes rows need not know the rooms that read them; these register in `AppConfig.ready`.
    """
    _keepers.append(keeper)


def lowest_needed(source: str) -> Cursor | None:
    """The cursor behind which some reader of `source` has not read; None when nobody waits for anything."""
    return min((cursor for keeper in _keepers for cursor in keeper(source)), default=None)
