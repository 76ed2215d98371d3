"""A container's log file as Docker keeps it, and a reader that may be killed."""

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import NamedTuple

from logsite.tables.nanoseconds import rfc3339
from prodlogs.docker.decoder import PIECE, StreamDecoder
from prodlogs.errors import HostError
from prodlogs.models import ErrorKind, LogSnapshot
from prodlogs.reading.docker_log import STREAMS
from prodlogs.reading.log_reader import LogReader
from prodlogs.reading.results import ReadingResult
from prodlogs.reading.stream_reply import Anchor

START = 1_790_000_000_000_000_000


class Record(NamedTuple):
    """What `--tail` counts: a line, or a piece of one."""

    number: int  # of the line
    stream: str
    timestamp: int
    piece: bytes
    last: bool


@dataclass
class SimulatedLog:
    """Two streams in one file that is rotated. Lines are numbered; `written` are the numbers by stream."""

    chance: random.Random
    host: str = "simulated"
    running: bool = True
    clock: int = START
    records: list[Record] = field(default_factory=list)
    written: dict[str, list[int]] = field(default_factory=lambda: {stream: [] for stream in STREAMS})
    lines: int = 0
    ends_early: float = 0.0  # how likely
    busy: float = 0.0  # how likely it is that something happens between two commands of one reading
    fetches: int = 0
    half: dict[str, list[Record]] = field(default_factory=dict)  # the pieces that are still to come

    def write(self, stream: str, size: int = 0) -> int:
        """One line; of `size` bytes at least, which Docker cuts into pieces. The last ones may come later."""
        self.records += self.half.pop(stream, [])
        number = self.lines = self.lines + 1
        text = f"{number} ".encode() + b"x" * size + f" {number}".encode()
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        records = [
            Record(number, stream, self.clock, piece, index == len(pieces) - 1)
            for index, piece in enumerate(pieces)
        ]
        now = self.chance.randrange(1, len(records) + 1)
        self.records += records[:now]
        if records[now:]:
            self.half[stream] = records[now:]
        self.written[stream].append(number)
        return number

    def tick(self) -> None:
        """Time passes; or not, where the clock is coarse; or it is set back."""
        if self.chance.random() < 0.02:
            self.clock -= self.chance.randrange(10**10)
        elif self.chance.random() < 0.8:
            self.clock += self.chance.randrange(1, 10**9)

    def end_lines(self) -> None:
        """No line is half written any more."""
        for stream in STREAMS:
            self.records += self.half.pop(stream, [])

    def write_some(self, most: int) -> None:
        share = self.chance.choice([0.0, 0.02, 0.5, 0.98, 1.0])  # one stream may be quiet
        for _ in range(self.chance.randrange(most)):
            self.tick()
            size = PIECE + self.chance.randrange(2 * PIECE) if self.chance.random() < 0.02 else 0
            self.write(STREAMS[self.chance.random() < share], size)

    def rotate(self, keep: int) -> None:
        """Drop all but about `keep` records, perhaps amid the pieces of a line.

        Not between two lines of one stream and one nanosecond: what then is left of them cannot be numbered.
        """
        gone = max(0, len(self.records) - keep)
        dropped = {record.stream: record for record in self.records[:gone]}
        for record in self.records[gone:]:
            before = dropped.get(record.stream)
            if before and before.timestamp == record.timestamp and before.number != record.number:
                gone = self.records.index(record) + 1
                dropped[record.stream] = record
        self.records = self.records[gone:]

    def holds(self, number: int) -> bool:
        """Whether the line is there, or the end of it."""
        return any(record.number == number for record in self.records)

    def fetch(self, tail: int | None, since: int | None) -> Generator[tuple[str, bytes], None, None]:
        """`docker logs`: both streams, each in order, in chunks of any size; perhaps not to the end."""
        if self.fetches and self.chance.random() < self.busy:
            self.write_some(20)
        self.fetches += 1
        shown = [record for record in self.records if since is None or record.timestamp >= since]
        shown = shown[-tail:] if tail is not None else shown
        left = {stream: _output([r for r in shown if r.stream == stream]) for stream in STREAMS}
        size = sum(map(len, left.values()))
        until = self.chance.randrange(size + 1) if self.chance.random() < self.ends_early else None
        sent = 0
        while any(left.values()) and (until is None or sent < until):
            stream = self.chance.choice([stream for stream in STREAMS if left[stream]])
            length = self.chance.choice([1, 30, 200, 5000, 300_000])
            chunk, left[stream] = left[stream][:length], left[stream][length:]
            sent += len(chunk)
            yield stream, chunk
        if until is not None:
            raise HostError("simulated", ErrorKind.TIMEOUT, "ended early")

    def decoder(self, stream: str, anchor: Anchor | None) -> StreamDecoder:
        return StreamDecoder(stream, anchor=(anchor.timestamp, anchor.length) if anchor else None)


def _output(records: list[Record]) -> bytes:
    return b"".join(
        f"{rfc3339(record.timestamp)} ".encode() + record.piece + (b"\n" if record.last else b"")
        for record in records
    )


class Killed(Exception):
    """By `kill -9`, in the midst of it."""


@dataclass
class SimulatedStore:
    """What was committed: the lines, and where the next reading goes on."""

    log: SimulatedLog
    anchors: dict[str, Anchor] = field(default_factory=dict)
    aligned: bool = True
    covered_from: int | None = None
    texts: dict[str, list[str]] = field(default_factory=lambda: {stream: [] for stream in STREAMS})
    gaps: list[dict[str, str | None]] = field(default_factory=list)
    killed: float = 0.0

    def read(self) -> LogReader:
        """One reading; lines are committed in blocks, and Killed may come before any commit."""
        log = self.log
        log.fetches = 0
        reader = LogReader(
            log,
            dict(self.anchors),
            ReadingResult("simulated", LogSnapshot()),
            aligned=self.aligned,
            covered_from=self.covered_from,
            tail=log.chance.choice([1, 10, 100]),
        )
        block: list[tuple[str, str]] = []
        self._gaps = list(self.gaps)
        for stream, lines in reader:
            block += [(stream, line.text) for line in lines]
            if log.chance.random() < 0.5:
                self._commit(reader, block, False)
                block = []
        if not reader.result.error:
            self._commit(reader, block, reader.aligned)
            if reader.emptied:
                self.anchors = {}
        elif reader.result.lines:
            self._commit(reader, block, False)
        return reader

    def _commit(self, reader: LogReader, block: list[tuple[str, str]], aligned: bool) -> None:
        if self.log.chance.random() < self.killed:
            raise Killed
        for stream, text in block:
            self.texts[stream].append(text)
        self.gaps = self._gaps + reader.result.gaps
        self.anchors, self.aligned = dict(reader.anchors), aligned
        self.covered_from = self.covered_from or 0
