"""The index of a source's rows by their tokens, a segment a day, on the engine at hand."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Q, QuerySet

from logsite.records.cursors import oldest_running
from logsite.records.indexes.tokens import Columns, TokenRules
from logsite.records.query import Condition, Fields
from logsite.tables.partitions import DayPartitions
from logsite.tables.segments import DAY, DaySegments
from logsite.tables.some_rows import FoundRows, HasTokens, RowIn
from logsite.tables.token_sets import Tokens

# Rows of a segment, which are read and sorted; of more, the walk along the time index meets some soon.
FEW_ROWS = 5000
FEW_PLACES = (
    20_000  # rows that PostgreSQL looks up by their keys; of more, it reads its index of tokens itself
)


class SegmentIndex:
    """Which rows of `model` may match a condition. Its `timestamp` is a NanosecondsField; whoever stores rows calls
    `add` on SQLite, and on PostgreSQL fills the column `tokens`. A row stored without is not found by its words."""

    def __init__(self, model: type[models.Model], fields: Fields, together: Sequence[str] = ()) -> None:
        self.model = model
        self.rules = TokenRules(fields, together)
        self._segments = DaySegments(model._meta.db_table)
        self._partitions = DayPartitions(model._meta.db_table)

    @property
    def segments(self) -> DaySegments | DayPartitions:
        return self._partitions if connection.vendor == "postgresql" else self._segments

    def required(self, condition: Condition) -> Tokens | None:
        """The tokens of every row that `condition` holds for; None where the index cannot help."""
        return self.rules.required(condition)

    def tokens_of_rows(self, columns: Columns) -> list[str]:
        """The tokens of rows, whose values are in lists by column, those of JSON as texts: what `add` takes on
        SQLite, what the column `tokens` takes on PostgreSQL. Raises msgspec.DecodeError."""
        return self.rules.of_rows(columns, as_digits=connection.vendor == "sqlite")

    def prepare(self, timestamps: Iterable[int]) -> None:
        """Make ready for rows of these times, before the transaction that stores them. SQLite needs nothing."""
        if connection.vendor == "postgresql":
            self._partitions.ensure(timestamps)

    def add(self, ids: Sequence[int], timestamps: Sequence[int], tokens: Sequence[str]) -> None:
        """Store the tokens of rows in the transaction that stores the rows. On SQLite only."""
        self._segments.add(ids, timestamps, tokens)

    def days(self) -> list[int]:
        """The days that have a segment of their own, oldest first."""
        return self.segments.days()

    def find(self, day: int | None, wanted: Tokens, limit: int | None = None) -> FoundRows | None:
        """The rows of a segment with the tokens; None for more than `limit`, by itself FEW_ROWS. The day None is the
        segment for the rows of days without one."""
        return self.segments.rows(day, wanted, FEW_ROWS if limit is None else limit)

    def narrowed(self, rows: QuerySet[Any], wanted: Tokens, low: int, high: int, limit: int) -> QuerySet[Any]:
        """`rows`, whose times are from `low` to `high`, looked for by their tokens; all where more than `limit` have
        them."""
        if connection.vendor == "postgresql":
            found = self._partitions.rows_between(low, high, wanted, min(limit, FEW_PLACES))
            return rows.filter(HasTokens("pk", wanted) if found is None else RowIn(found))
        ids: list[int] = []
        days = [day for day in self.days() if low // DAY <= day <= high // DAY]
        for day in [None, *days]:
            found = self.find(day, wanted, limit - len(ids))
            if found is None:
                return rows
            ids += found.ids
        return rows.filter(RowIn(FoundRows(ids)))

    def remove_day(self, day: int, needed: Q) -> int | None:
        """Remove a day's segment, and on PostgreSQL the rows with it, in a transaction of the caller; how many rows.

        None where nothing was removed: some of the rows are `needed`, others use the table, or on SQLite rows of the
        day are left, which the caller removes before.
        """
        rows = self.model._base_manager.filter(timestamp__gte=day * DAY, timestamp__lt=(day + 1) * DAY)
        if connection.vendor != "postgresql":
            if rows.exists():
                return None
            self._segments.drop(day)
            return 0
        if rows.filter(needed).exists():
            return None
        ended = oldest_running()
        number = rows.filter(xact__lt=ended).count()  # of transactions that have ended: it stays
        if not self._partitions.lock(day) or rows.filter(needed).exists():
            return None
        number += rows.filter(xact__gte=ended).count()
        self._partitions.drop(day)
        return number

    def forget(self, ids: Sequence[int]) -> None:
        """Remove the tokens of rows, in the transaction that removes the rows, where this can be done for single
        ones. Those that stay find nothing."""
        if connection.vendor == "sqlite":
            self._segments.forget(ids)
