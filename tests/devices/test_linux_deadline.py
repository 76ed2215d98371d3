"""Linux hosts whose connection is closed by the device's deadline, while each command has time enough."""

import os
import signal
import threading

import pytest

from devices.collect import collect_device
from devices.commands import NOT_RUN, run_on_device
from devices.connectors import get_connector
from devices.connectors.limits import Deadline, Limits
from devices.errors import CommandTimeout
from sessionlogs.models import Session, SessionLog
from tests.devices.emulator import SILENCE, UNTAKEN, Box
from tests.devices.openssh import openssh
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
OVER = "the device was not done after 1 s, its deadline"


@pytest.fixture(scope="module")
def host():
    with openssh() as server:
        yield server


@pytest.fixture
def linux(host):
    """A connection to the host that has a second in all."""
    with Deadline(1.0) as deadline:
        connector = get_connector(
            "linux", host.host, host.username, "", device_id="web01", user_id="netops",
            ssh_key=host.key, port=host.port, limits=Limits(deadline),
        )  # fmt: skip
        with connector:
            yield connector


@pytest.fixture
def web01(host):
    login = CredentialFactory(username=host.username, password="", ssh_key=host.key)
    return DeviceFactory(name="web01", platform="linux", host=host.host, port=host.port, credential=login)


@pytest.mark.parametrize("command", ["echo so far; sleep 60", "while echo so far; do sleep 0.05; done"])
def test_a_command_that_is_cut_off_is_a_timeout_and_keeps_what_it_said(linux, command):
    found = linux.execute(command)
    assert (found.error_kind, found.failure, found.exit_code) == ("timeout", OVER, None)
    assert set(found.stdout.split("\n")) == {"so far"}


def test_the_record_says_the_same(linux):
    linux.execute("echo so far; sleep 60")
    linux.close(failed=True)
    answer = SessionLog.objects.get(session_id=linux.session_id, event_type="command_failed")
    assert (answer.error_kind, answer.error_message, answer.response) == ("timeout", OVER, "so far")
    assert Session.objects.get().error_kind == "timeout"


def test_every_later_command_is_a_timeout_too(linux):
    linux.execute("sleep 60")
    assert [linux.execute("uptime").error_kind for _ in range(2)] == ["timeout", "timeout"]
    with pytest.raises(CommandTimeout, match=OVER):
        linux.run("uptime")


def test_a_host_that_falls_silent_is_cut_off(linux):
    session = int(linux.run("echo $PPID"))
    try:
        assert linux.execute("kill -STOP $PPID").error_kind == "timeout"
    finally:
        os.kill(session, signal.SIGKILL)


def test_a_connection_that_breaks_before_the_deadline_is_no_timeout(linux):
    assert linux.execute("kill -9 $PPID; sleep 60").error_kind == "connection"


def test_a_host_that_does_not_take_a_command_up_is_cut_off(device_of, settings):
    settings.COLLECT_DEADLINE = 1.0
    with Box({"uptime": UNTAKEN}) as box:
        found = run_on_device(device_of(box, platform="linux"), ["uptime"], None, any_command=False)
        box.released.set()
    assert [(answer.error_kind, answer.error) for answer in found.answers] == [("timeout", OVER)]


def test_what_would_follow_is_not_sent(web01, settings):
    settings.COLLECT_DEADLINE = 1.0
    found = run_on_device(web01, ["echo so far; sleep 60", "echo on", "uptime"], None, any_command=True)
    assert [(answer.stdout, answer.error, answer.error_kind) for answer in found.answers] == [
        ("so far", OVER, "timeout"), ("", NOT_RUN, "timeout"), ("", NOT_RUN, "timeout"),
    ]  # fmt: skip
    assert Session.objects.get().commands == 1


def test_a_collection_that_is_cut_off_is_a_timeout(device_of, settings):
    settings.COLLECT_DEADLINE = 1.0
    with Box({"ip address show": SILENCE}) as box:
        result = collect_device(device_of(box, platform="linux"))
    assert (result.error_kind, result.seconds < 5) == ("timeout", True)
    assert OVER in result.error
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
