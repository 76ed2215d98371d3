"""Removes application log entries by age, as a part of `purge_logs`: days as a whole, the rest batch by batch.

An entry's age is the sender's time of it. The index of a day goes with its last entry; minute counts go with each.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from applogs.entry_index import COUNTS, INDEX
from applogs.models import LogEntry
from logsite.housekeeping.purge_runs import Part, Tally, days_of
from logsite.records import after, lowest_needed, to_nanoseconds
from logsite.records.indexes.minute_counts import MINUTE
from logsite.tables.segments import DAY
from logsite.tables.some_rows import FoundRows, RowIn

BATCH_ROWS = 20_000  # SQLite removes them in about a tenth of a second, for which writers wait
NOTHING = Q(pk__in=[])


class AppPurge(Part):
    """Entries of more than RETENTION_DAYS_APPS, but what has not been shipped yet."""

    name = "app"

    def __init__(self, now: datetime, *, even_unshipped: bool) -> None:
        super().__init__(now, even_unshipped=even_unshipped)
        self.days = days_of("RETENTION_DAYS_APPS")
        needed = None if even_unshipped else lowest_needed(self.name)
        self.needed = NOTHING if needed is None else after(needed)

    def rules(self) -> list[str]:
        return [f"{self.name}: {self.days} days" if self.days else f"{self.name}: for ever"]

    def count(self) -> Tally:
        return Counter({(self.name, "entries"): self._removable().count()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        for day in self._whole_days():
            if stopping():
                return
            if (yield from self._day(day)):
                continue
            yield from self._removed(self._of_day(self._removable(), day), stopping)
            if not stopping():
                yield from self._day(day)
        yield from self._removed(self._removable(), stopping)

    def report(self, tally: Tally) -> list[str]:
        return [f"{rule}: {tally[self.name, 'entries']} entries" for rule in self.rules()]

    def kept_for_shipping(self) -> str:
        kept = self._due().filter(self.needed).count()
        return f"{self.name}: {kept}" if kept else ""

    # --- which entries ------------------------------------------------------------------------------------

    def _cut_off(self) -> int:
        return to_nanoseconds(self.now - timedelta(days=self.days))

    def _due(self) -> QuerySet[LogEntry]:
        if not self.days:
            return LogEntry.objects.none()
        return LogEntry.objects.filter(timestamp__lt=self._cut_off())

    def _removable(self) -> QuerySet[LogEntry]:
        return self._due().exclude(self.needed)

    def _whole_days(self) -> list[int]:
        """The days with a segment of which every entry is due, oldest first."""
        return [day for day in INDEX.days() if (day + 1) * DAY <= self._cut_off()] if self.days else []

    @staticmethod
    def _of_day(rows: QuerySet[LogEntry], day: int) -> QuerySet[LogEntry]:
        return rows.filter(timestamp__gte=day * DAY, timestamp__lt=(day + 1) * DAY)

    # --- removing -----------------------------------------------------------------------------------------

    def _day(self, day: int) -> Generator[Tally, None, bool]:
        """Remove a day's segment with what is left of its entries; whether it could be done."""
        with transaction.atomic():
            number = INDEX.remove_day(day, self.needed)
            if number is None:
                return False
            COUNTS.forget(day * DAY // MINUTE, (day + 1) * DAY // MINUTE - 1)
            yield self._tally(number)
        return True

    def _removed(self, rows: QuerySet[LogEntry], stopping: Callable[[], bool]) -> Iterator[Tally]:
        """Remove `rows` batch by batch. Another purge at the same time takes others."""
        columns = ("pk", "timestamp", "level", "app")
        number = BATCH_ROWS
        while number == BATCH_ROWS and not stopping():
            with transaction.atomic():
                locked = rows.order_by("timestamp", "id").select_for_update(skip_locked=True)
                found = list(locked.values_list(*columns)[:BATCH_ROWS])
                number = len(found)
                if found:
                    ids, timestamps, levels, apps = map(list, zip(*found, strict=True))
                    LogEntry.objects.filter(RowIn(FoundRows(ids, timestamps))).delete()
                    INDEX.forget(ids)
                    COUNTS.subtract(timestamps, levels, apps)
                yield self._tally(number)

    def _tally(self, number: int) -> Tally:
        return Counter({(self.name, "entries"): number} if number else {})
