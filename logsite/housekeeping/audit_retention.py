"""Removes old audit entries, as a part of `purge_logs`."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from logsite.audit.models import AuditEntry
from logsite.audit.routing import ALIAS
from logsite.housekeeping.purge_runs import Part, RetentionError, Tally

ENTRIES_A_BATCH = 1000
RULE = "audit"
LONGEST = 36_500  # days


class AuditPurge(Part):
    """Entries older than RETENTION_DAYS_AUDIT, oldest first."""

    def rules(self) -> list[str]:
        days = settings.RETENTION_DAYS_AUDIT
        if not 0 <= days <= LONGEST:
            raise RetentionError(f"RETENTION_DAYS_AUDIT: {days} is not between 0 and {LONGEST} days")
        return [f"{RULE}: {days} days" if days else f"{RULE}: for ever"]

    def _due(self) -> QuerySet[AuditEntry]:
        if not settings.RETENTION_DAYS_AUDIT:
            return AuditEntry.objects.none()
        before = self.now - timedelta(days=settings.RETENTION_DAYS_AUDIT)
        return AuditEntry.objects.filter(timestamp__lt=before)

    def count(self) -> Tally:
        return Counter({(RULE, "entries"): self._due().count()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        while not stopping():
            with transaction.atomic(using=ALIAS):
                rows = self._due().order_by("timestamp", "id").values_list("pk", flat=True)
                keys = list(rows[:ENTRIES_A_BATCH])
                if not keys:
                    return
                AuditEntry.objects.filter(pk__in=keys).delete()
                yield Counter({(RULE, "entries"): len(keys)})

    def report(self, tally: Tally) -> list[str]:
        return [f"{self.rules()[0]}: {tally[RULE, 'entries']} entries"]

    def kept_for_shipping(self) -> str:
        return ""
