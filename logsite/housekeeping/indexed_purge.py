"""Removes the rows of a source that has an index and minute counts: days as a whole, the rest batch by batch.

A row's age is its own time. The index of a day goes with its last row; minute counts go with each.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet

from logsite.housekeeping.purge_runs import Part, Tally, days_of
from logsite.records import after, lowest_needed, to_nanoseconds
from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts
from logsite.records.indexes.removing import NOTHING, remove_day, remove_rows
from logsite.tables.segments import DAY

BATCH_ROWS = 20_000  # SQLite removes them in about a tenth of a second, for which writers wait


class IndexedPurge(Part):
    """Entries of `source` that are older than the days of `setting`, but what has not been shipped yet."""

    source: ClassVar[str]
    setting: ClassVar[str]
    index: ClassVar[SegmentIndex]
    counts: ClassVar[MinuteCounts]
    name: ClassVar[str]  # in reports

    def __init__(self, now: datetime, *, even_unshipped: bool) -> None:
        super().__init__(now, even_unshipped=even_unshipped)
        self.days = days_of(self.setting)
        needed = None if even_unshipped else lowest_needed(self.source)
        self.needed = NOTHING if needed is None else after(needed)

    def rules(self) -> list[str]:
        return [f"{self.name}: {self.days} days" if self.days else f"{self.name}: for ever"]

    def count(self) -> Tally:
        return Counter({(self.name, "entries"): self.removable().count()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        for day in self._whole_days():
            if stopping():
                return
            if (yield from self._day(day)):
                continue
            yield from self._removed(self.removable() & self.index.rows_of(day), stopping)
            if not stopping():
                yield from self._day(day)
        yield from self._removed(self.removable(), stopping)

    def report(self, tally: Tally) -> list[str]:
        return [f"{rule}: {tally[self.name, 'entries']} entries" for rule in self.rules()]

    def kept_for_shipping(self) -> str:
        kept = self._due().filter(self.needed).count()
        return f"{self.name}: {kept}" if kept else ""

    def cut_off(self) -> datetime:
        return self.now - timedelta(days=self.days)

    # --- which entries ------------------------------------------------------------------------------------

    def _due(self) -> QuerySet[Any]:
        rows = self.index.model._base_manager.all()
        return rows.filter(timestamp__lt=self.cut_off()) if self.days else rows.none()

    def removable(self) -> QuerySet[Any]:
        return self._due().exclude(self.needed)

    def _whole_days(self) -> list[int]:
        """The days whose entries are all due, oldest first: those with a segment, and those marked as unindexed."""
        end = to_nanoseconds(self.cut_off()) // DAY
        days = {*self.index.days(), *self.index.unindexed_days()} if self.days else set()
        return sorted(day for day in days if day < end)

    # --- removing -----------------------------------------------------------------------------------------

    def _day(self, day: int) -> Generator[Tally, None, bool]:
        """Remove a day's segment with what is left of its entries; whether it could be done."""
        with transaction.atomic():
            number = remove_day(day, self.index, self.counts, self.needed)
            if number is None:
                return False
            yield self._tally(number)
        return True

    def _removed(self, rows: QuerySet[Any], stopping: Callable[[], bool]) -> Iterator[Tally]:
        """Remove `rows` batch by batch. Another purge at the same time takes others."""
        number = BATCH_ROWS
        while number == BATCH_ROWS and not stopping():
            with transaction.atomic():
                number = remove_rows(rows.order_by("timestamp", "id")[:BATCH_ROWS], self.index, self.counts)
                yield self._tally(number)

    def _tally(self, number: int) -> Tally:
        return Counter({(self.name, "entries"): number} if number else {})
