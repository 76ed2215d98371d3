"""Responses over the limit, and the events that wait while the database is away."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from django.conf import settings as site
from django.db import connection
from django.urls import reverse

from logsite.housekeeping import counters
from sessionlogs import viewer
from sessionlogs.models import Session, SessionLog
from sessionlogs.recording import writer as writer_module
from sessionlogs.recording.spill import KILLED, SpillFile
from sessionlogs.recording.writer import SessionLogError, SessionLogWriter
from sessionlogs.sources import SessionSource

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def limit(settings):
    settings.SESSION_LOG_RESPONSE_LIMIT = 100
    return 100


def answered(record, answer, **options):
    recorder = record(**options)
    recorder.command_response("show run", answer, 1)
    recorder.close()
    return SessionLog.objects.get(session_id=recorder.session_id)


# --- the limit ----------------------------------------------------------------------------------------------


def test_a_response_is_cut_at_a_line_s_end_and_says_how_much_is_missing(record, limit):
    event = answered(record, "x" * 39 + "\n" + "y" * 39 + "\n" + "z" * 39 + "\n")
    assert event.response == "x" * 39 + "\n" + "y" * 39 + "\n<truncated: 40 of 120 bytes>"
    assert event.truncated_bytes == 40
    assert counters.read()["truncated"] == 1


def test_a_response_of_exactly_the_limit_stays_whole(record, limit):
    assert answered(record, "é" * 50).response == "é" * 50


def test_one_long_line_is_cut_between_characters(record, limit):
    event = answered(record, "a" + "é" * 100)
    assert event.response == "a" + "é" * 49 + "\n<truncated: 102 of 201 bytes>"
    assert event.truncated_bytes == 102


def test_no_half_of_a_secret_stands_at_the_cut(record, limit):
    secret = "Tr0ub4dor&3"
    halves = [secret[:length] for length in range(3, len(secret))]
    responses = {}
    for offset in range(14):
        text = "x" * (limit - offset) + secret + "y" * 50
        responses[offset] = answered(record, text, secrets={"password": secret}).response
    assert {offset: text for offset, text in responses.items() if any(half in text for half in halves)} == {}


def test_what_was_cut_is_shown_wherever_the_event_is(record, limit, api, browser, owner):
    event = answered(record, "x" * 99 + "\n" + "y" * 99)
    assert api(owner).get(f"/api/v2/session-logs/{event.pk}/").json()["truncated_bytes"] == 99
    timeline = browser(owner).get(reverse("admin:sessionlogs_session_change", args=[event.session_id]))
    assert "99 bytes were not stored" in timeline.content.decode()
    assert any("99 bytes were not stored" in line for line in viewer.event_lines(event))
    assert json.loads(viewer.event_json(event))["truncated_bytes"] == 99
    source = SessionSource()
    [row] = source.fetch(SessionLog.objects.filter(pk=event.pk))
    assert source.to_record(row).attributes["truncated_bytes"] == 99


# --- the queue ----------------------------------------------------------------------------------------------


def spilled(folder):
    return sorted((folder / "spill").glob("*.jsonl"))


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # another thread, or process, tells nobody


@pytest.fixture
def small_queue(settings):
    settings.SESSION_LOG_QUEUE_BYTES = 50_000


def recorded_while_away(record, failing_writes, tmp_path):
    """A session of 200 commands recorded while the database is away, and too large for the queue."""
    failing_writes(10_000)
    recorder = record(secrets={"password": "swordfish9"})
    for number in range(200):
        recorder.command_response(f"show {number}", f"swordfish9 {'x' * 1000}", 1)
    wait_for(lambda: spilled(tmp_path) and not recorder.writer.waiting)
    return recorder


def commands(recorder):
    rows = SessionLog.objects.filter(session_id=recorder.session_id).order_by("id")
    return list(rows.values_list("command", flat=True))


def test_what_is_too_much_for_memory_waits_in_a_file_and_is_stored_in_order(
    record, failing_writes, small_queue, tmp_path
):
    recorder = recorded_while_away(record, failing_writes, tmp_path)
    recorder.command_sent("the last one")
    failing_writes(0)
    recorder.close()
    assert commands(recorder) == [*(f"show {number}" for number in range(200)), "the last one"]
    assert Session.objects.get(pk=recorder.session_id).commands == 1
    assert spilled(tmp_path) == []
    assert counters.read()["spilled"] >= 200
    assert recorder.writer.lost == 0


def test_the_file_is_its_owner_s_alone_and_holds_no_secret(record, failing_writes, small_queue, tmp_path):
    recorder = recorded_while_away(record, failing_writes, tmp_path)
    [path] = spilled(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "swordfish9" not in path.read_text()
    failing_writes(0)
    recorder.close()


def test_a_session_does_not_count_as_stored_while_it_waits_in_the_file(
    record, failing_writes, small_queue, tmp_path
):
    recorder = recorded_while_away(record, failing_writes, tmp_path)
    with pytest.raises(SessionLogError, match="not stored yet"):
        recorder.close(timeout=0.3)
    failing_writes(0)
    recorder.close()


def test_a_session_that_goes_on_after_the_file_is_one_session(record, failing_writes, small_queue, tmp_path):
    recorder = recorded_while_away(record, failing_writes, tmp_path)
    failing_writes(0)
    recorder.close()
    recorder.command_sent("afterwards")
    recorder.close()
    assert commands(recorder)[-1] == "afterwards"
    assert Session.objects.get(pk=recorder.session_id).commands == 1


def test_a_disk_that_is_full_keeps_them_in_memory(
    record, failing_writes, small_queue, tmp_path, monkeypatch, caplog
):
    failing_writes(10_000)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SpillFile, "append", full)
    recorder = record()
    for number in range(200):
        recorder.command_response(f"show {number}", "x" * 1000, 1)
    wait_for(lambda: "cannot be written to the spill file: OSError" in caplog.text)
    monkeypatch.undo()
    recorder.close()
    assert len(commands(recorder)) == 200


CHILD = """
    import django
    django.setup()
    from django.conf import settings
    from django.db import OperationalError
    from sessionlogs.recording import writer
    from sessionlogs.recording.recorder import SessionRecorder

    def away(batch):
        raise OperationalError("away")

    writer.write = writer.restore = away
    recorder = SessionRecorder(device="fw01")
    for number in range(300):
        recorder.command_response(f"show {number}", "x" * 1000, 1)
    writer.writer._thread.join()
"""


def test_events_of_a_killed_process_are_stored_at_the_next_start(settings, tmp_path):
    environment = os.environ | {
        "DATA_DIR": str(tmp_path),
        "SESSION_LOG_QUEUE_BYTES": "1000",
        "LOG_LEVEL": "CRITICAL",
        "DJANGO_SETTINGS_MODULE": "logsite.settings",
    }
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD)],
        env=environment,
        cwd=site.BASE_DIR,
    )
    with child:
        wait_for(lambda: sum(path.read_bytes().count(b"\n") for path in spilled(tmp_path)) == 300)
        settings.DATA_DIR = tmp_path
        while_it_lives = SessionLogWriter()
        while_it_lives.start()
        while_it_lives.flush()
        while_it_lives.stop()
        assert SessionLog.objects.count() == 0  # the file is the living process's own
        child.send_signal(signal.SIGKILL)
    [path] = spilled(tmp_path)
    with path.open("ab") as torn:
        torn.write(b'{"session": {"sess')  # what a kill in the middle of a write leaves
    started = SessionLogWriter()
    started.start()
    started.flush()
    started.stop()
    rows = SessionLog.objects.order_by("id")
    assert [row.command for row in rows] == [f"show {number}" for number in range(300)]
    assert (rows[0].session.status, rows[0].session.error_message) == ("failed", KILLED)
    assert spilled(tmp_path) == []


def test_a_restart_in_the_middle_of_storing_the_file_doubles_nothing(
    record, failing_writes, small_queue, tmp_path, monkeypatch
):
    recorder = recorded_while_away(record, failing_writes, tmp_path)
    [path] = spilled(tmp_path)
    whole = path.read_bytes()
    failing_writes(0)
    recorder.close()
    path.write_bytes(whole)  # as if the process had died between the commit and the removal
    again = SessionLogWriter()
    again.start()
    again.flush()
    again.stop()
    assert len(commands(recorder)) == 200
    assert spilled(tmp_path) == []


@pytest.mark.postgres
def test_a_lock_on_the_table_does_not_keep_the_writer_for_ever(record, monkeypatch, settings):
    import psycopg

    monkeypatch.setattr(writer_module, "STATEMENT_TIMEOUT", 200)
    address = connection.settings_dict
    with psycopg.connect(
        host=address["HOST"],
        port=address["PORT"],
        dbname=address["NAME"],
        user=address["USER"],
        password=address["PASSWORD"],
    ) as other:
        other.execute("LOCK TABLE session_logs IN ACCESS EXCLUSIVE MODE")
        recorder = record()
        recorder.command_sent("show clock")
        with pytest.raises(SessionLogError, match=r"the database does not answer \(OperationalError\)"):
            recorder.close(timeout=1)
        other.rollback()
        recorder.close()
    assert commands(recorder) == ["show clock"]
