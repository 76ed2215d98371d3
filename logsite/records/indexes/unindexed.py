"""Days with rows that were stored before their source had an index and minute counts.

These days are read as without either, so that no migration goes through a large table. A mark goes with the day's
last row.
"""

from time import time
from typing import Any

from django.db import models

from logsite.tables.nanoseconds import as_nanoseconds, between
from logsite.tables.segments import DAY

HIGHEST = 2**63 - 1


class UnindexedDay(models.Model):
    """A day since 1970-01-01, UTC."""

    day = models.BigIntegerField(primary_key=True)

    class Meta:
        abstract = True
        default_permissions = ()


def unindexed_days(model: type[UnindexedDay] | None) -> set[int]:
    """The days that are marked in the table of `model`; of None, none."""
    return set() if model is None else set(model._default_manager.values_list("day", flat=True))


def mark_days(rows: models.QuerySet[Any], marks: type[models.Model]) -> None:
    """Mark each day that has some of `rows`, for a migration. Where there are any, mark today and tomorrow, too: a
    process that has not been restarted yet may go on to store rows without tokens."""
    today = int(time()) * 1_000_000_000 // DAY
    days, low = {today, today + 1}, -HIGHEST - 1
    while moment := between(rows, low, HIGHEST).order_by("timestamp").values_list("timestamp").first():
        days.add(day := as_nanoseconds(moment[0]) // DAY)
        if (low := (day + 1) * DAY) > HIGHEST:
            break
    if low > -HIGHEST - 1:
        marks._default_manager.bulk_create([marks(day=day) for day in sorted(days)])
