"""/api/v2/sessions/ and /api/v2/session-logs/."""

from datetime import UTC, datetime, timedelta

import pytest

from sessionlogs.models import EventType
from tests.factories import SessionFactory, SessionLogFactory, issue_session

pytestmark = pytest.mark.django_db
SESSIONS, EVENTS = "/api/v2/sessions/", "/api/v2/session-logs/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def addresses():
    event = SessionLogFactory()
    return [SESSIONS, f"{SESSIONS}{event.session_id}/", EVENTS, f"{EVENTS}{event.id}/"]


def devices(answer):
    assert answer.status_code == 200, answer.json()
    return sorted(row["device"] for row in answer.json()["results"])


@pytest.mark.parametrize(("who", "code"), [(None, 401), ("outsider", 403), ("teammate", 200), ("owner", 200)])
def test_reading_asks_for_the_permission_to_view(who, code, api, request):
    client = api(request.getfixturevalue(who) if who else None)
    assert [client.get(address).status_code for address in addresses()] == [code] * 4


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes(method, api, owner):
    for address in addresses():
        assert getattr(api(owner), method)(address, {}).status_code == 405


def test_sessions_come_newest_first(api, teammate):
    for hours, name in enumerate(("oldest", "middle", "newest")):
        SessionFactory(device=name, started_at=NOON + timedelta(hours=hours))
    rows = api(teammate).get(SESSIONS).json()["results"]
    assert [row["device"] for row in rows] == ["newest", "middle", "oldest"]


def test_a_session_comes_with_its_events_in_order(api, teammate):
    session = issue_session()
    answer = api(teammate).get(f"{SESSIONS}{session.session_id}/").json()
    assert answer["device"] == "fw01.company.com"
    assert [event["event_type"] for event in answer["events"]] == [
        "interface_collection_start",
        "command_sent",
        "command_response",
    ]
    assert answer["events"][2]["response"].startswith("name: ethernet1/1")
    assert answer["events"][2]["timestamp"] == "2026-05-01T21:34:53.172000Z"


def test_the_list_of_sessions_carries_no_events(api, teammate):
    issue_session()
    assert "events" not in api(teammate).get(SESSIONS).json()["results"][0]


def test_an_event_says_which_session_it_belongs_to(api, teammate):
    event = SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="<script>", duration_ms=1.5)
    answer = api(teammate).get(f"{EVENTS}{event.id}/").json()
    assert answer["session_id"] == str(event.session_id)
    assert (answer["response"], answer["duration_ms"], answer["step"]) == ("<script>", 1.5, 1)


@pytest.mark.parametrize(
    "address",
    [
        f"{SESSIONS}06787c15-dded-47cd-a9d5-91f4d8f7687d/",
        f"{SESSIONS}nonsense/",
        f"{EVENTS}0/",
        f"{EVENTS}nonsense/",
        f"{EVENTS}99999999999999999999/",
    ],
)
def test_what_does_not_exist_is_not_found(address, api, teammate):
    assert api(teammate).get(address).status_code == 404


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ("device=rtr01", {"device": "rtr01"}),
        ("user=netops", {"user": "netops"}),
        ("platform=cisco_ios", {"platform": "cisco_ios"}),
        ("status=failed", {"status": "failed"}),
        ("error_kind=authentication", {"error_kind": "authentication"}),
        ("start_time=2026-05-01T12:00:00Z", {"started_at": NOON}),
        ("end_time=2026-05-01T12:00:00Z", {"started_at": NOON - timedelta(microseconds=1)}),
        ("slow_ms=1000", {"slowest_ms": 1000.0}),
    ],
)
def test_sessions_are_filtered(query, matching, api, teammate):
    other = NOON + timedelta(hours=1) if query.startswith("end") else NOON - timedelta(hours=1)
    plain = {"user": "x", "platform": "x", "started_at": other, "slowest_ms": 999.0}
    SessionFactory(**plain | {"device": "other"})
    SessionFactory(**plain | {"device": "wanted"} | matching)
    assert devices(api(teammate).get(f"{SESSIONS}?{query}")) == [matching.get("device", "wanted")]


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ("device=rtr01", {"device": "rtr01"}),
        ("user=netops", {"user": "netops"}),
        ("event_type=command_failed", {"event_type": EventType.COMMAND_FAILED}),
        ("event_type=command_failed&event_type=disconnection", {"event_type": EventType.DISCONNECTION}),
        ("error_kind=timeout", {"error_kind": "timeout"}),
        ("command=RUNNING", {"command": "show running-config"}),
        ("start_time=2026-05-01T12:00:00Z", {"timestamp": NOON}),
        ("end_time=2026-05-01T12:00:00Z", {"timestamp": NOON - timedelta(microseconds=1)}),
        ("slow_ms=1000.5", {"duration_ms": 1000.5}),
    ],
)
def test_events_are_filtered(query, matching, api, teammate):
    session = SessionFactory()
    other = NOON + timedelta(hours=1) if query.startswith("end") else NOON - timedelta(hours=1)
    plain = {"session": session, "user": "x", "command": "x", "timestamp": other}
    SessionLogFactory(**plain | {"device": "other"})
    SessionLogFactory(**plain | {"device": "wanted"} | matching)
    assert devices(api(teammate).get(f"{EVENTS}?{query}")) == [matching.get("device", "wanted")]


def test_events_of_one_session(api, teammate):
    wanted, other = SessionLogFactory(device="wanted"), SessionLogFactory(device="other")
    assert wanted.session_id != other.session_id
    assert devices(api(teammate).get(f"{EVENTS}?session_id={wanted.session_id}")) == ["wanted"]


GARBAGE = [
    (SESSIONS, "status", "nonsense"),
    (SESSIONS, "error_kind", "nonsense"),
    (SESSIONS, "start_time", "yesterday"),
    (SESSIONS, "end_time", "2026-13-01T00:00:00Z"),
    (SESSIONS, "slow_ms", "quick"),
    (SESSIONS, "slow_ms", "-1"),
    (SESSIONS, "slow_ms", "NaN"),
    (SESSIONS, "device", "a%00b"),
    (SESSIONS, "user", "a%00b"),
    (SESSIONS, "platform", "a%00b"),
    (SESSIONS, "cursor", "nonsense"),
    (SESSIONS, "limit", "0"),
    (SESSIONS, "limit", "1001"),
    (SESSIONS, "limit", "many"),
    (SESSIONS, "devise", "rtr01"),
    (EVENTS, "session_id", "nonsense"),
    (EVENTS, "event_type", "nonsense"),
    (EVENTS, "error_kind", "nonsense"),
    (EVENTS, "start_time", "0001-01-01T00:00:00%2B14:00"),
    (EVENTS, "end_time", "soon"),
    (EVENTS, "slow_ms", "Infinity"),
    (EVENTS, "command", "a%00b"),
    (EVENTS, "device", "a%00b"),
    (EVENTS, "user", "a%00b"),
]


def test_garbage_is_refused_by_the_name_of_its_field(api, teammate):
    client = api(teammate)
    answers = {row: client.get("{}?{}={}".format(*row)) for row in GARBAGE}
    found = {row: (answer.status_code, list(answer.json())) for row, answer in answers.items()}
    assert found == {row: (400, [row[1]]) for row in GARBAGE}


def test_pages_follow_one_another_without_gap_or_repetition(api, teammate):
    session = SessionFactory()
    wanted = [
        SessionLogFactory(session=session, timestamp=NOON).id for _ in range(7)
    ]  # one and the same instant
    found, address = [], f"{EVENTS}?limit=3"
    while address:
        answer = api(teammate).get(address).json()
        found += [row["id"] for row in answer["results"]]
        address = answer["next"]
    assert found == sorted(wanted, reverse=True)


def test_a_page_keeps_the_filters(api, teammate):
    for number in range(4):
        SessionFactory(device="rtr01", started_at=NOON + timedelta(hours=number))
    SessionFactory(device="rtr02", started_at=NOON)
    answer = api(teammate).get(f"{SESSIONS}?device=rtr01&limit=2").json()
    assert devices(api(teammate).get(answer["next"])) == ["rtr01", "rtr01"]


@pytest.mark.parametrize("address", [SESSIONS, EVENTS])
def test_a_list_takes_the_same_number_of_queries_whatever_its_length(address, api, owner, row_queries):
    for number in range(10):
        SessionLogFactory(timestamp=NOON + timedelta(seconds=number))
    with row_queries() as queries:
        assert len(api(owner).get(address).json()["results"]) == 10
    assert len(queries) == 1


def test_a_session_takes_three_queries(api, owner, django_assert_num_queries):
    session = issue_session()
    with django_assert_num_queries(3):  # the session, its events, the audit
        api(owner).get(f"{SESSIONS}{session.session_id}/")
