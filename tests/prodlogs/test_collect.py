"""Collecting from a real Docker engine through a real OpenSSH server."""

import time
from datetime import timedelta

import pytest
from django.db import connection

from logsite.records import from_nanoseconds
from logsite.tables.nanoseconds import from_rfc3339
from prodlogs.health.asked import check_host
from prodlogs.models import Container, ContainerLogEntry, ErrorKind, LogSnapshot, SnapshotKind, SnapshotStatus
from prodlogs.reading import container_reading, host_reading
from prodlogs.reading.host_reading import HostReader, backfill_host, collect_host, collect_hosts
from prodlogs.reading.results import HostResult, ReadingResult
from prodlogs.ssh import executions, remote
from prodlogs.ssh.executions import Execution
from tests.devices.openssh import openssh
from tests.factories import ContainerFactory, LogSnapshotFactory

pytestmark = pytest.mark.django_db


def messages(stream="stdout"):
    rows = ContainerLogEntry.objects.filter(stream=stream).order_by("timestamp", "sequence")
    return list(rows.values_list("message", flat=True))


def stamps(docker, name):
    """When the container wrote each line."""
    lines = docker.cli("logs", "--timestamps", name).splitlines()
    return [from_nanoseconds(from_rfc3339(line.split()[0])) for line in lines]


def wait_for_line(docker, name):
    """Until the container has written something: it runs before it writes."""
    while not docker.cli("logs", "--tail=1", name):
        time.sleep(0.05)


def collect(host, *names, **options):
    """The readings of the containers by name."""
    result = collect_host(host, containers=names, **options)
    assert not result.error
    assert not result.running
    return result.readings


@pytest.fixture
def ended(docker):
    """Runs a container to its end."""

    def run(name, script, *options):
        docker.run(name, script, *options)
        docker.wait(name)

    return run


# --- what comes in -----------------------------------------------------------------------------------------


def test_both_streams_of_a_container_are_stored(ended, docker_host):
    ended("engine-both", "for i in 1 2 3; do echo out $i; echo err $i >&2; done")

    result = collect_host(docker_host, containers=["engine-both"])

    assert result.ok
    [reading] = result.readings
    assert (reading.status, reading.lines, reading.entries, reading.gaps) == ("complete", 6, 6, [])
    assert messages() == ["out 1", "out 2", "out 3"]
    assert messages("stderr") == ["err 1", "err 2", "err 3"]


def test_the_next_collection_brings_what_is_new_alone(docker, docker_host):
    docker.run("engine-next", "seq 1 5")
    docker.wait("engine-next")
    collect(docker_host, "engine-next")
    docker.cli("start", "engine-next")
    docker.wait("engine-next")

    [reading] = collect(docker_host, "engine-next")

    assert (reading.status, reading.lines) == ("complete", 5)
    assert messages() == [*"12345", *"12345"]


def test_nothing_new_is_complete_too(ended, docker_host):
    ended("engine-nothing", "echo once")
    collect(docker_host, "engine-nothing")

    [reading] = collect(docker_host, "engine-nothing")

    assert (reading.status, reading.lines, reading.entries) == ("complete", 0, 0)
    assert messages() == ["once"]


def test_a_stream_that_is_quiet_for_long_costs_no_line_and_no_gap(docker, docker_host):
    docker.run("engine-quiet", "[ -e /seen ] || echo once >&2; touch /seen; seq 1 3000")
    docker.wait("engine-quiet")
    collect(docker_host, "engine-quiet")
    for _ in range(2):
        docker.cli("start", "engine-quiet")
        docker.wait("engine-quiet")
        [reading] = collect(docker_host, "engine-quiet")
        assert (reading.status, reading.lines) == ("complete", 3000)

    assert messages("stderr") == ["once"]
    assert len(messages()) == 9000


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_long_lines_come_whole_and_the_next_reading_goes_on_after_them(docker, docker_host, driver):
    docker.run(
        "engine-long", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo end", f"--log-driver={driver}"
    )
    docker.wait("engine-long")
    collect(docker_host, "engine-long")
    docker.cli("start", "engine-long")
    docker.wait("engine-long")

    [reading] = collect(docker_host, "engine-long")

    assert reading.gaps == []
    assert [len(message) for message in messages()] == [40000, 3, 40000, 3]


def test_a_line_without_an_end_goes_on_after_a_restart(docker, docker_host):
    docker.run("engine-unended", "echo -n unended")
    docker.wait("engine-unended")
    collect(docker_host, "engine-unended")
    docker.cli("start", "engine-unended")
    docker.wait("engine-unended")

    [reading] = collect(docker_host, "engine-unended")

    assert (reading.gaps, reading.lines) == ([], 1)
    assert messages() == ["unended", "unended"]


def test_a_terminal_s_output_is_one_stream(ended, docker_host):
    ended("engine-tty", "echo out; echo err >&2", "--tty")

    collect(docker_host, "engine-tty")

    assert messages() == ["out", "err"]


def test_a_name_or_an_id_chooses_the_container(ended, docker, docker_host):
    ended("engine-one", "echo one")
    identity = docker.run("engine-two", "echo two")
    docker.wait("engine-two")

    assert [reading.container for reading in collect(docker_host, identity[:12])] == ["engine-two"]
    assert messages() == ["two"]


def test_a_container_the_host_does_not_have_is_said_to_be_missing(docker_host):
    result = collect_host(docker_host, containers=["engine-nowhere"])

    assert (result.missing, result.readings, result.ok) == (["engine-nowhere"], [], False)


def test_who_collected_what_for_is_on_record(ended, docker_host):
    ended("engine-record", "echo once")

    [reading] = collect(docker_host, "engine-record", user="netops")

    snapshot = LogSnapshot.objects.get()
    assert snapshot == reading.snapshot
    assert (snapshot.started_by, snapshot.kind, snapshot.host_name) == ("netops", "collect", docker_host.name)
    assert (snapshot.status, snapshot.lines, snapshot.bytes) == ("complete", 1, len("once\n") + 31)
    assert snapshot.ended_at >= snapshot.started_at


# --- how far back ------------------------------------------------------------------------------------------


def test_a_first_collection_begins_where_asked_a_later_one_before(ended, docker, docker_host):
    ended("engine-since", "echo early; usleep 300000; echo late")
    early, late = stamps(docker, "engine-since")
    between = early + (late - early) / 2
    collect(docker_host, "engine-since", since=between)
    assert messages() == ["late"]

    forward, back = collect(docker_host, "engine-since", since=between - timedelta(hours=1))

    assert (forward.entries, back.entries, back.snapshot.kind) == (0, 1, "backfill")
    assert messages() == ["early", "late"]
    again = collect(docker_host, "engine-since", since=between - timedelta(hours=1))
    assert [one.entries for one in again] == [0]


# Of a container that is started five times: a burst each time, and a last line. Each start begins with a pause.
BURSTS = """
echo >> /starts; n=$(wc -l < /starts); usleep 700000
[ $n -lt 5 ] && seq 1 2000 | sed s/^/$n./ || echo last
"""


def test_what_lies_before_is_read_in_parts_where_it_is_too_much_at_once(
    docker, docker_host, settings, monkeypatch
):
    monkeypatch.setattr(host_reading, "SHORTEST_WINDOW", 10**8)
    monkeypatch.setattr(container_reading, "MARGIN", 10**8)
    docker.run("engine-parts", BURSTS)
    docker.wait("engine-parts")
    for _ in range(4):
        docker.cli("start", "engine-parts")
        docker.wait("engine-parts")
    first, *_, last = stamps(docker, "engine-parts")
    late, since = last - timedelta(milliseconds=500), first - timedelta(seconds=1)
    collect(docker_host, "engine-parts", since=late)
    assert messages() == ["last"]
    settings.PRODLOGS_BYTE_LIMIT = 120_000  # some three thousand lines

    readings = collect(docker_host, "engine-parts", since=since)

    assert {reading.status for reading in readings} == {"complete"}
    assert messages() == [*(f"{n}.{line}" for n in range(1, 5) for line in range(1, 2001)), "last"]
    assert LogSnapshot.objects.filter(error_kind=ErrorKind.LIMIT).exists()
    assert [r.entries for r in collect(docker_host, "engine-parts", since=since)] == [0]


DAY, HOUR = 86_400 * 10**9, 3_600 * 10**9


class BusyAtTheEnd:
    """A container of whose last day an hour can be read at once, and anything of the time before."""

    def __init__(self, end, **columns):
        self.container = ContainerFactory(**columns)
        self.result, self.read, self._end = None, [], end
        self._snapshot = LogSnapshotFactory(container=self.container)

    def read_window(self, begin, end, *, extends, joins):
        much = end > self._end - DAY and end - begin > HOUR
        kind = ErrorKind.LIMIT if much else ""
        status = "partial" if much else "complete"
        self.result = ReadingResult("busy", self._snapshot, status, bytes=1, error=kind, error_kind=kind)
        self.read += [] if much else [(begin, end)]


def parts_of(work, start, end):
    host = HostReader(work.container.host, None, user="", kind="backfill")
    host._read_window(HostResult("docker01"), work, start, end)
    return work.read


def test_parts_grow_again_where_little_was_written():
    end = 1_790_000_000 * 10**9
    parts = parts_of(BusyAtTheEnd(end, created_at=None), end - 365 * DAY, end)
    assert len(parts) < 80
    assert [begin for begin, _ in parts[:-1]] == [until for _, until in parts[1:]]
    assert (parts[0][1], parts[-1][0]) == (end, end - 365 * DAY)


def test_no_part_lies_before_the_container():
    end = 1_790_000_000 * 10**9
    work = BusyAtTheEnd(end, created_at=from_nanoseconds(end - 2 * DAY))
    parts = parts_of(work, 0, end)
    assert parts[-1] == (0, parts[-2][0])
    assert parts[-1][1] >= end - 4 * DAY


TRACE = """
echo INFO before
echo ERROR boom
for n in 1 2 3 4 5; do echo "  frame $n"; usleep 150000; done
echo INFO x
"""


def test_a_window_that_begins_amid_a_stored_trace_stores_none_of_it_again(
    ended, docker, docker_host, monkeypatch
):
    monkeypatch.setattr(container_reading, "MARGIN", 5 * 10**8)  # ns, which is less than the trace takes
    ended("engine-amid", TRACE)
    collect(docker_host, "engine-amid")
    assert [len(text.splitlines()) for text in messages()] == [1, 6, 1]
    begin = stamps(docker, "engine-amid")[-1]

    result = backfill_host(docker_host, begin, begin + timedelta(hours=1), containers=["engine-amid"])

    assert (result.ok, result.readings[0].entries) == (True, 0)
    assert [len(text.splitlines()) for text in messages()] == [1, 6, 1]


# --- readings that end early -------------------------------------------------------------------------------


def test_a_reading_at_its_limit_keeps_what_came_and_the_next_goes_on(ended, docker_host, settings):
    ended("engine-limit", "seq 1 20000; seq 1 20000 >&2")
    settings.PRODLOGS_BYTE_LIMIT = 300_000
    [first] = collect(docker_host, "engine-limit")
    assert (first.status, first.error_kind) == ("partial", ErrorKind.LIMIT)
    assert "PRODLOGS_BYTE_LIMIT" in first.error
    settings.PRODLOGS_BYTE_LIMIT = 10**9

    [rest] = collect(docker_host, "engine-limit")

    assert (rest.status, rest.gaps) == ("complete", [])
    assert 0 < rest.lines < 40000
    assert messages() == messages("stderr") == [str(number) for number in range(1, 20001)]


def test_limit_by_limit_everything_is_read(ended, docker_host, settings):
    ended("engine-bits", "seq 1 20000; seq 1 20000 >&2")
    settings.PRODLOGS_BYTE_LIMIT = 300_000
    statuses = [collect(docker_host, "engine-bits")[0].status for _ in range(12)]

    assert statuses[0] == SnapshotStatus.PARTIAL
    assert statuses[-1] == SnapshotStatus.COMPLETE
    assert SnapshotStatus.GAP not in statuses
    assert messages() == messages("stderr") == [str(number) for number in range(1, 20001)]


def test_what_a_killed_reader_left_is_on_record_as_ended_early(ended, docker_host):
    ended("engine-left", "echo once")
    [reading] = collect(docker_host, "engine-left")
    LogSnapshot.objects.update(status=SnapshotStatus.RUNNING, ended_at=None)

    collect(docker_host, "engine-left")

    left = LogSnapshot.objects.get(pk=reading.snapshot.pk)
    assert (left.status, left.error_kind, left.ended_at is None) == ("partial", ErrorKind.INTERNAL, False)
    assert "killed" in left.error_message


def test_a_line_over_the_limit_of_a_reading_is_cut_and_what_follows_it_is_read(ended, docker_host, settings):
    ended("engine-giant", "head -c 5000000 /dev/zero | tr '\\0' x; echo; seq 1 5")
    settings.PRODLOGS_BYTE_LIMIT, settings.PRODLOGS_ENTRY_LIMIT = 3_000_000, 1_000
    for _ in range(2):
        collect(docker_host, "engine-giant")

    giant, *rest = ContainerLogEntry.objects.order_by("timestamp", "sequence")
    assert (giant.message, giant.truncated_bytes) == ("x" * 1_000, 4_999_000)
    assert [row.message for row in rest] == list("12345")
    assert not LogSnapshot.objects.filter(status="gap").exists()


# --- errors ------------------------------------------------------------------------------------------------


def test_a_container_without_a_log_does_not_stop_the_others(ended, docker_host):
    ended("engine-a-none", "echo none", "--log-driver=none")
    ended("engine-b-file", "echo file")

    none, file = collect(docker_host, "engine-a-none", "engine-b-file")

    assert (none.status, none.error_kind, none.entries) == ("failed", ErrorKind.DRIVER, 0)
    assert docker_host.name in none.error
    assert (file.status, file.entries) == ("complete", 1)


def test_a_container_that_breaks_our_code_does_not_stop_the_others(ended, docker_host, monkeypatch):
    ended("engine-a-bad", "echo bad")
    ended("engine-b-good", "echo good")
    store = container_reading.EntryStore

    def broken(container, *arguments, **options):
        if container.name == "engine-a-bad":
            raise ZeroDivisionError
        return store(container, *arguments, **options)

    monkeypatch.setattr(container_reading, "EntryStore", broken)

    bad, good = collect(docker_host, "engine-a-bad", "engine-b-good")

    assert (bad.status, bad.error_kind) == ("failed", ErrorKind.INTERNAL)
    assert "internal error (ZeroDivisionError)" in bad.error
    assert good.status == "complete"


@pytest.fixture
def over_after(monkeypatch):
    """`over_after(text)`: an hour goes by, for commands and their deadlines, whenever a command has said the text."""
    hours, said = 0, []
    chunks = Execution.chunks

    def watched(execution):
        nonlocal hours
        for stream, chunk in chunks(execution):
            yield stream, chunk
            hours += any(text in chunk for text in said)

    monkeypatch.setattr(Execution, "chunks", watched)
    for each in (remote, executions):
        monkeypatch.setattr(each, "monotonic", lambda: time.monotonic() + 3600 * hours)
    return said.append


def test_two_slow_containers_do_not_stop_the_others(ended, docker, scripted, over_after):
    """What they bring within the deadline is stored; a host of which two containers say nothing has failed."""
    for name in ("engine-a-slow", "engine-b-slow", "engine-c", "engine-d"):
        ended(name, f"echo {name}")
    over_after(b"one of many")
    real = f"exec docker --host={docker.address}"
    slow = [docker.cli("inspect", "--format={{.Id}}", name) for name in ("engine-a-slow", "engine-b-slow")]
    line = "2026-11-20T10:00:00.000000001Z one of many"
    scripted.docker(
        f'PATH=/usr/bin:/bin\ncase "$*" in logs*{slow[0]}|logs*{slow[1]}) echo "{line}"; sleep 60;; '
        f'*) {real} "$@";; esac'
    )

    result = collect_host(scripted.row)

    found = {reading.container: reading.status for reading in result.readings}
    assert result.error == ""
    assert [found[f"engine-{name}"] for name in ("a-slow", "b-slow", "c", "d")] == [
        "partial",
        "partial",
        "complete",
        "complete",
    ]


def test_a_removed_container_is_said_to_be_once_and_keeps_its_entries(docker, docker_host):
    docker.run("engine-removed", "echo last; sleep 600")
    wait_for_line(docker, "engine-removed")
    collect(docker_host, "engine-removed")
    docker.remove("engine-removed")

    [removed] = [r for r in collect_host(docker_host).readings if r.container == "engine-removed"]

    assert (removed.status, removed.error_kind) == ("failed", ErrorKind.REMOVED)
    assert "what it wrote after 2" in removed.error
    assert "last" in messages()
    assert not [r for r in collect_host(docker_host).readings if r.container == "engine-removed"]


def test_a_new_container_under_an_old_name_is_another_one(docker, ended, docker_host):
    ended("engine-name", "echo old")
    collect(docker_host, "engine-name")
    docker.remove("engine-name")
    ended("engine-name", "echo new")

    readings = collect(docker_host, "engine-name")

    assert [reading.error_kind for reading in readings] == [ErrorKind.REMOVED, ""]
    assert messages() == ["old", "new"]
    assert Container.objects.filter(name="engine-name").count() == 2


def test_a_stopped_daemon_is_the_host_s_error(docker, ssh_host):
    with openssh(settings="SetEnv DOCKER_HOST=unix:///nonexistent/docker.sock\n") as server:
        result = collect_host(ssh_host(server))

    assert (result.error_kind, result.readings, result.ok) == (ErrorKind.DAEMON, [], False)


def test_a_pass_that_breaks_is_a_result_too(docker_host, monkeypatch):
    monkeypatch.setattr("prodlogs.reading.host_reading.HostReader.once", lambda *_: 1 / 0)

    [result] = collect_hosts([docker_host])

    assert (result.error_kind, result.ok) == (ErrorKind.INTERNAL, False)
    assert "internal error (ZeroDivisionError)" in result.error


@pytest.mark.django_db(transaction=True)
def test_a_host_that_fails_does_not_stop_the_others(ended, docker_host, ssh_host, docker_sshd):
    ended("engine-host", "echo here")
    closed = ssh_host(docker_sshd, port=1)

    results = {each.host: each for each in collect_hosts([closed, docker_host], containers=["engine-host"])}
    connection.close()

    assert results[closed.name].error_kind == ErrorKind.CONNECTION
    assert results[docker_host.name].ok
    assert messages() == ["here"]


def test_a_container_whose_end_somebody_else_saw_first_is_stored_to_its_end(docker, docker_host, monkeypatch):
    monkeypatch.setattr(container_reading, "TRACE_PAUSE", 3600 * 10**9)  # ns
    docker.run("engine-trace", "echo 'Traceback (most recent call last):'; sleep 600")
    wait_for_line(docker, "engine-trace")
    collect_host(docker_host, containers=["engine-trace"], kind=SnapshotKind.FOLLOW)  # waits for the rest
    docker.remove("engine-trace")
    check_host(docker_host)
    assert not ContainerLogEntry.objects.filter(container_name="engine-trace").exists()

    for _ in range(2):
        collect_host(docker_host, containers=[], kind=SnapshotKind.FOLLOW)

    entries = ContainerLogEntry.objects.filter(container_name="engine-trace")
    assert [entry.message for entry in entries] == ["Traceback (most recent call last):"]
    ends = LogSnapshot.objects.filter(container_name="engine-trace", error_kind="removed")
    assert ends.count() == 1  # told once
