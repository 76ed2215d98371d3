"""A page of rows by their tokens: the segments of a window one after another, until the page is full.

Each stretch of time that has a segment is read in one of two ways. Where few rows have the tokens, these rows are
compared with the query, and sorted. Where many have them, the walk along the time index meets enough of them soon.
Rows of days without a segment may be of any time, also of days that have got a segment since: those with the tokens
are looked up before the walk, and taken in where their time is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Any, NamedTuple

from django.db.models import QuerySet

from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.places import HIGHEST, Key, Window
from logsite.records.plain import LogRecord
from logsite.records.stored_rows import ahead_of, behind
from logsite.tables.nanoseconds import as_nanoseconds, between, to_nanoseconds
from logsite.tables.planning import in_order_of_an_index
from logsite.tables.segments import DAY
from logsite.tables.some_rows import FoundRows, RowIn
from logsite.tables.token_sets import Tokens

LOWEST = -HIGHEST - 1
FEW_AT_ONCE = 500  # rows of all days behind the first one, which are looked up together


class Stretch(NamedTuple):
    """The times from `low` to `high`, both in it, in nanoseconds; `day` has a segment, None has none."""

    low: int
    high: int
    day: int | None


@dataclass(frozen=True)
class Bounds:
    """The rows in a window, later than `after` and earlier than `before`."""

    window: Window
    after: Key | None = None
    before: Key | None = None

    @property
    def low(self) -> int:
        """The lowest time that a row may have, in nanoseconds."""
        since = LOWEST if self.window.since is None else to_nanoseconds(self.window.since)
        return max(since, LOWEST if self.after is None else self.after.timestamp)

    @property
    def high(self) -> int:
        """The highest time that a row may have."""
        until = HIGHEST if self.window.until is None else to_nanoseconds(self.window.until) - 1
        return min(until, HIGHEST if self.before is None else self.before.timestamp)

    def of(self, rows: QuerySet[Any], low: int, high: int) -> QuerySet[Any]:
        """Those of `rows` within the bounds whose time is between `low` and `high`, which are within them, too. Each
        end is said once: of several, SQLite may enter its index by the loosest."""
        rows = between(rows, low, high)
        if self.after is not None and low <= self.after.timestamp:
            rows = rows.filter(behind(rows.model, self.after))
        if self.before is not None and high >= self.before.timestamp:
            rows = rows.filter(ahead_of(rows.model, self.before))
        return rows


def stretches(days: Sequence[int], low: int, high: int) -> Iterator[Stretch]:
    """The time from `low` to `high` by days, oldest first, with the time between the days."""
    for day in days:
        first, last = day * DAY, (day + 1) * DAY - 1
        if last < low or first > high:
            continue
        if low < first:
            yield Stretch(low, first - 1, None)
        yield Stretch(max(low, first), min(high, last), day)
        low = last + 1
    if low <= high:
        yield Stretch(low, high, None)


@dataclass
class Walk:
    """One page of `rows`, which the query's condition has filtered already; `records` reads rows in their order."""

    index: SegmentIndex
    wanted: Tokens
    rows: QuerySet[Any]
    bounds: Bounds
    records: Callable[[QuerySet[Any], int, bool], list[LogRecord]]

    def page(self, limit: int, newest_first: bool) -> list[LogRecord]:
        """The first `limit` records."""
        low, high = max(self.bounds.low, LOWEST), min(self.bounds.high, HIGHEST)
        if low > high:
            return []
        others = self._keys(self.index.find(None, self.wanted), low, high)
        if others is None:
            return self._along(low, high, limit, newest_first)
        found: list[LogRecord] = []
        unindexed = self.index.unindexed_days()
        parts = list(stretches(sorted({*self.index.days(), *unindexed}), low, high))
        parts = parts[::-1] if newest_first else parts
        now = time_ns()  # tomorrow may have a segment already, and no rows
        days = (place for place, part in enumerate(parts, 1) if part.day is not None and part.low <= now)
        second = next(days, 0)
        for place, part in enumerate(parts):
            if place == second and len(parts) - place > 1:
                rest = (low, part.high) if newest_first else (part.low, high)
                if (few := self._of_few(*rest, limit - len(found), newest_first)) is not None:
                    return found + few
            looked_up = part.day not in unindexed
            found += self._of_stretch(part, others if looked_up else None, limit - len(found), newest_first)
            if len(found) >= limit:
                break
        return found

    def _of_few(self, low: int, high: int, limit: int, newest_first: bool) -> list[LogRecord] | None:
        """From all that is left, where few rows have the tokens: one look for many days. None for many rows."""
        found = self.index.between(low, high, self.wanted, FEW_AT_ONCE)
        if found is None or (keys := self._keys(found, low, high)) is None:
            return None
        return self._of_keys(keys[-limit:] if newest_first else keys[:limit], newest_first)

    def _of_stretch(
        self, part: Stretch, others: list[Key] | None, limit: int, newest_first: bool
    ) -> list[LogRecord]:
        """With None for `others`, from all rows."""
        keys: list[Key] | None = []
        if part.day is not None and others is not None:
            keys = self._keys(self.index.find(part.day, self.wanted), part.low, part.high)
        if keys is None or others is None:
            return self._along(part.low, part.high, limit, newest_first)
        first = bisect_left(others, part.low, key=_time)
        keys = sorted({*keys, *others[first : bisect_right(others, part.high, key=_time)]})
        return self._of_keys(keys[-limit:] if newest_first else keys[:limit], newest_first)

    def _along(self, low: int, high: int, limit: int, newest_first: bool) -> list[LogRecord]:
        """Along the index of times."""
        with in_order_of_an_index():
            return self.records(self.bounds.of(self.rows, low, high), limit, newest_first)

    def _keys(self, found: FoundRows | None, low: int, high: int) -> list[Key] | None:
        """The keys of those of the rows that the query finds, in order; None for None."""
        if found is None:
            return None
        if not found.ids:
            return []
        rows = self.bounds.of(self.rows.filter(RowIn(found)), low, high)
        keys = rows.order_by().values_list("timestamp", "pk")
        return sorted(Key(as_nanoseconds(moment), row_id) for moment, row_id in keys)

    def _of_keys(self, keys: list[Key], newest_first: bool) -> list[LogRecord]:
        if not keys:
            return []
        found = self.index.found([key.id for key in keys], [key.timestamp for key in keys])
        return self.records(self.rows.filter(RowIn(found)), len(keys), newest_first)


def _time(key: Key) -> int:
    return key.timestamp
