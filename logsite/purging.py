"""What `purge_logs` removes besides sessions: log apps register their parts in `AppConfig.ready`."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar

Tally = Counter[tuple[str, str]]  # how many rows: by a rule's name, and by what they are


class Part(ABC):
    """One app's part of a purge. `now` is when the run began."""

    name: ClassVar[str]  # of its one rule
    removes: ClassVar[tuple[str, ...]]  # what it counts

    @abstractmethod
    def rule(self) -> str:
        """Its rule in words, with the days. Raises ValueError for a setting out of range."""

    @abstractmethod
    def count(self, now: datetime, *, even_unshipped: bool) -> Tally:
        """What `batches` would remove."""

    @abstractmethod
    def batches(
        self, now: datetime, *, even_unshipped: bool, stopping: Callable[[], bool]
    ) -> Iterator[Tally]:
        """Remove one batch after another; say what was in it inside the transaction of each."""

    @abstractmethod
    def kept_for_shipping(self, now: datetime) -> int:
        """How many rows are due and stay, because a reader has not got them yet."""


_parts: list[Part] = []


def register_purge(part: Part) -> None:
    """Let `purge_logs` remove this, too."""
    _parts.append(part)


def purge_parts() -> list[Part]:
    return list(_parts)
