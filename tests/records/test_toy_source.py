"""One call registers a source; every room knows it by that, without an edit elsewhere."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from logsite.records import Cursor
from logsite.records.search import Search, views_of
from shipping.feed import LocalFeed
from tests.factories import ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records.conftest import reader
from tests.records.toy_source import START, Tick, ticks
from tests.shipping.loki_stand_in import LokiStandIn

pytestmark = pytest.mark.django_db


def test_its_rows_are_found_by_a_query(toy, owner):
    ticks()

    found = toy.view(reader(owner)).page("level:ERROR tick NOT room:b", limit=10)

    assert [record.message for record in found] == ["tick 8", "tick 6", "tick 4", "tick 2", "tick 0"]


def test_its_rows_stand_on_one_time_axis_with_sessions_and_containers(toy, owner):
    ticks()
    SessionLogFactory(session=SessionFactory(), timestamp=START.replace(second=3, microsecond=500))
    ContainerLogEntryFactory(timestamp=START.replace(second=3, microsecond=600))

    page = Search(views_of(reader(owner)), "").page(limit=5, newest_first=False)

    assert [record.source for record in page.records] == ["toy"] * 4 + ["session"]
    later = Search(views_of(reader(owner)), "").page(after=page.next, limit=3, newest_first=False)
    assert [record.source for record in later.records] == ["container", "toy", "toy"]


@pytest.mark.django_db(transaction=True)
def test_its_rows_are_in_the_feed(toy, api, owner):
    ticks()

    answer = api(owner).get("/api/monitoring/logs", {"source": "toy"}).json()

    assert [item["message"] for item in answer["results"]] == [f"tick {n}" for n in range(10)]


@pytest.mark.django_db(transaction=True)
def test_its_rows_are_shipped(toy):
    ticks(timestamp=datetime.now(UTC))
    with LokiStandIn() as loki:
        call_command("ship_logs_to_loki", loki=loki.url, source=["toy"], from_start=True)
        lines = [entry.line for entry in loki.stored()]

    assert sorted(lines) == [f"tick {n}" for n in range(10)]
    assert LocalFeed(toy).left(Cursor()) == 10


def test_its_old_rows_are_purged(toy):
    ticks()
    [young] = ticks(timestamp=datetime.now(UTC))[:1]

    call_command("purge_logs")

    assert Tick.objects.count() == 10
    assert Tick.objects.filter(pk=young.pk).exists()


def test_its_rows_are_counted_in_metrics(toy, api, owner):
    newest = ticks()[-1].pk

    text = api(owner).get("/metrics").content.decode()

    assert f'logsite_source_entries_stored_total{{source="toy"}} {newest}' in text.splitlines()


def test_sources_that_share_a_metric_are_one_family(toy, api, owner):
    from logsite.records import register_source

    class Other(type(toy)):
        name = "other_toy"

    register_source(Other())
    lines = api(owner).get("/metrics").content.decode().splitlines()

    assert sum(line.startswith("# TYPE logsite_source_entries_stored_total") for line in lines) == 1
    assert (
        sum(line.startswith("logsite_source_entries_stored_total{") for line in lines) == 3
    )  # that of applications, too
