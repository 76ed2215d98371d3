"""The tokens of rows by day on PostgreSQL, in a table without partitions.

The column `tokens` is PostgreSQL's alone: no model has it. Each token is combined with the number of the row's day,
so that one GIN index answers for one day at a time: a word of every row costs no more than the rows of a day. A row
that was stored without tokens has NULL there.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection

from logsite.records.indexes.tokens import Columns, TokenRules
from logsite.tables.partitions import GIN_OPTIONS, OnPostgresql, locked
from logsite.tables.planning import without_sequential_scans
from logsite.tables.segments import DAY
from logsite.tables.some_rows import FoundRows
from logsite.tables.token_sets import Tokens, as_arrays, number, salted

DAYS_AT_ONCE = 50  # of one statement
LAST_DAY = (2**63 - 1) // DAY  # that a column of nanoseconds holds
# By the type of the column: the day of a row, and the first moment of the day after the day `day`.
_BY_TYPE = {
    "bigint": (f"floor(timestamp / {DAY}.0)::bigint", f"(day + 1) * {DAY}"),
    "timestamp with time zone": (
        "floor(extract(epoch FROM timestamp) / 86400)::bigint",
        "to_timestamp((day + 1) * 86400)",
    ),
}
# From the first row of a day to the first row of another, by the index of times.
_DAYS = """
WITH RECURSIVE found(day) AS (
    (SELECT {day} FROM {table} ORDER BY timestamp LIMIT 1)
    UNION ALL
    SELECT (SELECT {day} FROM {table} WHERE timestamp >= {next} ORDER BY timestamp LIMIT 1)
    FROM found WHERE day < %s
) SELECT day FROM found WHERE day IS NOT NULL
"""


def salt(day: int) -> int:
    """What the tokens of a day are combined with."""
    return number(f"day {day}")


class DayTokens:
    """The tokens in `table`, whose column `timestamp` has the type `kind` of PostgreSQL."""

    def __init__(self, table: str, kind: str) -> None:
        self.table = table
        self.kind = kind

    def days(self) -> list[int]:
        """The days that have rows, oldest first."""
        day, following = _BY_TYPE[self.kind]
        statement = _DAYS.format(table=connection.ops.quote_name(self.table), day=day, next=following)
        with connection.cursor() as sql:
            sql.execute(statement, [LAST_DAY])
            return [number for (number,) in sql.fetchall()]

    def of_rows(self, columns: Columns, rules: TokenRules) -> list[str]:
        """What the column `tokens` takes of rows, whose values are in `columns`, the times in nanoseconds."""
        by_day: dict[int, list[int]] = {}
        for place, timestamp in enumerate(columns["timestamp"]):
            by_day.setdefault(timestamp // DAY, []).append(place)
        if len(by_day) == 1:
            return rules.of_rows(columns, salt=salt(next(iter(by_day))))
        found = [""] * len(columns["timestamp"])
        for day, places in by_day.items():
            some = {name: [values[place] for place in places] for name, values in columns.items()}
            for place, tokens in zip(places, rules.of_rows(some, salt=salt(day)), strict=True):
                found[place] = tokens
        return found

    def rows(self, day: int | None, wanted: Tokens, limit: int) -> FoundRows | None:
        """The rows of a day that have the tokens; None for more than `limit`. Every row has a day."""
        return FoundRows([]) if day is None else self.rows_of_days([day], wanted, limit)

    def rows_of_days(self, days: Sequence[int], wanted: Tokens, limit: int) -> FoundRows | None:
        """The same for the rows of several days."""
        found: list[int] = []
        for first in range(0, len(days), DAYS_AT_ONCE):
            found += self._found(days[first : first + DAYS_AT_ONCE], wanted, limit + 1 - len(found))
            if len(found) > limit:
                return None
        return FoundRows(found)

    def _found(self, days: Sequence[int], wanted: Tokens, limit: int) -> list[int]:
        """A SELECT for each day: PostgreSQL begins the next one only where the limit is not reached."""
        table, values = connection.ops.quote_name(self.table), list[Any]()
        selects = []
        for day in days:
            condition, more = as_arrays(salted(wanted, salt(day)), "tokens")
            selects.append(f"SELECT id FROM {table} WHERE {condition}")  # noqa: S608
            values += more
        with without_sequential_scans(), connection.cursor() as sql:
            sql.execute(f"{' UNION ALL '.join(selects)} LIMIT %s", [*values, limit])
            return [row_id for (row_id,) in sql.fetchall()]

    def lock(self, day: int) -> bool:
        """Let nobody else write to the table until the end of the transaction. False where others do for too long."""
        return locked([self.table], "SHARE")

    def drop(self, day: int) -> None:
        """The tokens of a day went with its rows."""


class AddTokens(OnPostgresql):
    """The table of a model gets the column `tokens` with its index."""

    def statements(self, table: str, quoted: Callable[[str], str]) -> Iterable[str]:
        yield f"ALTER TABLE {quoted(table)} ADD COLUMN tokens int4[]"
        # Partial: rows without tokens may be many millions.
        yield (
            f"CREATE INDEX {quoted(f'{table}_tokens')} ON {quoted(table)} USING gin (tokens) WITH ({GIN_OPTIONS})"
            " WHERE tokens IS NOT NULL"
        )

    def reverse_statements(self, table: str, quoted: Callable[[str], str]) -> Iterable[str]:
        yield f"ALTER TABLE {quoted(table)} DROP COLUMN tokens"

    def describe(self) -> str:
        return f"Tokens of {self.model} on PostgreSQL"
