"""Against a real engine: collectors killed in mid-reading, logs rotated between readings. Nothing is lost unsaid.

The first test collects for 20 seconds; `make soak` makes that forty collections in two minutes.
"""

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from django.conf import settings

from prodlogs.models import ContainerLogEntry, LogSnapshot, SnapshotStatus
from prodlogs.reading.container_reading import ContainerReader
from prodlogs.reading.host_reading import collect_host
from tests.prodlogs.collector_process import ROOT
from tests.shipping.processes import database_url
from tests.soak import short_or_long

SECONDS = short_or_long(20, 120)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900 + 3 * SECONDS),
    pytest.mark.soak,
]
KILLS = 3
COLLECTIONS = 40 * SECONDS // 120  # at least; those that are killed do not count
INTERVAL = SECONDS / 50
A_BATCH = 85  # lines on each stream every 80 ms: a little over 1,000 a second on each
# Writes {lines} lines on each stream at least, and until it is told that nobody collects any more. A busy machine
# writes more slowly than 700 lines a second, and then it takes longer. One that collects more slowly than it writes
# would never be done: beyond {most} lines the writer waits.
LINES = 700 * SECONDS
WRITER = """
trap 'told=1' USR1
i=0
while [ $i -lt {lines} ] || [ -z "$told" ]; do
  if [ $i -lt {most} ]; then
    seq $i $((i + {batch} - 1)); seq $i $((i + {batch} - 1)) >&2
    i=$((i + {batch}))
  fi
  usleep 60000
done
"""
# One burst each time that it is told; all that are left, and the end, when it is told to end.
BURSTS = """
trap 'told=1' USR1; trap 'over=1' TERM
seq 0 4; seq 0 4 >&2; i=5
for size in {sizes}; do
  while [ -z "$told$over" ]; do usleep 5000; done
  told=
  seq $i $((i + size - 1)); seq $i $((i + size - 1)) >&2
  i=$((i + size))
done
while [ -z "$over" ]; do usleep 5000; done
"""


def collector(host, name, interval):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.prodlogs.collector_process", host.name, name, str(interval)],
        env={**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(settings.DATA_DIR)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def collect_until(process, deadline, least):
    """Let it collect until `deadline`, and `least` times, and kill it in the midst of the next collection.

    How many there were.
    """
    collections, took, began = 0, 0.0, 0.0
    try:
        for line in process.stdout:
            if line.startswith("end"):
                collections, took = collections + 1, time.monotonic() - began
            elif collections >= least and time.monotonic() > deadline:
                break
            began = time.monotonic()
        time.sleep(random.uniform(0, took))  # it connects, asks, reads, stores: somewhere there
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return collections


def stored(stream):
    rows = ContainerLogEntry.objects.filter(stream=stream).order_by("timestamp", "sequence", "id")
    return [int(message) for message in rows.values_list("message", flat=True)]


@pytest.mark.slow
def test_a_collector_killed_three_times_stores_every_line_once(docker, docker_host):
    docker.run("engine-kill", WRITER.format(lines=LINES, most=3 * LINES, batch=A_BATCH))
    began = time.monotonic()
    collections, collectors = 0, KILLS + 1
    for number in range(1, collectors + 1):
        process = collector(docker_host, "engine-kill", INTERVAL)
        least = COLLECTIONS * number // collectors - collections
        collections += collect_until(process, began + SECONDS * number / collectors, max(least, 1))
    docker.cli("kill", "--signal=USR1", "engine-kill")
    docker.wait("engine-kill")

    last = collect_host(docker_host, containers=["engine-kill"])

    out, err = stored("stdout"), stored("stderr")
    assert last.ok, last
    assert out == list(range(len(out)))
    assert err == list(range(len(err)))
    assert len(out) == len(err) == int(docker.cli("logs", "--tail=200", "engine-kill").split()[-1]) + 1
    assert len(out) >= LINES
    assert collections >= COLLECTIONS
    assert [snapshot.gaps for snapshot in LogSnapshot.objects.exclude(gaps=[])] == []


@contextmanager
def told_meanwhile(docker, name, within):
    """The container is told to go on at some moment of the block, which took `within` seconds the last time."""

    def tell():
        time.sleep(random.uniform(0, within))
        docker.cli("kill", "--signal=USR1", name)

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("driver", "files"), [("json-file", 3), ("json-file", 1), ("local", 2)])
def test_every_loss_to_rotation_is_a_gap_and_nothing_else_is(docker, docker_host, driver, files, monkeypatch):
    # The proof reads once more, and a gap that this second reading meets begins elsewhere than `Rotated` notes.
    monkeypatch.setattr(ContainerReader, "_proof_is_due", lambda work: False)
    sizes = 2 * [0, 1, 20, 200] + 3 * [3000]
    random.Random(files).shuffle(sizes)
    docker.run(
        "engine-rotated",
        BURSTS.format(sizes=" ".join(map(str, sizes))),
        f"--log-driver={driver}",
        "--log-opt=max-size=64k",
        f"--log-opt=max-file={files}",
    )
    rotated = Rotated(docker_host, "engine-rotated")
    rotated.read()
    for _ in sizes:
        with told_meanwhile(docker, "engine-rotated", rotated.seconds):
            rotated.read()
    docker.cli("kill", "--signal=TERM", "engine-rotated")
    docker.wait("engine-rotated")
    rotated.read()

    everything = 5 + sum(sizes)
    holes, gaps = rotated.holes, rotated.gaps
    holes |= {(stream, number) for stream, number in rotated.next_number.items() if number < everything}
    assert holes
    assert holes <= set().union(*gaps), "every loss is reported, where it begins"
    assert all(gap & holes for gap in gaps), "nothing else is"


class Rotated:
    """Reads a container's numbered lines again and again. `seconds` is what the last reading took.

    `next_number` is the number after the last one that was stored, by stream. `holes` are the losses: (stream,
    first number missing). `gaps` are what `next_number` was whenever a reading reported a gap.
    """

    def __init__(self, host, name):
        self._host, self._name, self._seen = host, name, 0
        self.next_number = {"stdout": 0, "stderr": 0}
        self.holes, self.gaps, self.seconds = set(), [], 0.0

    def read(self):
        began, before = time.monotonic(), dict(self.next_number)
        [reading] = collect_host(self._host, containers=[self._name]).readings
        self.seconds = time.monotonic() - began
        assert (reading.status == SnapshotStatus.GAP) == bool(reading.gaps)
        self.gaps += [set(before.items())] if reading.gaps else []
        new = ContainerLogEntry.objects.filter(pk__gt=self._seen).order_by("pk")
        for pk, stream, message in new.values_list("pk", "stream", "message"):
            assert int(message) >= self.next_number[stream], "once and in order"
            if int(message) > self.next_number[stream]:
                self.holes.add((stream, self.next_number[stream]))
            self.next_number[stream], self._seen = int(message) + 1, pk
