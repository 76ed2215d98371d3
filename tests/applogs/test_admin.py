"""The admin's pages of application logs: the list, an entry with its neighbours, the applications."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applogs.pages import app_errors, find_apps
from logsite.audit import Reader
from logsite.audit.models import AuditEntry
from tests.factories import LogEntryFactory

pytestmark = pytest.mark.django_db
LIST, APPS = "/admin/applogs/logentry/", "/admin/applogs/app/"
SITE = Reader(None, "", "system")


@pytest.fixture
def entries():
    """Of two applications, the last minute: `shop` has an error with a trace, `mail` none."""
    now = time.time_ns()
    shop = [
        LogEntryFactory(app="shop", host="h1", message=message, level=level, timestamp=now - second * 10**9)
        for second, (message, level) in enumerate(
            [("order paid", "INFO"), ("Traceback\nboom \x1b[31m", "ERROR")]
        )
    ]
    return [*shop, LogEntryFactory(app="mail", message="sent to \u202eada", timestamp=now - 5 * 10**9)]


def shown(answer):
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2]),
        ("query=boom", [1]),
        ("query=app:shop", [0, 1]),
        ("app=mail", [2]),
        ("level__exact=ERROR", [1]),
        ("query=nothing", []),
    ],
)
def test_the_list_finds_by_query_and_filters(browser, teammate, entries, query, found):
    answer = browser(teammate).get(f"{LIST}?{query}")

    assert (answer.status_code, shown(answer)) == (200, [entries[number].pk for number in found])
    assert AuditEntry.objects.get(what="list").count == len(found)


def test_a_query_that_cannot_be_read_shows_no_row(browser, teammate, entries):
    answer = browser(teammate).get(f"{LIST}?query=(x")

    assert (answer.status_code, shown(answer)) == (400, [])


def test_a_rare_word_is_looked_up_and_not_searched_for(browser, teammate, entries):
    with CaptureQueriesContext(connection) as queries:
        browser(teammate).get(f"{LIST}?query=boom")

    read = [
        each["sql"] for each in queries if 'FROM "app_log_entries"' in each["sql"] and "boom" in each["sql"]
    ]
    assert read
    assert all("json_each" in sql or "ANY(" in sql for sql in read)


def test_an_entry_shows_all_that_it_has_and_its_neighbours_without_steering_the_page(
    browser, teammate, entries
):
    error = LogEntryFactory(
        app="shop",
        host="h1",
        message="last",
        trace_id="t1",
        context={"user_id": "<b>u1</b>"},
        labels={"env": "prod"},
        timestamp=entries[0].timestamp + 1,
    )
    text = browser(teammate).get(f"{LIST}{error.pk}/change/").content.decode()

    assert all(word in text for word in ("t1", "&lt;b&gt;u1&lt;/b&gt;", "prod", "order paid"))
    assert "\x1b" not in text
    assert "sent to" not in text  # of another application
    assert AuditEntry.objects.get(what="entry").count == 3


def test_the_applications_say_how_many_entries_and_errors_each_sent(browser, teammate, entries):
    answer = browser(teammate).get(APPS)

    found = [(each.app, each.entries, each.errors) for each in answer.context["found"].apps]
    assert found == [("shop", 2, 1), ("mail", 1, 0)]
    assert AuditEntry.objects.get(what="apps").count == 2


def test_without_entries_the_page_leads_to_the_tokens(browser, teammate):
    assert "/admin/intake/ingesttoken/" in browser(teammate).get(APPS).content.decode()


@pytest.mark.parametrize("page", [LIST, APPS])
def test_the_outsider_sees_no_page(browser, outsider, page):
    assert browser(outsider).get(page).status_code == 302


def test_the_panel_counts_errors_and_the_finder_finds_applications(entries):
    panel = app_errors(SITE)

    assert [(number, link.text) for number, link in panel.rows] == [(1, "shop")]
    assert [hit.title for hit in find_apps("SH", SITE)] == ["shop"]
    assert find_apps("x", SITE) == []
