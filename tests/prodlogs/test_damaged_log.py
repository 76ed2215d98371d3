"""Docker ends its reply at a damaged record of a log file and calls that success: such a reading is not complete."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from prodlogs.models import Container, ContainerLogEntry, DockerHost, LogSnapshot, RemoteCommand
from prodlogs.reading.container_reading import ContainerReader
from prodlogs.reading.docker_log import DockerLog
from prodlogs.reading.host_reading import collect_host

pytestmark = pytest.mark.django_db
WRITER = """
seq 1 50
for go in 1 2 3; do until [ -e /go$go ]; do sleep 0.05; done; seq 1 10; done
sleep 600
"""


def log_file(docker, name):
    return Path(docker.cli("inspect", "--format={{.LogPath}}", name))


def wait_for(docker, name, number):
    """Until the log file holds that many records: Docker's own replies end at the damage."""
    while log_file(docker, name).read_bytes().count(b"\n") < number:
        docker.cli("version")


def damage(docker, name, first, last):
    """Overwrite records with NULs of the same length, as an unclean stop of the machine does."""
    path = log_file(docker, name)
    records = path.read_bytes().splitlines(keepends=True)
    for number in range(first, last + 1):
        records[number] = b"\0" * (len(records[number]) - 1) + b"\n"
    with path.open("r+b") as file:
        file.write(b"".join(records))


def test_a_log_that_is_damaged_is_never_complete_again(docker, docker_host):
    docker.run("damaged", WRITER)
    wait_for(docker, "damaged", 50)
    assert collect_host(docker_host, containers=["damaged"]).ok
    docker.cli("exec", "damaged", "touch", "/go1")
    wait_for(docker, "damaged", 60)
    damage(docker, "damaged", 51, 53)

    statuses = []
    for go in ("/go2", "/go3"):
        docker.cli("exec", "damaged", "touch", go)
        wait_for(docker, "damaged", 60 + 10 * int(go[-1]) - 10)
        [reading] = collect_host(docker_host, containers=["damaged"]).readings
        statuses.append((reading.status, reading.error_kind))

    assert {kind for _, kind in statuses} == {"damaged"}
    assert "complete" not in {status for status, _ in statuses}
    assert "its log file is damaged: Docker's reply ends after" in LogSnapshot.objects.first().error_message


REPLIES = {
    "empty": (b"", 0),
    "one line": (b"2026-11-20T10:00:01.000000005Z x\n", 1_795_168_801_000_000_005),
    "several lines": (
        b"2026-11-20T10:00:01.000000005Z x\n2026-11-20T10:00:02.000000006Z y\n",
        1_795_168_802_000_000_006,
    ),
    "no time": (b"garbage\n", 0),
    "a time within a line": (
        b"2026-11-20T10:00:01.000000005Z at 2027-11-20T10:00:01.000000005Z\n",
        1_795_168_801_000_000_005,
    ),
}


def test_the_newest_line_of_a_reply_is_found_by_its_time():
    found = {}
    for name, (reply, _) in REPLIES.items():
        host = SimpleNamespace(host=DockerHost(), stream=lambda *_, reply=reply, **__: [("stdout", reply)])
        found[name] = DockerLog(Container(container_id="web"), host).newest()

    assert found == {name: expected for name, (_, expected) in REPLIES.items()}


def test_a_log_that_is_whole_is_proved_by_one_more_command(docker, docker_host):
    docker.run("whole", "seq 1 5")
    docker.wait("whole")

    [reading] = collect_host(docker_host, containers=["whole"]).readings

    assert (reading.status, reading.lines) == ("complete", 5)
    logs = [row.argv for row in RemoteCommand.objects.order_by("id") if row.argv[1] == "logs"]
    assert logs[-1][2:5] == ["--timestamps", "--tail", "1"]
    assert len(logs) == 2


def test_what_is_written_between_a_reading_and_its_proof_is_read(docker, docker_host, monkeypatch):
    docker.run("meanwhile", "seq 1 5; until [ -e /go ]; do sleep 0.05; done; seq 6 9; sleep 600")
    wait_for(docker, "meanwhile", 5)
    due = ContainerReader._proof_is_due

    def later(work):
        docker.cli("exec", "meanwhile", "touch", "/go")
        wait_for(docker, "meanwhile", 9)
        return due(work)

    monkeypatch.setattr(ContainerReader, "_proof_is_due", later)
    [reading] = collect_host(docker_host, containers=["meanwhile"]).readings

    assert (reading.status, reading.lines) == ("complete", 9)
    assert ContainerLogEntry.objects.count() == 9
