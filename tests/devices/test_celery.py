"""Collections by Celery workers over a real Redis: processes of their own, on the test database."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from io import StringIO

import pytest
import redis
from celery.exceptions import Retry
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices import tasks
from devices.collecting.claims import claim
from devices.collecting.one_device import collect_device
from devices.models import Device
from sessionlogs.models import Session
from tests.devices.emulator import ROOT
from tests.devices.light_fleet import light_fleet, plan
from tests.devices.test_fleet import OUTCOMES, assert_complete_and_in_order, stock
from tests.factories import DeviceFactory
from tests.shipping.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE = 60.0  # seconds: what hangs ends by it; on a busy machine all others have long ended by then


@pytest.fixture
def broker(service, settings):
    """An empty database of a real Redis."""
    settings.REDIS_URL = service("LOGSITE_TEST_REDIS").rpartition("/")[0] + "/7"
    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.flushdb()
        tasks.app.conf.broker_url = settings.REDIS_URL
        yield connection
        connection.flushdb()


@contextmanager
def worker(broker_url, name, concurrency=5):
    """`celery -A logsite worker`, ready; ends with a TERM unless it is dead by then."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "logsite",
        "worker",
        "--concurrency",
        str(concurrency),
        "--hostname",
        f"{name}@%h",
        "--loglevel",
        "INFO",
    ]
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": broker_url,
        "COLLECT_DEADLINE": str(DEADLINE),
    }
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=ROOT,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    ready, said = threading.Event(), []

    def listen():
        for line in process.stdout:
            said.append(line)
            if " ready." in line:
                ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert ready.wait(120), "".join(said)
        process.said = said
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        listener.join(120)
        process.stdout.close()


def collecting(*arguments):
    out = StringIO()
    try:
        call_command("collect_interfaces", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return [*out.getvalue().splitlines(), str(error)], error.returncode
    return out.getvalue().splitlines(), 0


def manage(*words, **environment):
    """A command in a process of its own, on the test database."""
    command = [sys.executable, "manage.py", *words]
    environment = {**os.environ, "DATABASE_URL": database_url(), **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


# --- workers --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_workers_share_50_devices_one_is_killed_and_all_end_once(broker, settings, owner):
    fleet = plan(50)
    with (
        light_fleet(fleet, latency=0.1) as running,
        worker(settings.REDIS_URL, "one") as first,
        worker(settings.REDIS_URL, "two") as second,
    ):
        stock(running)
        killed: list[object] = []
        killer = threading.Thread(target=kill_in_the_middle, args=(first, killed))
        killer.start()
        lines, code = collecting("--all", "--user", "owner")
        killer.join()
        assert first.wait(120) == -signal.SIGKILL
        kinds = {device["name"]: OUTCOMES[device["behaviour"]] for device in fleet}
    assert dict(Device.objects.values_list("name", "error_kind")) == kinds, "".join(second.said)
    assert not Device.objects.exclude(claimed_until=None, queued_at=None).exists()
    assert not Session.objects.filter(status="running").exists()
    healthy = sorted(name for name, kind in kinds.items() if not kind)
    succeeded = Session.objects.filter(status="success").order_by("started_at")
    # A session of the killed worker may have ended well on the device, with what it read not stored yet: then
    # the device is done again, and has two records.
    last = {session.device: session.pk for session in succeeded}
    again = succeeded.exclude(pk__in=last.values())
    assert set(again.values_list("process", flat=True)) <= set(killed)
    again.delete()
    assert sorted(last) == healthy
    orphaned = Session.objects.filter(error_message="the collecting process ended")
    assert 1 <= orphaned.count() <= 5
    assert set(Session.objects.values_list("user", flat=True)) == {"owner"}
    assert (code, lines[-2]) == (1, f"{len(healthy)} of 50 devices collected")
    assert len(lines) == 50 + 3
    orphaned.delete()
    assert_complete_and_in_order(kinds)


def kill_in_the_middle(process, killed):
    """When ten have ended and the worker is at some; `killed` gets its ids as a recording process."""
    from django.db import connection

    from logsite.housekeeping.models import Process

    try:
        while True:
            ended = Device.objects.exclude(outcome="never").count()
            mine = Process.objects.filter(pid=process.pid).values_list("pk", flat=True)
            if ended >= 10 and Session.objects.filter(process__in=mine, status="running").exists():
                break
            time.sleep(0.02)
        killed += mine
        os.killpg(process.pid, signal.SIGKILL)
    finally:
        connection.close()


@pytest.mark.slow
def test_ctrl_c_takes_back_what_no_worker_has_begun(broker, settings):
    with light_fleet(plan(12, healthy=True), latency=0.1) as running, worker(settings.REDIS_URL, "one", 1):
        stock(running)

        def interrupt():
            while not Session.objects.exists():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)
            from django.db import connection

            connection.close()

        thread = threading.Thread(target=interrupt)
        thread.start()
        lines, code = collecting("--all")
        thread.join()
    assert code == 130
    assert lines[-1].endswith("devices are left; collect them with --resume")
    assert 1 <= Device.objects.exclude(outcome="never").count() < 12
    assert not Device.objects.exclude(queued_at=None, claimed_until=None).exists()


# --- a task ---------------------------------------------------------------------------------------------------


def test_a_task_carries_ids_and_nothing_else(broker, owner):
    device = DeviceFactory(name="rtr01")
    tasks.enqueue([device], owner)
    (message,) = broker.lrange("logsite", 0, -1)
    arguments, options, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert (arguments, options) == ([device.pk, owner.pk], {})
    for secret in (b"rtr01", b"netops", b"correct-horse-battery", b"owner"):
        assert secret not in message


def test_a_task_that_is_delivered_twice_collects_once(router, device_of, broker):
    device = device_of(router)
    tasks.enqueue([device], None)
    tasks.collect.apply(args=[device.pk, None])
    tasks.collect.apply(args=[device.pk, None])
    assert len(router.logins) == 1


def test_a_task_of_a_device_that_is_being_collected_is_put_off(router, device_of, broker):
    device = device_of(router)
    held = claim(device)
    tasks.enqueue([device], None)
    with pytest.raises(Retry):
        tasks.collect(device.pk, None)
    held.release(outcome="success")
    device.refresh_from_db()
    assert device.queued_at is not None  # asked for after the other one had begun


def test_a_device_that_was_disabled_meanwhile_is_left_alone(router, device_of, broker):
    device = device_of(router)
    tasks.enqueue([device], None)
    Device.objects.update(enabled=False)
    tasks.collect.apply(args=[device.pk, None])
    device.refresh_from_db()
    assert (device.queued_at, device.outcome, router.logins) == (None, "failed", [])


def test_a_collection_by_hand_serves_the_queue(router, device_of):
    device = device_of(router, queued_at=timezone.now())
    collect_device(device)
    device.refresh_from_db()
    assert device.queued_at is None


def test_without_a_worker_the_command_says_so(broker, settings):
    DeviceFactory(name="rtr01")
    tasks_seen = []
    real = tasks.results

    def first_stop(device_ids, stop):
        stop.signal = signal.SIGTERM
        stop.set()
        tasks_seen.append(device_ids)
        return real(device_ids, stop)

    tasks.results = first_stop
    try:
        lines, code = collecting("--all")
    finally:
        tasks.results = real
    assert lines[0] == "no Celery worker answers yet; start one: celery -A logsite worker"
    assert code == 1


def test_a_redis_that_does_not_answer_is_one_line():
    DeviceFactory(name="rtr01")
    said = manage("collect_interfaces", "--all", REDIS_URL="redis://127.0.0.1:1/0")
    assert (said.stderr, said.returncode) == (
        "CommandError: REDIS_URL: Redis does not answer (OperationalError)\n",
        1,
    )
    assert not Device.objects.exclude(queued_at=None).exists()


def test_a_worker_without_redis_says_what_it_needs():
    command = [sys.executable, "-m", "celery", "-A", "logsite", "worker"]
    environment = {**os.environ, "REDIS_URL": ""}
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("Error: REDIS_URL: Celery needs it")
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("options", [["--local"], ["--no-session-log"]])
def test_in_this_process_if_asked(options, router, device_of, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    device_of(router, name="rtr01")
    assert collecting("--all", *options)[1] == 0


def test_the_package_can_be_imported_before_django_is_set_up():
    code = "import logsite, sys; print(logsite.__version__, 'django' in sys.modules, 'celery' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split()[1:] == ["False", "False"]
