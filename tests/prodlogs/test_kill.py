"""Against a real engine: collectors killed in mid-reading, logs rotated between readings. Nothing is lost unsaid.

LOGSITE_TEST_SECONDS=120 makes the first test the long one that CI runs: 40 collections in two minutes.
"""

import os
import random
import subprocess
import sys
import time

import pytest
from django.conf import settings

from prodlogs.collect import collect_host
from prodlogs.models import ContainerLogEntry, LogSnapshot, SnapshotStatus
from tests.prodlogs.collector_process import ROOT
from tests.shipping.processes import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SECONDS = int(os.environ.get("LOGSITE_TEST_SECONDS", "20"))
COLLECTIONS, KILLS = (
    50,
    3,
)  # more than the 40 that are asked for: a killed one does not count, and a start takes time
A_BATCH = 85  # lines on each stream every 80 ms: a little over 1,000 a second on each
WRITER = """
i=0; end=$(($(date +%s) + {seconds}))
while [ $(date +%s) -lt $end ]; do
  seq $i $((i + {batch} - 1)); seq $i $((i + {batch} - 1)) >&2
  i=$((i + {batch})); usleep 60000
done
"""
BURSTS = """
seq 0 4; seq 0 4 >&2; i=5; sleep 4
for size in {sizes}; do
  seq $i $((i + size - 1)); seq $i $((i + size - 1)) >&2
  i=$((i + size)); usleep 350000
done
"""


def collector(host, name, interval):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.prodlogs.collector_process", host.name, name, str(interval)],
        env={**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(settings.DATA_DIR)},
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def collect_until(process, deadline):
    """Let it collect until `deadline`, and kill it in the midst of the next collection. How many there were."""
    collections = 0
    for line in process.stdout:
        collections += line.startswith("end")
        if line.startswith("begin") and time.monotonic() > deadline:
            break
    time.sleep(random.uniform(0.02, 0.4))  # it connects, asks, reads, stores: somewhere there
    process.kill()
    process.wait()
    process.stdout.close()
    return collections


def stored(stream):
    rows = ContainerLogEntry.objects.filter(stream=stream).order_by("timestamp", "sequence", "id")
    return [int(message) for message in rows.values_list("message", flat=True)]


@pytest.mark.slow
def test_a_collector_killed_three_times_stores_every_line_once(docker, docker_host):
    docker.run("engine-kill", WRITER.format(seconds=SECONDS, batch=A_BATCH))
    began = time.monotonic()
    collections = 0
    for kill in range(KILLS + 1):
        process = collector(docker_host, "engine-kill", SECONDS / COLLECTIONS)
        collections += collect_until(process, began + SECONDS * (kill + 1) / (KILLS + 1))
    docker.wait("engine-kill")

    last = collect_host(docker_host, containers=["engine-kill"])

    out, err = stored("stdout"), stored("stderr")
    assert last.ok, last
    assert out == list(range(len(out)))
    assert err == list(range(len(err)))
    assert len(out) == len(err) == int(docker.cli("logs", "--tail=200", "engine-kill").split()[-1]) + 1
    assert len(out) > 700 * SECONDS  # a busy machine writes more slowly
    assert collections >= 40 * SECONDS // 120
    assert [snapshot.gaps for snapshot in LogSnapshot.objects.exclude(gaps=[])] == []


@pytest.mark.slow
@pytest.mark.parametrize(("driver", "files"), [("json-file", 3), ("json-file", 1), ("local", 2)])
def test_every_loss_to_rotation_is_a_gap_and_nothing_else_is(docker, docker_host, driver, files):
    sizes = random.Random(files).choices([0, 1, 20, 200, 3000], k=25)
    docker.run(
        "engine-rotated", BURSTS.format(sizes=" ".join(map(str, sizes))), f"--log-driver={driver}",
        "--log-opt=max-size=64k", f"--log-opt=max-file={files}",
    )  # fmt: skip
    next_number, seen = {"stdout": 0, "stderr": 0}, 0
    holes, gaps = set(), []  # (stream, first number missing); where the streams were when a gap was reported
    running = True
    while running:
        running = docker.cli("inspect", "--format={{.State.Running}}", "engine-rotated") == "true"
        before = dict(next_number)
        [reading] = collect_host(docker_host, containers=["engine-rotated"]).readings
        assert (reading.status == SnapshotStatus.GAP) == bool(reading.gaps)
        gaps += [set(before.items())] if reading.gaps else []
        new = ContainerLogEntry.objects.filter(pk__gt=seen).order_by("pk")
        for pk, stream, message in new.values_list("pk", "stream", "message"):
            assert int(message) >= next_number[stream], "once and in order"
            if int(message) > next_number[stream]:
                holes.add((stream, next_number[stream]))
            next_number[stream], seen = int(message) + 1, pk
    everything = 5 + sum(sizes)
    holes |= {(stream, number) for stream, number in next_number.items() if number < everything}
    assert holes
    assert holes <= set().union(*gaps), "every loss is reported, where it begins"
    assert all(gap & holes for gap in gaps), "nothing else is"
