"""Linux hosts whose connection is closed by the device's deadline, while each command has time enough.

The clock of a deadline starts when the command hangs, so that no test depends on how long a login takes.
"""

import os
import signal
import threading
from pathlib import Path

import pytest

from devices.collecting.one_device import collect_device
from devices.commands import NOT_RUN, run_on_device
from devices.connectors import get_connector
from devices.connectors.executions import _Streams
from devices.connectors.limits import Deadline, Limits
from devices.errors import CommandTimeout
from sessionlogs.models import Session, SessionLog
from tests.devices.deadlines import HeldDeadlines, beside, deadline_timers
from tests.devices.emulator import SILENCE, UNTAKEN, Box
from tests.devices.openssh import openssh
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 0.3
OVER = f"the device did not finish within its deadline of {SECONDS} s"
HAS_BEGUN = "cat; "  # a command's input ends when the client knows that the host has taken the command up


@pytest.fixture(scope="module")
def host():
    with openssh() as server:
        yield server


@pytest.fixture
def deadlines(monkeypatch, settings):
    settings.COLLECT_DEADLINE = SECONDS
    return HeldDeadlines(monkeypatch)


@pytest.fixture
def runs_once_read(deadlines, host, monkeypatch):
    """The clock starts when the client has read what a command has said so far."""
    drain = _Streams.drain

    def drained(streams):
        drain(streams)
        if streams.stdout:
            deadlines.start(host.port)

    monkeypatch.setattr(_Streams, "drain", drained)


@pytest.fixture
def linux(deadlines, host):
    """A connection to the host."""
    with Deadline(SECONDS) as deadline:
        connector = get_connector(
            "linux",
            host.host,
            host.username,
            "",
            device_id="web01",
            user_id="netops",
            ssh_key=host.key,
            port=host.port,
            limits=Limits(deadline),
        )
        with connector:
            yield connector


@pytest.fixture
def web01(host):
    login = CredentialFactory(username=host.username, password="", ssh_key=host.key)
    return DeviceFactory(name="web01", platform="linux", host=host.host, port=host.port, credential=login)


class Awaited(threading.Event):
    """Sets `waiting` when somebody begins to wait for it."""

    def __init__(self):
        super().__init__()
        self.waiting = threading.Event()

    def wait(self, timeout=None):
        self.waiting.set()
        return super().wait(timeout)


@pytest.mark.usefixtures("runs_once_read")
@pytest.mark.parametrize("command", ["echo so far; sleep 60", "while echo so far; do sleep 0.05; done"])
def test_a_command_that_is_cut_off_is_a_timeout_and_keeps_what_it_said(linux, command):
    found = linux.execute(command)
    assert (found.error_kind, found.failure, found.exit_code) == ("timeout", OVER, None)
    assert set(found.stdout.split("\n")) == {"so far"}


@pytest.mark.usefixtures("runs_once_read")
def test_the_record_says_the_same(linux):
    linux.execute("echo so far; sleep 60")
    linux.close(failed=True)
    answer = SessionLog.objects.get(session_id=linux.session_id, event_type="command_failed")
    assert (answer.error_kind, answer.error_message, answer.response) == ("timeout", OVER, "so far")
    assert Session.objects.get().error_kind == "timeout"


@pytest.mark.usefixtures("runs_once_read")
def test_every_later_command_is_a_timeout_too(linux):
    linux.execute("echo so far; sleep 60")
    assert [linux.execute("uptime").error_kind for _ in range(2)] == ["timeout", "timeout"]
    with pytest.raises(CommandTimeout, match=OVER):
        linux.run("uptime")


def test_a_host_that_falls_silent_is_cut_off(linux, deadlines, host):
    session = int(linux.run("echo $PPID"))
    try:
        with beside(lambda: is_stopped(session), lambda: deadlines.start(host.port)):
            found = linux.execute(f"{HAS_BEGUN}kill -STOP $PPID")
        assert (found.error_kind, found.failure) == ("timeout", OVER)
    finally:
        os.kill(session, signal.SIGKILL)


def is_stopped(process):
    state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def test_a_connection_that_breaks_before_the_deadline_is_no_timeout(linux, deadlines, host):
    linux.limits.deadline.seconds = 600
    deadlines.start(host.port)
    assert linux.execute(f"{HAS_BEGUN}kill -9 $PPID; sleep 60").error_kind == "connection"
    assert linux.limits.deadline.left > 0


def test_a_host_that_does_not_take_a_command_up_is_cut_off(device_of, deadlines):
    with Box({"uptime": UNTAKEN}) as box:
        box.released = Awaited()
        with beside(box.released.waiting.is_set, lambda: deadlines.start(box.port)):
            found = run_on_device(device_of(box, platform="linux"), ["uptime"], None, any_command=False)
        box.released.set()
    assert [(answer.error_kind, answer.error) for answer in found.answers] == [("timeout", OVER)]


@pytest.mark.usefixtures("runs_once_read")
def test_what_would_follow_is_not_sent(web01):
    found = run_on_device(web01, ["echo so far; sleep 60", "echo on", "uptime"], None, any_command=True)
    assert [(answer.stdout, answer.error, answer.error_kind) for answer in found.answers] == [
        ("so far", OVER, "timeout"),
        ("", NOT_RUN, "timeout"),
        ("", NOT_RUN, "timeout"),
    ]
    assert Session.objects.get().commands == 1


def test_a_collection_that_is_cut_off_is_a_timeout(device_of, deadlines, settings):
    before = deadline_timers()
    with (
        Box({"ip address show": SILENCE}) as box,
        beside(lambda: "ip address show" in box.received, lambda: deadlines.start(box.port)),
    ):
        result = collect_device(device_of(box, platform="linux"))
    assert result.error_kind == "timeout"
    assert result.seconds < settings.DEVICE_READ_TIMEOUT  # by which the command itself would be given up
    assert OVER in result.error
    assert deadline_timers() <= before


def test_a_run_that_ends_before_its_deadline_leaves_no_timer(web01, settings):
    settings.COLLECT_DEADLINE = 600.0
    before, seen = deadline_timers(), []

    def disconnected():
        seen.append(len(deadline_timers() - before))

    assert run_on_device(web01, ["uptime"], None, any_command=False, disconnected=disconnected).ok
    assert seen == [1]
    assert deadline_timers() <= before
