"""Removes rows with their tokens and counts, in transactions of the caller."""

from typing import Any

from django.db.models import Q, QuerySet

from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MINUTE, MinuteCounts
from logsite.tables.segments import DAY
from logsite.tables.some_rows import RowIn

NOTHING = Q(pk__in=[])


def remove_rows(rows: QuerySet[Any], index: SegmentIndex, counts: MinuteCounts) -> int:
    """Remove `rows`, which may be a slice; how many. Rows that another transaction removes are left to it."""
    found = counts.of_rows(rows.select_for_update(skip_locked=True))
    if found.ids:
        index.model._default_manager.filter(RowIn(index.found(found.ids, found.timestamps))).delete()
        index.forget(found.ids)
        counts.subtract(found.timestamps, found.levels, found.apps)
    return len(found.ids)


def remove_day(day: int, index: SegmentIndex, counts: MinuteCounts, needed: Q = NOTHING) -> int | None:
    """Remove a day's segment and counts, as `SegmentIndex.remove_day`; how many rows went with it."""
    number = index.remove_day(day, needed)
    if number is not None:
        counts.forget(day * DAY // MINUTE, (day + 1) * DAY // MINUTE - 1)
    return number
