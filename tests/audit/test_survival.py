"""What is on record outlives a rollback, a kill -9 and full queues; what cannot be put on record does not happen."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import connection, connections
from knox.models import AuthToken

from devices.api.serializers import DeviceSerializer
from devices.models import Device
from logsite.audit import EventType, Reader, Severity, record, recording
from logsite.audit.models import AuditEntry
from sessionlogs.models import EventType as SessionEventType
from sessionlogs.models import SessionLog
from sessionlogs.recording.recorder import SessionRecorder
from sessionlogs.recording.writer import SessionLogError, writer
from tests.factories import DeviceFactory, SessionLogFactory
from tests.serving import serving
from tests.shipping.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "serial number FTX1840ABCD"
SITE = Reader(None, "", "system")


def targets(**wanted):
    return list(AuditEntry.objects.filter(**wanted).order_by("id").values_list("target", flat=True))


def started(script, *, stdin=None):
    """A process of the site on the test's databases, which runs `script`."""
    own = {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "logsite.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", f"import os, signal, django; django.setup()\n{script}"],
        cwd=site.BASE_DIR,
        env=os.environ | own,
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    )


# --- A rollback ---------------------------------------------------------------------------------------------


def test_an_entry_outlives_its_request_that_is_rolled_back(api, owner, monkeypatch):
    device = DeviceFactory(name="rtr01", host="192.0.2.1")

    def fail(self, row):
        raise RuntimeError("the answer cannot be made")

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr(DeviceSerializer, "to_representation", fail)
    client = api(owner)
    client.raise_request_exception = False
    answer = client.patch(f"/api/v2/devices/{device.pk}/", {"host": "192.0.2.2"})

    assert (answer.status_code, Device.objects.get().host) == (500, "192.0.2.1")
    [entry] = AuditEntry.objects.filter(event_type="sensitive_update", target="rtr01")
    assert entry.details["changed"] == {"host": ["192.0.2.1", "192.0.2.2"]}


# --- kill -9 ------------------------------------------------------------------------------------------------


def test_an_entry_outlives_a_server_that_is_killed_behind_its_answer():
    with serving() as running:
        body = b'{"username": "mallory", "password": "wrong"}'
        request = urllib.request.Request(
            f"{running.address}/api/v2/auth/login/", body, {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        running.process.kill()
        refused.value.close()

    assert refused.value.code == 400
    assert targets(event_type="authn_login_fail") == ["mallory"]


def test_an_entry_outlives_a_command_that_is_killed_behind_its_answer(teammate):
    with started(
        "from django.core.management import call_command\n"
        "call_command('create_token', 'teammate')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    ) as process:
        process.communicate(timeout=120)

    assert process.returncode == -signal.SIGKILL
    [made] = targets(event_type="authn_token_created")
    assert made.endswith("of teammate")


def test_no_change_is_kept_of_a_process_that_is_killed_before_its_entry():
    device = DeviceFactory(host="192.0.2.1")
    with started(
        "from logsite.audit import changes\n"
        "changes.record = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from devices.models import Device\n"
        f"device = Device.objects.get(pk={device.pk})\n"
        "device.host = '192.0.2.2'\n"
        "device.save()\n"
    ) as process:
        process.communicate(timeout=120)

    assert process.returncode == -signal.SIGKILL
    assert Device.objects.get().host == "192.0.2.1"


# --- Full queues --------------------------------------------------------------------------------------------


@contextmanager
def locked_site():
    """Another connection holds what the writer of session events needs."""
    other = connection.copy()
    on_postgres = connection.vendor == "postgresql"
    try:
        with other.cursor() as sql:
            sql.execute("BEGIN; LOCK TABLE session_logs" if on_postgres else "BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def test_a_full_queue_of_session_events_neither_loses_nor_holds_up_an_entry(settings, tmp_path):
    settings.SESSION_LOG_QUEUE_BYTES, settings.DATA_DIR = 1024, tmp_path
    recorder = SessionRecorder(device="fw01")
    writer.flush()
    with locked_site():
        for number in range(50):
            recorder.command_response(f"show {number}", "x" * 1000, 1)
        record(EventType.SENSITIVE_UPDATE, Severity.INFO, SITE, target="behind a full queue")
        assert targets(target="behind a full queue") == ["behind a full queue"]
        with pytest.raises(SessionLogError):  # nothing of the queue is stored
            writer.flush(timeout=0.1)
    writer.flush()

    assert SessionLog.objects.filter(event_type=SessionEventType.COMMAND_RESPONSE).count() == 50


async def test_a_full_channel_neither_loses_nor_holds_up_an_entry():
    layer = get_channel_layer()
    for _ in range(layer.capacity):
        await layer.send("watcher", {"type": "rows.committed"})
    with pytest.raises(ChannelFull):
        await layer.send("watcher", {"type": "rows.committed"})
    await sync_to_async(record)(
        EventType.SENSITIVE_UPDATE, Severity.INFO, SITE, target="behind a full channel"
    )
    await layer.flush()

    assert [row.target async for row in AuditEntry.objects.all()] == ["behind a full channel"]


# --- A database that takes none -----------------------------------------------------------------------------

HOLD = """
from django.db import connections
audit = connections["audit"]
with audit.cursor() as sql:
    sql.execute("BEGIN; LOCK TABLE audit_entries" if audit.vendor == "postgresql" else "BEGIN EXCLUSIVE")
print("locked", flush=True)
input()
"""


@pytest.fixture
def impatient(monkeypatch):
    """An entry waits a fifth of a second for a lock."""
    monkeypatch.setattr(recording, "LOCK_SECONDS", 0.2)
    connections["audit"].close()
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connections["audit"].settings_dict["OPTIONS"], "timeout", 0.2)
    yield
    connections["audit"].close()


@contextmanager
def locked_audit():
    """Another process holds a lock on the audit."""
    with started(HOLD, stdin=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == "locked\n"
            yield
        finally:
            process.kill()


def test_responses_are_not_shown_while_another_process_locks_the_audit(browser, owner, impatient):
    event = SessionLogFactory(event_type=SessionEventType.COMMAND_RESPONSE, response=SECRET)
    client = browser(owner)
    client.raise_request_exception = False
    page = f"/admin/sessionlogs/sessionlog/{event.pk}/response/"
    with locked_audit():
        answer = client.get(page)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert SECRET not in answer.content.decode()
    assert SECRET in client.get(page).content.decode()
    assert targets(what="responses") == [str(event.session_id)]


def test_nothing_is_changed_while_another_process_locks_the_audit(api, owner, impatient):
    device = DeviceFactory(host="192.0.2.1")
    client = api(owner)
    client.raise_request_exception = False
    with locked_audit():
        answers = [
            client.patch(f"/api/v2/devices/{device.pk}/", {"host": "192.0.2.2"}),
            client.post("/api/v2/devices/", {"name": "new", "host": "192.0.2.9", "platform": "cisco_ios"}),
            client.delete(f"/api/v2/devices/{device.pk}/"),
        ]

    assert [answer.status_code for answer in answers] == [503] * 3
    assert [row.host for row in Device.objects.all()] == ["192.0.2.1"]


def test_a_command_that_cannot_be_put_on_record_is_one_sentence(teammate, impatient):
    with locked_audit(), pytest.raises(CommandError, match=r"lock.*; nothing is lost, run again"):
        call_command("create_token", "teammate")

    assert not AuthToken.objects.exists()


@pytest.mark.skipif(connection.vendor == "postgresql", reason="fills a file of SQLite")
def test_responses_are_not_shown_while_the_audit_s_disk_is_full(browser, owner):
    event = SessionLogFactory(event_type=SessionEventType.COMMAND_RESPONSE, response=SECRET)
    client = browser(owner)
    client.raise_request_exception = False
    with connections["audit"].cursor() as sql:
        sql.execute("PRAGMA max_page_count = 1")  # the file keeps the pages that it has
    try:
        while True:  # until those are full
            seen = AuditEntry.objects.count()
            answer = client.get(f"/admin/sessionlogs/sessionlog/{event.pk}/response/")
            if answer.status_code != 200:
                break
            assert AuditEntry.objects.count() == seen + 1
    finally:
        connections["audit"].close()

    assert answer.status_code == 503
    assert SECRET not in answer.content.decode()
