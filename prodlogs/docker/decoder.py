"""From the bytes of `docker logs --timestamps` to lines, and from lines to entries.

Each output line is a stamp of 30 characters, a space, and the message. What is not so simple:

- Docker cuts a message every 16,384 bytes. The pieces follow one another on one output line, each with the stamp
  again: `TS piece1TS piece2`.
- The driver `local` of engine 20.10 forgets the newline after the last of several pieces: the next line follows
  on the same output line.
- A container that ends without a newline leaves an unended line. Its next start writes on the same output line.
- A line may be as long as its program likes, without a newline for hours: its middle is counted, not held.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import compress, repeat

from logsite.lines import Line
from logsite.tables.nanoseconds import rfc3339

PIECE = 16_384
STAMP = 31  # with the space
# Docker notes when it started a container after the container may have written: by so many nanoseconds at most.
SETTLING = 5_000_000_000
LONG = STAMP + PIECE  # longer output lines may consist of pieces
MOST_NOTICES = 100
SLACK = 1024**2  # bytes over the longest line that are held before its middle is let go
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
_PREFIX = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.", re.ASCII)
_new = tuple.__new__  # a NamedTuple's own constructor takes three times as long


class StreamDecoder:
    """The lines of one stream of one `docker logs --timestamps`, fed in chunks of any size.

    `driver` is the container's log driver. `started_at` (ns) is when the container was last started: an unended
    line of the run before is cut off where that run's output begins. `anchor` is timestamp and length of a line
    known from an earlier reading, which ends there now, too. `running` says whether the unended last line may
    still grow, `looping` whether the container was restarted more than once: then any run before the last may have
    ended without a newline. Of a line over `longest` bytes the middle is not kept.
    """

    def __init__(
        self,
        stream: str,
        *,
        tty: bool = False,
        driver: str = "json-file",
        started_at: int | None = None,
        running: bool = True,
        looping: bool = False,
        anchor: tuple[int, int] | None = None,
        longest: int = 1024**2,
    ) -> None:
        self.stream = stream
        self.notices: list[
            str
        ] = []  # lines without a stamp: docker's own words, or a login shell's; the first few
        self._tty = tty
        self._local = driver == "local"
        self._torn = self._local  # a reply of the last N records may begin with the last piece of a line
        self._started_at = _stamp(started_at) if started_at is not None else b""
        self._settling = _stamp(started_at - SETTLING) if started_at is not None else b""
        self._before_start = started_at is not None
        self._running, self._looping = running, looping
        self._anchor, self._anchor_length = (_stamp(anchor[0]), anchor[1]) if anchor else (b"", 0)
        self._unended: list[bytes] = []
        self._longest, self._held = longest, 0
        self._dropped = 0  # bytes of the unended line that are not kept
        self._seconds = _Seconds()
        self._last = -1
        self._sequence = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that `chunk` ended."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._unended.append(chunk)
            self._held += len(chunk)
            return self._shed() if self._held > self._longest + SLACK else []
        block = b"".join((*self._unended, chunk[:end]))
        self._unended = [chunk[end + 1 :]]
        self._held = len(chunk) - end - 1
        return self._decode(block)

    @property
    def shedding(self) -> bool:
        """A line that is not kept whole is under way."""
        return self._dropped > 0

    def _shed(self) -> list[Line]:
        """Let go of what is too much of the unended output line: the lines that are whole on it, which the driver
        `local` writes one after the other, and of the last one its middle."""
        held = b"".join(self._unended)
        if not _STAMP.match(held):  # docker's own words
            self._keep(held[: self._longest])
            return []
        *whole, (stamp, pieces) = self._records(held, self._before_start, b"")
        lines = self._lines_of(b"\n".join(map(_joined, whole))) if whole else []
        self._keep(stamp + stamp.join(pieces))
        if self._held > self._longest + SLACK:
            self._shed_middle(stamp)
        return lines

    def _shed_middle(self, stamp: bytes) -> None:
        """In whole pieces; the last one shows where the line ends."""
        held = self._unended[0]
        start, end = held.find(stamp, self._longest), held.rfind(stamp)
        if not 0 < start < end:  # not in pieces, as another engine may write it
            start, end = self._longest, len(held) - PIECE
        middle = held[start:end]
        self._dropped += len(middle) - STAMP * middle.count(stamp)
        self._keep(held[:start] + held[end:])

    def _keep(self, held: bytes) -> None:
        self._unended, self._held = [held], len(held)

    def finish(self, *, cut: bool = False) -> list[Line]:
        """What stands after the last newline, unless it may still grow.

        `cut` says that the reading ended early: then it is never known to be whole.
        """
        rest = b"".join(self._unended)
        self._unended, self._held = [], 0
        if not rest or cut:
            return []
        records = list(self._records(rest, self._before_start, b""))
        if not self._is_whole(*records[-1]):
            records.pop()
        return self._lines_of(b"\n".join(map(_joined, records))) if records else []

    def _is_whole(self, stamp: bytes, pieces: list[bytes]) -> bool:
        if not self._running or not stamp:
            return True
        if len(pieces[-1]) >= PIECE:
            return stamp < self._settling
        # Docker writes a short piece at the end only: of the line, or of the process.
        return stamp < self._started_at or (self._local and len(pieces) > 1)

    def _decode(self, block: bytes) -> list[Line]:
        return self._lines_of(self._straightened(block))

    def _lines_of(self, block: bytes) -> list[Line]:
        """The lines of a block that has one stamp a line; the first one's middle may have been let go."""
        lines = self._lines(block.replace(b"\0", "\ufffd".encode()) if b"\0" in block else block, block)
        if self._dropped and lines:
            first, missing, self._dropped = lines[0], self._dropped, 0
            lines[0] = first._replace(length=first.length + missing, dropped=missing)
        return lines

    def _straightened(self, block: bytes) -> bytes:
        """`block` with one stamp a line: pieces joined, lines parted where a newline is missing."""
        anchored = self._anchor != b"" and self._anchor in block
        if not (self._before_start or anchored or self._torn or _has_long(block)):
            return block
        lines = block.split(b"\n")
        followers = [*lines[1:], b"".join(self._unended)]
        edges = self._edges(lines) if self._before_start else range(0)
        straight: list[bytes] = []
        for index, line in enumerate(lines):
            if (
                self._torn
                or index in edges
                or len(line) > LONG
                or (anchored and line.startswith(self._anchor))
            ):
                straight += map(_joined, self._records(line, index in edges, followers[index][:STAMP]))
            else:
                straight.append(line)
        return b"\n".join(straight)

    def _edges(self, lines: list[bytes]) -> range:
        """The numbers of the lines in which the run before the last start may end, or any run before that."""
        first = 0 if self._looping else len(lines) - 1
        for index, line in enumerate(lines):
            if line[:STAMP] < self._settling or not _STAMP.match(line):
                continue
            first = min(first, max(0, index - 1))
            if line[:STAMP] >= self._started_at:
                self._before_start = False
                return range(first, index)
        return range(first, len(lines))

    def _records(self, line: bytes, edge: bool, following: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
        """Stamp and pieces of each message that stands on an output line; a notice has the stamp `b""`.

        `edge`: a run may end on it. `following` is the next output line's stamp, as far as it is known.
        """
        while _STAMP.match(line):
            stamp = line[:STAMP]
            # No program can know the nanosecond of its own stamp beforehand: it is no part of a message.
            pieces = line[STAMP:].split(stamp) if len(line) > LONG else [line[STAMP:]]
            end = self._end(stamp, pieces, edge, following)
            self._torn = False
            line = pieces[-1][end:]
            pieces[-1] = pieces[-1][:end]
            yield stamp, pieces
        if line:
            yield b"", [line]

    def _end(self, stamp: bytes, pieces: list[bytes], edge: bool, following: bytes) -> int:
        """Where in the last piece the message ends: at the stamp of another one, or at the piece's end."""
        last = pieces[-1]
        if stamp == self._anchor:
            end = self._anchor_length - self._dropped - sum(map(len, pieces[:-1]))
            if end == len(last) or (end >= 0 and _STAMP.match(last, end)):
                return end
        for match in _STAMP.finditer(last):
            if match[0] <= stamp or (_STAMP.match(following) and match[0] > following):
                continue  # a time of the message's own
            if edge and (
                match[0] >= self._settling or self._is_earlier_start(last, match.start(), following)
            ):
                return match.start()
            if self._local and (len(pieces) > 1 or self._torn) and match.start() <= PIECE:
                return match.start()
        return len(last)

    def _is_earlier_start(self, text: bytes, at: int, following: bytes) -> bool:
        """Whether a run before the last one may begin there. «next run at …» is a time in a message."""
        return self._looping and text[at - 1 : at] != b" " and bool(_STAMP.match(following))

    def _lines(self, block: bytes, original: bytes) -> list[Line]:
        """The lines of a block that has one stamp a line. `original` has the lengths."""
        texts = block.decode("utf-8", "replace").split("\n")
        sizes = list(map(len, texts if original.isascii() else original.split(b"\n")))
        if (timestamps := self._timestamps(texts)) is None:
            texts, sizes = self._without_notices(texts, sizes)
            timestamps = self._timestamps(texts) or []
        messages = [text[STAMP:] for text in texts]
        if self._tty:
            messages = [message.removesuffix("\r") for message in messages]
        lengths = [size - STAMP for size in sizes]
        none = repeat(0, len(texts))
        columns = zip(timestamps, self._sequences(timestamps), lengths, messages, none, strict=True)
        return list(map(_new, repeat(Line), columns))

    def _timestamps(self, texts: list[str]) -> list[int] | None:
        """The time of each line, or None where one has none. By columns: a loop takes twice as long."""
        if not {text[29:31] for text in texts} <= {"Z "}:
            return None
        try:
            return [self._seconds[text[:20]] + int(text[20:29]) for text in texts]
        except ValueError:
            return None

    def _without_notices(self, texts: list[str], sizes: list[int]) -> tuple[list[str], list[int]]:
        stamped = [_is_stamped(text) for text in texts]
        found = [text for text, is_line in zip(texts, stamped, strict=True) if not is_line]
        self.notices += found[: MOST_NOTICES - len(self.notices)]
        return list(compress(texts, stamped)), list(compress(sizes, stamped))

    def _sequences(self, timestamps: list[int]) -> list[int]:
        """Each line's number among the lines with the same time, the lines fed before counted in."""
        if not timestamps:
            return []
        last, sequence = self._last, self._sequence
        self._last = timestamps[-1]
        if last != timestamps[0] and len(set(timestamps)) == len(timestamps):
            self._sequence = 0
            return [0] * len(timestamps)
        sequences = []
        for timestamp in timestamps:
            sequence = sequence + 1 if timestamp == last else 0
            last = timestamp
            sequences.append(sequence)
        self._sequence = sequence
        return sequences


class _Seconds(dict[str, int]):
    """The nanoseconds that the first 20 characters of a stamp mean. Raises ValueError for all else."""

    def __missing__(self, prefix: str) -> int:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(prefix)
        moment = datetime.fromisoformat(prefix[:19]).replace(tzinfo=UTC)
        if len(self) > 1_000:
            self.clear()
        self[prefix] = nanoseconds = int(moment.timestamp()) * 1_000_000_000
        return nanoseconds


def _is_stamped(text: str) -> bool:
    try:
        return bool(_STAMP.match(text[:STAMP].encode()) and _Seconds()[text[:20]])
    except ValueError:
        return False


def _stamp(nanoseconds: int) -> bytes:
    return f"{rfc3339(nanoseconds)} ".encode()


def _joined(record: tuple[bytes, list[bytes]]) -> bytes:
    stamp, pieces = record
    return stamp + b"".join(pieces)


def _has_long(block: bytes) -> bool:
    """Whether there may be a line of more than `LONG` bytes: it would fill one of these windows wholly."""
    return any(block.find(b"\n", start, start + PIECE // 2) < 0 for start in range(0, len(block), PIECE // 2))
