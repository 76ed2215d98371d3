"""Linux hosts, against a real OpenSSH server."""

import os
import pwd
import re
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from devices.connectors import executions, get_connector
from devices.connectors.linux import LinuxConnector
from devices.errors import AuthenticationFailed, CommandRefused, CommandTimeout, ConnectionFailed
from logsite.records import get_source
from sessionlogs.models import Session, SessionLog
from sessionlogs.sources import message_of
from tests.devices.emulator import PASSWORD, UNTAKEN, USERNAME, Box
from tests.devices.openssh import PASSPHRASE, openssh
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def host():
    with openssh() as server:
        yield server


@pytest.fixture
def connector(host):
    """`connector(ssh_key=…)`: to the host, with the key that is let in."""

    def make(**options):
        wanted = {
            "ssh_key": host.key,
            "port": host.port,
            "device_id": "web01",
            "user_id": "netops",
            **options,
        }
        return get_connector("linux", host.host, host.username, "", **wanted)

    return make


def steps(connector):
    return [
        event
        for event in SessionLog.objects.filter(session_id=connector.session_id).order_by("id")
        if event.step
    ]


def answers(connector):
    return [event for event in steps(connector) if event.event_type != "command_sent"]


# --- one command ----------------------------------------------------------------------------------------------


def test_linux_has_a_connector_of_its_own(connector):
    assert isinstance(connector(), LinuxConnector)


def test_stdout_stderr_and_exit_code_are_apart(connector):
    with connector() as linux:
        found = linux.execute("echo to-stdout; echo to-stderr >&2; exit 3")
    assert (found.stdout, found.stderr, found.exit_code, found.ok) == ("to-stdout", "to-stderr", 3, False)


def test_a_command_that_ends_well_may_still_say_something_on_stderr(connector):
    with connector() as linux:
        assert linux.execute("echo careful >&2").ok
    [answer] = answers(linux)
    assert (answer.event_type, answer.response, answer.error_message) == ("command_response", "", "careful")
    assert answer.exit_code == 0


def test_the_record_reads_as_an_execution(connector):
    with connector() as linux:
        linux.execute("echo inactive; echo warning >&2; exit 3")
    [sent, answer] = steps(linux)
    command = "echo inactive; echo warning >&2; exit 3"
    assert message_of(sent) == f"STEP: 1 | COMMAND: {command}"
    assert (
        message_of(answer)
        == f"STEP: 1 | COMMAND: {command} | EXIT_CODE: 3 | STDOUT: inactive | STDERR: warning"
    )
    assert (answer.event_type, answer.error_kind) == ("command_failed", "device")


def test_a_record_has_the_status_of_the_step_and_of_the_execution(connector):
    linux = connector(agent_type="database")
    linux.open()
    linux.execute("true")
    linux.execute("exit 4")
    linux.close(failed=True)
    source = get_source("session")
    rows = source.fetch(source.queryset().filter(session_id=linux.session_id).order_by("id"))
    found = [source.to_record(row) for row in rows]
    labels = [(record.labels["status"], record.labels["execution_status"]) for record in found]
    assert labels == [
        ("Running", "Running"),
        ("Success", "Running"),  # the connection
        ("Running", "Running"),
        ("Success", "Running"),
        ("Running", "Running"),
        ("Failed", "Running"),
        ("Success", "Failed"),  # its end
    ]
    assert {record.labels["agent_type"] for record in found} == {"database"}
    assert "EXIT_CODE: 4" in found[5].message


def test_the_words_of_an_error_on_stdout_are_no_failure_where_the_exit_code_is_0(connector):
    with connector() as linux:
        assert linux.execute("echo 'Error: 17 lines of a log say so'").ok
    assert answers(linux)[0].event_type == "command_response"


def test_a_failed_session_without_a_word_on_stderr_names_the_exit_code(connector):
    linux = connector()
    linux.open()
    linux.execute("exit 7")
    linux.close(failed=True)
    session = Session.objects.get()
    assert (session.status, session.error_kind, session.error_message) == ("failed", "device", "exit code 7")


def test_a_command_that_is_not_there(connector):
    with connector() as linux:
        found = linux.execute("no-such-program")
    assert found.exit_code == 127
    assert ("not found" in found.stderr, found.reason) == (True, "exit code 127")


def test_a_command_killed_by_a_signal_has_no_exit_code(connector):
    with connector() as linux:
        found = linux.execute("echo before; kill -9 $$")
    assert (found.stdout, found.exit_code, found.ok) == ("before", None, False)
    assert "signal" in found.reason


def test_a_command_that_reads_its_input_finds_it_empty(connector):
    with connector() as linux:
        assert linux.execute("wc -c").stdout == "0"


def test_a_megabyte_on_both_streams_at_once(connector):
    with connector() as linux:
        found = linux.execute(
            "head -c 1048576 /dev/zero | tr '\\0' o & head -c 1048576 /dev/zero | tr '\\0' e >&2; wait"
        )
    assert (found.stdout, found.stderr) == ("o" * 2**20, "e" * 2**20)
    [answer] = answers(linux)
    assert answer.exit_code == 0


def test_more_than_anybody_reads_is_ended(connector, settings):
    settings.DEVICE_RESPONSE_LIMIT = 1_000_000
    with connector() as linux:
        found = linux.execute("yes")
    assert found.error_kind == "too_large"
    assert "1,000,000 bytes" in found.reason


def test_bytes_that_are_no_utf_8_keep_their_letter(connector):
    with connector() as linux:
        assert linux.execute(r"printf 'a\377b\000c'").stdout == "a\N{LATIN SMALL LETTER Y WITH DIAERESIS}b\0c"
    assert answers(linux)[0].response == "a\N{LATIN SMALL LETTER Y WITH DIAERESIS}b\N{SYMBOL FOR NULL}c"


def test_each_command_has_a_channel_of_its_own(connector):
    with connector() as linux:
        linux.execute("cd /tmp")
        assert linux.execute("pwd").stdout != "/tmp"
        assert [step.step for step in answers_of(linux)] == [1, 2]


def answers_of(linux):
    linux.recorder.close()
    return answers(linux)


# --- what goes wrong ------------------------------------------------------------------------------------------


def test_a_command_that_hangs_ends_at_the_deadline_and_keeps_what_it_said(connector):
    with connector() as linux:
        linux.connection.read_timeout_override = 10.0  # a busy host has said its words by then
        started = time.monotonic()
        found = linux.execute("echo so far; echo hm >&2; sleep 300")
        took = time.monotonic() - started
    assert (found.stdout, found.exit_code, found.error_kind) == ("so far", None, "timeout")
    assert 10 <= took < 150
    [answer] = answers(linux)
    assert (answer.event_type, answer.response) == ("command_failed", "so far\nhm")
    assert answer.error_message == "the command did not end within 10 s"


def test_a_trickle_does_not_outlive_the_deadline(connector):
    with connector() as linux:
        linux.connection.read_timeout_override = 0.7
        assert linux.execute("while :; do echo x; sleep 0.05; done").error_kind == "timeout"


@pytest.fixture
def ordinary_account():
    """An account beside root's that may log in: OpenSSH hands no signal on to what root runs."""
    accounts = [each for each in pwd.getpwall() if each.pw_uid and each.pw_shell in ("/bin/sh", "/bin/bash")]
    if os.geteuid() or not accounts:
        pytest.skip("only root can start a server for another account, and there has to be one")
    return accounts[-1].pw_name


def test_what_hangs_is_ended_on_the_host(settings, ordinary_account):
    settings.DEVICE_READ_TIMEOUT = 10.0  # a busy host has said its words by then
    with (
        openssh(ordinary_account) as server,
        get_connector(
            "linux",
            server.host,
            server.username,
            "",
            ssh_key=server.key,
            port=server.port,
            device_id="web01",
            user_id="",
        ) as linux,
    ):
        found = linux.execute("echo $$; exec sleep 300")
        process = Path(f"/proc/{found.stdout}/stat")
        gone_by = time.monotonic() + 120
        while _runs(process) and time.monotonic() < gone_by:
            linux.execute("true")
        assert not _runs(process)


def _runs(stat):
    with suppress(FileNotFoundError, ProcessLookupError):
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_after_a_timeout_the_next_command_has_its_own_answer(connector):
    with connector() as linux:
        linux.connection.read_timeout_override = 0.7
        linux.execute("sleep 60")
        linux.connection.read_timeout_override = 60.0
        assert linux.execute("echo still here").stdout == "still here"


def test_a_connection_that_breaks_in_a_command_is_no_timeout(connector, monkeypatch):
    drain = executions._Streams.drain

    def breaking(streams):
        drain(streams)
        if streams.stdout:
            with suppress(OSError):  # broken already
                streams.channel.transport.sock.shutdown(socket.SHUT_RDWR)

    monkeypatch.setattr(executions._Streams, "drain", breaking)
    with connector() as linux:
        found = linux.execute("echo begun; sleep 60")
        after = linux.execute("uptime")
    assert (found.stdout, found.error_kind, found.failure) == ("begun", "connection", "the connection broke")
    assert after.error_kind == "connection"


def test_a_host_that_kills_the_session_is_noticed(connector):
    with connector() as linux:
        found = linux.execute("kill -9 $PPID; sleep 60")
    assert found.error_kind == "connection"


def test_a_host_that_falls_silent_is_given_up_at_the_deadline(connector):
    with connector() as linux:
        session = int(linux.run("echo $PPID"))
        linux.connection.read_timeout_override = 10.0  # a busy host has taken the command up by then
        try:
            assert linux.execute("kill -STOP $PPID").error_kind == "timeout"
            with pytest.raises(ConnectionFailed):
                linux.execute("uptime")
        finally:
            os.kill(session, signal.SIGKILL)
    assert [answer.error_kind for answer in answers(linux)] == ["", "timeout", "connection"]


def test_a_host_that_does_not_take_a_command_up_is_given_up_at_the_deadline():
    with Box({"uptime": UNTAKEN}) as box:
        linux = get_connector(
            "linux", box.host, USERNAME, PASSWORD, device_id="web01", user_id="", port=box.port
        )
        with linux:
            linux.connection.read_timeout_override = 0.7
            with pytest.raises(ConnectionFailed):
                linux.execute("uptime")
            linux.connection.read_timeout_override = 60.0
            box.answers["uptime"] = "up"
            box.released.set()
            assert linux.execute("uptime").stdout == "up"


def test_a_host_is_let_in_with_a_password_and_interfaces_come_without_a_shell():
    lines = (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n"
        "       valid_lft forever preferred_lft forever\n"
    )
    with Box({"ip address show": lines}) as box:
        linux = get_connector(
            "linux", box.host, USERNAME, PASSWORD, device_id="web01", user_id="", port=box.port
        )
        assert [str(address) for each in linux.get_interfaces() for address in each.addresses] == [
            "127.0.0.1/8"
        ]
        assert box.received[0] == "ip address show"


def test_without_a_record_the_answers_are_the_same(connector):
    with connector(enable_session_logging=False) as linux:
        assert linux.execute("echo a; exit 2").exit_code == 2
    assert not Session.objects.exists()


def test_run_raises_by_the_kind_of_the_failure(connector):
    with connector() as linux:
        assert linux.run("echo fine") == "fine"
        with pytest.raises(CommandRefused, match="'exit 9': exit code 9"):
            linux.run("exit 9")
        linux.connection.read_timeout_override = 0.7
        with pytest.raises(CommandTimeout, match="did not end within"):
            linux.run("sleep 60")
        linux.connection.remote_conn_pre.close()
        with pytest.raises(ConnectionFailed, match="the connection broke"):
            linux.run("uptime")


# --- logging in -----------------------------------------------------------------------------------------------


def test_a_key_with_its_passphrase(connector, host):
    with connector(ssh_key=host.locked_key, ssh_key_passphrase=PASSPHRASE) as linux:
        assert linux.run("echo in") == "in"


@pytest.mark.parametrize(
    ("phrase", "text"), [("", "give its passphrase"), ("Wrong-Phrase-1", "the passphrase is wrong")]
)
def test_a_key_without_its_passphrase(connector, host, phrase, text):
    linux = connector(ssh_key=host.locked_key, ssh_key_passphrase=phrase)
    with pytest.raises(AuthenticationFailed, match=text):
        linux.open()
    linux.close(failed=True)


def test_a_key_that_is_not_let_in(connector, host):
    linux = connector(ssh_key=host.stranger)
    with pytest.raises(AuthenticationFailed, match="refused the username, password or key"), linux:
        pass
    session = Session.objects.get()
    assert (session.status, session.error_kind) == ("failed", "authentication")


def test_a_port_where_nobody_listens(connector):
    linux = connector(port=free_port())
    with pytest.raises(ConnectionFailed, match="TCP connection to device failed"), linux:
        pass
    assert Session.objects.get().error_kind == "connection"


def test_the_session_is_on_record_like_any_other(connector):
    with connector() as linux:
        linux.run("uname")
    found = SessionLog.objects.filter(session_id=linux.session_id).order_by("id")
    assert [event.event_type for event in found] == [
        "connection_start",
        "connection_success",
        "command_sent",
        "command_response",
        "disconnection",
    ]


def test_commands_do_not_wait_for_acknowledgements(connector):
    with connector() as linux:
        sock = linux.connection.remote_conn_pre.get_transport().sock
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_neither_a_socket_nor_a_thread_is_left_over(connector):
    def open_files():
        return len(os.listdir("/proc/self/fd"))

    with connector() as linux:
        linux.run("true")  # whatever is opened once
    files, threads = open_files(), threading.active_count()
    for _ in range(3):
        with connector() as linux:
            linux.run("true")
        with (
            suppress(AuthenticationFailed),
            connector(ssh_key=linux._secrets["private-key"], ssh_key_passphrase="x"),
        ):
            pass
    until = time.monotonic() + 120
    while (threading.active_count() > threads or open_files() > files) and time.monotonic() < until:
        threading.Event().wait(0.05)
    assert open_files() <= files
    assert threading.active_count() <= threads


def test_known_secrets_stand_in_no_row(connector):
    with connector(enable_secret="Sudo-Secret-815") as linux:
        linux.execute("echo Sudo-Secret-815; echo Sudo-Secret-815 >&2; exit 1")
    [_, answer] = steps(linux)
    assert "Sudo-Secret-815" not in f"{answer.command}{answer.response}{answer.error_message}"


# --- interfaces -----------------------------------------------------------------------------------------------


def test_interfaces_are_collected_over_an_exec_channel(connector, tmp_path, host):
    if not any((Path(folder) / "ip").exists() for folder in ("/sbin", "/usr/sbin", "/bin", "/usr/bin")):
        pytest.skip("ip is not installed (the package iproute2)")
    linux = connector()
    found = {interface.name: interface for interface in linux.get_interfaces()}
    assert "127.0.0.1/8" in [str(address) for address in found["lo"].addresses]
    assert re.search(
        r"COMMAND: ip address show \| EXIT_CODE: 0 \| STDOUT: 1: lo:", message_of(answers(linux)[0])
    )
