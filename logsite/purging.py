"""What `purge_logs` removes: log apps register their parts in `AppConfig.ready`."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

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


def purge_parts(now: datetime, *, even_unshipped: bool) -> list[Part]:
    """The parts of one purge, in the order in which their apps registered them."""
    return [part(now, even_unshipped=even_unshipped) for part in _parts]
