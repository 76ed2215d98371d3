"""Reads a container's log from where the last reading ended, and proves that nothing lies between.

The proof rests on the log and not on clocks. A reading asks for the last N records (`--tail N`) and looks for
the line that was read last, the stream's anchor: time, number among the lines of that time, and length. One
reply is one stretch of one log file for both streams, so

- what follows a stream's anchor is new;
- where only the other stream's anchor shows, and both were one place of the log (`aligned`), everything of this
  stream in the reply is new: its own anchor lies before the reply;
- where no anchor shows and the reply was cut at N, more is asked for;
- where none shows and the reply is the whole log, what was between was rotated away: a gap.

`--since` is not used for that, because lines written after a host's clock was set back would be missing. Two
things cannot be told from outside: whether anything was lost when all up to the last line read was rotated away
(reported as a gap), and whether anything was rotated away of a log that was empty when it was read last.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import NamedTuple, Protocol

from logsite.nanoseconds import from_rfc3339, rfc3339
from prodlogs.errors import HostError
from prodlogs.lines import Line
from prodlogs.models import ErrorKind

LEAST = 100  # records asked for at least
MOST = 10_000  # records asked for at first, however many came last time
STAMP = 30  # characters of Docker's time
IN_MEMORY = 4 * 1024**2  # bytes of a reply that are held in memory until it is known what they are
REPLAYED = 256 * 1024  # bytes read back at once
BOTH = "both"


class Anchor(NamedTuple):
    """The last line that was read of a stream."""

    timestamp: int
    sequence: int
    length: int


class Gap(NamedTuple):
    """Lines may be missing after `after` and before `before` (nanoseconds; None: the log is empty now)."""

    stream: str
    after: int
    before: int | None

    def as_json(self) -> dict[str, str | None]:
        before = None if self.before is None else rfc3339(self.before)
        reason = "the log no longer holds the last line that was read: it was rotated or emptied"
        return {"stream": self.stream, "after": rfc3339(self.after), "before": before, "reason": reason}


class Decoder(Protocol):
    """What `lines.StreamDecoder` does."""

    def feed(self, chunk: bytes) -> list[Line]: ...
    def finish(self) -> list[Line]: ...


class Fetch(Protocol):
    """Sends `docker logs` with these options; raises HostError after what came, if it ends early."""

    def __call__(self, tail: int | None, since: int | None) -> Iterator[tuple[str, bytes]]: ...


class _Side:
    """One stream of one reply. Until its anchor shows, what comes is put aside unread: it is known by then."""

    def __init__(self, anchor: Anchor | None, make: Callable[[], Decoder], limit: int, at_once: bool) -> None:
        self.anchor, self.limit = anchor, limit
        self._make = make
        self.decoder: Decoder | None = make() if at_once else None
        self.size = self.records = 0
        self.first = self.last = b""  # the first bytes, the last one
        self.overflow = False
        self._spool = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by close()
        self._stamp = rfc3339(anchor.timestamp).encode() if anchor else b""
        self._tail = b""
        self._seen = self._trying = False  # the anchor's time was seen; a decoder began there
        self._run: list[Line] = []

    @property
    def opened(self) -> bool:
        """Its anchor has shown, or it needs none: lines come out as they come in."""
        return self.decoder is not None and not self._trying

    @property
    def starts_at_anchor(self) -> bool:
        """The reply may begin amid the lines of the anchor's time, and these cannot be counted then."""
        return bool(self._stamp) and self.first.startswith(self._stamp)

    def feed(self, chunk: bytes) -> list[Line]:
        """The new lines in `chunk`, as far as it is known that they are new."""
        self.records += chunk.count(b"Z ") + (self.last == b"Z" and chunk[:1] == b" ")
        if len(self.first) < STAMP:
            self.first += chunk[: STAMP - len(self.first)]
        position, self.size, self.last = self.size, self.size + len(chunk), chunk[-1:]
        if self.decoder is not None and not self._trying:
            return self.decoder.feed(chunk)
        self._put_aside(chunk)
        if self.decoder is not None:
            return self._try(self.decoder.feed(chunk))
        return self._search(position, chunk)

    def _put_aside(self, chunk: bytes) -> None:
        self.overflow = self.overflow or self.size > self.limit
        if not self.overflow:
            self._spool.write(chunk)

    def _search(self, position: int, chunk: bytes) -> list[Line]:
        if self._seen or not self._stamp:
            return []
        window = self._tail + chunk
        at = window.find(self._stamp)
        start = position - len(self._tail) + at
        self._tail = window[-len(self._stamp) + 1 :]
        if at < 0:
            return []
        self._seen = True
        if start == 0:
            return []  # see starts_at_anchor
        self.decoder, self._trying = self._make(), True
        return self._try(self.decoder.feed(window[at:]))

    def _try(self, lines: list[Line]) -> list[Line]:
        """Whether the lines since the anchor's time was seen are the anchor and what follows it."""
        self._run += lines
        for index, line in enumerate(self._run):
            if _anchor(line) == self.anchor:
                self._trying = False
                found, self._run = self._run[index + 1 :], []
                return found
            if self.anchor and line.timestamp != self.anchor.timestamp:
                self.decoder, self._run = None, []  # it was in a line's text; `locate` looks again
                break
        return []

    def locate(self) -> tuple[int | None, int]:
        """How many lines of what was put aside are old, None if the anchor is not there; and the first run's size.

        The first run are the lines with the first line's time.
        """
        found, run, first = None, 0, None
        if not self._seen:
            return None, 0
        for number, line in enumerate(line for lines in self._decoded(self._make()) for line in lines):
            first = line.timestamp if first is None else first
            run += line.timestamp == first and run == number
            if _anchor(line) == self.anchor:
                found = number + 1
            if found and run <= number:
                break
        return found, run

    def is_rest_of_anchor(self) -> bool:
        """The log's first line is the end of the anchor, of which the beginning was rotated away."""
        decoder = self._make()
        lines = [line for lines in self._decoded(decoder) for line in lines][:2]
        return bool(
            self.anchor
            and self.anchor.sequence == 0
            and lines
            and lines[0].timestamp == self.anchor.timestamp
            and lines[0].length < self.anchor.length
            and (len(lines) == 1 or lines[1].timestamp != self.anchor.timestamp)
        )

    def replay(self, skip: int) -> Iterator[list[Line]]:
        """What was put aside, without its first `skip` lines."""
        self.decoder, self._trying = self._make(), False
        for lines in self._decoded(self.decoder):
            if skip < len(lines):
                yield lines[skip:]
            skip = max(0, skip - len(lines))

    def _decoded(self, decoder: Decoder) -> Iterator[list[Line]]:
        self._spool.seek(0)
        while chunk := self._spool.read(REPLAYED):
            yield decoder.feed(chunk)
        self._spool.seek(0, 2)

    def close(self) -> None:
        self._spool.close()


def _anchor(line: Line) -> Anchor:
    return Anchor(line.timestamp, line.sequence, line.length)
