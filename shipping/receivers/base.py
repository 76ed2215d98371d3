"""What shipping asks of a receiver. The engine knows nothing of streams, spans or JSON.

A receiver is a class of its own in a module or package beside this one; `shipping/destinations.py` chooses it by the
kind of the destination.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from logsite.records import Cursor, LogRecord


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a record, ready to be sent. `size` is in bytes of a request.

    `part` is such as "2/3" where a record is sent in several pieces, and empty for a whole record.
    """

    cursor: Cursor
    part: str
    payload: Any
    size: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that the receiver will never store, with the receiver's words; `kind` is what they are counted by."""

    item: Item
    reason: str
    kind: str = ""


@dataclass(slots=True)
class Push:
    """Whole records that are sent together; the cursor moves to `end` after the receiver has dealt with them.

    `notes` are the receiver's own, by which `fits` decides without looking at all items again. `size` is that of the
    items; a receiver may add to it what its requests hold beside them.
    """

    end: Cursor
    items: list[Item] = field(default_factory=list)
    records: list[tuple[Cursor, LogRecord]] = field(default_factory=list)
    split: int = 0  # records that are sent in several items
    size: int = 0
    notes: dict[Any, Any] = field(default_factory=dict)

    def add(self, cursor: Cursor, record: LogRecord, items: Sequence[Item]) -> None:
        """Take a record with all its items."""
        self.end = cursor
        self.items.extend(items)
        self.records.append((cursor, record))
        self.split += len(items) > 1
        self.size += sum([item.size for item in items])


class Receiver(ABC):
    """Where records are shipped to. Not to be used by two threads at a time."""

    @abstractmethod
    def encode(self, cursor: Cursor, record: LogRecord) -> list[Item]:
        """The record as one item or several. The same record always gives the same items."""

    @abstractmethod
    def fits(self, push: Push, items: Sequence[Item]) -> bool:
        """Whether `items`, all of one record, may be sent together with `push`; the engine adds them then.

        An empty push is asked, too, but takes any record.
        """

    @abstractmethod
    def deliver(self, items: Sequence[Item], *, uncertain: bool) -> list[Refusal]:
        """Send `items` and return the refused ones; all others are stored there.

        `uncertain`: they may have been sent before, because this is a retry or the first push after a start. Raises
        ShippingError, and then nothing may be assumed of any item.
        """

    def excerpt(self, item: Item, record: LogRecord) -> tuple[Mapping[str, str], str]:
        """The labels and the text by which the admin shows a refused item."""
        return record.labels, record.message

    def close(self) -> None:  # noqa: B027  most hold nothing open
        """End the connection."""
