"""Who may see what devices answered, and the trace that seeing it leaves."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test import RequestFactory
from django.urls import reverse

from logsite.audit import Reader
from logsite.audit.models import AuditEntry
from logsite.audit.reader import VIAS
from sessionlogs import audit
from sessionlogs.admin import session_page
from sessionlogs.models import EventType, ResponseView
from tests.factories import SessionFactory, SessionLogFactory, issue_session

pytestmark = pytest.mark.django_db
SESSIONS, EVENTS = "/admin/sessionlogs/session/", "/admin/sessionlogs/sessionlog/"
API, FEED = "/api/v2/session-logs/", "/api/monitoring/logs?source=session"
SECRET = "serial number FTX1840ABCD"


@pytest.fixture
def reader(teammate):
    """A teammate who may see sessions, but not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return teammate


@pytest.fixture
def event(db):
    return SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response=SECRET)


def views():
    """Each row of the audit: who, from where, what, how many."""
    return [(row.user, row.via, row.what, row.count) for row in ResponseView.objects.order_by("id")]


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


# --- Without the permission ------------------------------------------------------------------------------------


def test_the_session_page_says_what_is_left_out(browser, reader, event):
    text = text_of(browser(reader).get(f"{SESSIONS}{event.session_id}/change/"))
    assert SECRET not in text
    assert "Responses of the device are withheld: you lack the permission" in text
    assert "show interface all" in text


def test_the_event_s_page_says_that_the_answer_is_left_out(browser, reader, event):
    text = text_of(browser(reader).get(f"{EVENTS}{event.pk}/change/"))
    assert SECRET not in text
    assert "The response is withheld" in text


@pytest.mark.parametrize("page", ["response", "diff"])
def test_pages_that_are_only_an_answer_are_refused(page, browser, reader, event):
    assert browser(reader).get(f"{EVENTS}{event.pk}/{page}/").status_code == 403


def test_the_api_says_which_answers_it_left_out(api, reader, event):
    for row in (
        api(reader).get(API).json()["results"][0],
        api(reader).get(f"{API}{event.pk}/").json(),
        api(reader).get(f"/api/v2/sessions/{event.session_id}/").json()["events"][0],
    ):
        assert (row["response"], row["response_withheld"]) == ("", True)


def test_the_api_says_so_only_where_there_was_an_answer(api, reader, teammate):
    SessionLogFactory(response="")
    assert api(reader).get(API).json()["results"][0]["response_withheld"] is False


def test_details_of_our_own_are_no_answers(api, browser, reader):
    event = SessionLogFactory(
        event_type=EventType.CONNECTION_START, step=None, command="", response="netops@192.0.2.1:22"
    )
    assert api(reader).get(API).json()["results"][0]["response"] == "netops@192.0.2.1:22"
    assert "netops@192.0.2.1:22" in text_of(browser(reader).get(f"{EVENTS}{event.pk}/change/"))
    assert views() == []


def test_a_search_does_not_tell_what_answers_hold(browser, api, reader, event):
    assert list(browser(reader).get(f"{EVENTS}?q=FTX1840").context["cl"].result_list) == []
    assert api(reader).get(f"{API}?search=FTX1840").json()["results"] == []
    assert len(api(reader).get(f"{API}?search=interface").json()["results"]) == 1


def test_nor_does_a_filter_that_nobody_offers(browser, reader, teammate, event):
    for lookup in ("response__contains", "response__startswith", "response"):
        answer = browser(reader).get(f"{EVENTS}?{lookup}=serial")
        assert answer.status_code in (302, 400)


def test_the_feed_asks_for_both_permissions(api, reader, teammate, event):
    assert api(reader).get(FEED).status_code == 403
    assert SECRET not in api(reader).get(FEED).content.decode()


# --- The trace --------------------------------------------------------------------------------------------------


def test_seeing_a_session_s_answers_is_one_row(browser, teammate):
    session = issue_session()
    SessionLogFactory(
        session=session, event_type=EventType.COMMAND_FAILED, response="% Invalid input", step=2
    )
    browser(teammate).get(f"{SESSIONS}{session.pk}/change/")
    assert views() == [("teammate", "admin", "session", 2)]
    row = ResponseView.objects.get()
    assert (str(row.session_id), row.event_id, row.address) == (session.pk, None, "127.0.0.1")
    assert abs(row.viewed_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(("page", "what"), [("change", "event"), ("response", "event"), ("diff", "diff")])
def test_seeing_one_answer_names_the_event(page, what, browser, teammate, event):
    text_of(browser(teammate).get(f"{EVENTS}{event.pk}/{page}/"))
    row = ResponseView.objects.get()
    assert (row.what, row.count, row.event_id, row.session_id) == (what, 1, event.pk, event.session_id)


def test_a_list_of_the_api_is_one_row_however_long(api, teammate):
    session = SessionFactory()
    for _ in range(30):
        SessionLogFactory(session=session, event_type=EventType.COMMAND_RESPONSE, response=SECRET)
    api(teammate).get(f"{API}?limit=20")
    assert views() == [("teammate", "api", "list", 20)]


def test_the_api_s_session_and_event_are_noted(api, teammate, event):
    api(teammate).get(f"/api/v2/sessions/{event.session_id}/")
    api(teammate).get(f"{API}{event.pk}/")
    assert views() == [("teammate", "api", "session", 1), ("teammate", "api", "event", 1)]


def test_a_search_is_noted_with_its_words_even_when_it_finds_nothing(browser, api, teammate):
    browser(teammate).get(f"{EVENTS}?q=FTX1840")
    api(teammate).get(f"{API}?search=FTX1841")
    assert views() == [("teammate", "admin", "search", 0), ("teammate", "api", "search", 0)]
    assert list(ResponseView.objects.order_by("id").values_list("query", flat=True)) == [
        "FTX1840",
        "search=FTX1841",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_page_of_the_feed_is_one_row(api, teammate):
    session = SessionFactory()
    SessionLogFactory(session=session)
    for step in (1, 2, 3):
        SessionLogFactory(session=session, event_type=EventType.COMMAND_RESPONSE, response=SECRET, step=step)
    assert len(api(teammate).get(FEED).json()["results"]) == 4
    assert views() == [("teammate", "feed", "list", 3)]


@pytest.mark.parametrize("via", VIAS)
@pytest.mark.parametrize(("query", "what"), [("", "list"), ("FTX1840", "search")])
def test_records_shown_or_searched_are_noted_by_the_way_they_went(teammate, via, query, what):
    audit.note_records(Reader(teammate, "198.51.100.7", via), 3, query)
    assert views() == [("teammate", via, what, 3)]
    ResponseView.objects.get().full_clean()


def test_pages_without_an_answer_leave_no_trace(browser, api, teammate):
    event = SessionLogFactory()
    for page in (SESSIONS, EVENTS, f"{SESSIONS}{event.session_id}/change/", f"{EVENTS}{event.pk}/change/"):
        browser(teammate).get(page)
    api(teammate).get(API)
    assert views() == []


def test_who_was_refused_has_seen_nothing(browser, api, reader, event):
    browser(reader).get(f"{SESSIONS}{event.session_id}/change/")
    browser(reader).get(f"{EVENTS}{event.pk}/response/")
    api(reader).get(API)
    assert views() == []


@pytest.mark.django_db(transaction=True)
def test_the_trace_outlives_a_request_that_is_rolled_back(browser, teammate, event, monkeypatch):
    def note_and_fail(request, what, count, **more):
        audit.note(request, what, count, **more)
        raise RuntimeError("the page breaks after the answer was read")

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setattr(session_page, "note", note_and_fail)
    client = browser(teammate)
    client.raise_request_exception = False
    assert client.get(f"{EVENTS}{event.pk}/response/").status_code == 500
    assert views() == [("teammate", "admin", "event", 1)]


def test_what_leaves_no_trace_is_not_shown(browser, teammate, event, monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    monkeypatch.setattr(ResponseView, "save", fail)
    client = browser(teammate)
    client.raise_request_exception = False
    answer = client.get(f"{EVENTS}{event.pk}/response/")
    assert answer.status_code == 500
    assert SECRET not in answer.content.decode()


def test_behind_a_proxy_of_ours_the_address_is_the_client_s(settings):
    request = RequestFactory().get(
        "/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.1, 198.51.100.7"
    )
    assert audit.address_of(request) == "127.0.0.1"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert audit.address_of(request) == "198.51.100.7"


@pytest.mark.parametrize("address", ["", "unix:", "garbage"])
def test_an_address_that_is_none_is_left_empty(address):
    assert audit.address_of(RequestFactory().get("/", REMOTE_ADDR=address)) is None


def test_each_row_is_an_entry_of_the_audit_too(browser, api, teammate, event):
    browser(teammate).get(f"{SESSIONS}{event.session_id}/change/")
    browser(teammate).get(f"{EVENTS}?q=FTX1840")
    api(teammate).get(f"{API}?search=FTX1841")
    entries = AuditEntry.objects.filter(event_type="sensitive_read", what="responses").order_by("id")

    assert [(each.user, each.user_id, each.address) for each in entries] == [
        ("teammate", str(teammate.pk), "127.0.0.1")
    ] * 3
    assert [(each.via, each.target, each.count, each.details) for each in entries] == [
        ("admin", str(event.session_id), 1, {"what": "session"}),
        ("admin", "", 1, {"what": "search", "query": "FTX1840"}),
        ("api", "", 0, {"what": "search", "query": "search=FTX1841"}),
    ]


def test_responses_that_the_audit_cannot_take_are_not_shown(browser, teammate, event, monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    client = browser(teammate)
    monkeypatch.setattr(AuditEntry, "save", fail)
    client.raise_request_exception = False
    answer = client.get(f"{EVENTS}{event.pk}/response/")

    assert answer.status_code in (500, 503)
    assert SECRET not in answer.content.decode()


# --- Reading the audit ------------------------------------------------------------------------------------------


def test_the_audit_is_a_list_of_its_own_newest_first(browser, teammate, event):
    for page in ("response", "diff"):
        browser(teammate).get(f"{EVENTS}{event.pk}/{page}/")
    shown = browser(teammate).get(reverse("admin:sessionlogs_responseview_changelist"))
    assert [row.what for row in shown.context["cl"].result_list] == ["diff", "event"]
    assert f"event {event.pk}" in text_of(shown)


def test_the_audit_takes_a_time_range(browser, teammate, event):
    browser(teammate).get(f"{EVENTS}{event.pk}/response/")
    ResponseView.objects.update(viewed_at=datetime(2026, 5, 1, 12, tzinfo=UTC))
    page = reverse("admin:sessionlogs_responseview_changelist")
    found = [
        len(browser(teammate).get(f"{page}?{query}").context["cl"].result_list)
        for query in ("since=2026-05-01T12:00:00", "until=2026-05-01T12:00:00")
    ]
    assert found == [1, 0]


def test_nobody_changes_the_audit(browser, owner, event):
    browser(owner).get(f"{EVENTS}{event.pk}/response/")
    row = ResponseView.objects.get()
    client = browser(owner)
    page = reverse("admin:sessionlogs_responseview_change", args=[row.pk])
    assert client.post(page, {"user": "forged"}).status_code == 403
    assert client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert views() == [("owner", "admin", "event", 1)]
