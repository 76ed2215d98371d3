"""What an export refuses: nothing is exported, and the field is named."""

from datetime import UTC, datetime

import pytest

from console.export.options import Options, read_options
from logsite.audit.models import AuditEntry
from logsite.records import Window
from tests.console_export.conftest import ADDRESS

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
JANUARY = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC))

# (a body, the options)
READ = [
    ({}, Options()),
    ({"format": "csv", "escape_formulas": False}, Options(format="csv", escape_formulas=False)),
    ({"level": "warning"}, Options(level="WARNING")),
    ({"query": "a b"}, Options(query="a b")),
    ({"search_query": "a b"}, Options(query="a b")),
    ({"query": "a", "search_query": "a"}, Options(query="a")),
    ({"source": "session"}, Options(sources=("session",))),
    ({"source": ["session", "container"]}, Options(sources=("session", "container"))),
    ({"category": "api", "app": "shop"}, Options(category="api", app="shop")),
    ({"start_time": "2024-01-01T00:00:00Z", "end_time": "2024-01-31T23:59:59Z"}, Options(window=JANUARY)),
    ({"since": "2024-01-01", "until": "2024-01-31T23:59:59"}, Options(window=JANUARY)),
    ({"since": "2h"}, Options(window=Window(datetime(2026, 5, 1, 10, tzinfo=UTC)))),
]


@pytest.mark.parametrize(("body", "options"), READ)
def test_a_body_is_read(body, options):
    assert read_options(body, NOW) == options


# (a body, the fields that the answer names)
REFUSED = [
    ([], {"non_field_errors"}),
    ("json", {"non_field_errors"}),
    ({"formats": "json"}, {"formats"}),
    ({"limit": 5, "lvl": "ERROR"}, {"limit", "lvl"}),
    ({"format": "xml"}, {"format"}),
    ({"format": "JSON"}, {"format"}),
    ({"format": None}, {"format"}),
    ({"format": ["json"]}, {"format"}),
    ({"level": "loud"}, {"level"}),
    ({"level": ""}, {"level"}),
    ({"level": 5}, {"level"}),
    ({"query": None}, {"query"}),
    ({"query": ["a"]}, {"query"}),
    ({"search_query": 5}, {"search_query"}),
    ({"query": "a", "search_query": "b"}, {"search_query"}),
    ({"query": "a\0"}, {"query"}),
    ({"source": []}, {"source"}),
    ({"source": ""}, {"source"}),
    ({"source": [1]}, {"source"}),
    ({"source": {"session": True}}, {"source"}),
    ({"source": "sessions"}, {"source"}),
    ({"source": ["session", "nowhere"]}, {"source"}),
    ({"app": 5, "category": None}, {"app", "category"}),
    ({"app": ""}, {"app"}),
    ({"app": "shop", "source": "session"}, {"app"}),
    ({"category": "api", "source": "session"}, {"category"}),
    ({"start_time": "yesterday"}, {"start_time"}),
    ({"since": "2026-13-01"}, {"since"}),
    ({"end_time": 1_700_000_000}, {"end_time"}),
    ({"end_time": "0001-01-01T00:00:00+14:00"}, {"end_time"}),
    ({"start_time": "2h", "end_time": "3h"}, {"end_time"}),
    ({"start_time": "2h", "since": "3h"}, {"since"}),
    ({"escape_formulas": "no"}, {"escape_formulas"}),
    ({"level": "loud", "format": "xml", "end_time": "x"}, {"level", "format", "end_time"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("body", "names"), REFUSED)
def test_a_body_that_cannot_be_read_exports_nothing_and_names_the_field(body, names, api, owner):
    answer = api(owner).post(ADDRESS, body)

    assert (answer.status_code, set(answer.json())) == (400, names)
    assert not AuditEntry.objects.filter(what__startswith="export").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["(a", "level:loud", "level:>nowhere", 'a) OR (b"', "timestamp:never"])
def test_a_query_that_cannot_be_read_exports_nothing_and_says_where(query, api, owner):
    """A query is read before a level is put beside it: what opens no bracket closes none."""
    answer = api(owner).post(ADDRESS, {"query": query, "level": "ERROR"})

    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "query"
    assert not AuditEntry.objects.filter(what__startswith="export").exists()


@pytest.mark.django_db
def test_a_parameter_of_the_address_is_refused(api, owner):
    """Passed over, it would export more than was asked for."""
    answer = api(owner).post(f"{ADDRESS}?level=ERROR", {"format": "json"})

    assert (answer.status_code, set(answer.json())) == (400, {"level"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("format=json", "application/x-www-form-urlencoded", 415),
        ("{", "application/json", 400),
        ('{"level": "ERROR"}', "text/plain", 415),
    ],
)
def test_a_body_that_is_no_json_is_refused(body, kind, status, browser, owner):
    answer = browser(owner).post(ADDRESS, body, content_type=kind)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
