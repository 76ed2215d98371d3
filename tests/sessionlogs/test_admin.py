"""The pages of sessions and their events."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from sessionlogs import timeline
from sessionlogs.admin import sessions
from sessionlogs.models import EventType, Session, SessionLog
from tests.factories import SessionFactory, SessionLogFactory, issue_session

pytestmark = pytest.mark.django_db
SESSIONS, EVENTS = "/admin/sessionlogs/session/", "/admin/sessionlogs/sessionlog/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def page_of(row):
    base = SESSIONS if isinstance(row, Session) else EVENTS
    return f"{base}{row.pk}/change/"


def rows(answer):
    """What the change list shows, by device; for an answer without rows, its status code."""
    if answer.status_code != 200:
        return answer.status_code
    return [row.device for row in answer.context["cl"].result_list]


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


# --- who ------------------------------------------------------------------------------------------------------


def pages():
    session = issue_session()
    return [SESSIONS, EVENTS, page_of(session), page_of(session.events.first())]


@pytest.mark.parametrize("who", ["teammate", "owner"])
def test_who_may_view_sees_the_pages(who, browser, request):
    client = browser(request.getfixturevalue(who))
    assert [client.get(page).status_code for page in pages()] == [200] * 4


@pytest.mark.parametrize("who", [None, "outsider"])
def test_others_are_sent_to_the_login(who, browser, request):
    client = browser(request.getfixturevalue(who) if who else None)
    for page in pages():
        answer = client.get(page)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")


def test_staff_without_the_permission_is_refused(browser, outsider):
    outsider.is_staff = True
    outsider.save()
    assert [browser(outsider).get(page).status_code for page in pages()] == [403] * 4


def test_nobody_changes_a_record(browser, owner):
    session = issue_session()
    event = session.events.first()
    client = browser(owner)
    assert client.get(f"{SESSIONS}add/").status_code == client.get(f"{EVENTS}add/").status_code == 403
    for row in (session, event):
        assert client.post(page_of(row), {"device": "forged"}).status_code == 403
        assert client.post(page_of(row).replace("change", "delete"), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": str(session.pk), "post": "yes"}
    client.post(SESSIONS, action)
    assert Session.objects.get().device == "fw01.company.com"
    assert SessionLog.objects.count() == 3


def test_the_pages_offer_no_buttons_that_write(browser, owner):
    text = text_of(browser(owner).get(page_of(issue_session())))
    assert not re.search(r'<input[^>]+type="submit"|name="_save"|deletelink', text)


# --- the timeline ---------------------------------------------------------------------------------------------


def test_a_session_is_a_timeline_of_its_events(browser, teammate):
    text = text_of(browser(teammate).get(page_of(issue_session())))
    assert re.findall(r'<span class="what">(\w+)</span>', text) == [
        "interface_collection_start",
        "command_response",
    ]
    assert "21:34:53.172" in text
    assert '<code class="command">show interface all</code>' in text
    assert "11 lines" in text
    assert "name: ethernet1/1\nline 0\n" in text


def test_the_timeline_is_in_the_viewer_s_zone(browser, teammate):
    client = browser(teammate)
    client.cookies["timezone"] = "Asia/Tokyo"
    assert "06:34:53.172" in text_of(client.get(page_of(issue_session())))


def test_a_hostile_response_is_text(browser, teammate):
    session = SessionFactory(device="<b>rtr</b>", user="<i>eve</i>", tags=["<u>tag</u>"])
    evil = "<script>alert(1)</script>"
    event = SessionLogFactory(
        session=session, event_type=EventType.COMMAND_FAILED, command=evil, response=evil, error_message=evil
    )
    for page in (SESSIONS, EVENTS, page_of(session), page_of(event)):
        text = text_of(browser(teammate).get(page))
        assert evil not in text
        assert not re.search(r"<(b|i|u)>(rtr|eve|tag)<", text)
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_a_long_response_is_folded_and_whole(browser, teammate):
    session = SessionFactory()
    lines = [f"GigabitEthernet0/{number} is up" for number in range(2000)]
    SessionLogFactory(session=session, event_type=EventType.COMMAND_RESPONSE, response="\n".join(lines))
    text = text_of(browser(teammate).get(page_of(session)))
    assert "<details><summary>2000 lines</summary>" in text
    assert lines[-1] in text


def test_a_short_response_stands_open(browser, teammate):
    assert "<details open><summary>11 lines</summary>" in text_of(
        browser(teammate).get(page_of(issue_session()))
    )


def test_a_failure_shows_its_error(browser, teammate):
    session = SessionFactory(status="failed")
    SessionLogFactory(
        session=session,
        event_type=EventType.CONNECTION_FAILED,
        command="",
        step=None,
        error_message="authentication failed",
    )
    text = text_of(browser(teammate).get(page_of(session)))
    assert '<p class="error">authentication failed</p>' in text
    assert '<li class="bad"' in text


def test_a_session_of_very_many_events_says_that_there_are_more(browser, teammate, monkeypatch):
    monkeypatch.setattr(timeline, "EVENTS_SHOWN", 2)
    text = text_of(browser(teammate).get(page_of(issue_session())))
    assert text.count('class="what"') == 2  # the command stands there as not answered yet
    assert "This page shows the first events only" in text


def test_the_timeline_leads_to_all_events_of_the_device(browser, teammate):
    session = SessionFactory(device="rtr 01&co")
    text = text_of(browser(teammate).get(page_of(session)))
    link = re.search(r'href="(/admin/sessionlogs/sessionlog/\?device=[^"]+)"', text)
    assert link[1].endswith("?device=rtr%2001%26co")


def test_a_session_that_does_not_exist_leads_back(browser, teammate):
    for key in ("06787c15-dded-47cd-a9d5-91f4d8f7687d", "nonsense"):
        assert browser(teammate).get(f"{SESSIONS}{key}/change/").status_code == 302


def test_an_event_s_page_shows_all_of_it(browser, teammate):
    event = SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="one\ntwo", duration_ms=3400)
    text = text_of(browser(teammate).get(page_of(event)))
    assert '<pre class="response">one\ntwo</pre>' in text
    assert "3.4 s" in text
    assert f'href="{page_of(event.session)}"' in text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0.34, "0.3 ms"), (9.96, "10.0 ms"), (12.4, "12 ms"), (999, "999 ms"), (3400, "3.4 s")],
)
def test_durations_read_well(milliseconds, text):
    assert sessions.duration(milliseconds) == text


# --- the lists ------------------------------------------------------------------------------------------------


def test_the_newest_stands_first(browser, teammate):
    for hours, name in enumerate(("oldest", "newest")):
        session = SessionFactory(device=name, started_at=NOON + timedelta(hours=hours))
        SessionLogFactory(session=session)
    for page in (SESSIONS, EVENTS):
        assert rows(browser(teammate).get(page)) == ["newest", "oldest"]


@pytest.mark.parametrize("page", [SESSIONS, EVENTS])
def test_filters(page, browser, teammate):
    slow = SessionFactory(device="slow", slowest_ms=1500.0, started_at=NOON)
    refused = SessionFactory(
        device="refused",
        user="eve",
        status="failed",
        error_kind="authentication",
        started_at=NOON + timedelta(hours=1),
    )
    SessionLogFactory(
        session=slow, event_type=EventType.COMMAND_RESPONSE, duration_ms=1500.0, command="show slow"
    )
    SessionLogFactory(
        session=refused,
        event_type=EventType.CONNECTION_FAILED,
        error_kind="authentication",
        command="",
        step=None,
        duration_ms=2000.0,
    )
    wanted = {
        "device=slow": ["slow"],
        "device=SLOW": ["slow"],
        "user=eve": ["refused"],
        "since=2026-05-01T13:00:00": ["refused"],
        "until=2026-05-01T13:00:00": ["slow"],
        "since=2026-05-01T11:00&until=2026-05-01T12:30": ["slow"],
        "slow=1000": ["slow"],
        "slow=30000": [],
        "refused=1": ["refused"],
        "q=slow": ["slow"],
        "q=nowhere": [],
    }
    client = browser(teammate)
    assert {query: rows(client.get(f"{page}?{query}")) for query in wanted} == wanted


def test_sessions_are_filtered_by_status_and_events_by_type(browser, teammate):
    SessionLogFactory(session=SessionFactory(device="good"))
    SessionLogFactory(
        session=SessionFactory(device="bad", status="failed"), event_type=EventType.COMMAND_FAILED
    )
    assert rows(browser(teammate).get(f"{SESSIONS}?status__exact=failed")) == ["bad"]
    assert rows(browser(teammate).get(f"{EVENTS}?event_type__exact=command_failed")) == ["bad"]


def test_a_session_is_found_by_its_id(browser, teammate):
    session = issue_session()
    SessionFactory(device="other")
    assert rows(browser(teammate).get(f"{SESSIONS}?q={session.session_id}")) == ["fw01.company.com"]


def test_events_are_found_by_a_part_of_their_answer(browser, teammate):
    SessionLogFactory(session=SessionFactory(device="rtr01"), response="Serial number: FTX1234")
    SessionLogFactory(session=SessionFactory(device="rtr02"))
    assert rows(browser(teammate).get(f"{EVENTS}?q=ftx1234")) == ["rtr01"]


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-99-99T00:00", "older=nonsense", "newer=%00"]
)
def test_garbage_in_a_filter_shows_no_row(query, browser, teammate):
    SessionLogFactory()
    for page in (SESSIONS, EVENTS):
        answer = browser(teammate).get(f"{page}?{query}")
        assert answer.status_code == 400
        assert not answer.context["cl"].result_list


def test_pages_follow_one_another(browser, teammate, monkeypatch):
    monkeypatch.setattr(sessions.SessionAdmin, "list_per_page", 2)
    for number in range(5):
        SessionFactory(device=f"rtr{number}", started_at=NOON + timedelta(minutes=number))
    client = browser(teammate)
    first = client.get(SESSIONS)
    second = client.get(SESSIONS + first.context["cl"].older_url)
    assert (rows(first), rows(second)) == (["rtr4", "rtr3"], ["rtr2", "rtr1"])
    assert rows(client.get(SESSIONS + second.context["cl"].newer_url)) == ["rtr4", "rtr3"]


# --- what a page costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [SESSIONS, EVENTS])
def test_a_list_takes_four_queries_whatever_its_length(page, browser, owner, django_assert_num_queries):
    client = browser(owner)
    for _ in range(20):
        SessionLogFactory()
    with django_assert_num_queries(4):  # session, user, rows, count
        client.get(page)


def test_a_timeline_takes_seven_queries_whatever_its_length(browser, owner, django_assert_num_queries):
    client = browser(owner)
    session = issue_session()
    for _ in range(50):
        SessionLogFactory(session=session)
    with django_assert_num_queries(7):  # session, user, the record (twice), its events, answers, the audit
        client.get(page_of(session))


def test_the_list_of_events_does_not_read_the_responses(browser, owner, django_assert_max_num_queries):
    SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="x" * 100_000)
    client = browser(owner)
    with django_assert_max_num_queries(10) as queries:
        client.get(EVENTS)
    assert not [query for query in queries.captured_queries if '"response"' in query["sql"]]
