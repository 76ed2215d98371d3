"""The index of a source's rows by their tokens, a segment a day, on the engine at hand."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from django.db import connection, models
from django.db.models import Q, QuerySet

from logsite.records.cursors import oldest_running
from logsite.records.indexes.day_tokens import DayTokens
from logsite.records.indexes.tokens import Columns, TokenRules
from logsite.records.indexes.unindexed import UnindexedDay, unindexed_days
from logsite.records.query import Condition, Fields
from logsite.tables.nanoseconds import NanosecondsField, between
from logsite.tables.partitions import DayPartitions
from logsite.tables.segments import DAY, DaySegments
from logsite.tables.some_rows import FoundRows, HasTokens, RowIn
from logsite.tables.token_sets import Tokens

# Rows of a segment, which are read and sorted; of more, the walk along the time index meets some soon.
FEW_ROWS = 5000
REMEMBERED = 1000  # pairs of a segment and tokens
FEW_PLACES = (
    20_000  # rows that PostgreSQL looks up by their keys; of more, it reads its index of tokens itself
)
Segments: TypeAlias = DaySegments | DayPartitions | DayTokens


class SegmentIndex:
    """Which rows of `model` may match a condition. Whoever stores rows calls `add` on SQLite, and on PostgreSQL fills
    the column `tokens`. A row stored without is not found by its words, but for the days in `unindexed`, whose rows
    are all read. On PostgreSQL the table is `partitioned`, or each token names the day."""

    def __init__(
        self,
        model: type[models.Model],
        fields: Fields,
        together: Sequence[str] = (),
        *,
        partitioned: bool = False,
        unindexed: type[UnindexedDay] | None = None,
    ) -> None:
        self.model = model
        self.rules = TokenRules(fields, together)
        self.unindexed = unindexed
        table, moment = model._meta.db_table, model._meta.get_field("timestamp")
        kind = "bigint" if isinstance(moment, NanosecondsField) else "timestamp with time zone"
        self._segments = DaySegments(table)
        self._partitions = DayPartitions(table) if partitioned else None
        self._day_tokens = DayTokens(table, kind)
        self._many: set[tuple[int | None, Tokens, int]] = set()

    @property
    def segments(self) -> Segments:
        if connection.vendor == "sqlite":
            return self._segments
        return self._partitions or self._day_tokens

    def required(self, condition: Condition) -> Tokens | None:
        """The tokens of every row that `condition` holds for; None where the index cannot help."""
        return self.rules.required(condition)

    def tokens_of_rows(self, columns: Columns) -> list[str]:
        """The tokens of rows, whose values are in lists by column; JSON as texts, `timestamp` in nanoseconds.

        `add` takes them on SQLite, the column `tokens` on PostgreSQL. Raises msgspec.DecodeError.
        """
        if isinstance(segments := self.segments, DayTokens):
            return segments.of_rows(columns, self.rules)
        return self.rules.of_rows(columns, as_digits=connection.vendor == "sqlite")

    def prepare(self, timestamps: Iterable[int]) -> None:
        """Make ready for rows of these times, before the transaction that stores them. SQLite needs nothing."""
        if isinstance(segments := self.segments, DayPartitions):
            segments.ensure(timestamps)

    def add(self, ids: Sequence[int], timestamps: Sequence[int], tokens: Sequence[str]) -> None:
        """Store the tokens of rows in the transaction that stores the rows. On SQLite only."""
        self._segments.add(ids, timestamps, tokens)

    def renew(self, ids: Sequence[int], tokens: Sequence[str]) -> None:
        """Store the tokens of rows that have lost some, in the transaction that changes the rows. On SQLite the old
        ones stay until the day goes; each row that they find is compared with the query."""
        if connection.vendor == "sqlite":
            return
        table = connection.ops.quote_name(self.model._meta.db_table)
        with connection.cursor() as sql:
            pairs = list(zip(tokens, ids, strict=True))
            sql.executemany(f"UPDATE {table} SET tokens = %s::int4[] WHERE id = %s", pairs)  # noqa: S608

    def days(self) -> list[int]:
        """The days that have a segment of their own, oldest first."""
        return self.segments.days()

    def unindexed_days(self) -> set[int]:
        """The days with rows that may have no tokens: all of their rows are read."""
        return unindexed_days(self.unindexed)

    def found(self, ids: list[int], timestamps: list[int]) -> FoundRows:
        """Rows of which both is known. Only partitions are chosen by the times."""
        return FoundRows(ids, timestamps if isinstance(self.segments, DayPartitions) else None)

    def find(self, day: int | None, wanted: Tokens, limit: int | None = None) -> FoundRows | None:
        """The rows of a segment with the tokens; None for more than `limit`, by itself FEW_ROWS. The day None is the
        segment for the rows of days without one. A segment with more than FEW_ROWS is remembered: the next page asks
        for the same tokens."""
        asked = (day, wanted, FEW_ROWS)
        if limit is None and asked in self._many:
            return None
        found = self.segments.rows(day, wanted, FEW_ROWS if limit is None else limit)
        if found is None and limit is None:
            if len(self._many) >= REMEMBERED:
                self._many.clear()
            self._many.add(asked)
        return found

    def between(self, low: int, high: int, wanted: Tokens, limit: int) -> FoundRows | None:
        """The rows of all segments that have the tokens, with times from `low` to `high`; rows of the first and last
        day may be outside these times. None for more than `limit`, and where not all rows have tokens."""
        segments, first, last = self.segments, low // DAY, high // DAY
        if any(first <= day <= last for day in self.unindexed_days()):
            return None
        if isinstance(segments, DayPartitions):
            return segments.rows_between(low, high, wanted, limit)
        days = [day for day in self.days() if first <= day <= last]
        if isinstance(segments, DayTokens):
            return segments.rows_of_days(days, wanted, limit)
        return self._of_segments([None, *days], wanted, limit)

    def narrowed(self, rows: QuerySet[Any], wanted: Tokens, low: int, high: int, limit: int) -> QuerySet[Any]:
        """`rows`, whose times are from `low` to `high`, looked for by their tokens; all where more than `limit` have
        them."""
        partitioned = isinstance(self.segments, DayPartitions)
        found = self.between(low, high, wanted, min(limit, FEW_PLACES) if partitioned else limit)
        if found is not None:
            return rows.filter(RowIn(found))
        return rows.filter(HasTokens("pk", wanted)) if partitioned else rows

    def _of_segments(self, days: Sequence[int | None], wanted: Tokens, limit: int) -> FoundRows | None:
        ids: list[int] = []
        for day in days:
            found = self.find(day, wanted, limit - len(ids))
            if found is None:
                return None
            ids += found.ids
        return FoundRows(ids)

    def remove_day(self, day: int, needed: Q) -> int | None:
        """Remove a day's segment, and a partition's rows with it, in a transaction of the caller; how many rows.

        None where nothing was removed: some of the rows are `needed`, others use the table, or without partitions
        rows of the day are left, which the caller removes before.
        """
        rows = self.rows_of(day)
        if isinstance(segments := self.segments, DayPartitions):
            return _remove_partition(segments, day, rows, needed)
        if rows.exists() or (isinstance(segments, DayTokens) and not segments.lock(day)) or rows.exists():
            return None
        segments.drop(day)
        if self.unindexed is not None:
            self.unindexed._default_manager.filter(day=day).delete()
        return 0

    def rows_of(self, day: int) -> QuerySet[Any]:
        """The rows of a day."""
        return between(self.model._base_manager.all(), day * DAY, (day + 1) * DAY - 1)

    def forget(self, ids: Sequence[int]) -> None:
        """Remove the tokens of rows, in the transaction that removes the rows, where this can be done for single
        ones. Those that stay find nothing."""
        if connection.vendor == "sqlite":
            self._segments.forget(ids)


def _remove_partition(partitions: DayPartitions, day: int, rows: QuerySet[Any], needed: Q) -> int | None:
    if rows.filter(needed).exists():
        return None
    ended = oldest_running()
    number = rows.filter(xact__lt=ended).count()  # of transactions that have ended: it stays
    if not partitions.lock(day) or rows.filter(needed).exists():
        return None
    number += rows.filter(xact__gte=ended).count()
    partitions.drop(day)
    return number
