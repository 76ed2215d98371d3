"""Histogram, facets, patterns and statistics over all sources."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from console import patterns
from logsite.audit.models import AuditEntry
from logsite.housekeeping import counters
from logsite.intake.models import IngestToken
from logsite.records import Window, get_source
from sessionlogs.models import EventType, ResponseView
from tests.console.conftest import WORD
from tests.factories import ContainerFactory, ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.factories import IngestTokenFactory as TokenFactory
from tests.records.conftest import reader
from tests.records.toy_source import START, Tick, ticks

pytestmark = pytest.mark.django_db
AROUND = {"start_time": "2026-05-01T12:00:00Z", "end_time": "2026-05-01T12:00:10Z"}


def container_lines(messages, container=None, since=START, **fields):
    """A line each second from `since` on."""
    container = container or ContainerFactory(name="web")
    begin = int(since.timestamp()) * 10**9
    return [
        ContainerLogEntryFactory(
            container=container, message=message, timestamp=begin + number * 10**9, **fields
        )
        for number, message in enumerate(messages)
    ]


def noted(what):
    return dict(AuditEntry.objects.filter(what=what).values_list("target", "count"))


# --- Histogram ----------------------------------------------------------------------------------------------


def test_a_histogram_counts_all_sources_by_level(busy, get, owner):
    found = get(owner, "histogram", step=5, **AROUND).json()

    assert found == {
        "step": 5,
        "start_time": "2026-05-01T12:00:00.000000000Z",
        "end_time": "2026-05-01T12:00:10.000000000Z",
        "buckets": [
            {"start": "2026-05-01T12:00:00.000000000Z", "counts": {"ERROR": 3, "INFO": 3, "WARNING": 1}},
            {"start": "2026-05-01T12:00:05.000000000Z", "counts": {"ERROR": 2, "INFO": 4, "WARNING": 1}},
        ],
        "exact": True,
        "late_sources": [],
    }
    assert noted("histogram") == {"app": 0, "container": 2, "session": 2, "toy": 10}


def test_a_histogram_obeys_query_and_filters_and_tells_nothing_of_what_is_withheld(
    busy, get, owner, colleague
):
    def counted(user, **parameters):
        buckets = get(user, "histogram", **AROUND, **parameters).json()["buckets"]
        return sum(number for bucket in buckets for number in bucket["counts"].values())

    assert counted(owner, level="WARNING", query="tick OR health") == 7
    assert (counted(owner, query=WORD), counted(colleague, query=WORD)) == (2, 0)


def test_without_a_start_a_histogram_is_of_the_last_day(get, owner):
    now = timezone.now()
    container_lines(["a"], since=now - timedelta(hours=23))
    container_lines(["b"], since=now - timedelta(hours=25))

    found = get(owner, "histogram").json()

    assert [bucket["counts"] for bucket in found["buckets"]] == [{"": 1}]
    assert found["step"] == 900


@pytest.mark.parametrize(
    "window",
    [
        {"start_time": "0001-01-01", "end_time": "9999-12-31"},
        {"start_time": "9999-12-31T23:59:59.9Z"},
        {"end_time": "0001-01-01T00:00:01Z"},
        {"start_time": "0001-01-01"},
    ],
)
@pytest.mark.parametrize("path", ["histogram", "patterns", "entries", "facets"])
def test_a_window_may_reach_to_the_ends_of_the_calendar(busy, get, owner, path, window):
    assert get(owner, path, **window).status_code == 200


def test_a_year_has_four_digits(get, owner):
    window = {"start_time": "0900-01-01", "end_time": "0900-01-02"}

    answer = get(owner, "histogram", **window).json()

    assert (answer["start_time"], answer["end_time"]) == (
        "0900-01-01T00:00:00.000000000Z",
        "0900-01-02T00:00:00.000000000Z",
    )


# --- Facets -------------------------------------------------------------------------------------------------


def test_facets_count_values_over_all_sources(busy, get, owner):
    found = get(owner, "facets", field=["level", "app", "room"], query="tick OR health").json()

    assert found == {
        "level": [
            {"value": "ERROR", "count": 5},
            {"value": "INFO", "count": 5},
            {"value": "WARNING", "count": 2},
        ],
        "app": [],
        "room": [{"value": "a", "count": 5}, {"value": "b", "count": 5}],
        "exact": True,
        "late_sources": [],
    }
    assert noted("facets") == {"app": 0, "container": 2, "session": 0, "toy": 10}


def test_without_fields_facets_are_of_those_with_few_values_that_the_reader_may_see(busy, get, owner, porter):
    seen = [set(get(user, "facets").json()) - {"exact", "late_sources"} for user in (owner, porter)]

    device = {"device", "agent_type", "user", "event", "error_kind"}
    assert seen == [
        {"level", "source", "room", "container", "host", "app", "category", "logger", "module"} | device,
        {"level", "source", "container", "host"},
    ]


def test_a_withheld_field_is_not_counted_and_the_try_is_on_record(busy, get, owner, colleague):
    denied = get(colleague, "facets", field=["level", "secret"])

    assert get(owner, "facets", field="secret").json()["secret"] == [{"value": "s3same", "count": 5}]
    assert (denied.status_code, denied.json()["error"]["field"]) == (400, "field")
    assert AuditEntry.objects.get(event_type="authz_fail", what="query").target == "toy"


# --- Patterns -----------------------------------------------------------------------------------------------


def test_patterns_fold_messages_of_all_sources(toy, get, owner):
    ticks()
    lines = container_lines(["tick 7 of 'web'", "tick 9 of 'db'", "tock"], level="WARNING")

    found = get(owner, "patterns").json()

    assert [each["pattern"] for each in found["patterns"]] == [
        "tick <number>",
        "tick <number> of <text>",
        "tock",
    ]
    assert found["patterns"][1] == {
        "pattern": "tick <number> of <text>",
        "count": 2,
        "levels": {"WARNING": 2},
        "first_seen": "2026-05-01T12:00:00.000000000Z",
        "last_seen": "2026-05-01T12:00:01.000000000Z",
        "sample": f"container-{lines[1].id}",
        "new": None,
    }
    assert (found["read"], found["complete"], found["compared"]) == (13, True, None)
    assert noted("patterns") == {"app": 0, "container": 3, "session": 0, "toy": 10}


def test_a_pattern_is_new_where_the_equally_long_window_before_has_none(get, owner):
    web = ContainerFactory()
    container_lines(["old 1"], web, START - timedelta(seconds=5))
    container_lines(["new 0"], web, START - timedelta(seconds=15))
    container_lines(["old 2", "new 1", "new 2"], web)

    found = get(owner, "patterns", **AROUND).json()

    assert {each["pattern"]: each["new"] for each in found["patterns"]} == {
        "new <number>": True,
        "old <number>": False,
    }
    assert found["compared"] == {
        "start_time": "2026-05-01T11:59:50.000000000Z",
        "end_time": "2026-05-01T12:00:00.000000000Z",
        "complete": True,
    }


def test_where_the_window_before_was_cut_only_what_it_shows_is_known(get, owner, monkeypatch):
    monkeypatch.setattr(patterns, "READ_ENTRIES", 3)
    monkeypatch.setattr(patterns, "READ_AT_ONCE", 2)
    web = ContainerFactory()
    container_lines(["rare 1", *["old 1"] * 4], web, START - timedelta(seconds=5))
    container_lines(["cut off", "old 2", "rare 2", "rare 3"], web)

    found = get(owner, "patterns", **AROUND).json()

    assert {each["pattern"]: each["new"] for each in found["patterns"]} == {
        "rare <number>": None,
        "old <number>": False,
    }
    assert (found["read"], found["complete"], found["compared"]["complete"]) == (3, False, False)


def test_patterns_show_no_more_than_the_limit(get, owner):
    container_lines(["a", "a", "b", "c"])

    found = get(owner, "patterns", limit=1).json()

    assert [(each["pattern"], each["count"]) for each in found["patterns"]] == [("a", 2)]
    assert found["read"] == 4


def test_a_pattern_that_shows_a_response_is_a_response_view(busy, get, owner, colleague):
    assert WORD not in get(colleague, "patterns").content.decode()
    assert not ResponseView.objects.exists()

    assert WORD in get(owner, "patterns").content.decode()
    assert ResponseView.objects.get().count == 1


# --- Statistics ---------------------------------------------------------------------------------------------


@pytest.fixture
def today(toy):
    """Of the last hour three lines of a container, two of them errors; one of the last minute; one of yesterday."""
    now = timezone.now()
    web = ContainerFactory(name="web")
    container_lines(["disk 1 full", "disk 2 full"], web, now - timedelta(minutes=30), level="ERROR")
    container_lines(["fine"], web, now - timedelta(seconds=20), level="INFO")
    container_lines(["yesterday"], web, now - timedelta(days=1), level="ERROR")
    SessionLogFactory(
        session=SessionFactory(device="rtr01"),
        timestamp=now - timedelta(minutes=5),
        event_type=EventType.COMMAND_SENT,
    )
    return now


def test_statistics_are_of_the_last_hour_and_tell_what_is_stored(today, get, owner):
    found = get(owner, "stats").json()

    assert found["levels"] == [{"value": "ERROR", "count": 2}, {"value": "INFO", "count": 2}]
    assert found["sources"] == [
        {"value": "app", "count": 0},
        {"value": "container", "count": 3},
        {"value": "session", "count": 1},
        {"value": "toy", "count": 0},
    ]
    assert found["apps"] == [
        {"source": "container", "field": "container", "value": "web", "count": 3},
        {"source": "session", "field": "device", "value": "rtr01", "count": 1},
    ]
    assert sum(number for minute in found["volume"] for number in minute["counts"].values()) == 4
    [pattern] = found["error_patterns"]
    assert (pattern["pattern"], pattern["count"], set(pattern)) == (
        "disk <number> full",
        2,
        {"pattern", "count", "levels", "first_seen", "last_seen", "sample"},
    )
    assert found["ingest"]["rate"][1] == {"source": "container", "last_minute": 1, "per_second": 0.017}
    stored = [(day["source"], day["rows"], day["bytes"]) for day in found["storage"]]
    assert sum(rows for source, rows, _ in stored if source == "container") == 4
    assert {size for _, _, size in stored} == {None}
    assert noted("statistics") == {"app": 0, "container": 3, "session": 1, "toy": 0}


def test_statistics_tell_of_the_days_asked_for(today, get, owner):
    found = get(owner, "stats", days=1).json()["storage"]

    midnight = f"{today:%Y-%m-%d}"
    assert {day["day"] for day in found} <= {midnight}


def test_statistics_count_rejected_input_for_those_who_may_see_it(today, get, owner, porter):
    token = TokenFactory()
    IngestToken.objects.filter(pk=token.pk).update(rejected=7)
    TokenFactory()
    counters.add({counters.LOST: 2, counters.TRUNCATED: 5})

    ingest = [get(user, "stats").json()["ingest"] for user in (owner, porter)]

    assert [(each["rejected"], each["dropped"]) for each in ingest] == [(7, 2), (None, 2)]
    assert [rate["source"] for rate in ingest[1]["rate"]] == ["container"]


def test_a_view_tells_the_rows_of_each_day(toy, owner):
    days = [datetime(2026, 5, day, hour, tzinfo=UTC) for day, hour in ((1, 0), (1, 23), (3, 12), (5, 0))]
    for moment in days:
        Tick.objects.create(timestamp=moment, level="INFO", message="x", room="a")

    found = get_source("toy").view(reader(owner)).storage(Window(days[0], days[-1]))

    assert [(str(day), rows, size) for day, rows, size in found.days] == [
        ("2026-05-01", 2, None),
        ("2026-05-03", 1, None),
    ]
    assert found.exact
