"""Loki as a receiver: which entries are sent together, and what comes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from logsite.records import Cursor, LogRecord
from shipping.receivers.base import Item, Push, Receiver, Refusal
from shipping.receivers.loki.client import LokiClient
from shipping.receivers.loki.encoding import REQUEST_BYTES, Encoder, Entry, stream_bytes

# Loki refuses entries more than an hour behind their stream's newest one, even if it has stored them before. A push
# that spans no more than that per stream can be sent again, whole or in halves, and each entry gets the same verdict
# as the first time.
STREAM_SPAN_NANOSECONDS = 3600 * 10**9


@dataclass(eq=False)
class LokiReceiver(Receiver):
    """Encodes by `encoder`, sends by `client`. The notes of a push are the first and last time of each stream."""

    client: LokiClient
    encoder: Encoder

    def encode(self, cursor: Cursor, record: LogRecord) -> list[Item]:
        return cast(list[Item], self.encoder.entries(cursor, record))

    def fits(self, push: Push, items: Sequence[Item]) -> bool:
        first = cast(Entry, items[0])
        own = 0 if first.stream in push.notes else stream_bytes(first.stream)
        low, high = push.notes.get(first.stream, (first.timestamp, first.timestamp))
        low, high = min(low, first.timestamp), max(high, first.timestamp)
        size = REQUEST_BYTES + push.size + own + sum([item.size for item in items])
        if push.items and (size > self.client.request_bytes or high - low > STREAM_SPAN_NANOSECONDS):
            return False
        push.notes[first.stream] = (low, high)
        push.size += own
        return True

    def deliver(self, items: Sequence[Item], *, uncertain: bool) -> list[Refusal]:
        return self.client.deliver(cast(Sequence[Entry], items))  # Loki stores the same entry once

    def excerpt(self, item: Item, record: LogRecord) -> tuple[Mapping[str, str], str]:
        entry = cast(Entry, item)
        return entry.labels, entry.line

    def close(self) -> None:
        self.client.close()
