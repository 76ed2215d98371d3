"""Reads a container's log from where the last reading ended, and proves that nothing lies between.

The proof rests on the log and not on clocks. A reading asks for the last N records (`--tail N`) and looks for
the line that was read last, the stream's anchor: time, number among the lines of that time, and length. One
reply is one stretch of one log file for both streams, so

- what follows a stream's anchor is new;
- where only the other stream's anchor shows, and both were one place of the log (`aligned`), everything of this
  stream in the reply is new: its own anchor lies before the reply;
- where no anchor shows and the reply was cut at N, more is asked for;
- where none shows and the reply is the whole log, what was between was rotated away: a gap.

`--since` is not used for that: lines written after a host's clock was set back would be missing, and Docker
searches a whole log file for a time, but reads the last lines from the end. `--since` serves a first reading
and windows of time.

What cannot be told from outside: whether anything was lost when exactly what had been read was rotated away
(reported as a gap: lines may be missing); and whether anything was rotated away of a stream of which no line had
been stored, when the whole log was empty or its first reading broke off (not reported).
"""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import NamedTuple, Protocol

from django.conf import settings

from logsite.lines.line import Line
from logsite.tables.nanoseconds import from_rfc3339, rfc3339
from prodlogs.errors import HostError
from prodlogs.models import ErrorKind

LEAST = 100  # records asked for at least
MOST = 10_000  # records asked for at first, however many came last time
STAMP = 30  # characters of Docker's time
STREAMS = ("stdout", "stderr")
_FIRST = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", re.ASCII)
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

    @property
    def shedding(self) -> bool: ...
    def feed(self, chunk: bytes) -> list[Line]: ...
    def finish(self) -> list[Line]: ...


class Fetch(Protocol):
    """Sends `docker logs` with these options; raises HostError after what came, if it ends early."""

    def __call__(self, tail: int | None, since: int | None) -> Generator[tuple[str, bytes], None, None]: ...


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
    def shedding(self) -> bool:
        return self.decoder is not None and self.decoder.shedding

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

    def is_end_of_anchor(self) -> bool:
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

    def end(self) -> list[Line]:
        """What stands after the last newline, where that is known to be whole and was not replayed."""
        return self.decoder.finish() if self.decoder else []

    @property
    def beginning(self) -> int | None:
        """The time of the reply's first line; None for a line without a time."""
        match = _FIRST.match(self.first)
        return from_rfc3339(match[0].decode()) if match else None

    def _decoded(self, decoder: Decoder) -> Iterator[list[Line]]:
        self._spool.seek(0)
        while chunk := self._spool.read(REPLAYED):
            yield decoder.feed(chunk)
        yield decoder.finish()

    def close(self) -> None:
        self._spool.close()


def _anchor(line: Line) -> Anchor:
    return Anchor(line.timestamp, line.sequence, line.length)


class LogReader:
    """One reading of one container's log: iterate to get (stream, new lines), each stream in its order.

    `anchors` has the last line of each stream that was read before, and moves on with what is given out. After
    the end `gaps`, `error` (it ended early; what came is good), `aligned` and `emptied` (the log has no line any
    more, although lines were read of it) say what the reading is worth. A gap is known before any line after it
    is given out. `covered_from` is None for a log that was never read; then it is read from `since` on.
    """

    def __init__(
        self,
        host: str,
        fetch: Fetch,
        make: Callable[[str, Anchor | None], Decoder],
        anchors: dict[str, Anchor],
        *,
        aligned: bool = True,
        covered_from: int | None = None,
        since: int | None = None,
        tail: int = LEAST,
        running: bool = True,
    ) -> None:
        self._host, self._fetch, self._make, self._running = host, fetch, make, running
        self._since = since if covered_from is None else covered_from
        self.anchors, self.aligned = anchors, aligned
        self.tail = max(LEAST, min(tail, MOST))
        self.gaps: list[Gap] = []
        self.error: HostError | None = None
        self.emptied = False
        self.bytes = self.lines = 0
        self._taken = 0  # bytes of new lines
        # Of the last attempt: the lines of the first time, where that is the anchor's, and the reply's beginning.
        self._runs: dict[str, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[tuple[str, list[Line]]]:
        try:
            while (yield from self._attempt()):
                self.tail *= 2
        except HostError as error:
            self.error = error

    def _attempt(self) -> Generator[tuple[str, list[Line]], None, bool]:
        """Read once. The generator's value says whether more has to be asked for."""
        windowed = not self.anchors or (not self.aligned and len(self.anchors) < len(STREAMS))
        aligned, self.aligned, lines = self.aligned, False, self.lines
        sides = {stream: self._side(stream, windowed) for stream in STREAMS}
        tail, since = (None, self._since or None) if windowed else (self.tail, None)
        try:
            with closing(self._fetch(tail, since)) as fetched:
                for stream, chunk in fetched:
                    self.bytes += len(chunk)
                    yield from self._given(stream, sides[stream].feed(chunk))
                    self._check_limit(sides[stream], len(chunk))
            whole = windowed or sum(side.records for side in sides.values()) < self.tail
            found = self._found(sides, whole, aligned)
            if found is None or self._gives_up(sides, found, whole):
                self.aligned = aligned and self.lines == lines
                return True
            self._note_gaps(sides, found, aligned, whole)
            yield from self._settle(sides, found, windowed)
        finally:
            for side in sides.values():
                side.close()
        return False

    def _side(self, stream: str, windowed: bool) -> _Side:
        anchor = self.anchors.get(stream)
        make = partial(self._make, stream, anchor)
        return _Side(anchor, make, settings.PRODLOGS_BYTE_LIMIT, at_once=windowed and anchor is None)

    def _given(self, stream: str, lines: list[Line]) -> Iterator[tuple[str, list[Line]]]:
        if lines:
            self.anchors[stream] = _anchor(lines[-1])
            self.lines += len(lines)
            yield stream, lines

    def _check_limit(self, side: _Side, size: int) -> None:
        if side.opened:
            self._taken += size
        # Not amid a line of which only the ends are held: the next reading would begin with it again.
        if self._taken > settings.PRODLOGS_BYTE_LIMIT and not side.shedding:
            raise self._too_much("new")

    def _too_much(self, what: str) -> HostError:
        limit = settings.PRODLOGS_BYTE_LIMIT
        reason = f"more than {limit:,} {what} bytes (PRODLOGS_BYTE_LIMIT): the next reading goes on there"
        return HostError(self._host, ErrorKind.LIMIT, reason)

    def _found(self, sides: dict[str, _Side], whole: bool, aligned: bool) -> dict[str, int] | None:
        """How many lines to skip of each stream put aside that shows its anchor; None: ask for more."""
        found: dict[str, int] = {}
        certain, beginning = True, _beginning(sides) or 0
        for stream, side in sides.items():
            if side.opened:
                continue
            skip, run = side.locate()
            if side.starts_at_anchor and not whole:
                # Were the first record amid the anchor's run, a reply that begins before it would show more of it.
                earlier_run, earlier_beginning = self._runs.get(stream, (0, 0))
                more = beginning < earlier_beginning
                certain = certain and skip is not None and more and run == earlier_run
                self._runs[stream] = run, beginning
            elif side.starts_at_anchor and skip is None and side.is_end_of_anchor():
                skip = 1
            if skip is not None:
                found[stream] = skip
        absent = any(not side.opened and stream not in found for stream, side in sides.items())
        proved = not absent or whole or (aligned and _shown(sides, found))
        return found if certain and proved else None

    def _gives_up(self, sides: dict[str, _Side], found: dict[str, int], whole: bool) -> bool:
        """A log without an anchor that is too large to be put aside is read anew, from its beginning."""
        if not whole or _shown(sides, found) or not any(side.overflow for side in sides.values()):
            return False
        self._note_gaps(sides, found, True, True)
        self.anchors.clear()
        self._since = None
        return True

    def _note_gaps(self, sides: dict[str, _Side], found: dict[str, int], aligned: bool, whole: bool) -> None:
        absent = {
            stream: side.anchor.timestamp
            for stream, side in sides.items()
            if side.anchor and not side.opened and stream not in found
        }
        if not whole or not absent or (aligned and _shown(sides, found)):
            return
        before = _beginning(sides)
        self.emptied = before is None
        if aligned:
            absent = {BOTH: max(absent.values())}
        self.gaps += [Gap(stream, after, before) for stream, after in absent.items()]

    def _settle(
        self, sides: dict[str, _Side], found: dict[str, int], windowed: bool
    ) -> Iterator[tuple[str, list[Line]]]:
        """Give out what was put aside and is new, and the ends."""
        held = False
        for stream, side in sides.items():
            if not side.opened:
                if side.overflow:
                    raise self._too_much("unexplained")
                for lines in side.replay(found.get(stream, 0)):
                    if side.anchor is None and not windowed:
                        lines = [line for line in lines if line.timestamp >= (self._since or 0)]
                    yield from self._given(stream, lines)
            yield from self._given(stream, side.end())
            held = held or (self._running and side.size > 0 and side.last != b"\n")
        self.aligned = not held


def _beginning(sides: dict[str, _Side]) -> int | None:
    """The time of the reply's first line; None for a line without a time."""
    return min((side.beginning for side in sides.values() if side.beginning is not None), default=None)


def _shown(sides: dict[str, _Side], found: dict[str, int]) -> bool:
    """Whether some stream shows its anchor."""
    return bool(found) or any(side.anchor and side.opened for side in sides.values())
