"""Statistics over a time range, in the API and the admin."""

from datetime import UTC, datetime, timedelta

import pytest

from logsite.housekeeping import counters
from sessionlogs import statistics
from sessionlogs.models import ErrorKind, EventType, SessionLog, SessionStatus
from sessionlogs.statistics import TimeRange
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v2/sessions/statistics/", "/admin/sessionlogs/statistics/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MAY = TimeRange(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 4, tzinfo=UTC))
IN_MAY = {"start_time": "2026-05-01T00:00:00Z", "end_time": "2026-05-04T00:00:00Z"}


def answers(device, command, *milliseconds, at=NOON):
    session = SessionFactory(device=device, started_at=at)
    for duration in milliseconds:
        SessionLogFactory(
            session=session, command=command, event_type=EventType.COMMAND_RESPONSE, duration_ms=duration
        )


def failed(device, hours, kind=ErrorKind.TIMEOUT, **options):
    return SessionFactory(
        device=device,
        started_at=NOON + timedelta(hours=hours),
        status=SessionStatus.FAILED,
        error_kind=kind,
        **options,
    )


# --- slowest commands ---------------------------------------------------------------------------------------


def test_the_slowest_commands_stand_first_by_their_95th_percentile():
    answers("rtr01", "show clock", *range(1, 101))
    answers("rtr01", "show run", 500.0)
    answers("rtr02", "show clock", 20.0, 30.0)
    found = statistics.slowest_commands(MAY, SessionLog.objects.all())
    assert [(row.device, row.command, row.count, row.p95_ms, row.max_ms) for row in found] == [
        ("rtr01", "show run", 1, 500.0, 500.0),
        ("rtr01", "show clock", 100, 95.0, 100.0),
        ("rtr02", "show clock", 2, 30.0, 30.0),
    ]


def test_logging_in_is_no_command():
    session = SessionFactory(started_at=NOON)
    SessionLogFactory(session=session, event_type=EventType.CONNECTION_SUCCESS, step=None, duration_ms=9000.0)
    SessionLogFactory(session=session)
    assert statistics.slowest_commands(MAY, SessionLog.objects.all()) == []


def test_only_the_time_range_counts():
    answers("before", "show clock", 1.0, at=MAY.start - timedelta(microseconds=1))
    answers("first", "show clock", 1.0, at=MAY.start)
    answers("after", "show clock", 1.0, at=MAY.end)
    assert [row.device for row in statistics.slowest_commands(MAY, SessionLog.objects.all())] == ["first"]
    assert sum(day.success for day in statistics.sessions_by_day(MAY)) == 1


# --- failing devices ----------------------------------------------------------------------------------------


def test_a_failing_device_has_its_count_its_last_error_and_since_when():
    failed("rtr01", 0, error_message="the first")
    SessionFactory(device="rtr01", started_at=NOON + timedelta(hours=1))
    failed("rtr01", 2, error_message="again")
    failed("rtr01", 3, error_message="the last")
    [row] = statistics.failing_devices(MAY)
    assert (row.device, row.failures, row.error, row.error_kind) == ("rtr01", 3, "the last", "timeout")
    assert (row.since, row.last_failure) == (NOON + timedelta(hours=2), NOON + timedelta(hours=3))


def test_a_device_that_works_again_fails_since_never():
    failed("rtr01", 0)
    SessionFactory(device="rtr01", started_at=NOON + timedelta(hours=1))
    assert statistics.failing_devices(MAY)[0].since is None


def test_a_device_that_never_worked_fails_since_the_first_session():
    failed("rtr01", 0)
    failed("rtr01", 1)
    assert statistics.failing_devices(MAY)[0].since == NOON


def test_the_most_failures_stand_first_and_success_is_not_listed():
    failed("rtr01", 0)
    failed("rtr02", 0)
    failed("rtr02", 1)
    SessionFactory(device="rtr03", started_at=NOON)
    assert [row.device for row in statistics.failing_devices(MAY)] == ["rtr02", "rtr01"]


# --- refused logins, sessions a day -------------------------------------------------------------------------


def test_refused_logins_are_counted_by_user_and_device():
    for hour in (0, 1):
        failed("rtr01", hour, ErrorKind.AUTHENTICATION, user="alice")
    failed("rtr02", 0, ErrorKind.AUTHENTICATION, user="alice")
    failed("rtr01", 0, ErrorKind.TIMEOUT, user="bob")
    found = statistics.refused_logins(MAY)
    assert [(row.user, row.device, row.count, row.last) for row in found] == [
        ("alice", "rtr01", 2, NOON + timedelta(hours=1)),
        ("alice", "rtr02", 1, NOON),
    ]


def test_every_day_of_the_range_has_its_sessions_by_status():
    SessionFactory(started_at=NOON)
    failed("rtr01", 0)
    SessionFactory(started_at=NOON + timedelta(days=2), status=SessionStatus.RUNNING)
    found = [
        (day.day.isoformat(), day.success, day.failed, day.running) for day in statistics.sessions_by_day(MAY)
    ]
    assert found[:3] == [("2026-05-01", 1, 1, 0), ("2026-05-02", 0, 0, 0), ("2026-05-03", 0, 0, 1)]


# --- cost ---------------------------------------------------------------------------------------------------


def test_six_queries_whatever_there_is_and_none_reads_a_response(django_assert_num_queries):
    for number in range(30):
        answers(f"rtr{number}", "show clock", 1.0, 2.0)
        failed(f"rtr{number}", 1, ErrorKind.AUTHENTICATION)
    with django_assert_num_queries(6) as queries:
        tables = statistics.statistics(MAY, SessionLog.objects.all())
    assert {name: len(rows) for name, rows in tables.items()} == {
        "slowest_commands": 20,
        "failing_devices": 20,
        "refused_logins": 20,
        "sessions_by_day": 4,
    }
    assert not [query["sql"] for query in queries.captured_queries if '"response"' in query["sql"]]


# --- the API ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "code"), [(None, 401), ("outsider", 403), ("teammate", 200), ("owner", 200)])
def test_who_may_ask(who, code, api, request):
    assert api(request.getfixturevalue(who) if who else None).get(API).status_code == code


def test_the_answer(api, teammate):
    answers("rtr01", "show clock", 20.0)
    failed("rtr02", 1, ErrorKind.AUTHENTICATION, user="alice", error_message="refused")
    counters.add({"withheld": 2})
    answer = api(teammate).get(API, IN_MAY).json()
    assert answer["slowest_commands"] == [
        {"device": "rtr01", "command": "show clock", "count": 1, "p95_ms": 20.0, "max_ms": 20.0}
    ]
    assert answer["failing_devices"][0]["error"] == "refused"
    assert answer["refused_logins"][0]["user"] == "alice"
    assert answer["sessions_by_day"][0] == {"day": "2026-05-01", "success": 1, "failed": 1, "running": 0}
    assert answer["recording"] == {"lost": 0, "withheld": 2, "truncated": 0, "spilled": 0}


def test_without_a_range_it_is_the_last_seven_days(api, teammate):
    answer = api(teammate).get(API).json()
    start, end = (datetime.fromisoformat(answer[name]) for name in ("start_time", "end_time"))
    assert end - start == timedelta(days=7)


def test_a_range_that_cannot_be_used_is_refused_by_name(api, teammate):
    wanted = {
        "start_time=yesterday": (400, ["start_time"]),
        "end_time=2026-13-01T00:00:00Z": (400, ["end_time"]),
        "start_time=2026-05-02T00:00:00Z&end_time=2026-05-01T00:00:00Z": (400, ["start_time"]),
        "start_time=2020-05-02T00:00:00Z": (400, ["start_time"]),
        "end_time=9999-12-31T23:59:59-10:00": (400, ["end_time"]),
        "since=2026-05-02T00:00:00Z": (400, ["since"]),
    }
    client = api(teammate)
    answers = {query: client.get(f"{API}?{query}") for query in wanted}
    assert {query: (answer.status_code, list(answer.json())) for query, answer in answers.items()} == wanted


# --- the page -----------------------------------------------------------------------------------------------


def test_who_may_open_the_page(browser, owner, teammate, outsider):
    assert [browser(who).get(PAGE).status_code for who in (owner, teammate)] == [200, 200]
    assert browser(outsider).get(PAGE).status_code == 302
    outsider.is_staff = True
    outsider.save()
    assert browser(outsider).get(PAGE).status_code == 403


def test_the_page_leads_into_the_lists(browser, teammate):
    answers("rtr01", "show clock", 1500.0)
    failed("rtr02", 1, ErrorKind.AUTHENTICATION, user="alice", error_message="<b>refused</b>")
    page = browser(teammate).get(PAGE, {"since": "2026-05-01T00:00", "until": "2026-05-04T00:00"})
    text = page.content.decode()
    assert "1.5 s" in text
    assert "&lt;b&gt;refused" in text
    links = [part.partition('"')[0].replace("&amp;", "&") for part in text.split('<a href="')[1:]]
    filtered = [link for link in links if "device=" in link]
    assert len(filtered) == 3
    for link in filtered:
        listed = browser(teammate).get(link)
        assert [row.device for row in listed.context["cl"].result_list] in (["rtr01"], ["rtr02"]), link


def test_the_admin_index_links_the_statistics_page(browser, teammate, outsider):
    assert PAGE in browser(teammate).get("/admin/").content.decode()


def test_a_range_that_cannot_be_used_is_said_on_the_page(browser, teammate):
    assert "end_time: not a time" in browser(teammate).get(PAGE, {"until": "soon"}).content.decode()
