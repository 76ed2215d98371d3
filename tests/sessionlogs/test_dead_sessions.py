"""What a dead process left open is closed; what a living one does is left alone."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from devices.collecting.one_device import collect_device
from devices.models import Device
from logsite.housekeeping import heartbeats as processes
from logsite.housekeeping.heartbeats import Observation, Presence, close_process, presence
from logsite.housekeeping.models import Process
from sessionlogs.models import Session, SessionLog
from sessionlogs.recording import dead_sessions
from sessionlogs.recording.dead_sessions import ENDED
from tests.devices.conftest import ROUTER
from tests.devices.emulator import PASSWORD, SILENCE, USERNAME, Box
from tests.factories import CredentialFactory, DeviceFactory, SessionFactory, SessionLogFactory
from tests.shipping.processes import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)
START, SENT, SUCCESS, FAILED, DISCONNECTION = (
    "interface_collection_start",
    "command_sent",
    "interface_collection_success",
    "interface_collection_failed",
    "disconnection",
)


def session_with(*types, **options):
    """A session of a process that nobody has heard of since, with these events."""
    session = SessionFactory(status="running", process=uuid.uuid4(), **options)
    for event_type in types:
        SessionLogFactory(session=session, event_type=event_type)
    return session


def types_of(session):
    return list(session.events.order_by("id").values_list("event_type", flat=True))


@pytest.fixture
def elsewhere():
    """A process on another machine: all that can be seen of it is its heartbeat."""
    return Process.objects.create(machine="another boot", host="worker7", pid=os.getpid(), started=1)


# --- kill -9 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["collect_interfaces", "a request"])
def test_the_sessions_of_a_killed_collector_are_closed_at_the_next_start(command):
    credential = CredentialFactory(username=USERNAME, password=PASSWORD)
    with Box({"show interfaces": SILENCE}) as box, Box(ROUTER) as router:
        device = DeviceFactory(name="hangs", host=box.host, port=box.port, credential=credential)
        killed_while_it_waits(box)
        session = Session.objects.get()
        assert (session.status, session.error_message) == ("running", "")
        before = types_of(session)
        box.answers |= router.answers
        if command == "a request":
            assert collect_device(device).ok  # the claim of the dead is void at once
        else:
            DeviceFactory(name="other", host=router.host, port=router.port, credential=credential)
            call_command(command, "--device", "other", stdout=StringIO())
    session.refresh_from_db()
    assert before[-1] == SENT
    assert types_of(session) == [*before, FAILED]
    assert (session.status, session.error_kind, session.error_message) == ("failed", "internal", ENDED)
    last = session.events.latest("id")
    assert (last.error_message, last.execution_status, session.ended_at) == (ENDED, "failed", last.timestamp)


def killed_while_it_waits(box):
    """`collect_interfaces` in a process of its own, killed when the command it waits for is on record."""
    environment = {**os.environ, "DATABASE_URL": database_url()}
    command = [sys.executable, str(ROOT / "manage.py"), "collect_interfaces", "--device", "hangs"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    stored = threading.Event()
    while not stored.wait(0.05):
        assert process.poll() is None
        if SessionLog.objects.filter(event_type=SENT).exists():
            stored.set()
    process.send_signal(signal.SIGKILL)
    process.wait(120)
    assert Device.objects.get(name="hangs").claimed_until is not None


def test_a_killed_collector_s_device_has_failed_and_is_free():
    dead = uuid.uuid4()
    DeviceFactory(name="rtr01", claimed_until=timezone.now() + timedelta(minutes=9), claimed_by=dead)
    kept = DeviceFactory(
        name="rtr02", claimed_until=timezone.now() + timedelta(minutes=9), claimed_by=uuid.uuid4()
    )
    close_process(dead)
    device = Device.objects.get(name="rtr01")
    assert (device.claimed_until, device.outcome, device.error_message) == (None, "failed", ENDED)
    assert Device.objects.get(name="rtr02").claimed_until == kept.claimed_until


# --- what is closed, and how --------------------------------------------------------------------------------


def test_the_last_event_comes_after_all_others_whatever_the_clock_says():
    session = session_with(START, started_at=timezone.now() + timedelta(hours=1))
    close_process(session.process)
    stamps = list(session.events.order_by("id").values_list("timestamp", flat=True))
    assert stamps == sorted(set(stamps))


def test_a_success_that_never_disconnected_is_none():
    session = session_with(START, SENT, SUCCESS)
    Session.objects.update(status="success")
    close_process(session.process)
    session.refresh_from_db()
    assert (session.status, types_of(session)[-1]) == ("failed", FAILED)


@pytest.mark.parametrize("status", ["success", "failed"])
def test_what_has_ended_stays_as_it_is(status):
    session = session_with(START, SUCCESS, DISCONNECTION)
    Session.objects.update(status=status)
    assert close_process(session.process) == 0
    session.refresh_from_db()
    assert (session.status, len(types_of(session))) == (status, 3)


def test_a_session_that_was_no_collection_ends_with_a_failed_command():
    session = session_with("connection_start", "connection_success", SENT)
    close_process(session.process)
    assert types_of(session)[-1] == "command_failed"


def test_two_who_close_at_once_close_once(monkeypatch):
    session = session_with(START)
    found = dead_sessions.left_open(session.process)
    assert close_process(session.process) == 1
    monkeypatch.setattr(dead_sessions, "left_open", lambda process: found)  # read before the other one wrote
    assert close_process(session.process) == 0
    assert types_of(session) == [START, FAILED]


# --- who is dead ----------------------------------------------------------------------------------------------


def test_a_living_process_of_this_machine_is_not_touched():
    living = Presence()
    living.start()
    session = SessionFactory(status="running", process=living.id)
    observation = Observation()
    assert [observation.dead() for _ in range(processes.LOOKS + 3)] == [[]] * (processes.LOOKS + 3)
    living.stop()
    session.refresh_from_db()
    assert session.status == "running"


def test_a_process_whose_id_another_one_has_now_is_dead():
    process = Process.objects.create(machine=processes.machine(), pid=os.getpid(), started=1)
    assert Observation().dead() == [process.pk]


def test_a_process_that_nobody_has_waited_for_yet_is_dead():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = processes.started(child.pid)
    row = Process.objects.create(machine=processes.machine(), pid=child.pid, started=started)
    assert Observation().dead() == []
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
    assert Observation().dead() == [row.pk]
    child.communicate()


def test_another_machine_s_process_is_dead_when_its_heartbeat_stands_still(elsewhere):
    observation = Observation()
    looks = [observation.dead() for _ in range(processes.LOOKS)]
    assert looks == [[]] * (processes.LOOKS - 1) + [[elsewhere.pk]]


def test_another_machine_s_process_lives_as_long_as_its_heart_beats(elsewhere):
    observation = Observation()
    for beat in range(processes.LOOKS * 3):
        if beat % (processes.LOOKS - 2) == 0:  # slow, and still alive
            Process.objects.update(beats=beat)
        assert observation.dead() == []


def test_no_step_of_a_clock_closes_anything(elsewhere, monkeypatch):
    session = SessionFactory(status="running", process=elsewhere.pk)
    later = timezone.now() + timedelta(days=3650)
    monkeypatch.setattr(timezone, "now", lambda: later)
    presence.start()
    session.refresh_from_db()
    assert session.status == "running"


def test_a_session_whose_process_has_no_row_is_closed_after_as_many_looks():
    session = session_with(START)
    observation = Observation()
    looks = [observation.dead() for _ in range(processes.LOOKS)]
    assert (looks[0], looks[-1]) == ([], [session.process])


def test_who_was_taken_for_dead_is_back_with_its_next_heartbeat():
    presence.start()
    Process.objects.all().delete()
    presence._beat()
    assert Process.objects.get().pk == presence.id


def test_a_process_that_ends_by_itself_leaves_nothing_open():
    leaving = Presence()
    leaving.start()
    session = SessionFactory(status="running", process=leaving.id)
    leaving.leave()
    session.refresh_from_db()
    assert session.status == "failed"
    assert not Process.objects.filter(pk=leaving.id).exists()


def test_the_web_process_closes_too_and_waits_for_its_database():
    session = session_with(START)
    Process.objects.create(pk=session.process, machine=processes.machine(), pid=os.getpid(), started=1)
    web, closed = Presence(), threading.Event()
    processes.process_ended.connect(lambda **_: closed.set(), weak=False, dispatch_uid="test")
    try:
        web.watch()
        assert closed.wait(120)
    finally:
        processes.process_ended.disconnect(dispatch_uid="test")
        web.stop()
    session.refresh_from_db()
    assert session.status == "failed"


def test_a_receiver_that_fails_does_not_end_the_heartbeat(monkeypatch, caplog):
    monkeypatch.setattr(processes, "BEAT", 0.05)
    beats = threading.Semaphore(0)

    def faulty(**_):
        beats.release()
        raise ValueError("no such claim")

    processes.heart_beat.connect(faulty, weak=False, dispatch_uid="test")
    living = Presence()
    living.start()
    try:
        assert all(beats.acquire(timeout=120) for _ in range(2))
    finally:
        processes.heart_beat.disconnect(dispatch_uid="test")
        living.stop()
    assert "no such claim" in caplog.text


def test_close_dead_sessions_says_how_many(monkeypatch, elsewhere):
    monkeypatch.setattr(processes, "BEAT", 0)
    SessionFactory(status="running", process=elsewhere.pk)
    out = StringIO()
    call_command("close_dead_sessions", stdout=out)
    assert out.getvalue() == "1 sessions closed\n"
