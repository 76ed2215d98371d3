"""The tokens of rows by day on SQLite: a contentless FTS5 table a day, whose row ids are those of the rows.

A contentless table cannot lose single rows (SQLite 3.40), so a row that was deleted leaves its id behind, which finds
nothing; a day goes as a whole by DROP TABLE. Days far from now, which a sender with a wrong clock names, share one
table, so that it makes no thousand of them. That one keeps the tokens, too, and so can lose rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import time

from django.db import connection

from logsite.tables.bulk import store_values
from logsite.tables.some_rows import FoundRows
from logsite.tables.token_sets import Tokens, as_match

DAY = 86_400_000_000_000  # nanoseconds
DAYS_BACK, DAYS_AHEAD = 400, 1  # days from now that have a segment of their own
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OTHER = "other"


def day_of(timestamp: int) -> int | None:
    """The number of the day since 1970-01-01, UTC, of a time in nanoseconds; None where the day has no segment."""
    day, today = timestamp // DAY, int(time()) * 1_000_000_000 // DAY
    return day if today - DAYS_BACK <= day <= today + DAYS_AHEAD else None


def suffix(day: int | None) -> str:
    """`20261130`, as the names of segments end; `other` for None."""
    return OTHER if day is None else f"{EPOCH + timedelta(days=day):%Y%m%d}"


def day_named(text: str) -> int:
    """The day of a suffix."""
    return (datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC) - EPOCH).days


class DaySegments:
    """The segments of the rows of `table`."""

    def __init__(self, table: str) -> None:
        self.table = table

    def name(self, day: int | None) -> str:
        return f"{self.table}_tokens_{suffix(day)}"

    def days(self) -> list[int]:
        """The days that have a segment, oldest first."""
        names = f"{self.table}_tokens_{'[0-9]' * 8}"
        with connection.cursor() as sql:
            sql.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB %s", [names])
            return sorted(day_named(name[-8:]) for (name,) in sql.fetchall())

    def add(self, ids: Sequence[int], timestamps: Sequence[int], tokens: Iterable[str]) -> None:
        """Store the tokens of rows, in the transaction that stores the rows. The times are in nanoseconds."""
        by_day: dict[int | None, list[tuple[int, str]]] = {}
        numbers = {day: day_of(day * DAY) for day in {timestamp // DAY for timestamp in timestamps}}
        for row_id, timestamp, found in zip(ids, timestamps, tokens, strict=True):
            by_day.setdefault(numbers[timestamp // DAY], []).append((row_id, found))
        with connection.cursor() as sql:
            for day, rows in by_day.items():
                name = connection.ops.quote_name(self.name(day))
                content = "" if day is None else "content='', "
                sql.execute(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING"
                    f" fts5(tokens, {content}detail=none, columnsize=0, tokenize='ascii')"
                )
                store_values(f"{name} (rowid, tokens)", 2, rows)

    def rows(self, day: int | None, wanted: Tokens, limit: int) -> FoundRows | None:
        """The rows of a segment that have the tokens; None for more than `limit`. Of a segment that is not there
        (any more), none."""
        name = connection.ops.quote_name(self.name(day))
        statement = f"SELECT rowid FROM {name} WHERE {name} MATCH %s LIMIT %s"  # noqa: S608
        with _snapshot(), connection.cursor() as sql:
            if not self._exists(day):
                return FoundRows([])
            sql.execute(statement, [as_match(wanted), limit + 1])
            found = [row_id for (row_id,) in sql.fetchall()]
        return FoundRows(found) if len(found) <= limit else None

    def _exists(self, day: int | None) -> bool:
        with connection.cursor() as sql:
            sql.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [self.name(day)])
            return sql.fetchone() is not None

    def forget(self, ids: Sequence[int]) -> None:
        """Remove rows of days without a segment, in the transaction that removes the rows themselves; of other rows
        nothing changes."""
        if not self._exists(None):
            return
        with connection.cursor() as sql:
            rows = f"DELETE FROM {connection.ops.quote_name(self.name(None))} WHERE rowid = %s"  # noqa: S608
            sql.executemany(rows, [(row_id,) for row_id in ids])

    def drop(self, day: int) -> None:
        """Remove a day's segment, in the transaction that removes the last of its rows."""
        with connection.cursor() as sql:
            sql.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(self.name(day))}")


@contextmanager
def _snapshot() -> Iterator[None]:
    """One state of the database for all statements, from the first that reads, and no lock. FTS5 reads its tables
    when a statement is prepared, and would fail where another process makes or drops a segment meanwhile."""
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as sql:
        sql.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            sql.execute("ROLLBACK")
