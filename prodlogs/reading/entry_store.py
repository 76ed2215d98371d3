"""Stores a block in one transaction: up to about 5,000 entries, the watermarks, the lines of an open trace, the
counts.

A block moves each stream's watermark only from where this reading found it, so an entry is stored once whoever
reads beside us and whenever we are killed. Credentials are taken out before anything is stored.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from logsite.lines import LONGEST_PAUSE, Entry, Grouper, Line, clean, redacted
from logsite.records.live import publish
from logsite.redaction import Redactor
from logsite.tables.bulk import Values
from prodlogs.models import Container, ContainerLogEntry, Watermark
from prodlogs.reading.docker_log import STREAMS
from prodlogs.reading.entry_rows import COLUMNS, Tokens, insert, tokens_of
from prodlogs.reading.results import ReadingResult
from prodlogs.reading.stream_reply import Anchor

BLOCK = 5_000  # entries of a transaction
TIMESTAMP, SEQUENCE, MESSAGE = COLUMNS.index("timestamp"), COLUMNS.index("sequence"), COLUMNS.index("message")
TIMES_AT_ONCE = 200  # looked up by one query
PLACE = ("timestamp", "sequence", "length", "pending", "open_secret")  # of a watermark
COUNTS = ["first", "last", "lines", "entries", "duplicates", "truncated", "bytes", "gaps"]


class Overtaken(RuntimeError):
    """Somebody else stored what comes here; nothing of this block was."""


class EntryStore:
    """The entries of one reading of one container. `add` lines, `commit` at the end.

    `result` gets the number of entries, its snapshot all counts, in the transaction of each block.

    `window` (ns, the end exclusive) is for reading out of order: entries outside are dropped, and watermarks stay.
    """

    def __init__(
        self,
        container: Container,
        result: ReadingResult,
        redactor: Redactor,
        window: tuple[int, int] | None = None,
    ) -> None:
        self._container, self._redactor, self._window = container, redactor, window
        self.result, self.snapshot = result, result.snapshot
        self._marks = {} if window else {mark.stream: mark for mark in container.watermarks.all()}
        self._quiet = {stream for stream, mark in self._marks.items() if mark.pending}
        self._groupers = {
            stream: Grouper(
                settings.PRODLOGS_ENTRY_LIMIT,
                self._marks[stream].pending if stream in self._marks else (),
            )
            for stream in STREAMS
        }
        self._openings = {stream: mark.open_secret for stream, mark in self._marks.items()}
        self.covered_from = container.covered_from  # of the container, once something is stored
        self._heads: dict[str, list[Line]] = (
            {stream: [] for stream in STREAMS} if window else {}
        )  # see _begin
        self._rests: dict[str, list[str]] = {}
        self._last: dict[str, Line] = {}  # lines beyond the watermarks
        self._blocks: list[tuple[str, list[Entry]]] = []
        self._waiting = 0

    @property
    def anchors(self) -> dict[str, Anchor]:
        """The last line stored of each stream."""
        return {
            stream: Anchor(mark.timestamp, mark.sequence, mark.length) for stream, mark in self._marks.items()
        }

    def add(self, stream: str, lines: Sequence[Line]) -> None:
        """Take new lines of a stream; every BLOCK entries they are stored."""
        self._quiet.discard(stream)
        self._last[stream] = lines[-1]
        lines, self._openings[stream] = redacted(lines, self._redactor, self._openings.get(stream, ""))
        if stream in self._heads:
            self._heads[stream] += lines
            if stream not in self._rests:
                self._rests[stream] = self._stored_rest(stream, lines[0])
            if len(self._heads[stream]) < len(self._rests[stream]):
                return
            self._begin(stream)
        else:
            self._take(stream, self._groupers[stream].feed(lines))
        if self._waiting >= BLOCK:
            self.commit(**({} if self._window else {"aligned": False}))

    def _begin(self, stream: str) -> None:
        """A window may begin amid a trace that is stored: its lines are no entries of their own."""
        lines, rest = self._heads.pop(stream), self._rests.get(stream, [])
        texts = [clean(line.text) for line in lines[: len(rest)]]
        known = (size for size in range(len(texts), 0, -1) if rest[-size:] == texts[:size])
        self._take(stream, self._groupers[stream].feed(lines[next(known, 0) :]))

    def _stored_rest(self, stream: str, line: Line) -> list[str]:
        """What follows the first line of the entry before `line`, if that may go on to it."""
        before = ContainerLogEntry.objects.filter(
            container=self._container, stream=stream, timestamp__lt=line.timestamp
        )
        entry = before.order_by("-timestamp", "-sequence").values_list("timestamp", "message").first()
        rest = entry[1].split("\n")[1:] if entry else []
        return rest if entry and line.timestamp - entry[0] <= len(rest) * LONGEST_PAUSE else []

    def _take(self, stream: str, entries: list[Entry]) -> None:
        if self._window:
            start, end = self._window
            entries = [entry for entry in entries if start <= entry.timestamp < end]
        if entries:
            self._blocks.append((stream, entries))
            self._waiting += len(entries)

    def release(self, before: int | None = None) -> None:
        """No more is expected of what waits for the rest of a trace.

        With `before` (ns), only where the newest line is older, or where this reading brought nothing new.
        """
        for stream in [*self._heads]:
            self._begin(stream)
        for stream, grouper in self._groupers.items():
            waiting = grouper.pending
            if waiting and (before is None or stream in self._quiet or waiting[-1][0] < before):
                self._take(stream, grouper.flush())
                self._quiet.discard(stream)
                if not self._window and stream not in self._last:
                    self._last[stream] = self._place(stream)

    def _place(self, stream: str) -> Line:
        """Where the watermark is: it stays there, but what waited goes."""
        mark = self._marks[stream]
        return Line(mark.timestamp, mark.sequence, mark.length, "")

    def commit(self, **columns: Any) -> None:
        """Store what was added, with the container's `columns`. Raises Overtaken."""
        rows = self._rows()
        tokens = tokens_of(rows)
        columns = {"covered_from": self.covered_from, **columns}
        changes = {name: value for name, value in columns.items() if getattr(self._container, name) != value}
        with transaction.atomic():
            moved = self._move() if not self._window else []
            duplicates = self._insert(rows, tokens)
            self._count(rows, duplicates)
            self.snapshot.save(update_fields=COUNTS)
            if changes:
                Container.objects.filter(pk=self._container.pk).update(**changes)
        for mark in moved:
            self._marks[mark.stream] = mark
        for name, value in changes.items():
            setattr(self._container, name, value)
        self._last, self._blocks, self._waiting = {}, [], 0
        if len(rows) > duplicates:
            publish("container")

    def forget(self) -> None:
        """The log was emptied: the next line that is read is its first."""
        self._container.watermarks.all().delete()
        self._marks = {}

    # --- watermarks ---------------------------------------------------------------------------------------

    def _move(self) -> list[Watermark]:
        """Bring the watermarks to the last lines. Raises Overtaken where they are not where they were."""
        moved = []
        for stream, line in sorted(self._last.items()):  # in one order, or two readers wait for each other
            mark = Watermark(
                container=self._container,
                stream=stream,
                timestamp=line.timestamp,
                sequence=line.sequence,
                length=line.length,
                pending=self._groupers[stream].pending,
                open_secret=self._openings.get(stream, ""),
            )
            self._move_one(mark, self._marks.get(stream))
            moved.append(mark)
        return moved

    def _move_one(self, mark: Watermark, before: Watermark | None) -> None:
        if before is None:
            try:
                with transaction.atomic():
                    mark.save(force_insert=True)
            except IntegrityError:
                raise Overtaken(f"{self._container}: another process reads this log, too") from None
            return
        mark.pk = before.pk
        place = {"timestamp": before.timestamp, "sequence": before.sequence}
        columns = {name: getattr(mark, name) for name in PLACE}
        if not Watermark.objects.filter(pk=before.pk, **place).update(**columns):
            raise Overtaken(f"{self._container}: another process reads this log, too")

    # --- rows ---------------------------------------------------------------------------------------------

    def _rows(self) -> list[Values]:
        identity = ContainerLogEntry._meta.get_field("snapshot").get_db_prep_value(
            self.snapshot.pk, connection
        )
        start = (identity, self._container.pk, self._container.name)
        return [(*start, stream, *entry) for stream, entries in self._blocks for entry in entries]

    def _insert(self, rows: list[Values], tokens: Tokens) -> int:
        """Insert `rows` and say how many of them were stored before."""
        stored = insert(rows, tokens, quickly=not self._window)
        if stored < len(rows) and not self._window:
            stored += self._renumbered(rows, tokens)
        return len(rows) - stored

    def _renumbered(self, rows: list[Values], tokens: Tokens) -> int:
        """A clock that was set back may give another line a time and number that are taken: it gets the next."""
        times = sorted({row[TIMESTAMP] for row in rows})
        found: dict[tuple[str, int, int], str] = {}
        # Not all between the first and the last: the clock may have jumped by days.
        for start in range(0, len(times), TIMES_AT_ONCE):
            stored = ContainerLogEntry.objects.filter(
                container=self._container, timestamp__in=times[start : start + TIMES_AT_ONCE]
            )
            columns = stored.values_list("stream", "timestamp", "sequence", "message")
            found |= {(stream, time, number): text for stream, time, number, text in columns}
        others, their_tokens = [], []
        for row, of_row in zip(rows, tokens, strict=True):
            key = row[TIMESTAMP - 1 : SEQUENCE + 1]
            if not _same(found[key], row[MESSAGE]):
                sequence = max(number for stream, time, number in found if (stream, time) == key[:2]) + 1
                found[(*key[:2], sequence)] = row[MESSAGE]
                others.append((*row[:SEQUENCE], sequence, *row[SEQUENCE + 1 :]))
                their_tokens.append(of_row)
        return insert(others, their_tokens)

    def _count(self, rows: Sequence[Values], duplicates: int) -> None:
        snapshot = self.snapshot
        self.result.entries += len(rows) - duplicates
        self.result.update_snapshot()
        snapshot.duplicates += duplicates
        if rows:
            times = [row[TIMESTAMP] for row in rows]
            snapshot.truncated += sum(1 for row in rows if row[-1])
            snapshot.first = min(times) if snapshot.first is None else min(snapshot.first, *times)
            snapshot.last = max(times) if snapshot.last is None else max(snapshot.last, *times)


def _same(stored: str, text: str) -> bool:
    """Whether they are the same entry; one of them may have been read before the end of its trace."""
    return stored.startswith(text) or text.startswith(stored)
