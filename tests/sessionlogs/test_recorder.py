"""What a recorder keeps of a session."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus
from sessionlogs.recording import recorder as recorder_module

pytestmark = pytest.mark.django_db(transaction=True)
MILLISECOND = 1_000_000


def a_good_collection(recorder):
    recorder.event(EventType.INTERFACE_COLLECTION_START)
    recorder.event(EventType.CONNECTION_START)
    recorder.event(EventType.CONNECTION_SUCCESS, duration=200 * MILLISECOND)
    recorder.command_sent("show interface all")
    recorder.command_response("show interface all", "name: ethernet1/1", 1 * MILLISECOND)
    recorder.command_sent("show clock")
    recorder.command_response("show clock", "12:00", 30 * MILLISECOND)
    recorder.succeed(EventType.INTERFACE_COLLECTION_SUCCESS, "1 interfaces, 1 addresses")
    recorder.event(EventType.DISCONNECTION)
    recorder.close()


def test_events_are_stored_in_the_order_they_happened(record, stored):
    recorder = record()
    a_good_collection(recorder)
    assert [event.event_type for event in stored(recorder)] == [
        "interface_collection_start",
        "connection_start",
        "connection_success",
        "command_sent",
        "command_response",
        "command_sent",
        "command_response",
        "interface_collection_success",
        "disconnection",
    ]


def test_commands_are_numbered_from_one_and_their_answers_carry_the_number(record, stored):
    recorder = record()
    a_good_collection(recorder)
    steps = [(event.event_type, event.step) for event in stored(recorder) if event.step]
    assert steps == [
        ("command_sent", 1),
        ("command_response", 1),
        ("command_sent", 2),
        ("command_response", 2),
    ]


def test_the_session_carries_the_totals(record):
    recorder = record()
    a_good_collection(recorder)
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.commands, session.failures, session.slowest_ms) == (2, 0, 30.0)
    assert session.status == SessionStatus.SUCCESS
    assert session.ended_at == session.events.order_by("id").last().timestamp


def test_who_and_what_is_kept_as_it_was_called_then(record):
    recorder = record(
        device_id="7",
        host="192.0.2.7",
        platform="paloalto_panos",
        agent_type="security",
        tags=["edge", "dc1"],
        user_id="3",
    )
    recorder.event(EventType.CONNECTION_START)
    recorder.close()
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.device, session.device_id, session.host, session.platform) == (
        "fw01.company.com",
        "7",
        "192.0.2.7",
        "paloalto_panos",
    )
    assert (session.agent_type, session.tags, session.user, session.user_id) == (
        "security",
        ["edge", "dc1"],
        "netops",
        "3",
    )


def test_a_failed_command_alone_does_not_fail_the_session(record):
    recorder = record()
    recorder.command_sent("show vlan")
    recorder.command_failed("show vlan", "% Invalid input", ErrorKind.DEVICE, MILLISECOND)
    recorder.succeed(EventType.INTERFACE_COLLECTION_SUCCESS, "")
    recorder.close()
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.status, session.failures, session.error_message) == ("success", 1, "")


def test_a_failed_session_says_why(record):
    recorder = record()
    recorder.fail(EventType.CONNECTION_FAILED, "the device refused the password", ErrorKind.AUTHENTICATION)
    recorder.close()
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.status, session.error_kind) == ("failed", "authentication")
    assert session.error_message == "the device refused the password"


def test_a_session_that_ended_on_a_failed_command_names_it(record):
    recorder = record()
    recorder.command_sent("show vlan")
    recorder.command_failed("show vlan", "% Invalid input", ErrorKind.DEVICE, MILLISECOND)
    recorder.finish(failed=True)
    recorder.event(EventType.DISCONNECTION)
    recorder.close()
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.status, session.error_kind, session.error_message) == (
        "failed",
        "device",
        "% Invalid input",
    )


def test_finishing_does_not_overrule_what_is_known(record):
    recorder = record()
    recorder.succeed(EventType.INTERFACE_COLLECTION_SUCCESS, "")
    recorder.finish(failed=True)
    assert recorder.status == SessionStatus.SUCCESS


def test_a_step_of_the_clock_does_not_reorder_events(record, stored, monkeypatch):
    class SteppingClock(datetime):
        readings = 0

        @classmethod
        def now(cls, tz=None):
            cls.readings += 1
            return datetime(2026, 5, 1, 12, tzinfo=UTC) - timedelta(hours=cls.readings)

    monkeypatch.setattr(recorder_module, "datetime", SteppingClock)
    recorder = record()
    a_good_collection(recorder)
    times = [event.timestamp for event in stored(recorder)]
    assert times == sorted(times)
    assert times[-1] - times[0] < timedelta(minutes=1)


def test_times_are_kept_to_the_microsecond(record, stored):
    recorder = record()
    recorder.event(EventType.CONNECTION_START)
    recorder.event(EventType.CONNECTION_SUCCESS)
    recorder.close()
    first, second = stored(recorder)
    assert timedelta(0) < second.timestamp - first.timestamp < timedelta(milliseconds=50)


def test_durations_are_kept_in_milliseconds(record, stored):
    recorder = record()
    recorder.command_sent("show clock")
    recorder.command_response("show clock", "12:00", 1_234_567)
    recorder.close()
    assert stored(recorder)[1].duration_ms == pytest.approx(1.234567)


def test_close_returns_only_when_every_event_is_stored(record):
    recorder = record()
    for number in range(2000):
        recorder.command_sent(f"show {number}")
    recorder.close()
    assert SessionLog.objects.filter(session_id=recorder.session_id).count() == 2000


def test_known_secrets_are_out_before_the_row_is_written(record, stored):
    recorder = record(secrets={"password": "Tr0ub4dor-and-3", "enable-secret": "En4ble-Me-Now"})
    recorder.command_sent("username admin password Tr0ub4dor-and-3")
    recorder.command_response("show run", "enable secret En4ble-Me-Now\nTr0ub4dor-and-3", MILLISECOND)
    recorder.fail(EventType.CONNECTION_FAILED, "login with Tr0ub4dor-and-3 failed", ErrorKind.AUTHENTICATION)
    recorder.close()
    kept = " ".join(f"{event.command} {event.response} {event.error_message}" for event in stored(recorder))
    kept += Session.objects.get(pk=recorder.session_id).error_message
    assert "Tr0ub4dor" not in kept
    assert "En4ble" not in kept
    assert "login with <redacted:password> failed" in kept


def test_unknown_secrets_are_out_where_the_configuration_language_puts_them(record, stored):
    recorder = record()
    recorder.command_sent("show running-config")
    recorder.command_response(
        "show running-config", "snmp-server community s3cr3t-ro RO\nhostname rtr01", MILLISECOND
    )
    recorder.close()
    assert "s3cr3t-ro" not in stored(recorder)[1].response
    assert "hostname rtr01" in stored(recorder)[1].response


def test_a_nul_byte_is_shown_as_its_symbol(record, stored):
    recorder = record()
    recorder.command_response("show log", "before\x00after", MILLISECOND)
    recorder.close()
    assert stored(recorder)[0].response == "before\N{SYMBOL FOR NULL}after"


def test_a_lone_surrogate_is_stored_as_a_question_mark(record, stored):
    recorder = record()
    recorder.command_response("show log", "before\udcffafter", MILLISECOND)
    recorder.close()
    assert stored(recorder)[0].response == "before?after"


def test_an_answer_of_megabytes_is_stored_whole(record, stored, settings):
    settings.SESSION_LOG_RESPONSE_LIMIT = 2 * 1024**2
    answer = "\n".join(f"GigabitEthernet0/{number} is up" for number in range(60_000))
    recorder = record()
    recorder.command_response("show interfaces", answer, MILLISECOND)
    recorder.close()
    assert stored(recorder)[0].response == answer


def test_the_device_s_own_error_is_a_failed_command(record, stored):
    recorder = record(refusal=lambda answer: "% Invalid input" if "% Invalid input" in answer else "")
    recorder.command_sent("show vlan")
    recorder.command_response("show vlan", "% Invalid input detected", MILLISECOND)
    recorder.close()
    failed = stored(recorder)[1]
    assert (failed.event_type, failed.error_message, failed.error_kind) == (
        "command_failed",
        "% Invalid input",
        "device",
    )
    assert failed.response == "% Invalid input detected"


def test_sessions_in_parallel_threads_keep_their_events_apart(record, stored):
    recorders = [record(device=f"rtr{number}") for number in range(8)]

    def work(recorder):
        for number in range(50):
            recorder.command_sent(f"{recorder.device} {number}")
        recorder.close()

    threads = [threading.Thread(target=work, args=(recorder,)) for recorder in recorders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for recorder in recorders:
        events = stored(recorder)
        assert [event.command for event in events] == [f"{recorder.device} {number}" for number in range(50)]
        assert [event.step for event in events] == list(range(1, 51))


def test_events_survive_the_rollback_of_the_request_they_happened_in(record, stored):
    recorder = record()

    def request():
        with transaction.atomic():
            Session.objects.exists()
            recorder.command_sent("show clock")
            raise RuntimeError("the view failed")

    with pytest.raises(RuntimeError):
        request()
    recorder.close()
    assert [event.command for event in stored(recorder)] == ["show clock"]


def test_enqueueing_does_not_wait_for_the_database(record, failing_writes):
    tried = failing_writes(1)
    recorder = record()
    recorder.event(EventType.CONNECTION_START)
    started = time.perf_counter()
    for _ in range(1000):
        recorder.command_response("show clock", "12:00", MILLISECOND)
    assert time.perf_counter() - started < 0.5
    recorder.close()
    assert tried[0] == "failed"


def test_repr_names_the_device_and_no_secret(record):
    recorder = record(secrets={"password": "Tr0ub4dor-and-3"})
    assert "fw01.company.com" in repr(recorder)
    assert "Tr0ub4dor" not in repr(recorder)
