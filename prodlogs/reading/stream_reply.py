"""One stream of one reply of `docker logs`: which of its lines are new.

A reply begins with lines that were stored before. Until the stream's anchor shows, its bytes are spooled without
decoding. The states:

- `_Searching`: looks for the anchor's time among the bytes;
- `_Confirming`: decodes from that time on, and looks for the anchor among the lines;
- `_Spooling`: where the anchor is can only be told at the end of the reply (`locate`);
- `_Open`: the anchor has shown, or the stream needs none. Each line is new.
"""

import re
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import NamedTuple

from logsite.lines import Line
from logsite.tables.nanoseconds import from_rfc3339, rfc3339
from prodlogs.docker.decoder import StreamDecoder

STAMP_CHARACTERS = 30  # of Docker's time
SPOOL_MEMORY_BYTES = 4 * 1024**2  # a larger spool is a file
REPLAY_BYTES = 256 * 1024  # read back from the spool at once
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", re.ASCII)  # 2026-01-31T12:00:00.123456789Z


class Anchor(NamedTuple):
    """The last line of a stream that was read."""

    timestamp: int
    sequence: int
    length: int

    @classmethod
    def of(cls, line: Line) -> "Anchor":
        return cls(line.timestamp, line.sequence, line.length)


class _Spooling:
    """`feed` returns no line: only the end of the reply tells which lines are new."""

    decoder = None

    def feed(self, chunk: bytes) -> "tuple[_State, list[Line]]":
        return self, []


class _Searching:
    decoder = None

    def __init__(self, anchor: Anchor, make: Callable[[], StreamDecoder]) -> None:
        self._anchor, self._make = anchor, make
        self._stamp = rfc3339(anchor.timestamp).encode()
        self._passed, self._tail = 0, b""  # bytes before the tail; the last bytes, which may begin the stamp

    def feed(self, chunk: bytes) -> "tuple[_State, list[Line]]":
        window = self._tail + chunk
        at = window.find(self._stamp)
        if at < 0:
            self._tail = window[1 - len(self._stamp) :]
            self._passed += len(window) - len(self._tail)
            return self, []
        if self._passed + at == 0:
            return _Spooling(), []  # see `starts_at_anchor`
        return _Confirming(self._anchor, self._make()).feed(window[at:])


class _Confirming:
    def __init__(self, anchor: Anchor, decoder: StreamDecoder) -> None:
        self._anchor, self.decoder = anchor, decoder

    def feed(self, chunk: bytes) -> "tuple[_State, list[Line]]":
        lines = self.decoder.feed(chunk)
        for index, line in enumerate(lines):
            if Anchor.of(line) == self._anchor:
                return _Open(self.decoder), lines[index + 1 :]
            if line.timestamp != self._anchor.timestamp:
                return _Spooling(), []  # the time stood in a line's text
        return self, []


class _Open:
    def __init__(self, decoder: StreamDecoder) -> None:
        self.decoder = decoder

    def feed(self, chunk: bytes) -> "tuple[_State, list[Line]]":
        return self, self.decoder.feed(chunk)


_State = _Searching | _Confirming | _Spooling | _Open


class StreamReply:
    """`feed` returns the lines that are known to be new; at the end `locate` and `rest` read the spool.

    A reply of more than `limit` bytes before its anchor sets `overflow`: its bytes are not kept.
    """

    def __init__(
        self, anchor: Anchor | None, make: Callable[[], StreamDecoder], limit: int, *, opened: bool = False
    ) -> None:
        self.anchor, self._make, self._limit = anchor, make, limit
        self.size = self.records = 0
        self.first = self.last = b""  # the first bytes, the last one
        self.overflow = False
        self._spool = SpooledTemporaryFile(SPOOL_MEMORY_BYTES)  # noqa: SIM115  closed by close()
        self._state: _State = _Searching(anchor, make) if anchor else _Spooling()
        if opened:
            self._state = _Open(make())

    @property
    def opened(self) -> bool:
        """The anchor has shown, or the stream needs none: each line that comes is new."""
        return isinstance(self._state, _Open)

    @property
    def shedding(self) -> bool:
        """The decoder is amid a line of which it keeps only the ends."""
        return self._state.decoder is not None and self._state.decoder.shedding

    @property
    def starts_at_anchor(self) -> bool:
        """The reply may begin amid the lines of the anchor's time, and these cannot be counted then."""
        return self.anchor is not None and self.beginning == self.anchor.timestamp

    @property
    def beginning(self) -> int | None:
        """The time (ns) of the reply's first line; None for a line without a time."""
        match = _STAMP.match(self.first)
        return from_rfc3339(match[0].decode()) if match else None

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines in `chunk` that are known to be new."""
        self.records += chunk.count(b"Z ") + (self.last == b"Z" and chunk[:1] == b" ")
        if len(self.first) < STAMP_CHARACTERS:
            self.first += chunk[: STAMP_CHARACTERS - len(self.first)]
        self.size, self.last = self.size + len(chunk), chunk[-1:]
        if not self.opened:
            self._put_aside(chunk)
        self._state, lines = self._state.feed(chunk)
        return lines

    def _put_aside(self, chunk: bytes) -> None:
        self.overflow = self.overflow or self.size > self._limit
        if not self.overflow:
            self._spool.write(chunk)

    def locate(self) -> tuple[int | None, int]:
        """How many spooled lines are old (None: the anchor is not there), and how many have the first line's time."""
        found, run, first = None, 0, None
        if self.anchor is None or isinstance(self._state, _Searching):
            return None, 0
        for number, line in enumerate(line for lines in self._decoded(self._make()) for line in lines):
            first = line.timestamp if first is None else first
            run += line.timestamp == first and run == number
            if Anchor.of(line) == self.anchor:
                found = number + 1
            if found and run <= number:
                break
        return found, run

    def is_end_of_anchor(self) -> bool:
        """The log's first line is the end of the anchor, of which the beginning was rotated away."""
        lines = [line for lines in self._decoded(self._make()) for line in lines][:2]
        return bool(
            self.anchor
            and self.anchor.sequence == 0
            and lines
            and lines[0].timestamp == self.anchor.timestamp
            and lines[0].length < self.anchor.length
            and (len(lines) == 1 or lines[1].timestamp != self.anchor.timestamp)
        )

    def rest(self, skip: int) -> Iterator[list[Line]]:
        """The spooled lines after the first `skip`; then the line after the last newline, where it is whole."""
        if isinstance(self._state, _Open):
            yield self._state.decoder.finish()
            return
        for lines in self._decoded(self._make()):
            yield lines[skip:]
            skip = max(0, skip - len(lines))

    def _decoded(self, decoder: StreamDecoder) -> Iterator[list[Line]]:
        self._spool.seek(0)
        while chunk := self._spool.read(REPLAY_BYTES):
            yield decoder.feed(chunk)
        yield decoder.finish()

    def close(self) -> None:
        self._spool.close()
