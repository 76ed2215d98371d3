"""One purge over the sources and what else apps register, and the record of it.

A batch is one small transaction: its rows and the count of them in PurgeRun, so that what the run says is true
whenever it ends. A run that ends early leaves nothing half-done; the next one finds what is left.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from logsite.audit import EventType, Severity, current_reader
from logsite.audit import record as audit
from logsite.housekeeping.models import PurgeRun, PurgeStatus
from logsite.records import LogSource, after, lowest_needed, sources

BATCH_ROWS = 1000
LONGEST_DAYS = 36_500
Tally = Counter[tuple[str, str]]  # how many rows: by a rule's name, and by what they are


class RetentionError(ValueError):
    """A setting that cannot be read; the text names it."""


class Part(ABC):
    """One app's part of one purge. `now` is when the purge began."""

    def __init__(self, now: datetime, *, even_unshipped: bool) -> None:
        self.now = now
        self.even_unshipped = even_unshipped

    @abstractmethod
    def rules(self) -> list[str]:
        """Its rules in words, with the days. Raises RetentionError for a setting that cannot be read."""

    @abstractmethod
    def count(self) -> Tally:
        """What `batches` would remove."""

    @abstractmethod
    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        """Remove one batch after another; say what was in it inside the transaction of each."""

    @abstractmethod
    def report(self, tally: Tally) -> list[str]:
        """A line for each rule, with the numbers of `tally`: `containers: 90 days: 5 entries`."""

    @abstractmethod
    def kept_for_shipping(self) -> str:
        """What is due and stays, because a reader has not got it yet: `3 sessions`; empty when nothing does."""


class AgedRows(Part):
    """The rows of one source that are older than its setting's days and that every reader has got."""

    def __init__(self, source: LogSource, setting: str, now: datetime, *, even_unshipped: bool) -> None:
        super().__init__(now, even_unshipped=even_unshipped)
        self.source = source
        self.days = days_of(setting)
        self.needed = None if even_unshipped else lowest_needed(source.name)

    def rules(self) -> list[str]:
        return [f"{self.source.name}: {self.days} days" if self.days else f"{self.source.name}: for ever"]

    def count(self) -> Tally:
        return Counter({(self.source.name, "entries"): self._removable().count()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        yield from removed(self._removable(), (self.source.name, "entries"), stopping)

    def report(self, tally: Tally) -> list[str]:
        return [f"{rule}: {tally[self.source.name, 'entries']} entries" for rule in self.rules()]

    def kept_for_shipping(self) -> str:
        kept = self._due().count() - self._removable().count()
        return f"{self.source.name}: {kept}" if kept else ""

    def _due(self) -> QuerySet[Any]:
        rows = self.source.queryset().select_related(None)
        if not self.days:
            return rows.none()
        return rows.filter(timestamp__lt=self.now - timedelta(days=self.days)).order_by("timestamp", "id")

    def _removable(self) -> QuerySet[Any]:
        return self._due() if self.needed is None else self._due().exclude(after(self.needed))


def days_of(setting: str) -> int:
    """The days of a retention setting, 0 for ever. Raises RetentionError."""
    days = int(getattr(settings, setting))
    if not 0 <= days <= LONGEST_DAYS:
        raise RetentionError(f"{setting}: {days} is not between 0 and {LONGEST_DAYS} days")
    return days


def removed(rows: QuerySet[Any], counted: tuple[str, str], stopping: Callable[[], bool]) -> Iterator[Tally]:
    """Remove `rows` batch by batch, and tell each within its transaction."""
    while not stopping():
        with transaction.atomic():
            ids = list(rows.values_list("pk", flat=True)[:BATCH_ROWS])
            rows.model._default_manager.filter(pk__in=ids).delete()
            yield Counter({counted: len(ids)} if ids else {})
        if len(ids) < BATCH_ROWS:
            return


_parts: list[type[Part]] = []


def register_purge(part: type[Part]) -> None:
    """Let `purge_logs` remove what belongs to no source, too."""
    _parts.append(part)


def _makers() -> Iterator[Callable[..., Part]]:
    for source in sources().values():
        if retention := source.retention:
            yield from retention.parts or [partial(AgedRows, source, retention.setting)]
    yield from _parts


@dataclass
class Purge:
    """One pass over everything that is due at `now`. Raises RetentionError."""

    now: datetime = field(default_factory=timezone.now)
    even_unshipped: bool = False
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.parts = [make(self.now, even_unshipped=self.even_unshipped) for make in _makers()]
        # Before anything is removed: a wrong setting must not be found half-way.
        self.rules = [rule for part in self.parts for rule in part.rules()]

    def count(self) -> Tally:
        """What `run` would remove."""
        tally: Tally = Counter()
        for part in self.parts:
            tally.update(part.count())
        return tally

    def report(self, tally: Tally) -> Iterator[str]:
        """A line for each rule, with the numbers of `tally`."""
        for part in self.parts:
            yield from part.report(tally)

    def kept_for_shipping(self) -> list[str]:
        """What is due and stays, because a destination has not got all of it yet."""
        return [kept for part in self.parts if (kept := part.kept_for_shipping())]

    def run(self, user: str = "") -> PurgeRun:
        """Remove what is due, batch by batch, until it is done or `stopping()`; the run's record."""
        _record(user, "begun", {"rules": self.rules, "even_unshipped": self.even_unshipped})
        before = PurgeRun.objects.filter(status=PurgeStatus.RUNNING)
        before.update(status=PurgeStatus.INTERRUPTED, error="it was killed")
        record = PurgeRun.objects.create(
            started=timezone.now(), user=user, rules=self.rules, even_unshipped=self.even_unshipped
        )
        try:
            for part in self.parts:
                for tally in part.batches(self.stopping):
                    with_counts(record, tally)
            record.status = PurgeStatus.INTERRUPTED if self.stopping() else PurgeStatus.SUCCESS
        except Exception as error:
            record.status, record.error = PurgeStatus.FAILED, type(error).__name__
            raise
        finally:
            record.ended = timezone.now()
            record.save(update_fields=["ended", "status", "error"])
            _record(user, "ended", {"status": record.status, "counts": record.counts, "error": record.error})
        return record


def _record(user: str, stage: str, details: dict[str, Any]) -> None:
    """Raises where the entry cannot be written: then nothing is removed."""
    details = {"stage": stage, "account": user, **details}
    event, reader = EventType.SENSITIVE_DELETE, current_reader()
    counts = [number for rule in details.get("counts", {}).values() for number in rule.values()]
    audit(event, Severity.INFO, reader, details, what="purge", target="purge_logs", count=sum(counts))


def with_counts(record: PurgeRun, tally: Tally) -> None:
    """Carry a batch into the run's record, in the transaction that removes it."""
    if not tally:
        return
    for (rule, what), number in tally.items():
        counts = record.counts.setdefault(rule, {})
        counts[what] = counts.get(what, 0) + number
    record.save(update_fields=["counts"])
