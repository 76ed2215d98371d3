"""Entries of all sources over the API: pages, filters, one entry, its context, counts, patterns, statistics."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from console.patterns import pattern_of
from logsite.audit.models import AuditEntry
from logsite.records import to_nanoseconds
from sessionlogs.models import EventType
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    LogEntryFactory,
    SessionFactory,
    SessionLogFactory,
)

pytestmark = pytest.mark.django_db
URL = "/api/v2/logs/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANSWER = "serial number FTX1840ABCD"
DAY = "start_time=2026-05-01T00:00:00Z&end_time=2026-05-02T00:00:00Z"


def at(seconds):
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def rows():
    """Of each source three entries, of the seconds 0, 1 and 2; those of second 0 are of the same moment."""
    session = SessionFactory(device="rtr01", started_at=NOON)
    container = ContainerFactory(name="web")
    for second, level in enumerate(("INFO", "ERROR", "CRITICAL")):
        moment = to_nanoseconds(at(second))
        LogEntryFactory(
            timestamp=moment, level=level, app="shop", category="api", message=f"order {second} of shop",
            context={"user_id": f"u{second}"},
        )  # fmt: skip
        ContainerLogEntryFactory(
            container=container, timestamp=moment, level=level, message=f"request {second} of web"
        )
        SessionLogFactory(
            session=session, timestamp=at(second), event_type=EventType.COMMAND_RESPONSE, response=ANSWER
        )


@pytest.fixture
def get(api):
    def asked(user, path, status=200):
        answer = api(user).get(path if path.startswith("http") else f"{URL}{path}")
        assert answer.status_code == status, answer.content[:500]
        return answer.json()

    return asked


def ids(found):
    return [entry["id"].split("-")[0] for entry in found["results"]]


def test_entries_of_all_sources_come_newest_first_on_one_axis(get, owner, rows):
    found = get(owner, "entries")

    assert ids(found) == ["session", "container", "app"] * 3
    times = [entry["timestamp"] for entry in found["results"]]
    assert times == sorted(times, reverse=True)
    assert (found["next"], found["previous"], found["withheld"], found["late_sources"]) == (None, None, 0, [])


@pytest.mark.parametrize("limit", [1, 2, 4, 8])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_lead_to_the_end_and_back_without_a_gap_or_a_repetition(get, owner, rows, limit, order):
    whole = [entry["id"] for entry in get(owner, f"entries?order={order}")["results"]]
    pages, address = [], f"entries?order={order}&limit={limit}"
    while address:
        page = get(owner, address)
        pages.append([entry["id"] for entry in page["results"]])
        address, last = page["next"], page
    assert [each for page in pages for each in page] == whole
    back = []
    while address := last["previous"]:
        last = get(owner, address)
        if not last["results"]:
            break
        back.append([entry["id"] for entry in last["results"]])
    assert back == pages[-2::-1]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ("source=app", ["app"] * 3),
        ("source=app&source=container&level=ERROR", ["container", "app"] * 2),
        ("level=CRITICAL", ["container", "app"]),
        ("level=INFO&level=CRITICAL&source=app", ["app"] * 2),
        ("app=shop", ["app"] * 3),
        ("app=nobody", []),
        ("app=shop&app=other&category=api&level=critical", ["app"]),
        ("query=user_id:u1&source=app", ["app"]),
        ("query=request OR order", ["container", "app"] * 3),
        ("search_query=web", ["container"] * 3),
        ("query=device:rtr01", ["session"] * 3),
        ("start_time=2026-05-01T12:00:01Z&source=app", ["app"] * 2),
        ("since=2026-05-01T12:00:01Z&until=2026-05-01T12:00:02Z&source=app", ["app"]),
        ("range=1h", []),
    ],
)
def test_parameters_narrow_what_is_found(get, owner, rows, parameters, found):
    assert ids(get(owner, f"entries?{parameters}")) == found


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("levle=ERROR", "levle"),
        ("level=LOUD", "level"),
        ("level=ERROR&level=LOUD", "level"),
        ("source=nobody", "source"),
        ("start_time=yesterday", "start_time"),
        ("start_time=9999-12-31T23:59:59-23:00", "start_time"),
        ("start_time=2026-05-02T00:00:00Z&end_time=2026-05-01T00:00:00Z", "end_time"),
        ("start_time=2026-05-02T00:00:00Z&since=2026-05-01T00:00:00Z", "start_time"),
        ("range=1y", "range"),
        ("range=1h&start_time=2026-05-02T00:00:00Z", "range"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("cursor=nonsense", "cursor"),
        ("order=random", "order"),
        ("query=a&query=b", "query"),
        ("app=%00", "app"),
        ("&".join(f"app={number}" for number in range(51)), "app"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_a_400_that_names_it(get, owner, rows, parameters, field):
    assert field in get(owner, f"entries?{parameters}", 400)


def test_a_query_that_cannot_be_read_says_where(get, owner, rows):
    error = get(owner, "entries?query=(unclosed", 400)["error"]

    assert (error["field"], error["position"]) == ("query", 0)


@pytest.mark.parametrize("path", ["entries", "histogram", "facets", "patterns", "stats"])
def test_each_search_is_on_record_and_only_of_what_the_reader_may_see(
    get, api, owner, teammate, outsider, rows, path
):
    for user in (owner, teammate):
        get(user, f"{path}?query=order")
    get(outsider, path, 403)
    get(None, path, 401)

    notes = AuditEntry.objects.filter(event_type="sensitive_read", details__query="order")
    assert {note.user for note in notes} == {"owner", "teammate"}
    assert notes.filter(user="owner").count() == 3


def test_a_reader_without_a_source_finds_nothing_of_it(get, outsider, rows):
    outsider.user_permissions.add(
        Permission.objects.get(codename="view_logentry", content_type__app_label="applogs")
    )
    assert ids(get(outsider, "entries")) == ["app"] * 3
    get(outsider, "entries?source=session", 403)


def test_what_devices_answered_is_withheld_and_cannot_be_searched(get, teammate, rows):
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    teammate = type(teammate).objects.get(pk=teammate.pk)
    found = get(teammate, "entries?source=session")

    assert ANSWER not in str(found)
    assert found["withheld"] == 3
    assert get(teammate, "entries?query=FTX1840ABCD")["results"] == []
    get(teammate, "entries?query=response:FTX1840ABCD", 400)


def test_one_entry_and_its_context_in_the_same_stream(get, owner, rows):
    LogEntryFactory(timestamp=to_nanoseconds(at(1)), app="other", message="of another stream")
    entry = get(owner, "entries?source=app&query=order&app=shop")["results"][1]
    number = entry["id"].removeprefix("app-")
    found = get(owner, f"entries/app/{number}/context?before=5&after=1")

    assert get(owner, f"entries/app/{number}") == entry == found["entry"]
    assert [each["message"] for each in (*found["before"], *found["after"])] == [
        "order 0 of shop",
        "order 2 of shop",
    ]
    assert (found["more_before"], found["more_after"]) == (False, False)


@pytest.mark.parametrize(
    ("path", "status"),
    [("entries/app/999999", 404), ("entries/app/999999/context", 404), ("entries/nobody/1", 404),
     ("entries/app/99999999999999999999", 404), ("entries/app/1?query=x", 400),
     ("entries/app/1/context?before=1001", 400), ("entries/app/1/context?after=-1", 400)],
)  # fmt: skip
def test_an_entry_that_is_not_there_or_a_search_of_one_is_refused(get, owner, rows, path, status):
    get(owner, path, status)


def test_a_histogram_counts_by_level_in_steps_that_fit_the_window(get, owner, rows):
    found = get(owner, f"histogram?source=app&{DAY}&step=3600")
    chosen = get(owner, f"histogram?{DAY}")

    assert found["buckets"] == [
        {"start": "2026-05-01T12:00:00Z", "counts": {"INFO": 1, "ERROR": 1, "CRITICAL": 1}}
    ]
    assert (found["step"], found["exact"], chosen["step"]) == (3600, True, 900)
    get(owner, f"histogram?{DAY}&step=1", 400)


def test_facets_count_the_values_of_fields(get, owner, rows):
    found = get(owner, f"facets?{DAY}&field=level&field=app&field=source")

    assert {each["value"]: each["count"] for each in found["source"]} == {
        "app": 3,
        "container": 3,
        "session": 3,
    }
    assert found["app"] == [{"value": "shop", "count": 3}]
    assert found["exact"] is True
    assert {"level", "source", "app"} <= get(owner, f"facets?{DAY}").keys()
    get(owner, f"facets?{DAY}&field=nobody", 400)


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("took 12 ms for 3,456 rows", "took <number> ms for <number> rows"),
        ("user 06787c15-dded-47cd-a9d5-91f4d8f7687d", "user <uuid>"),
        ("from 192.0.2.1:443", "from <ip>:<number>"),
        ("at 0x7f3a and 9f8e7d6c5b4a", "at <hex> and <hex>"),
        ('name "Ada Lovelace" is taken', 'name "…" is taken'),
        ("2026-01-15T10:30:45.123Z up", "<time> up"),
        ("facade and decade stay", "facade and decade stay"),
        ("first line\n  at second", "first line"),
        ("", ""),
    ],
)
def test_a_pattern_leaves_out_what_differs(message, pattern):
    assert pattern_of(message) == pattern


def test_patterns_say_how_often_when_and_whether_they_are_new(get, owner):
    now = timezone.now().replace(microsecond=0)
    for minutes, message in ((70, "old 1"), (10, "old 2"), (5, "fresh 3"), (1, "fresh 4")):
        moment = to_nanoseconds(now - timedelta(minutes=minutes))
        LogEntryFactory(timestamp=moment, message=message, level="ERROR")
    window = f"start_time={(now - timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}&end_time={now:%Y-%m-%dT%H:%M:%SZ}"
    found = get(owner, f"patterns?source=app&{window}")

    assert [(each["pattern"], each["count"], each["new"]) for each in found["patterns"]] == [
        ("fresh <number>", 2, True),
        ("old <number>", 1, False),
    ]
    assert found["patterns"][0]["first_seen"] < found["patterns"][0]["last_seen"]
    assert (found["looked_at"], found["complete"]) == (3, True)
    assert get(owner, "patterns?source=app")["patterns"][0]["new"] is None


def test_statistics_say_what_came_and_what_is_stored(get, owner, rows):
    found = get(owner, f"stats?{DAY}")

    assert sum(sum(bucket["counts"].values()) for bucket in found["volume"]) == 9
    assert found["levels"]["ERROR"] == 2
    assert found["apps"] == [{"app": "shop", "count": 3}]
    assert {each["pattern"] for each in found["top_errors"]} == {
        "order <number> of shop",
        "request <number> of web",
    }
    assert {"source": "app", "day": "2026-05-01", "entries": 3} in found["storage"]
    assert found["ingest"] == {"entries_per_second": 0.0, "rejected": 0, "dropped": 0}
