"""What a query may name in sessions and containers: rows and records give the same, and nothing withheld is found."""

from datetime import UTC, datetime

import pytest

from logsite.records.levels import levels_from
from logsite.records.query import (
    QueryError,
    UnknownField,
    Withheld,
    bind,
    filtered,
    parse,
    predicate,
    suggestions,
    values_in,
)
from prodlogs.sources import ContainerSource
from sessionlogs.audit import PERMISSION
from sessionlogs.models import EventType, SessionStatus
from sessionlogs.sources import SessionSource
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    DockerHostFactory,
    SessionFactory,
    SessionLogFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 2, tzinfo=UTC)
SESSIONS, CONTAINERS = SessionSource(), ContainerSource()


def found(source, query, *, holds=True):
    """The ids by both readers."""
    condition = bind(parse(query, source.fields), source.fields, lambda permission: holds, now=NOW)
    rows = list(filtered(source.queryset().order_by("id"), condition))
    holds_for = predicate(condition)
    records = [source.to_record(row) for row in source.fetch(source.queryset().order_by("id"))]
    return [row.id for row in rows], [record.id for record in records if holds_for(record)]


@pytest.fixture
def events():
    """By a word for each."""
    session = SessionFactory(
        session_id="06787c15-dded-47cd-a9d5-91f4d8f7687d",
        device="rtr01",
        device_id="7",
        status=SessionStatus.FAILED,
    )
    other = SessionFactory(device="sw02", user="")
    rows = {
        "start": {
            "event_type": EventType.CONNECTION_START,
            "step": None,
            "command": "",
            "response": "to 192.0.2.9",
        },
        "sent": {"command": "show version"},
        "answer": {
            "event_type": EventType.COMMAND_RESPONSE,
            "command": "show version",
            "response": "Cisco IOS serial FOC1234",
            "duration_ms": 12.5,
            "truncated_bytes": 10,
        },
        "failed": {
            "event_type": EventType.COMMAND_FAILED,
            "command": "show foo",
            "step": 2,
            "error_message": "% Invalid input",
            "error_kind": "device",
            "execution_status": SessionStatus.FAILED,
        },
    }
    made = {name: SessionLogFactory(session=session, **row).id for name, row in rows.items()}
    made["exit"] = SessionLogFactory(
        session=other,
        event_type=EventType.COMMAND_RESPONSE,
        exit_code=3,
        response="ok",
        error_message="100% careful",
        step=4,
    ).id
    return made


def test_each_field_of_sessions_is_found_by_both_readers(events):
    table = {
        "device:rtr01": "start sent answer failed",
        "device:sw*": "exit",
        "server_id:7": "start sent answer failed",
        "server_id:sw02": "exit",
        "user:*": "start sent answer failed",
        "NOT user:netops": "exit",
        "session:06787c15*": "start sent answer failed",
        "session_id:06787c15-dded-47cd-a9d5-91f4d8f7687d": "start sent answer failed",
        "event:command_failed": "failed",
        "event:command_*": "sent answer failed exit",
        "event_type:(connection_start OR command_sent)": "start sent",
        "level:ERROR": "failed",
        "level:INFO": "start sent answer exit",
        "status:failed": "failed",
        "status:Running": "start sent",
        "status:success": "answer exit",
        "execution_status:Failed": "failed",
        "step:2": "failed",
        "NOT step:*": "start",
        "step:>=2": "failed exit",
        "exit_code:0": "answer",
        "exit_code:1": "failed",
        "exit_code:3": "exit",
        "NOT exit_code:*": "start sent",
        "command:version": "sent answer",
        "response:foc1234": "answer",
        "response:192.0.2.9": "start",
        "error_message:invalid": "failed",
        "error_message:careful": "",
        "NOT error_message:*": "start sent answer exit",
        "stderr:careful": "exit",
        'stderr:"100% careful"': "exit",
        "stderr:invalid": "",
        "stderr:*": "exit",
        "NOT stderr:*": "start sent answer failed",
        "careful": "exit",
        "error_kind:device": "failed",
        "NOT error_kind:*": "start sent answer exit",
        "duration_ms:>12": "answer",
        "truncated_bytes:0": "start sent failed exit",
        "truncated_bytes:>0": "answer",
        "agent_type:network": "start sent answer failed exit",
        "source:session": "start sent answer failed exit",
        "source:container": "",
        "timestamp:2026-05-01": "start sent answer failed exit",
        "foc1234": "answer",
        '"cisco ios"': "answer",
        '"% Invalid input"': "failed",
        "show -version": "failed exit",
        "EVENT": "",
    }
    wrong = {}
    for query, names in table.items():
        expected = [events[name] for name in names.split()]
        if (ids := found(SESSIONS, query)) != (expected, expected):
            wrong[query] = (ids, expected)

    assert wrong == {}


def test_each_field_of_containers_is_found_by_both_readers():
    container = ContainerFactory(
        host=DockerHostFactory(name="edge-host"), name="edge-web", container_id="c" * 64
    )
    one = ContainerLogEntryFactory(container=container, message="GET /health 200", level="INFO", sequence=2)
    two = ContainerLogEntryFactory(message="boom", stream="stderr", truncated_bytes=5)
    table = {
        "container:edge-web": [one],
        "host:edge-host": [one],
        "container_id:ccc*": [one],
        "stream:STDERR": [two],
        "level:INFO": [one],
        "NOT level:*": [two],
        "message:/health": [one],
        "/health": [one],
        "sequence:0": [two],
        "sequence:>1": [one],
        "truncated_bytes:>0": [two],
        "truncated_bytes:<5": [one],
        "source:container": [one, two],
        f"id:{two.id}": [two],
        "timestamp:>=2026-01-01": [one, two],
        "timestamp:<2026-01-01": [],
    }
    wrong = {}
    for query, rows in table.items():
        expected = [row.id for row in rows]
        if (ids := found(CONTAINERS, query)) != (expected, expected):
            wrong[query] = (ids, expected)

    assert wrong == {}


def test_what_a_device_answered_is_withheld_without_the_permission(events):
    for query in (
        "response:foc1234",
        "response:*",
        "NOT response:x",
        "response:(a OR b)",
        "_exists_:response",
        '_exists_:"response"',
        "response: x",
        "response:>a",
        "stderr:careful",
        "NOT stderr:*",
        "show OR -response:x",
    ):
        with pytest.raises(Withheld, match=PERMISSION):
            found(SESSIONS, query, holds=False)
    everything = [events[name] for name in events]

    for query in (
        "foc1234",
        "careful",
        "foc*",
        "*1234",
        "*foc*",
        '"cisco ios"',
        '"cisco*"',
        "?oc1234",
        "(foc1234 OR foc1234)",
        "192.0.2.9",
        "resp*:foc1234",
        "*:foc1234",
        '"DETAIL: to"',
    ):
        assert found(SESSIONS, query, holds=False) == ([], []), query
        assert found(SESSIONS, f"NOT {query}", holds=False) == (everything, everything), query
    assert "response" not in {each.name for each in suggestions(SESSIONS.fields, lambda permission: False)}


def test_an_unknown_field_is_refused_or_matches_nothing():
    tree = parse("devise:rtr01", SESSIONS.fields)

    with pytest.raises(UnknownField, match="did you mean device"):
        bind(tree, SESSIONS.fields, bool)
    condition = bind(tree, SESSIONS.fields, bool, strict=False)
    assert list(filtered(SESSIONS.queryset(), condition)) == []


def test_completion_gives_the_names_and_the_values(events):
    offered = {each.name: each for each in suggestions(SESSIONS.fields, bool)}

    assert offered["status"].values == ("Running", "Success", "Failed")
    assert offered["level"].values[0] == "TRACE"
    assert (offered["device"].enumerable, offered["command"].enumerable) == (True, False)
    assert values_in(SESSIONS.queryset(), SESSIONS.fields["device"], 10) == ["rtr01", "sw02"]
    assert values_in(SESSIONS.queryset(), SESSIONS.fields["user"], 10) == ["netops"]
    with pytest.raises(ValueError, match="too many values"):
        values_in(SESSIONS.queryset(), SESSIONS.fields["command"], 10)


def test_a_minimum_lets_security_and_audit_through():
    assert levels_from("warning") == ("AUDIT", "WARNING", "SECURITY", "ERROR", "CRITICAL")
    assert levels_from("CRITICAL") == ("AUDIT", "SECURITY", "CRITICAL")
    with pytest.raises(ValueError, match="level 'loud' does not exist"):
        levels_from("loud")


def test_a_query_is_never_part_of_the_sql(events):
    for text in (
        "'; DROP TABLE session_logs; --",
        '"\' OR 1=1"',
        "device:'x'",
        "device:%s",
        "device:%(x)s*",
        "command:{0}",
    ):
        try:
            assert found(SESSIONS, text) == ([], []), text
        except QueryError:
            continue
