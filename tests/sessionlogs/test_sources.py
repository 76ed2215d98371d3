"""Session events as search, live tail and shipping see them."""

from datetime import UTC, datetime, timedelta

import pytest

from logsite.records import Cursor, get_source
from sessionlogs.models import EventType, Session, SessionLog
from sessionlogs.sources import message_of
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db


def record_of(event):
    source = get_source("session")
    return source.to_record(source.queryset().get(pk=event.pk))


def test_an_answer_reads_as_one_step():
    event = SessionLogFactory.build(
        session=None,
        device="fw01",
        user="",
        timestamp=None,
        event_type=EventType.COMMAND_RESPONSE,
        command="show clock",
        response="12:00",
        step=1,
    )
    assert message_of(event) == "STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: 12:00 | STDERR:"


def test_a_refused_command_has_exit_code_1_and_its_error_on_stderr():
    event = SessionLogFactory.build(
        session=None,
        device="fw01",
        user="",
        timestamp=None,
        event_type=EventType.COMMAND_FAILED,
        command="show vlan",
        response="  ^\n% Invalid input",
        error_message="% Invalid input",
        step=3,
    )
    assert message_of(event) == (
        "STEP: 3 | COMMAND: show vlan | EXIT_CODE: 1 | STDOUT:   ^\n% Invalid input | STDERR: % Invalid input"
    )


def test_a_command_that_was_only_sent_has_no_exit_code_yet():
    event = SessionLogFactory.build(
        session=None, device="fw01", user="", timestamp=None, command="show clock", step=2
    )
    assert message_of(event) == "STEP: 2 | COMMAND: show clock"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"event_type": EventType.CONNECTION_SUCCESS}, "EVENT: connection_success | DEVICE: fw01"),
        (
            {"event_type": EventType.CONNECTION_START, "response": "netops@192.0.2.1:22"},
            "EVENT: connection_start | DEVICE: fw01 | DETAIL: netops@192.0.2.1:22",
        ),
        (
            {"event_type": EventType.CONNECTION_FAILED, "error_message": "authentication failed"},
            "EVENT: connection_failed | DEVICE: fw01 | ERROR: authentication failed",
        ),
        (
            {"event_type": EventType.INTERFACE_COMMANDS_PLANNED, "command": "show interfaces"},
            "EVENT: interface_commands_planned | DEVICE: fw01 | COMMAND: show interfaces",
        ),
    ],
)
def test_other_events_name_themselves_and_the_device(content, line):
    event = SessionLogFactory.build(
        **{"session": None, "device": "fw01", "user": "", "timestamp": None, "command": "", "step": None}
        | content
    )
    assert message_of(event) == line


def test_a_record_carries_id_time_and_labels():
    session = SessionFactory(device="fw01.example.com", device_id="7", agent_type="security")
    event = SessionLogFactory(
        session=session,
        event_type=EventType.COMMAND_RESPONSE,
        response="12:00",
        execution_status="running",
        timestamp=datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC),
    )
    record = record_of(event)
    assert (record.id, record.source, record.level) == (event.id, "session", "INFO")
    assert record.timestamp == 1_777_636_800_123_456_000
    assert record.labels == {
        "server_id": "7",
        "server_tag": "fw01.example.com",
        "agent_type": "security",
        "status": "Success",
        "execution_status": "Running",
    }


def test_a_device_outside_the_inventory_is_named_by_its_name():
    event = SessionLogFactory(session=SessionFactory(device="10.0.0.7", device_id=""))
    assert record_of(event).labels["server_id"] == "10.0.0.7"


def test_the_rest_travels_as_attributes_and_nothing_empty():
    session = SessionFactory(tags=["edge", "dc1"], user="netops")
    event = SessionLogFactory(session=session, duration_ms=1.5)
    assert record_of(event).attributes == {
        "session_id": str(session.session_id),
        "event_type": "command_sent",
        "user": "netops",
        "tags": "edge,dc1",
        "duration_ms": 1.5,
    }


def test_every_event_has_a_status_and_a_level():
    wrong = {}
    for event_type in EventType:
        record = record_of(SessionLogFactory(event_type=event_type))
        level, status = record.level, record.labels["status"]
        if event_type.endswith("_failed"):
            right = (level, status) == ("ERROR", "Failed")
        else:
            right = level == "INFO" and status in ("Running", "Success")
        if not right:
            wrong[event_type.value] = (level, status)
    assert wrong == {}


def test_what_becomes_of_the_session_later_does_not_change_a_record():
    event = SessionLogFactory(session=SessionFactory(status="running"))
    before = record_of(event)
    Session.objects.update(
        status="failed",
        error_kind="timeout",
        error_message="gone",
        failures=3,
        commands=9,
        slowest_ms=1.0,
        ended_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert record_of(event) == before


@pytest.mark.django_db(transaction=True)
def test_records_come_in_the_order_of_their_commit_and_once():
    events = [SessionLogFactory() for _ in range(5)]
    source = get_source("session")
    first = source.committed_after(Cursor(), 3)
    rest = source.committed_after(first[-1][0], 3)
    assert [record.id for _, record in [*first, *rest]] == [event.id for event in events]


@pytest.mark.django_db(transaction=True)
def test_a_time_range_narrows_the_records():
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    session = SessionFactory()
    for minutes in range(4):
        SessionLogFactory(
            session=session, timestamp=start + timedelta(minutes=minutes), command=f"c{minutes}"
        )
    found = get_source("session").committed_after(
        Cursor(), 10, since=start + timedelta(minutes=1), until=start + timedelta(minutes=3)
    )
    assert [record.message for _, record in found] == ["STEP: 1 | COMMAND: c1", "STEP: 1 | COMMAND: c2"]


@pytest.mark.django_db(transaction=True)
def test_reading_records_takes_a_query_for_rows_and_one_for_their_sessions(django_assert_max_num_queries):
    for _ in range(5):
        SessionLogFactory()
    with django_assert_max_num_queries(3):  # the first asks which transactions still run
        assert len(get_source("session").committed_after(Cursor(), 10)) == 5


def test_a_response_that_looks_like_a_step_changes_nothing_in_the_row():
    event = SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="x | EXIT_CODE: 7")
    assert record_of(event).message.startswith(
        "STEP: 1 | COMMAND: show interface all | EXIT_CODE: 0 | STDOUT: x |"
    )
    assert SessionLog.objects.get(pk=event.pk).failed is False


@pytest.mark.parametrize(
    ("event_type", "exit_code"), [(EventType.COMMAND_RESPONSE, 0), (EventType.COMMAND_FAILED, 3)]
)
def test_a_host_s_own_exit_code_is_shown(event_type, exit_code):
    event = SessionLogFactory(
        event_type=event_type,
        command="systemctl status nginx",
        response="inactive",
        error_message="a warning",
        exit_code=exit_code,
    )
    assert record_of(event).message == (
        f"STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: {exit_code} | STDOUT: inactive | STDERR: a warning"
    )


def test_a_command_that_ended_without_an_exit_code_has_failed():
    event = SessionLogFactory(event_type=EventType.COMMAND_FAILED, error_message="did not end within 60 s")
    assert " | EXIT_CODE: 1 | " in record_of(event).message
