"""The containers of a host as rows, and what they use."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from prodlogs.errors import HostError
from prodlogs.health import asked
from prodlogs.health.asked import check_host, check_hosts
from prodlogs.models import Container, ErrorKind, RemoteCommand
from prodlogs.reading import containers
from prodlogs.reading.containers import read_stats, refresh
from tests.factories import ContainerFactory, DockerHostFactory

pytestmark = pytest.mark.django_db(transaction=True)

ONE, TWO = "1" * 64, "2" * 64


def refreshed(remote, container_id):
    """The row of one container of the engine, as it is stored."""
    found = {each.container_id: each for each in refresh(remote, remote.host)}
    return Container.objects.get(pk=found[container_id].pk)


# --- the real engine --------------------------------------------------------------------------------------


def test_a_container_becomes_a_row(docker, remote):
    container = docker.run("ssh-row", "exec sleep 60")

    row = refreshed(remote, container)

    assert (row.host, row.name, row.image) == (remote.host, "ssh-row", "logsite/busybox")
    assert (row.state, row.health, row.tty, row.log_driver) == ("running", "", False, "json-file")
    assert (row.restarts, row.exit_code, row.finished_at, row.removed_at) == (0, 0, None, None)
    assert row.created_at <= row.started_at
    assert abs(row.started_at - row.seen_at) < timedelta(minutes=5)


def test_a_container_with_a_terminal_and_another_driver(docker, remote):
    container = docker.run("ssh-tty", "exec sleep 60", "--tty", "--log-driver=local")

    row = refreshed(remote, container)

    assert (row.tty, row.log_driver) == (True, "local")


def test_a_container_that_has_ended(docker, remote):
    container = docker.run("ssh-ended", "exit 3")
    docker.wait("ssh-ended")

    row = refreshed(remote, container)

    assert (row.state, row.exit_code) == ("exited", 3)
    assert row.finished_at is not None


def test_a_container_with_a_health_check(docker, remote):
    container = docker.run("ssh-health", "exec sleep 60", "--health-cmd=true", "--health-interval=1h")

    assert refreshed(remote, container).health == "starting"


def test_a_container_that_changes_keeps_its_row_and_what_others_store_there(docker, remote):
    container = docker.run("ssh-changes", "exec sleep 60")
    row = refreshed(remote, container)
    Container.objects.filter(pk=row.pk).update(covered_from=4711, aligned=False)
    docker.cli("rename", "ssh-changes", "ssh-changed")
    docker.cli("kill", "ssh-changed")

    again = refreshed(remote, container)

    assert (again.pk, again.name, again.state, again.exit_code) == (row.pk, "ssh-changed", "exited", 137)
    assert (again.covered_from, again.aligned) == (4711, False)
    docker.cli("rename", "ssh-changed", "ssh-changes")


def test_a_container_that_is_gone_is_marked_and_not_deleted(docker, remote):
    container = docker.run("ssh-gone", "exec sleep 60")
    row = refreshed(remote, container)
    docker.remove("ssh-gone")

    assert row not in refresh(remote, remote.host)

    row.refresh_from_db()
    assert row.removed_at > row.seen_at


def test_a_container_that_another_reader_saw_meanwhile_is_not_gone(docker, remote, monkeypatch):
    """Its answer to `docker ps` is newer than ours, in which the container was not there yet."""
    described = containers._described

    def and_born(remote, host):
        found = described(remote, host)
        ContainerFactory(host=host, name="just-born", seen_at=timezone.now())
        return found

    monkeypatch.setattr(containers, "_described", and_born)

    refresh(remote, remote.host)

    assert Container.objects.get(name="just-born").removed_at is None


def test_a_container_that_was_gone_and_is_listed_again(docker, remote):
    container = docker.run("ssh-back", "exec sleep 60")
    row = refreshed(remote, container)
    Container.objects.filter(pk=row.pk).update(removed_at=row.seen_at)

    assert refreshed(remote, container).removed_at is None


def test_a_new_container_under_an_old_name_is_another(docker, remote):
    first = refreshed(remote, docker.run("ssh-name", "exec sleep 60"))
    docker.remove("ssh-name")

    second = refreshed(remote, docker.run("ssh-name", "exec sleep 60"))

    assert (first.name, first.pk) != (second.name, second.pk)
    assert Container.objects.filter(host=remote.host, name="ssh-name", removed_at=None).get() == second


def test_two_readers_may_see_a_new_container_at_once(docker, remote):
    """As when somebody checks a host's health while `prodlogs follow` reads it."""
    docker.run("ssh-both", "exec sleep 60")
    found = containers._described(remote, remote.host)
    barrier = Barrier(2)

    def store():
        try:
            barrier.wait(120)
            with transaction.atomic():
                return [row.name for row in containers._stored(remote.host, found, timezone.now())]
        finally:
            connection.close()

    for _ in range(10):
        Container.objects.all().delete()
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(store), pool.submit(store)
            assert first.result() == second.result()


def test_containers_of_other_hosts_stay(docker, remote):
    other = ContainerFactory()

    refresh(remote, remote.host)

    other.refresh_from_db()
    assert other.removed_at is None


def test_what_a_container_uses(docker, remote):
    container = docker.run("ssh-stats", "exec sleep 60")
    row = refreshed(remote, container)

    usage = read_stats(remote, remote.host)
    found = usage.found[container]

    assert usage.misfits == []
    row.refresh_from_db()
    assert row.stats == found
    assert row.stats_at is not None
    assert found["processes"] == 1
    assert 0 < found["memory_bytes"] < found["memory_limit_bytes"]
    assert found["network_in_bytes"] == 0


# --- answers that no engine gives on demand ---------------------------------------------------------------


def listed(container_id, **fields):
    wanted = {
        "ID": container_id,
        "Names": "web",
        "Image": "web:1",
        "State": "running",
        "CreatedAt": "",
        **fields,
    }
    return json.dumps(wanted)


def details(container_id, **fields):
    return json.dumps(
        {
            "Id": container_id,
            "Name": "/web",
            "Created": "2026-11-20T14:05:30.658894939Z",
            "Status": "running",
            "Health": "",
            "ExitCode": 0,
            "StartedAt": "2026-11-20T14:05:31Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            "RestartCount": 0,
            "Tty": False,
            "LogDriver": "json-file",
            **fields,
        }
    )


def answering(scripted, ps, inspect=""):
    scripted.docker(f"[ $2 = --all ] && cat <<'PS' || cat <<'INSPECT'\n{ps}\nPS\n{inspect}\nINSPECT")


def misfit(scripted, remote):
    """What is said of an answer that does not fit; something else where it was taken or stored."""
    try:
        refresh(remote, scripted.row)
    except HostError as error:
        stored = Container.objects.exists()
        return str(error) if error.kind == ErrorKind.INTERNAL and not stored else f"{error.kind}, {stored}"
    return "taken"


def test_a_host_without_containers(scripted, elsewhere):
    old = ContainerFactory(host=scripted.row)
    scripted.docker("exit 0")

    assert refresh(elsewhere, scripted.row) == []
    old.refresh_from_db()
    assert old.removed_at is not None


def test_a_line_of_ps_that_does_not_fit_is_told(scripted, elsewhere):
    wrong = {}
    lines = (
        "Last login: Fri Nov 20 14:00:00 2026",
        "[]",
        json.dumps({"ID": ONE}),
        listed("abc"),
        listed(ONE.replace("1", "G")),
        listed(ONE, Image=None),
    )
    for line in lines:
        answering(scripted, f"{listed(TWO)}\n{line}")
        text = misfit(scripted, elsewhere)
        if "a line of `docker ps` does not fit" not in text or ascii(line[:200]) not in text:
            wrong[line] = text

    assert wrong == {}


def test_a_line_of_inspect_that_does_not_fit_is_told(scripted, elsewhere):
    wrong = {}
    values = (
        ("ExitCode", "0"),
        ("Created", "yesterday"),
        ("StartedAt", "2026-13-45T00:00:00Z"),
        ("RestartCount", True),
    )
    for name, value in values:
        answering(scripted, listed(ONE), details(ONE, **{name: value}))
        if "a line of `docker inspect` does not fit" not in (text := misfit(scripted, elsewhere)):
            wrong[name] = text

    assert wrong == {}


def test_a_container_that_inspect_passes_over_is_told(scripted, elsewhere):
    answering(scripted, f"{listed(ONE)}\n{listed(TWO)}", details(ONE))

    assert "described 1 of the 2 containers" in misfit(scripted, elsewhere)


def test_a_container_that_goes_between_ps_and_inspect_is_no_error(scripted, elsewhere):
    answer = f"""
    if [ $2 = --all ]; then
        echo '{listed(ONE)}'
        [ -e "$0.gone" ] || echo '{listed(TWO)}'
    elif [ -e "$0.gone" ]; then
        echo '{details(ONE)}'
    else
        touch "$0.gone"; echo "Error response from daemon: No such container: {TWO}" >&2; exit 1
    fi"""
    scripted.docker(answer)

    assert [each.container_id for each in refresh(elsewhere, scripted.row)] == [ONE]


def test_what_always_goes_is_an_error_in_the_end(scripted, elsewhere):
    answer = f"[ $2 = --all ] && echo '{listed(ONE)}' || {{ echo No such container: x >&2; exit 1; }}"
    scripted.docker(answer)

    with pytest.raises(HostError) as caught:
        refresh(elsewhere, scripted.row)

    assert caught.value.kind == ErrorKind.REMOVED
    assert RemoteCommand.objects.count() == 6


def test_more_containers_than_one_command_names(scripted, elsewhere):
    ids = [f"{number:064x}" for number in range(450)]
    scripted.docker(
        "if [ $2 = --all ]; then cat $(dirname $0)/ps; exit; fi\n"
        "while [ ${#1} != 64 ]; do shift; done\n"
        "for each in $*; do grep $each $(dirname $0)/inspect; done"
    )
    (scripted.server.folder / "ps").write_text("\n".join(map(listed, ids)))
    (scripted.server.folder / "inspect").write_text("\n".join(map(details, ids)))

    assert len(refresh(elsewhere, scripted.row)) == 450
    assert RemoteCommand.objects.count() == 1 + 3


def used(container_id, **fields):
    return json.dumps(
        {
            "ID": container_id,
            "CPUPerc": "0.05%",
            "MemUsage": "828KiB / 1.9GiB",
            "NetIO": "1e+03kB / 0B",
            "BlockIO": "0B / 0B",
            "PIDs": "1",
            **fields,
        }
    )


def asked_for_stats(scripted, *lines):
    """A host of two running containers, whose `docker stats` says this."""
    stats = "\n".join(lines)
    scripted.docker(
        f"case $1 in\nps) echo '{listed(ONE)}'; echo '{listed(TWO)}' ;;\n"
        f"inspect) echo '{details(ONE)}'; echo '{details(TWO, Name='/db')}' ;;\n"
        f"stats) cat <<'STATS'\n{stats}\nSTATS\nesac"
    )
    return check_host(scripted.row)


def test_what_a_container_uses_is_known_whatever_docker_rounds_to(scripted):
    found = asked_for_stats(scripted, used(ONE), used(TWO))

    assert (found["status"], found["problems"]) == ("healthy", [])
    assert [row["network_in_bytes"] for row in found["stats"]] == [10**6, 10**6]


def test_a_value_of_stats_that_does_not_fit_is_unknown_and_told(scripted):
    found = asked_for_stats(scripted, used(ONE, CPUPerc="much"), used(TWO))

    assert (found["status"], found["error"]) == ("degraded", "")
    assert found["problems"] == [
        f"`docker stats`, CPUPerc of {ONE[:12]}: not a percentage: 'much'",
    ]
    assert {row["container_name"]: row["cpu_percent"] for row in found["stats"]} == {"web": None, "db": 0.05}
    assert {row["memory_bytes"] for row in found["stats"]} == {847_872}


@pytest.mark.parametrize("line", ["Welcome!", "[]", json.dumps({"ID": TWO})])
def test_a_line_of_stats_that_does_not_fit_is_told_and_the_others_are_read(scripted, line):
    found = asked_for_stats(scripted, used(ONE), line)

    assert found["status"] == "degraded"
    assert "a line of `docker stats` does not fit" in found["problems"][0]
    assert Container.objects.get(container_id=ONE).stats["cpu_percent"] == 0.05


@pytest.mark.parametrize("silent", ["ps", "inspect", "stats"])
def test_a_daemon_that_hangs_is_not_waited_for_as_long_as_for_a_log(scripted, monkeypatch, settings, silent):
    settings.PRODLOGS_DEADLINE = 300.0
    monkeypatch.setattr(containers, "LONGEST", 1.0)
    scripted.docker(
        f"[ $1 = {silent} ] && exec sleep 60\n[ $1 = ps ] && echo '{listed(ONE)}'\n"
        f"[ $1 = inspect ] && echo '{details(ONE)}'\ntrue"
    )
    began = time.monotonic()

    found = check_host(scripted.row)

    assert (found["status"], found["error_kind"]) == ("unreachable", "timeout")
    assert "did not end within 1 s" in found["error"]
    assert time.monotonic() - began < 30


def test_a_host_that_breaks_something_here_does_not_hide_the_others(scripted, monkeypatch):
    def broken(remote, host):
        if host.name == "broken":
            raise OperationalError("database is locked")
        return refresh(remote, host)

    monkeypatch.setattr(asked, "refresh", broken)
    scripted.docker("exit 0")

    bad, good = check_hosts([DockerHostFactory(name="broken"), scripted.row])

    assert (bad["status"], bad["error_kind"]) == ("unreachable", "internal")
    assert "internal error (OperationalError)" in bad["error"]
    assert good["status"] == "healthy"
