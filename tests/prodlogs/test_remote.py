"""Reading from a host: the real engine behind a real OpenSSH server, and everything that goes wrong there."""

import os
import pwd
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import transaction

from logsite.audit.models import AuditEntry
from logsite.ssh.host_keys import fingerprint
from prodlogs.docker.grammar import Logs, Ps, Refused
from prodlogs.errors import HostError
from prodlogs.hardening.wrapper import wrapper
from prodlogs.models import DockerHost, ErrorKind, HostStatus, RemoteCommand
from prodlogs.ssh import executions, login
from prodlogs.ssh.audit import Record, check_names, deny
from prodlogs.ssh.remote import Remote
from tests.devices.emulator import private_key
from tests.devices.openssh import openssh
from tests.factories import DockerHostFactory
from tests.prodlogs.conftest import processes_of, send_to_each
from tests.prodlogs.hardened import hardened
from tests.soak import short_or_long

LINES = short_or_long(20_000, 1_000_000)
pytestmark = pytest.mark.django_db(transaction=True)

FOR_EVER = "while :; do echo more; echo and more >&2; sleep 0.05; done"
MUCH = "head -c 100000000 /dev/zero | tr '\\0' x"


def failure(remote, command=None, **options):
    """The error of a reading, and the bytes that came before it."""
    came = 0
    with pytest.raises(HostError) as caught:  # noqa: PT012
        for _, chunk in remote.stream(command or Ps(), **options):
            came += len(chunk)
    return caught.value, came


def status(host):
    found = DockerHost.objects.get(pk=host.pk)
    return found.status, found.error_kind


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_both_streams_come_whole_and_in_order(docker, remote):
    script = f"i=0; while [ $i -lt {LINES} ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    container = docker.run("ssh-streams", script)
    docker.wait("ssh-streams")
    found = {"stdout": b"", "stderr": b""}

    for stream, chunk in remote.stream(Logs(container)):
        assert len(chunk) <= 256 * 1024
        found[stream] += chunk

    for stream, word in (("stdout", "out"), ("stderr", "err")):
        lines = [line.split(" ", 1)[1] for line in found[stream].decode().splitlines()]
        assert lines == [f"{word} {number}" for number in range(LINES)]
    row = RemoteCommand.objects.get()
    assert (row.stdout_bytes, row.stderr_bytes) == (len(found["stdout"]), len(found["stderr"]))


def test_several_commands_share_one_login(docker, remote, monkeypatch):
    logins = []
    monkeypatch.setattr(
        "prodlogs.ssh.remote.connect", lambda host: logins.append(host) or login.connect(host)
    )

    remote.read(Ps())
    remote.read(Ps())

    assert len(logins) == 1


def test_a_reader_that_leaves_early_ends_the_command(docker, remote, docker_sshd):
    container = docker.run("ssh-early", "yes 0123456789012345678901234567890123456789 | head -n 300000")
    docker.wait("ssh-early")

    with closing(remote.stream(Logs(container))) as chunks:
        next(chunks)

    assert _gone(container)
    assert container in remote.read(Ps())
    assert RemoteCommand.objects.first().error_kind == ""


def test_a_reader_that_leaves_early_ends_the_command_of_a_hardened_host(docker, ssh_host, tmp_path):
    """There OpenSSH hands on no signal: what writes ends as soon as nobody takes it."""
    script = tmp_path / "logsite-docker-read"
    script.write_text(wrapper("docker", docker.address))
    script.chmod(0o755)
    container = docker.run("ssh-wrapped", "yes 0123456789012345678901234567890123456789 | head -n 300000")
    docker.wait("ssh-wrapped")
    with (
        hardened(script) as server,
        Remote(ssh_host(server, ssh_key=server.key), user="netops", via="cli") as remote,
    ):
        with closing(remote.stream(Logs(container))) as chunks:
            next(chunks)

        assert _gone(container)
        assert container in remote.read(Ps())


def _gone(word):
    """Whether the last process with `word` in its command line ends within some seconds."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if subprocess.run(["pgrep", "-f", f"docker logs.*{word}"], capture_output=True).returncode:
            return True
        time.sleep(0.05)
    return False


def test_what_a_slow_reader_has_not_taken_stays_on_the_host(scripted, elsewhere):
    scripted.docker(MUCH)
    with closing(elsewhere.stream(Ps())) as chunks:
        next(chunks)
        channel = chunks.gi_yieldfrom.gi_frame.f_locals["channel"]
        until = time.monotonic() + 120
        while len(channel.in_buffer) < login.WINDOW - 2 * executions.PIECE and time.monotonic() < until:
            time.sleep(0.01)
        assert login.WINDOW - 2 * executions.PIECE <= len(channel.in_buffer) <= login.WINDOW


# --- limits -----------------------------------------------------------------------------------------------


def test_a_trickle_does_not_outlive_the_deadline(scripted, elsewhere):
    scripted.docker(FOR_EVER)
    began = time.monotonic()

    error, came = failure(elsewhere, timeout=2.0)

    assert (error.kind, came > 0) == (ErrorKind.TIMEOUT, True)
    assert "did not end within 2 s" in str(error)
    assert time.monotonic() - began < 60


def test_a_flood_does_not_outlive_the_deadline(scripted, elsewhere):
    scripted.docker("yes")

    error, came = failure(elsewhere, timeout=2.0, byte_limit=2**62)

    assert (error.kind, came > 0) == (ErrorKind.TIMEOUT, True)


def test_a_command_that_says_nothing(scripted, elsewhere):
    scripted.docker("exec sleep 60")

    error, came = failure(elsewhere, timeout=0.5)

    assert (error.kind, came) == (ErrorKind.TIMEOUT, 0)
    assert status(scripted.row) == (HostStatus.FAILED, ErrorKind.TIMEOUT)


def test_after_a_timeout_the_next_command_has_its_own_answer(scripted, elsewhere):
    scripted.docker(FOR_EVER)
    failure(elsewhere, timeout=0.5)
    scripted.docker("echo still here")

    assert elsewhere.read(Ps()) == "still here\n"


def test_a_limit_of_bytes_gives_that_many(scripted, elsewhere):
    scripted.docker(MUCH)

    error, came = failure(elsewhere, byte_limit=1_000_000)

    assert (error.kind, came) == (ErrorKind.LIMIT, 1_000_000)
    assert status(scripted.row) == (HostStatus.OK, "")


def test_an_answer_as_large_as_the_limit_is_whole(scripted, elsewhere):
    scripted.docker("head -c 1000 /dev/zero | tr '\\0' x; head -c 500 /dev/zero | tr '\\0' y >&2")

    assert sum(len(chunk) for _, chunk in elsewhere.stream(Ps(), byte_limit=1500)) == 1500


def test_more_commands_at_once_than_the_host_takes(scripted, elsewhere):
    scripted.docker(FOR_EVER)
    with closing(elsewhere.stream(Ps())) as first, closing(elsewhere.stream(Ps())) as second:
        next(first)
        next(second)
        error, _ = failure(elsewhere)

    assert error.kind == ErrorKind.REFUSED
    assert "MaxSessions" in str(error)


# --- what the engine says ---------------------------------------------------------------------------------


def test_a_container_that_is_not_there(docker, remote):
    error, _ = failure(remote, Logs("ssh-never-was"))

    assert error.kind == ErrorKind.REMOVED
    assert status(remote.host) == (HostStatus.OK, "")


def test_a_container_that_is_removed_while_it_is_read_gives_what_it_had(docker, remote):
    container = docker.run("ssh-removed", "yes 0123456789012345678901234567890123456789 | head -n 300000")
    docker.wait("ssh-removed")
    lines = 0

    for number, (_, chunk) in enumerate(remote.stream(Logs(container))):
        if number == 0:
            docker.remove("ssh-removed")
        lines += chunk.count(b"\n")

    assert lines == 300_000
    assert failure(remote, Logs(container))[0].kind == ErrorKind.REMOVED


def test_a_log_driver_that_keeps_nothing(docker, remote):
    container = docker.run("ssh-none", "exec sleep 60", "--log-driver=none")

    error, _ = failure(remote, Logs(container))

    assert error.kind == ErrorKind.DRIVER
    assert "does not support reading" in str(error)
    assert status(remote.host) == (HostStatus.OK, "")


def test_a_missing_docker_daemon_is_reported_with_its_remedy(docker, ssh_host):
    with openssh(settings="SetEnv DOCKER_HOST=unix:///nowhere/docker.sock\n") as server:
        host = ssh_host(server)
        with Remote(host, user="netops", via="cli") as remote:
            error, _ = failure(remote)

    assert error.kind == ErrorKind.DAEMON
    assert "start it on the host" in str(error)
    assert status(host) == (HostStatus.FAILED, ErrorKind.DAEMON)


def test_a_user_who_may_not_use_docker(docker, ssh_host):
    accounts = [each for each in pwd.getpwall() if each.pw_uid and each.pw_shell in ("/bin/sh", "/bin/bash")]
    if os.geteuid() or not accounts:
        pytest.skip("only root can start a server for another account, and there has to be one")
    with openssh(accounts[-1].pw_name, settings=f"SetEnv DOCKER_HOST={docker.address}\n") as server:
        host = ssh_host(server)
        with Remote(host, user="netops", via="cli") as remote:
            error, _ = failure(remote)

    assert error.kind == ErrorKind.REFUSED
    assert "group docker" in str(error)
    assert status(host) == (HostStatus.FAILED, ErrorKind.REFUSED)


def test_a_host_without_docker(scripted, elsewhere):
    scripted.docker("exit 127")

    assert failure(elsewhere)[0].kind == ErrorKind.CONFIGURATION


def test_a_command_that_the_hosts_wrapper_refuses_counts_as_denied(scripted, elsewhere):
    scripted.docker("echo refused: not one of the read-only commands >&2; exit 126")

    assert failure(elsewhere)[0].kind == ErrorKind.REFUSED
    row = RemoteCommand.objects.get()
    assert (row.denied, row.exit_code) == (True, 126)


@pytest.mark.parametrize(
    ("command", "expected"),
    [(Logs("web"), (HostStatus.OK, "")), (Ps(), (HostStatus.FAILED, ErrorKind.INTERNAL))],
    ids=["logs", "ps"],
)
def test_a_log_that_the_daemon_cannot_read_is_no_fault_of_the_host(scripted, elsewhere, command, expected):
    scripted.docker("echo error from daemon in stream: Error grabbing logs: invalid character >&2; exit 1")

    failure(elsewhere, command)

    assert status(scripted.row) == expected


def test_a_command_that_is_killed_on_the_host(scripted, elsewhere):
    scripted.docker("echo half; kill -9 $$")

    error, came = failure(elsewhere)

    assert (error.kind, came) == (ErrorKind.CONNECTION, 5)
    assert "without an exit code" in str(error)


# --- the connection ---------------------------------------------------------------------------------------


def test_a_connection_that_breaks_while_it_is_read(scripted, elsewhere):
    scripted.docker(FOR_EVER)
    with pytest.raises(HostError) as caught:  # noqa: PT012
        for _ in elsewhere.stream(Ps()):
            send_to_each(processes_of(scripted.server.pid), signal.SIGKILL)
    scripted.docker("echo again")

    assert caught.value.kind == ErrorKind.CONNECTION
    assert status(scripted.row) == (HostStatus.FAILED, ErrorKind.CONNECTION)
    assert elsewhere.read(Ps()) == "again\n"
    assert status(scripted.row) == (HostStatus.OK, "")


def test_a_host_that_hangs_while_it_is_read(scripted, elsewhere):
    """Its processes stand still, as on a machine that swaps or whose disk is gone."""
    scripted.docker(FOR_EVER)
    stopped = []
    began = time.monotonic()
    try:
        with pytest.raises(HostError) as caught:  # noqa: PT012
            for _ in elsewhere.stream(Ps(), timeout=1.0):
                stopped = stopped or processes_of(scripted.server.pid)
                send_to_each(stopped, signal.SIGSTOP)
    finally:
        send_to_each(stopped, signal.SIGCONT)

    assert caught.value.kind == ErrorKind.TIMEOUT
    assert time.monotonic() - began < 60


def test_a_key_that_is_not_let_in(docker_sshd, ssh_host):
    host = ssh_host(docker_sshd, ssh_key=private_key()[1])
    with Remote(host, user="netops", via="cli") as remote:
        error, _ = failure(remote)

    assert error.kind == ErrorKind.AUTHENTICATION
    assert status(host) == (HostStatus.FAILED, ErrorKind.AUTHENTICATION)


def test_a_host_that_does_not_answer(docker_sshd, ssh_host):
    host = ssh_host(docker_sshd, port=1)  # where nobody listens
    with Remote(host, user="netops", via="cli") as remote:
        failure(remote)

    row = RemoteCommand.objects.get()
    assert (row.error_kind, row.exit_code, row.host_key_fingerprint) == (ErrorKind.CONNECTION, None, "")
    assert row.duration_ms is not None


# --- the record -------------------------------------------------------------------------------------------


def test_every_command_is_on_record(docker, remote, docker_sshd):
    docker.run("ssh-recorded", "exec sleep 60")
    remote.read(Ps())

    row = RemoteCommand.objects.get()
    assert row.argv == Ps().argv()
    assert (row.user, row.via, row.host_name) == ("netops", "cli", remote.host.name)
    assert row.host_key_fingerprint == fingerprint(docker_sshd.host_key)
    assert row.key_fingerprint == fingerprint(docker_sshd.public_key)
    assert (row.exit_code, row.denied, row.error_kind) == (0, False, "")
    assert row.stdout_bytes > 0
    assert row.duration_ms > 0


def test_a_command_is_on_record_before_it_is_sent(scripted, elsewhere):
    scripted.docker(FOR_EVER)
    with closing(elsewhere.stream(Ps())) as chunks:
        next(chunks)
        assert RemoteCommand.objects.get().duration_ms is None
    assert RemoteCommand.objects.get().duration_ms > 0


def test_a_changed_host_key_is_on_record_with_its_fingerprint(docker_sshd, ssh_host):
    other = private_key()[0]
    host = ssh_host(docker_sshd, host_key=f"{other.get_name()} {other.get_base64()}")
    with Remote(host, user="netops", via="cli") as remote:
        failure(remote)

    row = RemoteCommand.objects.get()
    assert row.error_kind == ErrorKind.HOST_KEY
    assert row.host_key_fingerprint == fingerprint(docker_sshd.host_key)
    assert row.key_fingerprint == ""


def test_what_the_grammar_refused_is_on_record(db):
    words = ["docker", "exec", "web\0", "sh", "\ud800", 7, "--password=Hunter2-Secret"]
    deny(DockerHostFactory(), words, "not read-only", user="mallory", via="api")

    row = RemoteCommand.objects.get()
    assert row.argv[:6] == ["docker", "exec", "web\\x00", "sh", "\\ud800", "7"]
    assert (row.denied, row.user, row.error_kind, row.error_message) == (
        True,
        "mallory",
        ErrorKind.REFUSED,
        "not read-only",
    )
    assert "Hunter2-Secret" not in str(row.argv)
    entry = AuditEntry.objects.get(event_type="authz_fail")
    assert (entry.what, entry.target, entry.details["by"]) == ("remote command", row.host_name, "mallory")
    assert (entry.details["argv"], entry.details["reason"]) == (row.argv, "not read-only")


def test_what_the_host_itself_denied_is_in_the_audit(scripted, elsewhere):
    scripted.docker("echo 'logsite-docker: refused: not read-only' >&2; exit 126")
    failure(elsewhere)
    row = RemoteCommand.objects.get()
    entry = AuditEntry.objects.get(event_type="authz_fail")

    assert (row.denied, entry.target, entry.details["by"]) == (True, row.host_name, row.user)
    assert (entry.details["argv"], entry.details["reason"]) == (row.argv, row.error_message)


@pytest.mark.parametrize("via", ["follow", "selftest"])
def test_what_a_host_denies_again_and_again_does_not_fill_the_audit(db, via):
    record = Record(DockerHostFactory(), ["docker", "ps"], user="netops", via=via)
    record.finish(exit_code=126, denied=True)

    assert RemoteCommand.objects.get().denied
    assert not AuditEntry.objects.filter(event_type="authz_fail").exists()


def test_a_name_that_cannot_be_a_container_s_is_on_record_for_each_host(db):
    hosts = [DockerHostFactory(name=name) for name in ("one", "two")]
    with pytest.raises(Refused, match="not a container's id or name"):
        check_names(hosts, ["web", "web; docker rm -f web"], user="mallory", via="cli")

    rows = RemoteCommand.objects.order_by("host_name")
    assert [(row.host_name, row.user, row.via, row.denied) for row in rows] == [
        ("one", "mallory", "cli", True),
        ("two", "mallory", "cli", True),
    ]
    assert rows[0].argv == ["docker", "logs", "--timestamps", "web", "web; docker rm -f web"]


def test_names_and_ids_are_nothing_to_record(db):
    check_names([DockerHostFactory()], ["web", "web_1.a-b", "f" * 64, "f" * 12], user="netops", via="cli")

    assert not RemoteCommand.objects.exists()


def test_nothing_is_sent_in_a_transaction_that_could_take_the_record_back(scripted, elsewhere):
    scripted.docker("touch $(dirname $0)/was-run")
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        elsewhere.read(Ps())

    assert not Path(scripted.server.folder, "was-run").exists()


def test_no_row_and_no_error_shows_the_key(docker_sshd, ssh_host):
    stranger = private_key()[1]
    host = ssh_host(docker_sshd, ssh_key=stranger)
    with Remote(host, user="netops", via="cli") as remote:
        error, _ = failure(remote)

    shown = f"{error!r} {remote!r} {host!r} {list(RemoteCommand.objects.values())}"
    assert not any(line in shown for line in stranger.splitlines()[1:-1])
