"""The thread that stores session events, when things go wrong."""

import os
import sqlite3
import threading
import time

import psycopg
import pytest
from django.db import DataError, OperationalError, connection

from sessionlogs.models import EventType, Session, SessionLog
from sessionlogs.recording import writer as writer_module
from sessionlogs.recording.recorder import SessionRecorder
from sessionlogs.recording.writer import SessionLogError, SessionLogWriter, writer

pytestmark = pytest.mark.django_db(transaction=True)


def commands(recorder):
    return list(
        SessionLog.objects.filter(session_id=recorder.session_id)
        .order_by("id")
        .values_list("command", flat=True)
    )


@pytest.fixture
def lock_database():
    """Call it to keep everybody else from writing; call what it returns to let them."""
    address = connection.settings_dict
    if connection.vendor == "postgresql":
        other = psycopg.connect(
            host=address["HOST"],
            port=address["PORT"],
            dbname=address["NAME"],
            user=address["USER"],
            password=address["PASSWORD"],
        )

        def lock():
            other.execute("LOCK TABLE session_logs IN ACCESS EXCLUSIVE MODE")
            return other.rollback
    else:
        other = sqlite3.connect(address["NAME"], isolation_level=None)

        def lock():
            other.execute("BEGIN EXCLUSIVE")
            return lambda: other.execute("ROLLBACK")

    yield lock
    other.close()


def test_a_database_that_is_locked_delays_and_loses_nothing(record, lock_database):
    recorder = record()
    recorder.command_sent("before")
    recorder.close()
    release = lock_database()
    recorder.command_sent("meanwhile")
    with pytest.raises(SessionLogError, match="not stored yet"):
        recorder.close(timeout=0.3)
    release()
    recorder.close()
    assert commands(recorder) == ["before", "meanwhile"]


def test_a_database_that_comes_back_gets_every_event_once(record, failing_writes):
    tried = failing_writes(3)
    recorder = record()
    for number in range(20):
        recorder.command_sent(f"show {number}")
    recorder.close()
    assert tried[:3] == ["failed"] * 3
    assert commands(recorder) == [f"show {number}" for number in range(20)]
    assert Session.objects.get(pk=recorder.session_id).commands == 20


def test_a_batch_that_was_rolled_back_is_written_whole_and_counted_once(record, monkeypatch):
    real, tries = writer_module.store, []

    def breaks_once(rows, tokens):
        real(rows, tokens)
        tries.append(len(rows))
        if len(tries) == 1:
            raise OperationalError("connection lost")

    recorder = record()
    monkeypatch.setattr(writer_module, "store", breaks_once)
    for number in range(3):
        recorder.command_sent(f"show {number}")
    recorder.close()
    assert commands(recorder) == ["show 0", "show 1", "show 2"]
    assert Session.objects.get(pk=recorder.session_id).commands == 3
    assert len(tries) > 1


def test_the_error_says_that_the_database_does_not_answer(record, failing_writes, caplog):
    failing_writes(1000)
    recorder = record()
    recorder.command_sent("show clock")
    with pytest.raises(SessionLogError, match=r"the database does not answer \(OperationalError\)"):
        recorder.close(timeout=0.5)
    assert "1 session events wait" in caplog.text
    failing_writes(0)
    recorder.close()
    assert commands(recorder) == ["show clock"]


def test_a_connection_that_breaks_at_commit_does_not_double_the_events(record, failing_writes):
    recorder = record()
    recorder.command_sent("first")
    recorder.close()
    failing_writes(1, after_commit=True)
    recorder.command_sent("second")
    recorder.close()
    assert commands(recorder) == ["first", "second"]
    assert recorder.writer.lost == 0


def test_a_connection_that_breaks_at_a_session_s_first_commit_does_not_lose_the_session(
    record, failing_writes
):
    failing_writes(1, after_commit=True)
    recorder = record()
    recorder.command_sent("first")
    recorder.close()
    recorder.command_sent("second")
    recorder.close()
    assert commands(recorder) == ["first", "second"]
    assert Session.objects.get(pk=recorder.session_id).commands == 2
    assert recorder.writer.lost == 0


def test_an_event_the_database_refuses_does_not_take_its_batch_along(record, monkeypatch, caplog):
    real = writer_module.write

    def picky(batch):
        if any(row.command == "poison" for row in batch.rows):
            raise DataError("value too long")
        real(batch)

    monkeypatch.setattr(writer_module, "write", picky)
    recorder = record()
    for command in ("before", "poison", "after"):
        recorder.command_sent(command)
    recorder.close()
    assert commands(recorder) == ["before", "after"]
    assert recorder.writer.lost == 1
    assert "a session event is lost: command_sent, DataError" in caplog.text


def test_a_refused_event_does_not_double_the_totals_of_the_others(record, monkeypatch):
    real = writer_module.write

    def picky(batch):
        if len(batch.rows) > 1:
            raise DataError("one of them")
        real(batch)

    monkeypatch.setattr(writer_module, "write", picky)
    recorder = record()
    for number in range(5):
        recorder.command_sent(f"show {number}")
    recorder.close()
    assert Session.objects.get(pk=recorder.session_id).commands == 5


def test_an_event_that_cannot_be_redacted_is_not_stored_and_counted(record, monkeypatch):
    recorder = record()
    clean = recorder.clean

    def failing_clean(text):
        if text == "poison":
            raise RecursionError
        return clean(text)

    monkeypatch.setattr(recorder, "clean", failing_clean)
    for command in ("before", "poison", "after"):
        recorder.command_sent(command)
    recorder.close()
    assert commands(recorder) == ["before", "after"]
    assert recorder.writer.lost == 1
    assert Session.objects.get(pk=recorder.session_id).commands == 2


def test_more_events_than_a_batch_keep_their_order(record):
    recorder = record()
    wanted = [f"show {number}" for number in range(writer_module.BATCH * 2 + 7)]
    for command in wanted:
        recorder.command_sent(command)
    recorder.close()
    assert commands(recorder) == wanted


def test_closing_after_the_writer_was_stopped_still_stores(record):
    recorder = record()
    recorder.writer.stop()
    recorder.command_sent("late")
    recorder.close()
    assert commands(recorder) == ["late"]


def test_stopping_stores_what_is_enqueued(record):
    recorder = record()
    recorder.command_sent("last words")
    recorder.writer.stop()
    assert commands(recorder) == ["last words"]


def test_stopping_puts_aside_what_the_database_does_not_take(record, failing_writes):
    failing_writes(1000)
    recorder = record()
    recorder.command_sent("last words")
    recorder.writer.stop(timeout=0.3)
    assert commands(recorder) == []
    failing_writes(0)
    next_process = SessionLogWriter()
    next_process.start()
    next_process.flush()
    next_process.stop()
    assert commands(recorder) == ["last words"]


def test_stopping_says_so_when_events_are_lost(record, failing_writes, caplog, monkeypatch):
    failing_writes(1000)
    monkeypatch.setattr(writer_module, "GRACE", 0.3)
    recorder = record()
    monkeypatch.setattr(recorder.writer._spill, "append", full_disk)
    recorder.command_sent("last words")
    recorder.writer.stop(timeout=0.3)
    assert "session events are lost at exit: the database does not answer" in caplog.text
    failing_writes(0)
    recorder.writer.stop()


def full_disk(*_):
    raise OSError(28, "No space left on device")


def test_a_writer_nobody_used_has_nothing_to_wait_for():
    idle = SessionLogWriter()
    idle.flush()
    idle.stop()
    assert idle.lost == 0


def test_many_recorders_share_one_thread(record):
    before = {thread.ident for thread in threading.enumerate()}
    recorders = [record(device=f"rtr{number}") for number in range(20)]
    for recorder in recorders:
        recorder.command_sent("show clock")
    started = [thread for thread in threading.enumerate() if thread.ident not in before]
    assert [thread.name for thread in started] == ["session-log-writer"]
    recorders[0].writer.flush()
    assert Session.objects.count() == 20


def test_watchers_are_told_once_rows_are_committed(record, monkeypatch):
    told = []
    monkeypatch.setattr(
        writer_module, "publish", lambda source: told.append((source, SessionLog.objects.count()))
    )
    recorder = record()
    recorder.command_sent("show clock")
    recorder.close()
    recorder.writer.stop()  # the session need not wait for them
    assert told == [("session", 1)]


def test_a_forked_child_records_with_a_thread_of_its_own():
    parent = SessionRecorder(device="parent")
    parent.command_sent("from the parent")
    parent.close()
    thread = writer._thread
    child = os.fork()
    if child == 0:  # no return to pytest from here, whatever happens
        status = 1
        try:
            recorder = SessionRecorder(device="child")
            recorder.command_sent("from the child")
            recorder.close(timeout=20)
            status = 0 if writer._thread is not thread else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert set(SessionLog.objects.values_list("device", "command")) == {
        ("parent", "from the parent"),
        ("child", "from the child"),
    }


def test_a_closing_session_waits_no_longer_than_the_setting(record, failing_writes, settings):
    settings.SESSION_LOG_STORE_TIMEOUT = 0.2
    failing_writes(1000)
    recorder = record()
    recorder.event(EventType.CONNECTION_START)
    started = time.monotonic()
    with pytest.raises(SessionLogError):
        recorder.close()
    assert time.monotonic() - started < 5
    failing_writes(0)
