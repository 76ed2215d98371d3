"""Continuity: every line once and in order, every loss a gap, whatever the log and the reader go through."""

import random

import pytest

from prodlogs.reading import log_reader
from prodlogs.reading.docker_log import STREAMS
from tests.prodlogs.simulated_log import Killed, SimulatedLog, SimulatedStore
from tests.soak import short_or_long

pytestmark = pytest.mark.usefixtures("small_replies")


@pytest.fixture
def small_replies(monkeypatch):
    """A reading asks for four records at first, so that a short log is read as a long one is."""
    monkeypatch.setattr(log_reader, "MIN_TAIL_RECORDS", 4)


@pytest.fixture
def log():
    return SimulatedLog(random.Random(1))


@pytest.fixture
def store(log):
    return SimulatedStore(log)


def numbers(store, stream):
    """The lines that were stored whole. A line of which a part is missing counts as lost."""
    found = []
    for text in store.texts[stream]:
        first, last = text.split(" ")[0], text.rsplit(" ", 1)[-1]
        found.append(int(last) if first == last else -int(last))
    return found


class Oracle:
    """Knows what was written and what the log still holds, and judges each reading by it."""

    def __init__(self, log, store):
        self.log, self.store = log, store
        self.lost = {stream: set() for stream in STREAMS}
        self.gaps = self.undecidable = self.readings = 0

    def judge(self):
        """Read once."""
        anchors = {stream: abs(numbers(self.store, stream)[-1]) for stream in self.store.anchors}
        gone = {stream for stream, number in anchors.items() if not self.log.holds(number)}
        known = set(STREAMS if anchors and self.store.aligned else anchors)
        before = len(self.store.gaps)
        try:
            reader = self.store.read()
        except Killed:
            reader = None
        complete = reader is not None and not reader.result.error
        self.readings += complete
        if complete:
            assert reader.aligned or self.log.half
        gaps = self.store.gaps[before:]
        self.gaps += len(gaps)
        self.compare({stream for gap in gaps for stream in self.meant(gap["stream"])}, gone, known, complete)

    def compare(self, reported, gone, known, complete):
        half = {records[0].number for records in self.log.half.values()}
        for stream in STREAMS:
            got = numbers(self.store, stream)
            whole = [number for number in got if number > 0]
            assert sorted(map(abs, got)) == list(map(abs, got)), "in order"
            assert len(set(map(abs, got))) == len(got), "once"
            last = abs(got[-1]) if got else 0
            written = [
                number
                for number in self.log.written[stream]
                if number <= last or (complete and number not in half)
            ]
            lost = set(written) - set(whole)
            if newly := lost - self.lost[stream]:
                assert stream in reported or stream not in known, (stream, newly)
            elif stream in reported:
                assert gone, "a gap where all lines read last are still there"
                self.undecidable += 1
            self.lost[stream] |= lost
            if stream in reported:  # its beginning may be what was lost
                self.lost[stream] |= {number for number in half if number in self.log.written[stream]}

    @staticmethod
    def meant(stream):
        return STREAMS if stream == log_reader.BOTH else (stream,)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(short_or_long(24, 3_000)))
def test_whatever_happens_each_line_is_stored_once_or_its_loss_is_reported(seed):
    chance = random.Random(seed)
    log = SimulatedLog(chance, ends_early=chance.choice([0, 0.3]), busy=chance.choice([0, 0.5]))
    store = SimulatedStore(log, killed=chance.choice([0, 0.2]))
    oracle = Oracle(log, store)
    keep = chance.choice([5, 50, 500, 10**9])
    for _ in range(40):
        log.write_some(chance.choice([3, 30, 300]))
        if chance.random() < 0.3:
            log.rotate(keep)
        oracle.judge()
    log.ends_early = log.busy = store.killed = 0
    log.end_lines()
    oracle.judge()
    assert oracle.readings
