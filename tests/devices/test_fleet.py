"""Many devices: outcomes, deadlines, retries, the limit of logins, stopping and resuming."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.collecting import fleet, one_device
from devices.collecting.fleet import collect_devices, in_pages
from devices.collecting.one_device import collect_device
from devices.connectors.limits import Deadline, LoginSlot
from devices.models import CollectionRun, Credential, Device
from sessionlogs.models import Session, SessionLog
from sessionlogs.recording.writer import writer
from tests.devices.deadlines import deadline_timers
from tests.devices.emulator import DROP, SILENCE, Box, listening
from tests.devices.light_fleet import PASSWORD, light_fleet, plan
from tests.factories import DeviceFactory
from tests.ports import free_port
from tests.soak import short_or_long

pytestmark = pytest.mark.django_db(transaction=True)
DEVICES = short_or_long(100, 300)
ESTABLISHED = 1  # Linux's state of a TCP connection that neither end has closed
OUTCOMES = {
    "well": "",
    "refuse": "authentication",
    "hang": "timeout",
    "trickle": "timeout",
    "drop": "connection",
    "error": "device",
}


def stock(running):
    """The inventory of a light fleet: a credential a username."""
    names = {device["username"] for device in running.devices}
    credentials = {
        name: Credential.objects.create(name=name, username=name, password=PASSWORD) for name in names
    }
    Device.objects.bulk_create(
        Device(
            name=device["name"],
            host="127.0.0.1",
            port=running.ports[device["name"]],
            platform=device["platform"],
            credential=credentials[device["username"]],
        )
        for device in running.devices
    )


def sockets_of_ours():
    """Open TCP sockets of this process, apart from those to the database."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(fd))) as sock:
                    found.append(sock.family == socket.AF_INET and sock.getpeername()[1])
        except OSError:
            continue
    return [port for port in found if port]


def eventually(holds, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def collecting(*arguments):
    """The lines printed, and the exit code."""
    out = StringIO()
    try:
        call_command("collect_interfaces", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return [*out.getvalue().splitlines(), str(error)], error.returncode
    return out.getvalue().splitlines(), 0


# --- the whole fleet ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_large_fleet_with_every_fifth_misbehaving_ends_as_it_should(settings):
    settings.COLLECT_DEADLINE = (
        100.0  # what hangs ends by it; on a busy machine all others have long ended by then
    )
    threads, number = threading.active_count(), DEVICES
    with light_fleet(plan(number), latency=0.05) as running:
        stock(running)
        lines, code = collecting("--all", "--workers", "50")
        assert eventually(lambda: running.counts()["connections"] == 0)
        counts = running.counts()
        assert set(sockets_of_ours()).isdisjoint(running.ports.values())
    kinds = {device["name"]: OUTCOMES[device["behaviour"]] for device in running.devices}
    expected = Counter(kinds.values())

    assert dict(Device.objects.values_list("name", "error_kind")) == kinds
    assert not Device.objects.exclude(claimed_until=None).exists()
    assert max(counts["most_logins"].values()) <= settings.COLLECT_LOGINS_PER_CREDENTIAL
    assert set(counts["attempts"].values()) == {1}  # no refused password, and no sent command, a second time
    assert (code, len(lines)) == (1, number + 3), lines[-3:]
    assert f"{expected['']} of {number} devices collected" == lines[-2]
    assert f"{DEVICES * 4 // 5} success" in lines[-3]
    assert_complete_and_in_order(kinds)
    writer.stop()
    assert eventually(lambda: threading.active_count() <= threads + 1), threading.enumerate()  # the heartbeat


def assert_complete_and_in_order(kinds):
    assert Session.objects.count() == len(kinds)
    events = {}
    for event in SessionLog.objects.order_by("id").values("session", "event_type", "timestamp", "step"):
        events.setdefault(event["session"], []).append(event)
    for session in Session.objects.all():
        own = events[session.pk]
        types = [event["event_type"] for event in own]
        assert (session.status, session.error_kind) == (
            "failed" if kinds[session.device] else "success",
            kinds[session.device],
        )
        assert types[:2] == ["interface_collection_start", "connection_start"]
        assert [event["timestamp"] for event in own] == sorted(event["timestamp"] for event in own)
        if kinds[session.device] == "authentication":
            assert types[2:] == ["connection_failed", "interface_collection_failed"]
            continue
        ending = "interface_collection_failed" if kinds[session.device] else "interface_collection_success"
        assert types[2:4] == ["connection_success", "interface_commands_planned"]
        assert types[-2:] == [ending, "disconnection"]
        steps = [event["step"] for event in own if event["step"]]
        assert steps == sorted([*range(1, session.commands + 1)] * 2)  # sent and answered, or failed, each


# --- the deadline -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["hang", "trickle"])
def test_a_device_that_never_ends_its_answer_ends_at_the_deadline(behaviour, settings):
    settings.COLLECT_DEADLINE = 2.0
    device = {"name": "slow", "platform": "cisco_ios", "behaviour": behaviour, "username": "netops"}
    with light_fleet([device]) as running:
        stock(running)
        result = collect_device(Device.objects.get())
        assert (result.ok, result.error_kind) == (False, "timeout")
        assert result.error == "the device did not finish within its deadline of 2 s"
        assert result.seconds < 30
        assert eventually(lambda: running.counts()["connections"] == 0)
    failed = SessionLog.objects.filter(error_kind="timeout").order_by("id")
    assert [event.event_type for event in failed] == ["command_failed", "interface_collection_failed"]
    assert Session.objects.get().error_kind == "timeout"


def test_a_host_that_accepts_and_says_nothing_ends_at_the_deadline(settings):
    settings.COLLECT_DEADLINE = 1.0
    with listening() as port:
        result = collect_device(DeviceFactory(host="127.0.0.1", port=port))
    assert (result.error_kind, result.seconds < 5) == ("timeout", True)
    types = list(SessionLog.objects.order_by("id").values_list("event_type", flat=True))
    assert types[-2:] == ["connection_failed", "interface_collection_failed"]


def test_the_timer_of_a_device_ends_with_it(router, device_of):
    collect_device(device_of(router))
    assert not deadline_timers()


# --- trying again -----------------------------------------------------------------------------------------------


def test_a_connection_that_failed_is_tried_again(device_of, settings, monkeypatch):
    monkeypatch.setattr(one_device, "RETRY_PAUSE", 0.05)
    settings.COLLECT_RETRIES = 2
    device = DeviceFactory(host="127.0.0.1", port=free_port())
    assert collect_device(device).error_kind == "connection"
    assert Session.objects.count() == 3  # each try is on record


def test_a_device_that_is_back_at_the_second_try_is_collected(router, device_of, monkeypatch):
    device = device_of(router)
    real, tries = one_device.connector_for, []

    def first_to_nowhere(*arguments, **options):
        connector = real(*arguments, **options)
        tries.append(connector)
        if len(tries) == 1:
            connector.port = free_port()
        return connector

    monkeypatch.setattr(one_device, "connector_for", first_to_nowhere)
    monkeypatch.setattr(one_device, "RETRY_PAUSE", 0.05)
    assert (collect_device(device).ok, len(tries)) == (True, 2)


def test_a_refused_password_is_never_tried_again(router, device_of, settings):
    settings.COLLECT_RETRIES = 5
    assert collect_device(device_of(router, password="Wrong-Horse-9")).error_kind == "authentication"
    assert len(router.logins) == 1


def test_after_a_command_was_sent_nothing_is_tried_again(device_of, settings):
    settings.COLLECT_RETRIES = 5
    with Box({"show interfaces": DROP}) as box:
        assert collect_device(device_of(box)).error_kind == "connection"
    assert box.received.count("show interfaces") == 1


# --- the limit of logins ----------------------------------------------------------------------------------------


def test_no_more_logins_at_a_time_than_the_credential_allows(settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 3
    with light_fleet(plan(20, healthy=True, credentials=1), latency=0.1) as running:  # or none would meet
        stock(running)
        assert all(result.ok for result in collect_devices(Device.objects.all(), workers=20))
        assert running.counts()["most_logins"] == {"netops0": 3}


def test_a_refused_login_is_closed_before_another_one_takes_its_slot(settings, monkeypatch):
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 1
    devices = [
        {"name": f"rtr{number}", "platform": "cisco_ios", "behaviour": "refuse", "username": "netops"}
        for number in range(10)
    ]
    open_then = open_at_release(monkeypatch)
    with light_fleet(devices) as running:
        stock(running)
        kinds = [result.error_kind for result in collect_devices(Device.objects.all(), workers=10)]
    assert open_then == [False] * 10
    assert kinds == ["authentication"] * 10


def open_at_release(monkeypatch):
    """A list that is told of each login slot, when it is given back, whether its connection was open still.

    The state is that of our own end, by a second descriptor: a device may learn of the end after it is asked for
    the next login, and a socket that is closed while a thread reads it is open still.
    """
    told, mine, transport, release = [], threading.local(), Deadline.transport, LoginSlot.release

    def noted(deadline, sock, *arguments, **options):
        mine.socket = sock.dup()
        return transport(deadline, sock, *arguments, **options)

    def released(slot):
        if slot._local is not None:
            with mine.socket:
                told.append(mine.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED)
        release(slot)

    monkeypatch.setattr(Deadline, "transport", noted)
    monkeypatch.setattr(LoginSlot, "release", released)
    return told


def test_a_refused_login_gives_its_slot_back(router, device_of, settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 1
    device = device_of(router, password="Wrong-Horse-9")
    for _ in range(3):
        assert collect_device(device).error_kind == "authentication"


def test_who_gets_no_login_in_time_has_a_timeout(router, device_of, settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL, settings.COLLECT_DEADLINE = 1, 0.3
    device = device_of(router)
    held = LoginSlot(device.credential_id)
    held.acquire()
    result = collect_device(device)
    held.release()
    assert (result.error_kind, len(router.logins)) == ("timeout", 0)
    assert "all 1 logins of the credential" in result.error


def test_with_redis_the_limit_holds_over_processes(service, settings):
    settings.REDIS_URL, settings.COLLECT_DEADLINE = service("LOGSITE_TEST_REDIS"), 0.3
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 1
    other, ours = LoginSlot("shared-1"), LoginSlot("shared-1")
    assert other._lease_from_redis(1)  # as another process does, whose threads we do not know
    assert not ours._lease_from_redis(1)
    other.release()
    ours.acquire()
    ours.release()


def test_a_lease_of_a_killed_process_runs_out(service, settings):
    settings.REDIS_URL, settings.COLLECT_DEADLINE = service("LOGSITE_TEST_REDIS"), 0.3
    assert LoginSlot("shared-2")._lease_from_redis(1)
    assert eventually(lambda: LoginSlot("shared-2")._lease_from_redis(1), seconds=5)


def test_a_redis_that_does_not_answer_stops_no_collection(router, device_of, settings, caplog):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert collect_device(device_of(router)).ok
    assert "logins are limited within this process only" in caplog.text


# --- pages, stopping, resuming ----------------------------------------------------------------------------------


def test_devices_are_read_as_threads_become_free(router, device_of):
    taken = []

    def devices():
        for number in range(6):
            taken.append(number)
            yield device_of(router)

    results = collect_devices(devices(), workers=2)
    next(results)
    assert len(taken) <= 4
    results.close()


def test_pages_hold_every_device_once(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(fleet, "PAGE", 3)
    for number in range(7):
        DeviceFactory(name=f"rtr{number}")
    with django_assert_max_num_queries(10):  # three pages of devices, tags and credentials, and the end
        assert [device.name for device in in_pages(Device.objects.all())] == [f"rtr{n}" for n in range(7)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_lets_running_devices_finish_and_begins_no_other(number, code, router, device_of):
    gate = threading.Event()

    def on_command(line):
        if line == "show interfaces" and not gate.is_set():
            os.kill(os.getpid(), number)
            gate.set()

    router.on_command = on_command
    for index in range(3):
        device_of(router, name=f"rtr{index}")
    lines, found = collecting("--all", "--workers", "1")
    assert lines[0].startswith("rtr0: ok")
    assert lines[1:] == [
        "1 of 3 devices collected",
        "interrupted: 2 devices are left; collect them with --resume",
    ]
    assert found == code
    assert not Device.objects.exclude(claimed_until=None).exists()
    assert signal.getsignal(number) != signal.SIG_IGN


def test_resume_leaves_out_what_the_interrupted_run_has_collected(router, device_of):
    began = timezone.now() - timedelta(minutes=1)
    CollectionRun.objects.create(started_at=began)
    device_of(router, name="done", collected_at=timezone.now(), outcome="success")
    device_of(router, name="failed", outcome="failed")
    device_of(router, name="before", collected_at=began - timedelta(days=1), outcome="success")
    lines, code = collecting("--all", "--resume")
    assert sorted(line.partition(":")[0] for line in lines[:-1]) == ["before", "failed"]
    assert (lines[-1], code) == ("2 of 2 devices collected", 0)
    assert CollectionRun.objects.get().ended_at


def test_a_run_that_came_to_its_end_is_not_resumed(router, device_of):
    device_of(router, name="rtr01")
    collecting("--all")
    assert collecting("--all", "--resume") == (["--resume: the last run was not interrupted"], 2)


def test_failures_are_summed_up_by_outcome(router, device_of):
    device_of(router, name="good")
    device_of(router, name="refused", password="Wrong-Horse-9")
    with Box({"show interfaces": SILENCE}) as box:
        box.answers["show interfaces"] = "% Invalid input detected"
        device_of(box, name="odd")
        lines, _ = collecting("--all")
    assert sorted(lines[-3].split(", ")) == ["1 authentication", "1 device", "1 success"]
