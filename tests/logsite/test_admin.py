"""The admin's log pages: by key, in a time range, read-only; and nothing in an address breaks them."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import product
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.urls import reverse

from logsite.admin import LogModelAdmin, badge, log_model
from sessionlogs.admin.sessions import SessionLogAdmin
from sessionlogs.models import EventType, SessionLog
from tests.factories import DeviceFactory, SessionFactory, SessionLogFactory

EVENTS = "/admin/sessionlogs/sessionlog/"
SESSIONS = "/admin/sessionlogs/session/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
admin.autodiscover()
LOG_MODELS = [
    model for model, page in admin.site._registry.items() if isinstance(page, LogModelAdmin)
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(browser, teammate):
    return browser(teammate)


@pytest.fixture
def events(monkeypatch):
    """Twenty-five events at three instants, ten a page."""
    monkeypatch.setattr(SessionLogAdmin, "list_per_page", 10)
    session = SessionFactory()
    return [
        SessionLogFactory(session=session, timestamp=NOON + timedelta(seconds=n // 10)) for n in range(25)
    ]


def shown(response):
    return [row.pk for row in response.context["cl"].result_list]


def link(response, text):
    """Where the paginator's link `text` leads, as the browser sees it; None without one."""
    found = re.search(rf'<a href="(\?[^"]*)">{text}</a>', response.content.decode())
    return unescape(found[1]) if found else None


def list_url(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


# --- Pages -------------------------------------------------------------------------------------------------


def test_paging_older_shows_every_row_once(client, events):
    pages, query = [], ""
    while query is not None:
        response = client.get(EVENTS + query)
        pages.append(shown(response))
        query = link(response, "Older ›")

    assert [len(page) for page in pages] == [10, 10, 5]
    wanted = SessionLog.objects.order_by("-timestamp", "-id").values_list("id", flat=True)
    assert [pk for page in pages for pk in page] == list(wanted)


def test_paging_newer_goes_back_over_the_same_pages(client, events):
    pages, response = [], client.get(EVENTS)
    while query := link(response, "Older ›"):
        pages.append(shown(response))
        response = client.get(EVENTS + query)
    back = []
    while query := link(response, "‹ Newer"):
        response = client.get(EVENTS + query)
        back.append(shown(response))

    assert back == pages[::-1]


def test_newest_leads_to_the_first_page(client, events):
    first = client.get(EVENTS)
    second = client.get(EVENTS + link(first, "Older ›"))

    assert shown(client.get(EVENTS + link(second, "Newest"))) == shown(first)


def test_the_first_page_offers_nothing_newer_and_the_last_nothing_older(client, events):
    first = client.get(EVENTS)
    last = client.get(EVENTS + link(client.get(EVENTS + link(first, "Older ›")), "Older ›"))

    assert link(first, "‹ Newer") is link(first, "Newest") is link(last, "Older ›") is None
    assert link(last, "‹ Newer")


def test_rows_that_come_meanwhile_do_not_shift_the_next_page(client, events):
    query = link(client.get(EVENTS), "Older ›")
    before = shown(client.get(EVENTS + query))
    SessionLogFactory.create_batch(3, session=events[0].session, timestamp=NOON + timedelta(hours=1))

    assert shown(client.get(EVENTS + query)) == before


def test_the_links_keep_filters_and_search(client, events):
    response = client.get(
        EVENTS, {"event_type__exact": "command_sent", "q": "show", "device": events[0].device}
    )

    query = parse_qs(urlsplit(link(response, "Older ›")).query)
    assert query["event_type__exact"] == ["command_sent"]
    assert query["q"] == ["show"]
    assert query["device"] == ["fw01.example.com"]


def test_a_page_takes_the_same_queries_whatever_its_rows(client, events, django_assert_num_queries):
    # session, user, permissions twice, the rows, the capped count
    with django_assert_num_queries(6):
        client.get(EVENTS)


def test_the_list_does_not_read_the_responses(client, events, django_assert_num_queries):
    with django_assert_num_queries(6) as queries:
        client.get(EVENTS)

    assert not any('"response"' in query["sql"] for query in queries.captured_queries)


def test_the_count_says_how_many(client, events):
    assert "25 session events" in client.get(EVENTS).content.decode()


def test_counting_stops_at_the_limit(client, events, monkeypatch):
    monkeypatch.setattr(log_model, "COUNT_LIMIT", 20)

    response = client.get(EVENTS)

    assert "more than 20 session events" in response.content.decode()
    assert response.context["cl"].result_count == 21


def test_a_count_at_the_limit_is_exact(client, events, monkeypatch):
    monkeypatch.setattr(log_model, "COUNT_LIMIT", 25)

    assert "25 session events" in client.get(EVENTS).content.decode()


def test_one_row_is_called_by_its_singular(client):
    SessionLogFactory()

    assert re.search(r"1 session event\b(?!s)", client.get(EVENTS).content.decode())


def test_an_empty_list_is_a_page(client):
    response = client.get(EVENTS)

    assert response.status_code == 200
    assert shown(response) == []


# --- Filters -----------------------------------------------------------------------------------------------


def at(minutes):
    return SessionLogFactory(timestamp=NOON + timedelta(minutes=minutes)).pk


def test_the_time_range_takes_since_and_leaves_until_out(client):
    early, first, last, _late = at(-1), at(0), at(9), at(10)

    found = shown(client.get(EVENTS, {"since": "2026-05-01T12:00", "until": "2026-05-01T12:10:00"}))

    assert found == [last, first]
    assert early not in found


def test_the_time_range_is_in_the_viewer_s_zone(client):
    noon_in_utc, noon_in_berlin = at(0), at(-120)
    query = {"since": "2026-05-01T11:59", "until": "2026-05-01T12:01"}

    assert shown(client.get(EVENTS, query)) == [noon_in_utc]
    client.cookies["timezone"] = "Europe/Berlin"
    assert shown(client.get(EVENTS, query)) == [noon_in_berlin]


def test_times_are_shown_in_the_viewer_s_zone(client):
    at(0)
    client.cookies["timezone"] = "Asia/Kolkata"

    assert "17:30" in client.get(EVENTS).content.decode()


def test_an_unknown_zone_counts_as_utc(client):
    noon, found = at(0), {}
    for zone in ("Nowhere/Land", "../../etc/passwd", "", "\0", "é" * 300):
        client.cookies["timezone"] = zone
        found[zone] = shown(client.get(EVENTS, {"since": "2026-05-01T12:00", "until": "2026-05-01T12:01"}))

    assert {zone: events for zone, events in found.items() if events != [noon]} == {}


def test_a_time_with_an_offset_means_what_it_says(client):
    noon = at(0)
    client.cookies["timezone"] = "Asia/Kolkata"

    assert shown(client.get(EVENTS, {"since": "2026-05-01T12:00Z", "until": "2026-05-01T12:01+00:00"})) == [
        noon
    ]


def test_a_date_means_its_midnight(client):
    before, after = at(-12 * 60 - 1), at(-12 * 60)

    assert shown(client.get(EVENTS, {"since": "2026-05-01"})) == [after]
    assert shown(client.get(EVENTS, {"until": "2026-05-01"})) == [before]


def test_the_time_of_an_hour_that_a_zone_skips_is_no_error(client):
    client.cookies["timezone"] = "Europe/Berlin"

    assert client.get(EVENTS, {"since": "2026-03-29T02:30"}).status_code == 200


def test_a_bad_time_shows_no_row(client):
    SessionLogFactory()
    texts = (
        "yesterday", "2026-13-01T00:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "\0", "1",
    )  # fmt: skip
    answers = {
        (name, text): client.get(EVENTS, {name: text}) for name, text in product(("since", "until"), texts)
    }
    found = {row: (answer.status_code, shown(answer)) for row, answer in answers.items()}

    assert {row: answer for row, answer in found.items() if answer != (400, [])} == {}


def test_a_time_at_the_edge_of_the_calendar_is_refused_in_an_eastern_zone(client):
    client.cookies["timezone"] = "Asia/Kolkata"

    assert client.get(EVENTS, {"since": "0001-01-01T00:00"}).status_code == 400


def test_the_text_filter_ignores_case_and_spaces_around(client):
    wanted = SessionLogFactory(session__device="FW01.example.com").pk
    SessionLogFactory(session__device="fw02.example.com")

    assert shown(client.get(EVENTS, {"device": " fw01.EXAMPLE.com "})) == [wanted]


def hidden_fields(response, field):
    """What the form around the input `field` sends along."""
    forms = re.findall(
        r'<form method="get" class="form-filter">.*?</form>', response.content.decode(), re.DOTALL
    )
    [form] = [
        form for form in forms if f'name="{field}"' in form and f'type="hidden" name="{field}"' not in form
    ]
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form))


def test_the_text_filter_keeps_the_other_filters(client, events):
    query = {"event_type__exact": "command_sent", "since": "2026-05-01T00:00", "q": "show", "user": "netops"}

    assert hidden_fields(client.get(EVENTS, {**query, "device": "fw01"}), "device") == query


def test_a_filter_leaves_page_and_error_behind(client, events):
    older = link(client.get(EVENTS), "Older ›")

    assert hidden_fields(client.get(f"{EVENTS}{older}&p=3"), "device") == {}


def test_clearing_a_filter_keeps_the_others(client, events):
    body = client.get(EVENTS, {"device": "fw01.example.com", "user": "netops"}).content.decode()

    assert '<a href="?user=netops">Clear</a>' in body
    assert '<a href="?device=fw01.example.com">Clear</a>' in body


def test_what_was_typed_is_shown_again_and_escaped(client):
    body = client.get(EVENTS, {"device": '"><script>alert(1)</script>'}).content.decode()

    assert "<script>alert(1)</script>" not in body
    assert 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in body


def test_regular_expressions_are_not_taken_from_the_address(client):
    assert client.get(EVENTS, {"response__regex": "(a+)+$"}).status_code == 400


# --- Garbage -----------------------------------------------------------------------------------------------

GARBAGE = ["", "\0", "'", "é" * 300, "-1", "9" * 400, "NaN", "[]"]
PARAMETERS = [
    "older", "newer", "since", "until", "device", "user", "source", "status__exact", "event_type__exact", "slow",
    "refused", "q", "p", "o", "e", "all", "_to_field", "_popup", "_facets", "_changelist_filters", "timestamp__year",
    "timestamp__gte", "id__exact", "id__in", "id__range", "session__exact", "session_id__exact", "session__device",
    "response__contains", "response__regex", "nothing", "pk", "duration_ms__gt", "destination__id__exact", "__", "é",
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", LOG_MODELS, ids=lambda model: model.__name__)
def test_garbage_in_no_parameter_of_a_list_is_a_server_error(browser, owner, model):
    SessionLogFactory()
    client = browser(owner)
    client.raise_request_exception = False
    url = list_url(model)

    broken = [
        (name, value, status)
        for name, value in garbage_for(model)
        if (status := client.get(url, {name: value}).status_code) not in (200, 302, 400)
    ]

    assert broken == []


def garbage_for(model):
    """Every parameter with every value for the list with most filters; for the others those that any list knows."""
    if model is SessionLog:
        return list(product(PARAMETERS, GARBAGE))
    return [
        *product(("older", "since", "q", "p", "o", "_to_field"), GARBAGE[1:6]),
        *((name, "\0") for name in PARAMETERS),
    ]


@pytest.mark.parametrize("key", ["W10", "bm90IGEga2V5", "é", "[" * 5000])
def test_a_bad_page_key_shows_no_row(client, events, key):
    response = client.get(EVENTS, {"older": key})

    assert (response.status_code, shown(response)) == (400, [])


def test_the_page_key_of_another_list_shows_no_row(client, events):
    SessionFactory.create_batch(101)
    other = link(client.get(SESSIONS), "Older ›")

    response = client.get(EVENTS + other)
    assert (response.status_code, shown(response)) == (400, [])


def test_a_row_that_does_not_exist_leads_to_the_index(client):
    keys = ("abc", "0", "-1", "9" * 30, "%00", "1.5", "..", "_3F")
    answers = {
        url: client.get(url) for url in (f"{rows}{pk}/change/" for rows in (EVENTS, SESSIONS) for pk in keys)
    }
    found = {url: (answer.status_code, answer.headers.get("Location")) for url, answer in answers.items()}

    assert {url: answer for url, answer in found.items() if answer != (302, "/admin/")} == {}


# --- Who may do what ---------------------------------------------------------------------------------------


def test_the_index_is_for_staff(browser, owner, teammate, outsider):
    answers = [browser(user).get("/admin/").status_code for user in (owner, teammate, outsider, None)]

    assert answers == [200, 200, 302, 302]


def test_the_index_shows_a_teammate_what_may_be_seen(client):
    body = client.get("/admin/").content.decode()

    assert EVENTS in body
    assert "/admin/auth/user/" not in body


def test_lists_are_for_those_who_may_see_the_rows(browser, owner, teammate, outsider):
    clients = [browser(user) for user in (owner, teammate, outsider, None)]
    found = {url: [client.get(url).status_code for client in clients] for url in map(list_url, LOG_MODELS)}

    assert found.pop("/admin/audit/auditentry/") == [200, 403, 302, 302]  # the audit's permission is its own
    assert {url: answers for url, answers in found.items() if answers != [200, 200, 302, 302]} == {}


def test_staff_without_the_permission_is_refused(browser, outsider):
    outsider.is_staff = True
    outsider.save()

    assert browser(outsider).get(EVENTS).status_code == 403


def test_log_rows_are_read_only_for_the_owner_too(browser, owner):
    event = SessionLogFactory(command="show version")
    client = browser(owner)
    session = event.session

    answers = [
        client.post(f"{EVENTS}add/", {"command": "rm"}).status_code,
        client.post(f"{EVENTS}{event.pk}/change/", {"command": "rm"}).status_code,
        client.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code,
        client.post(f"{SESSIONS}add/", {"device": "rm"}).status_code,
        client.post(f"{SESSIONS}{session.pk}/change/", {"device": "rm"}).status_code,
        client.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}).status_code,
    ]

    assert answers == [403] * 6
    event.refresh_from_db()
    assert event.command == "show version"


def test_no_log_page_offers_to_add_or_delete(browser, owner):
    client, offering, added = browser(owner), [], {}
    for url in map(list_url, LOG_MODELS):
        body = client.get(url).content.decode()
        content = re.sub(r"<nav.*?</nav>", "", body, flags=re.DOTALL).split('id="content"')[1]
        if re.search(r'(href|action)="[^"]*/add/', content):  # the audit's rows name such addresses, as text
            offering.append(url)
        client.post(url, {"action": "delete_selected", "_selected_action": ["1"]})
        added[url] = client.get(f"{url}add/").status_code

    assert offering == []
    assert {url: status for url, status in added.items() if status != 403} == {}


def test_deleting_many_at_once_is_not_offered(browser, owner):
    event = SessionLogFactory()

    browser(owner).post(EVENTS, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})

    assert SessionLog.objects.filter(pk=event.pk).exists()


# --- The site ----------------------------------------------------------------------------------------------


def test_the_site_is_called_logsite(client):
    body = client.get("/admin/").content.decode()

    assert "<title>Flight recorder | LogSite</title>" in body
    assert '<a href="/admin/">LogSite</a>' in body


def test_the_login_page_answers_and_names_the_site(browser):
    body = browser(None).get("/admin/login/").content.decode()

    assert "LogSite" in body
    assert "logsite/icon.svg" in body


def test_every_asset_that_the_pages_name_is_served(client):
    SessionLogFactory()
    body = client.get("/admin/").content.decode() + client.get(EVENTS).content.decode()
    named = set(re.findall(r'(?:href|src)="/static/([^"]+)"', body))

    assert named >= {"logsite/admin.css", "logsite/icon.svg", "logsite/timezone.js", "logsite/live.js"}
    assert [name for name in named if finders.find(name) is None] == []


def test_the_home_address_leads_to_the_admin(client):
    assert client.get("/")["Location"] == "/admin/"


def test_the_favicon_is_there(client):
    location = client.get("/favicon.ico")["Location"]

    assert finders.find(location.removeprefix("/static/"))


def test_the_lists_watch_for_new_rows(client):
    assert 'data-source="session"' in client.get(EVENTS).content.decode()


def test_pages_may_not_be_framed(client):
    assert client.get("/admin/")["X-Frame-Options"] == "DENY"


def test_a_badge_escapes_its_text():
    assert badge("<b>", "bad") == '<span class="badge badge-bad">&lt;b&gt;</span>'


def test_the_timeline_of_a_session_answers_with_its_events(client):
    event = SessionLogFactory(
        event_type=EventType.COMMAND_FAILED, command="show <it>", error_message="% Invalid"
    )
    DeviceFactory(name=event.device)

    body = client.get(f"{SESSIONS}{quote(str(event.session_id))}/change/").content.decode()

    assert "show &lt;it&gt;" in body
    assert "% Invalid" in body
