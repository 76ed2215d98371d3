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

from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from typing import Protocol

from django.conf import settings

from logsite.lines import Line
from logsite.tables.nanoseconds import rfc3339
from prodlogs.docker.decoder import StreamDecoder
from prodlogs.errors import HostError
from prodlogs.models import ErrorKind
from prodlogs.reading.docker_log import STREAMS
from prodlogs.reading.results import ReadingResult
from prodlogs.reading.stream_reply import Anchor, StreamReply

MIN_TAIL_RECORDS = 100
MAX_TAIL_RECORDS = 10_000  # asked for at first, however many came last time

BOTH = "both"


def gap(stream: str, after: int, before: int | None) -> dict[str, str | None]:
    """Lines may be missing after `after` and before `before` (nanoseconds; None: the log is empty now)."""
    until = None if before is None else rfc3339(before)
    reason = "the log no longer holds the last line that was read: it was rotated or emptied"
    return {"stream": stream, "after": rfc3339(after), "before": until, "reason": reason}


class Source(Protocol):
    """A container's log, as DockerLog is one. `fetch` raises HostError after the last chunk of a broken reply."""

    host: str

    @property
    def running(self) -> bool: ...
    def fetch(self, tail: int | None, since: int | None) -> Generator[tuple[str, bytes], None, None]: ...
    def decoder(self, stream: str, anchor: Anchor | None) -> StreamDecoder: ...


class LogReader:
    """One reading of one container's log: iterate to get (stream, new lines), each stream in its order.

    `anchors` has the last line of each stream that was read before, and moves on with the lines that are
    returned. `result` gets the counts, the error and the gaps, a gap before any line after it is returned. After
    the end `aligned` says whether both streams were read up to one place of the log, and `emptied` whether the log
    has no line any more, although lines were read of it. `covered_from` is None for a log that was never read;
    then it is read from `since` on.
    """

    def __init__(
        self,
        source: Source,
        anchors: dict[str, Anchor],
        result: ReadingResult,
        *,
        aligned: bool = True,
        covered_from: int | None = None,
        since: int | None = None,
        tail: int = MIN_TAIL_RECORDS,
    ) -> None:
        self._source, self.anchors, self.result, self.aligned = source, anchors, result, aligned
        self._since = since if covered_from is None else covered_from
        self._tail = max(MIN_TAIL_RECORDS, min(tail, MAX_TAIL_RECORDS))
        self.emptied = False
        self._new_bytes = 0
        # Of the last attempt: the lines of the first time, where that is the anchor's, and the reply's beginning.
        self._runs: dict[str, tuple[int, int]] = {}

    def __iter__(self) -> Iterator[tuple[str, list[Line]]]:
        try:
            while (yield from self._attempt()):
                self._tail *= 2
        except HostError as error:
            self.result.fail(error)

    def _attempt(self) -> Generator[tuple[str, list[Line]], None, bool]:
        """Read once. The generator's value says whether more has to be asked for."""
        windowed = not self.anchors or (not self.aligned and len(self.anchors) < len(STREAMS))
        aligned, self.aligned, lines = self.aligned, False, self.result.lines
        replies = {stream: self._stream_reply(stream, windowed) for stream in STREAMS}
        tail, since = (None, self._since or None) if windowed else (self._tail, None)
        try:
            with closing(self._source.fetch(tail, since)) as fetched:
                for stream, chunk in fetched:
                    self.result.bytes += len(chunk)
                    yield from self._given(stream, replies[stream].feed(chunk))
                    self._check_limit(replies[stream], len(chunk))
            whole = windowed or sum(reply.records for reply in replies.values()) < self._tail
            found = self._found(replies, whole, aligned)
            if found is None or self._gives_up(replies, found, whole):
                self.aligned = aligned and self.result.lines == lines
                return True
            self._note_gaps(replies, found, aligned, whole)
            yield from self._settle(replies, found, windowed)
        finally:
            for reply in replies.values():
                reply.close()
        return False

    def _stream_reply(self, stream: str, windowed: bool) -> StreamReply:
        anchor = self.anchors.get(stream)
        make = partial(self._source.decoder, stream, anchor)
        return StreamReply(anchor, make, settings.PRODLOGS_BYTE_LIMIT, opened=windowed and anchor is None)

    def _given(self, stream: str, lines: list[Line]) -> Iterator[tuple[str, list[Line]]]:
        if lines:
            self.anchors[stream] = Anchor.of(lines[-1])
            self.result.lines += len(lines)
            yield stream, lines

    def _check_limit(self, reply: StreamReply, size: int) -> None:
        if reply.opened:
            self._new_bytes += size
        # Not amid a line of which only the ends are held: the next reading would begin with it again.
        if self._new_bytes > settings.PRODLOGS_BYTE_LIMIT and not reply.shedding:
            raise self._too_much("new")

    def _too_much(self, what: str) -> HostError:
        limit = settings.PRODLOGS_BYTE_LIMIT
        reason = f"more than {limit:,} {what} bytes (PRODLOGS_BYTE_LIMIT): the next reading goes on there"
        return HostError(self._source.host, ErrorKind.LIMIT, reason)

    def _found(self, replies: dict[str, StreamReply], whole: bool, aligned: bool) -> dict[str, int] | None:
        """How many lines to skip of each stream put aside that shows its anchor; None: ask for more."""
        found: dict[str, int] = {}
        certain, beginning = True, _beginning(replies) or 0
        for stream, reply in replies.items():
            if reply.opened:
                continue
            skip, run = reply.locate()
            if reply.starts_at_anchor and not whole:
                # Were the first record amid the anchor's run, a reply that begins before it would show more of it.
                earlier_run, earlier_beginning = self._runs.get(stream, (0, 0))
                more = beginning < earlier_beginning
                certain = certain and skip is not None and more and run == earlier_run
                self._runs[stream] = run, beginning
            elif reply.starts_at_anchor and skip is None and reply.is_end_of_anchor():
                skip = 1
            if skip is not None:
                found[stream] = skip
        absent = any(not reply.opened and stream not in found for stream, reply in replies.items())
        proved = not absent or whole or (aligned and _shown(replies, found))
        return found if certain and proved else None

    def _gives_up(self, replies: dict[str, StreamReply], found: dict[str, int], whole: bool) -> bool:
        """A log without an anchor that is too large to be put aside is read anew, from its beginning."""
        if not whole or _shown(replies, found) or not any(reply.overflow for reply in replies.values()):
            return False
        self._note_gaps(replies, found, True, True)
        self.anchors.clear()
        self._since = None
        return True

    def _note_gaps(
        self, replies: dict[str, StreamReply], found: dict[str, int], aligned: bool, whole: bool
    ) -> None:
        absent = {
            stream: reply.anchor.timestamp
            for stream, reply in replies.items()
            if reply.anchor and not reply.opened and stream not in found
        }
        if not whole or not absent or (aligned and _shown(replies, found)):
            return
        before = _beginning(replies)
        self.emptied = before is None
        if aligned:
            absent = {BOTH: max(absent.values())}
        self.result.gaps += [gap(stream, after, before) for stream, after in absent.items()]

    def _settle(
        self, replies: dict[str, StreamReply], found: dict[str, int], windowed: bool
    ) -> Iterator[tuple[str, list[Line]]]:
        """Give out what was put aside and is new, and the ends."""
        held = False
        for stream, reply in replies.items():
            if reply.overflow and not reply.opened:
                raise self._too_much("unexplained")
            earliest = (self._since or 0) if not (reply.anchor or windowed or reply.opened) else None
            for lines in reply.rest(found.get(stream, 0)):
                if earliest is not None:
                    lines = [line for line in lines if line.timestamp >= earliest]
                yield from self._given(stream, lines)
            held = held or (self._source.running and reply.size > 0 and reply.last != b"\n")
        self.aligned = not held


def _beginning(replies: dict[str, StreamReply]) -> int | None:
    """The time of the reply's first line; None for a line without a time."""
    return min((reply.beginning for reply in replies.values() if reply.beginning is not None), default=None)


def _shown(replies: dict[str, StreamReply], found: dict[str, int]) -> bool:
    """Whether some stream shows its anchor."""
    return bool(found) or any(reply.anchor and reply.opened for reply in replies.values())
