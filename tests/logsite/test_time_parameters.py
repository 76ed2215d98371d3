"""`start_time` and `end_time` in every API; `since` and `until` where a list took them before."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from logsite.records import to_nanoseconds
from prodlogs.reading.results import HostResult
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    DockerHostFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
    SessionFactory,
    SessionLogFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PRODLOGS = "/api/v2/prodlogs/"
RENAMED = ("hosts", "containers", "logs", "errors", "snapshots", "commands")
FEED = "/api/monitoring/logs"
OLD = {"start_time": "since", "end_time": "until"}


@pytest.fixture
def hourly(db):
    """Of each kind a row at eleven, twelve and one o'clock."""
    for hour in (11, 12, 13):
        when = NOON.replace(hour=hour)
        host = DockerHostFactory(name=f"host-{hour}", checked_at=when)
        container = ContainerFactory(name=f"web-{hour}", host=host, seen_at=when)
        ContainerLogEntryFactory(container=container, level="ERROR", timestamp=to_nanoseconds(when))
        LogSnapshotFactory(container=container, started_at=when)
        RemoteCommandFactory(host=host, sent_at=when)


def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def parameters(address):
    found = schema()["paths"][address]["get"]["parameters"]
    return {each["name"]: each for each in found}


def is_deprecated(parameter):
    return bool(parameter.get("deprecated") or parameter["schema"].get("deprecated"))


RANGES = [
    ({"start_time": "2026-05-01T12:00:00Z"}, 2),
    ({"end_time": "2026-05-01T12:00:00Z"}, 1),
    ({"since": "2026-05-01T12:00:00Z"}, 2),
    ({"until": "2026-05-01T12:00:00Z"}, 1),
    ({"since": "2026-05-01T12:00:00Z", "end_time": "2026-05-01T12:30:00Z"}, 1),
    ({"since": "2026-05-01T12:00:00Z", "start_time": "2026-05-01T14:00:00+02:00"}, 2),
    ({"until": "2026-05-01T12:00:00Z", "end_time": "2026-05-01T12:00:00Z"}, 1),
    ({"start_time": "", "since": "2026-05-01T12:00:00Z"}, 2),
]


def test_both_names_narrow_the_lists_alike(api, owner, hourly):
    client, wrong = api(owner), []
    for name in RENAMED:
        for query, count in RANGES:
            answer = client.get(f"{PRODLOGS}{name}/", query)
            if (answer.status_code, len(answer.json().get("results", ()))) != (200, count):
                wrong.append((name, query, answer.status_code, answer.json()))

    assert wrong == []


REFUSED = [
    ({"since": "2026-05-01T12:00:00Z", "start_time": "2026-05-01T12:00:01Z"}, "start_time"),
    ({"until": "2026-05-01T12:00:00Z", "end_time": "2026-05-01T11:00:00Z"}, "end_time"),
    ({"since": "yesterday"}, "since"),
    ({"until": "0001-01-01T00:00:00+14:00"}, "until"),
    ({"start_time": "yesterday"}, "start_time"),
]


def test_names_that_differ_and_times_that_are_none_are_a_400_that_names_the_field(api, owner, hourly):
    addresses = [f"{PRODLOGS}{name}/" for name in RENAMED] + [f"{FEED}?source=container"]
    client, wrong = api(owner), []
    for address in addresses:
        for query, field in REFUSED:
            data = query | ({"source": "container"} if address.startswith(FEED) else {})
            answer = client.get(address.partition("?")[0], data)
            if (answer.status_code, list(answer.json())) != (400, [field]):
                wrong.append((address, query, answer.status_code, answer.json()))

    assert wrong == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("names", [("start_time", "end_time"), ("since", "until")])
def test_the_feed_takes_both_names(api, owner, names):
    now = timezone.now()
    session = SessionFactory()
    for hours in (5, 3, 1):
        SessionLogFactory(session=session, timestamp=now - timedelta(hours=hours))
    ends = ((now - timedelta(hours=4)).isoformat(), (now - timedelta(hours=2)).isoformat())
    answer = api(owner).get(FEED, {"source": "session"} | dict(zip(names, ends, strict=True)))

    assert len(answer.json()["results"]) == 1


@pytest.mark.parametrize("name", ["start_time", "since"])
def test_a_collection_takes_both_names(api, owner, monkeypatch, name):
    asked = []

    def collect(host, **options):
        asked.append(options["since"])
        return HostResult(host.name)

    monkeypatch.setattr("prodlogs.api.views.collect_host", collect)
    host = DockerHostFactory()
    address = f"{PRODLOGS}hosts/{host.pk}/collect/"
    answer = api(owner).post(address, {name: "2026-05-01T12:00:00Z"}, format="json")
    both = {"since": "2026-05-01T12:00:00Z", "start_time": "2026-05-01T13:00:00Z"}
    refused = api(owner).post(address, both, format="json")

    assert (answer.status_code, asked) == (200, [NOON])
    assert (refused.status_code, list(refused.json())) == (400, ["start_time"])


def test_the_schema_has_the_new_names_everywhere_and_calls_the_old_ones_deprecated():
    wrong = []
    for path, operations in schema()["paths"].items():
        for each in operations.get("get", {}).get("parameters", ()):
            if each["name"] in ("since", "until", "search", "text") and not is_deprecated(each):
                wrong.append((path, each["name"]))
            if each["name"] in ("start_time", "end_time", "query") and is_deprecated(each):
                wrong.append((path, each["name"]))
    addresses = [FEED, *(f"{PRODLOGS}{name}/" for name in RENAMED)]
    lacking = [(at, name) for at in addresses for name in (*OLD, *OLD.values()) if name not in parameters(at)]

    assert (wrong, lacking) == ([], [])


def test_the_schema_has_the_query_of_each_list_of_entries():
    lists = ("/api/v2/session-logs/", f"{PRODLOGS}logs/", f"{PRODLOGS}errors/", f"{PRODLOGS}error-summary/")

    assert [address for address in lists if "query" not in parameters(address)] == []
    assert is_deprecated(parameters("/api/v2/session-logs/")["search"])
    assert is_deprecated(parameters(f"{PRODLOGS}logs/")["text"])
