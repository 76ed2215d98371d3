"""Records as Loki entries: labels, lines and structured metadata.

Everything here is a pure function of the record (and of the settings): an entry that is sent again is the
same to the byte, and Loki keeps it once.
"""

import json
import json.encoder
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from logsite.records import Cursor, LogRecord, line_of
from logsite.text.cutting import cut_place
from shipping.receivers.base import Item

_quote: Callable[[str], str] = json.encoder.encode_basestring  # written in C
_first = itemgetter(0)
REQUEST_BYTES = len(b'{"streams":[]}')
STREAM_BYTES = len(b'{"stream":,"values":[]},')  # beside its labels
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, slots=True)
class Entry(Item):
    """One line for Loki. `stream` is the stream's labels and `payload` the entry, both as JSON in UTF-8.

    `timestamp` is in nanoseconds since the epoch. `size` is without the stream, which a request names once.
    """

    timestamp: int
    stream: bytes

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = json.loads(self.stream)
        return labels

    @property
    def line(self) -> str:
        line: str = json.loads(self.payload)[1]
        return line


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns records into entries, given the label `job`, the longest line in bytes, whether this is a backfill,
    and how much of an output is shipped, 0 for all."""

    job: str
    line_bytes: int
    backfill: bool = False
    output_characters: int = 0

    def entries(self, cursor: Cursor, record: LogRecord) -> list[Entry]:
        """The record as one entry, or as several where its line is longer than Loki takes."""
        stream = stream_json(self.job, record.source, self.backfill, tuple(record.labels.items()))
        parts = split_line(line_of(record, self.output_characters), self.line_bytes)
        metadata = _metadata_json(record)
        if len(parts) == 1:
            return [_entry(cursor, "", record.timestamp, stream, parts[0], metadata)]
        names = [f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)]
        return [
            _entry(cursor, name, record.timestamp, stream, line, f'"part":"{name}",{metadata}')
            for name, line in zip(names, parts, strict=True)
        ]


def stream_bytes(stream: bytes) -> int:
    """The bytes by which a request grows for a stream that it names for the first time."""
    return len(stream) + STREAM_BYTES


def split_line(line: str, limit: int) -> list[str]:
    """`line` cut into pieces of at most `limit` bytes of UTF-8, never inside a character.

    Joined, the pieces give the line again. `limit` is at least 4, the longest character.
    """
    if len(line) * 4 <= limit:
        return [line]
    data = line.encode("utf-8", "replace")
    if len(data) <= limit:
        return [line]
    pieces = []
    start = 0
    while start < len(data):
        end = cut_place(data, start + limit)
        pieces.append(data[start:end].decode("utf-8"))
        start = end
    return pieces


@lru_cache(maxsize=4096)
def stream_json(job: str, source: str, backfill: bool, labels: tuple[tuple[str, str], ...]) -> bytes:
    """The labels of a stream as JSON: ours first, then the record's, sorted, without the empty ones."""
    own = {"job": job, "source": source}
    if backfill:
        own["backfill"] = "true"
    return _encode(f"{{{_pairs(with_safe_names(own, labels))}}}")


def with_safe_names(own: Mapping[str, str], found: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """`own` and then `found`, sorted, with names Loki takes and values as text; empty values are left out.

    Two names that become the same are kept apart by a number, so that neither value is lost.
    """
    named = dict(own)
    for name, value in sorted(found, key=_first):
        if text := value if type(value) is str else as_text(value):
            safe = free = safe_name(name)
            number = 2
            while free in named:
                free, number = f"{safe}_{number}", number + 1
            named[free] = text
    return named


@lru_cache(maxsize=4096)
def safe_name(name: str) -> str:
    """`name` within [a-zA-Z][a-zA-Z0-9_]*: Loki rewrites or refuses the rest, in metadata with a 500."""
    safe = _NOT_IN_NAMES.sub("_", name).lstrip("_")
    if not safe:
        return "unnamed"
    return f"key_{safe}" if safe[0].isdigit() else safe


def as_text(value: Any) -> str:
    """A label's or attribute's value as text; None is empty, true and false are as in JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool | dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


def _metadata_json(record: LogRecord) -> str:
    """The structured metadata as the inside of a JSON object."""
    own = {"row_id": str(record.id)}
    if record.level:
        own["level"] = record.level
    attributes = record.attributes
    if "part" in attributes:  # ours, where a line is split
        attributes = {f"{name}_2" if name == "part" else name: value for name, value in attributes.items()}
    return _pairs(with_safe_names(own, attributes.items()))


def _pairs(named: Mapping[str, str]) -> str:
    """The inside of a JSON object; the names need no escaping."""
    return ",".join([f'"{name}":{_quote(text)}' for name, text in named.items()])


def _entry(cursor: Cursor, part: str, timestamp: int, stream: bytes, line: str, metadata: str) -> Entry:
    payload = _encode(f'["{timestamp}",{_quote(line)},{{{metadata}}}]')
    return Entry(cursor, part, payload, len(payload) + len(b","), timestamp, stream)


def _encode(text: str) -> bytes:
    # Half a surrogate pair has no UTF-8; Loki would refuse the whole request for it.
    return text.encode("utf-8", "replace")
