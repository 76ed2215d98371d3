"""manage.py collect_interfaces."""

import getpass
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.models import Device
from sessionlogs.models import Session
from tests.factories import DeviceFactory
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def collect(*arguments):
    """The lines printed, and the exit code."""
    out = StringIO()
    try:
        call_command("collect_interfaces", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return [*out.getvalue().splitlines(), str(error)], error.returncode
    return out.getvalue().splitlines(), 0


def test_a_line_a_device_and_a_sum(router, device_of):
    device_of(router, name="rtr01")
    lines, code = collect("--device", "rtr01")
    assert re.fullmatch(r"rtr01: ok, 1 interfaces, 2 addresses, \d+\.\d s", lines[0])
    assert lines[1:] == ["1 of 1 devices collected"]
    assert code == 0


def test_a_device_that_failed_is_named_with_its_reason_and_the_exit_code_is_1(router, device_of):
    device_of(router, name="good")
    device_of(router, name="refused", password="Wrong-Horse-9")
    lines, code = collect("--all")
    assert "refused: failed, authentication failed: the device refused the username, password or key" in lines
    assert [line for line in lines if line.startswith("good: ok")]
    assert lines[-2:] == ["1 of 2 devices collected", "1 of 2 devices failed: refused"]
    assert code == 1


def test_several_devices_by_name(router, device_of):
    for name in ("one", "two", "three"):
        device_of(router, name=name)
    lines, code = collect("--device", "one", "two", "--device", "one")
    assert sorted(line.partition(":")[0] for line in lines[:-1]) == ["one", "two"]
    assert (lines[-1], code) == ("2 of 2 devices collected", 0)


def test_all_means_every_enabled_device(router, device_of):
    device_of(router, name="on")
    device_of(router, name="off", enabled=False)
    lines, _ = collect("--all", "--workers", "2")
    assert lines[-1] == "1 of 1 devices collected"
    assert Device.objects.get(name="off").attempted_at is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--device", "rtr01", "rtr99"], "--device: not in the inventory: rtr99"),
        (["--device", "off"], "--device: not enabled: off"),
        (["--device", "rtr01", "--user", "nobody"], "--user: no such user: nobody"),
        (["--device", "rtr01", "--workers", "-1"], "--workers must be at least 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, text):
    DeviceFactory(name="rtr01", host="127.0.0.1", port=free_port())
    DeviceFactory(name="off", enabled=False)
    assert collect(*arguments) == ([text], 2)


def test_an_empty_inventory_is_said():
    assert collect("--all") == (["there is no enabled device; add one in the admin"], 2)


@pytest.mark.parametrize("arguments", [[], ["--device", "x", "--all"]])
def test_either_names_or_all(arguments):
    lines, code = collect(*arguments)
    assert "--device" in lines[0]
    assert code == 1  # argparse's own 2 when it runs as a command


def test_user_is_named_in_the_session(router, device_of, teammate):
    device_of(router, name="rtr01")
    collect("--device", "rtr01", "--user", "teammate")
    session = Session.objects.get()
    assert (session.user, session.user_id) == ("teammate", str(teammate.pk))


def test_without_user_it_is_the_account_of_the_same_name_if_there_is_one(
    router, device_of, owner, monkeypatch
):
    device_of(router, name="rtr01")
    monkeypatch.setattr(getpass, "getuser", lambda: "owner")
    collect("--device", "rtr01")
    monkeypatch.setattr(getpass, "getuser", lambda: "stranger")
    collect("--device", "rtr01")
    assert sorted(Session.objects.values_list("user", flat=True)) == ["", "owner"]


def test_an_account_without_a_name_is_no_traceback(router, device_of, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nameless)
    device_of(router, name="rtr01")
    assert collect("--device", "rtr01")[1] == 0


def test_no_session_log_leaves_none(router, device_of):
    device_of(router, name="rtr01")
    assert collect("--device", "rtr01", "--no-session-log")[1] == 0
    assert not Session.objects.exists()


def test_the_collection_is_on_record_by_default(router, device_of):
    device_of(router, name="rtr01")
    collect("--device", "rtr01")
    assert Session.objects.get().status == "success"


def test_a_device_that_is_being_collected_is_a_failed_one(router, device_of):
    device_of(router, name="busy", claimed_until=timezone.now() + timedelta(minutes=1))
    lines, code = collect("--all")
    assert lines[0] == "busy: failed, a collection of this device is running already"
    assert code == 1
