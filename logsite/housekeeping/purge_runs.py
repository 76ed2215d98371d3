"""One purge over what the log apps keep, and the record of it; apps register their parts in `AppConfig.ready`.

A batch is one small transaction: its rows and the count of them in PurgeRun, so that what the run says is true
whenever it ends. A run that ends early leaves nothing half-done; the next one finds what is left.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from logsite.housekeeping.models import PurgeRun, PurgeStatus

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


_parts: list[type[Part]] = []


def register_purge(part: type[Part]) -> None:
    """Let `purge_logs` remove this, too."""
    _parts.append(part)


@dataclass
class Purge:
    """One pass over everything that is due at `now`. Raises RetentionError."""

    now: datetime = field(default_factory=timezone.now)
    even_unshipped: bool = False
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.parts = [part(self.now, even_unshipped=self.even_unshipped) for part in _parts]
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
        return record


def with_counts(record: PurgeRun, tally: Tally) -> None:
    """Carry a batch into the run's record, in the transaction that removes it."""
    if not tally:
        return
    for (rule, what), number in tally.items():
        counts = record.counts.setdefault(rule, {})
        counts[what] = counts.get(what, 0) + number
    record.save(update_fields=["counts"])
