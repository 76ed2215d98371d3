"""From the bytes of `docker logs --timestamps` to lines, and from lines to entries.

Each output line is a stamp of 30 characters, a space, and the message. What is not so simple:

- Docker cuts a message every 16,384 bytes. The pieces follow one another on one output line, each with the stamp
  again: `TS piece1TS piece2`.
- The driver `local` of engine 20.10 forgets the newline after the last of several pieces: the next line follows
  on the same output line.
- A container that ends without a newline leaves an unended line. Its next start writes on the same output line.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from logsite.nanoseconds import rfc3339

PIECE = 16_384
STAMP = 31  # with the space
LONG = STAMP + PIECE  # longer output lines may consist of pieces
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_new = tuple.__new__  # a NamedTuple's own constructor takes three times as long


class Line(NamedTuple):
    """One line of one stream.

    `timestamp` is Docker's, in nanoseconds. `sequence` numbers the lines of the stream with the same timestamp,
    from 0. `length` is in bytes, of the message as Docker sent it: all its pieces, without stamps and newline.
    `text` is the message, with U+FFFD for invalid UTF-8 and NUL, and without a terminal's `\\r` at its end.
    """

    timestamp: int
    sequence: int
    length: int
    text: str


class StreamDecoder:
    """The lines of one stream of one `docker logs --timestamps`, fed in chunks of any size.

    `driver` is the container's log driver. `started_at` (ns) is when the container was last started: an unended
    line of the run before is cut off where that run's output begins. `anchor` is timestamp and length of a line
    known from an earlier reading, which ends there now, too. `running` says whether the unended last line may
    still grow.
    """

    def __init__(
        self,
        stream: str,
        *,
        tty: bool = False,
        driver: str = "json-file",
        started_at: int | None = None,
        running: bool = True,
        anchor: tuple[int, int] | None = None,
    ) -> None:
        self.stream = stream
        self.notices: list[str] = []  # lines without a stamp: docker's own words
        self._tty = tty
        self._local = driver == "local"
        self._started_at = _stamp(started_at) if started_at is not None else b""
        self._before_start = started_at is not None
        self._running = running
        self._anchor, self._anchor_length = (_stamp(anchor[0]), anchor[1]) if anchor else (b"", 0)
        self._unended: list[bytes] = []
        self._second = ""  # the stamp's first 20 characters, and the nanoseconds they mean
        self._base = 0
        self._last = -1
        self._sequence = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that `chunk` ended."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._unended.append(chunk)
            return []
        block = b"".join((*self._unended, chunk[:end]))
        self._unended = [chunk[end + 1 :]]
        return self._decode(block)

    def finish(self, *, cut: bool = False) -> list[Line]:
        """What stands after the last newline, unless it may still grow.

        `cut` says that the reading ended early: then it is never known to be whole.
        """
        rest = b"".join(self._unended)
        self._unended = []
        if not rest or cut:
            return []
        records = list(self._records(rest, edge=self._before_start))
        if not self._is_whole(*records[-1]):
            records.pop()
        return self._decode(b"\n".join(map(_joined, records))) if records else []

    def _is_whole(self, stamp: bytes, pieces: list[bytes]) -> bool:
        if not self._running or not stamp or stamp < self._started_at:
            return True  # the process that wrote it has ended; or docker said it
        return self._local and len(pieces) > 1 and len(pieces[-1]) < PIECE

    def _decode(self, block: bytes) -> list[Line]:
        block = self._straightened(block)
        return self._lines(block.replace(b"\0", "\ufffd".encode()) if b"\0" in block else block, block)

    def _straightened(self, block: bytes) -> bytes:
        """`block` with one stamp a line: pieces joined, lines parted where a newline is missing."""
        anchored = self._anchor != b"" and self._anchor in block
        if not (self._before_start or anchored or _has_long(block)):
            return block
        lines = block.split(b"\n")
        edge = self._edge(lines) if self._before_start else -1
        straight: list[bytes] = []
        for index, line in enumerate(lines):
            if index == edge or len(line) > LONG or (anchored and line.startswith(self._anchor)):
                straight += map(_joined, self._records(line, edge=index == edge))
            else:
                straight.append(line)
        return b"\n".join(straight)

    def _edge(self, lines: list[bytes]) -> int:
        """The number of the line in which the run before the last start may end; -1: in none of these."""
        for index, line in enumerate(lines):
            if line[:STAMP] >= self._started_at and _STAMP.match(line):
                self._before_start = False
                return index - 1
        return len(lines) - 1

    def _records(self, line: bytes, *, edge: bool) -> Iterator[tuple[bytes, list[bytes]]]:
        """Stamp and pieces of each message that stands on an output line; a notice has the stamp `b""`."""
        while _STAMP.match(line):
            stamp = line[:STAMP]
            # No program can know the nanosecond of its own stamp beforehand: it is no part of a message.
            pieces = line[STAMP:].split(stamp) if len(line) > LONG else [line[STAMP:]]
            end = self._end(stamp, pieces, edge)
            line = pieces[-1][end:]
            pieces[-1] = pieces[-1][:end]
            yield stamp, pieces
        if line:
            yield b"", [line]

    def _end(self, stamp: bytes, pieces: list[bytes], edge: bool) -> int:
        """Where in the last piece the message ends: at the stamp of another one, or at the piece's end."""
        last = pieces[-1]
        if stamp == self._anchor:
            end = self._anchor_length - sum(map(len, pieces[:-1]))
            if end >= 0 and _STAMP.match(last, end):
                return end
        for match in _STAMP.finditer(last):
            if edge and stamp < self._started_at <= match[0]:
                self._before_start = False
                return match.start()
            if self._local and len(pieces) > 1 and match[0] > stamp and match.start() <= PIECE:
                return match.start()
        return len(last)

    def _lines(self, block: bytes, original: bytes) -> list[Line]:
        """The lines of a block that has one stamp a line. `original` has the lengths."""
        texts = block.decode("utf-8", "replace").split("\n")
        sizes = map(len, texts if original.isascii() else original.split(b"\n"))
        second, base, last, sequence = self._second, self._base, self._last, self._sequence
        lines: list[Line] = []
        append = lines.append
        for text, size in zip(texts, sizes, strict=True):
            fraction = text[20:29]
            if text[:20] != second or text[29:31] != "Z " or not fraction.isdecimal():
                if not _STAMP.match(text.encode()) or (moment := _seconds(text)) is None:
                    self.notices.append(text)
                    continue
                second, base = text[:20], moment
            timestamp = base + int(fraction)
            if timestamp == last:
                sequence += 1
            else:
                last = timestamp
                sequence = 0
            append(_new(Line, (timestamp, sequence, size - STAMP, text[STAMP:])))
        self._second, self._base, self._last, self._sequence = second, base, last, sequence
        if self._tty:
            return [line._replace(text=line.text.removesuffix("\r")) for line in lines]
        return lines


def _stamp(nanoseconds: int) -> bytes:
    return f"{rfc3339(nanoseconds)} ".encode()


def _seconds(stamp: str) -> int | None:
    """The nanoseconds of a stamp without its fraction; None where there is no such day or time."""
    try:
        moment = datetime.fromisoformat(stamp[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000_000


def _joined(record: tuple[bytes, list[bytes]]) -> bytes:
    stamp, pieces = record
    return stamp + b"".join(pieces)


def _has_long(block: bytes) -> bool:
    """Whether there may be a line of more than `LONG` bytes: it would fill one of these windows wholly."""
    return any(block.find(b"\n", start, start + PIECE // 2) < 0 for start in range(0, len(block), PIECE // 2))
