"""Pages of a table with many entries: the last page costs what the first one costs, and no page is sorted."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logsite.api.pagination import encode_key
from prodlogs.models import ContainerLogEntry
from tests.factories import ContainerFactory
from tests.soak import short_or_long

pytestmark = [pytest.mark.django_db, pytest.mark.soak, pytest.mark.timeout(1800)]
ROWS = short_or_long(2_000, 2_000_000)
BATCH_ROWS = 1_000
START = 1_777_636_800_000_000_000
ADDRESS = "/api/v2/prodlogs/logs/"


def entry(container, number):
    """One in a hundred is an error."""
    level = "ERROR" if number % 100 == 0 else ""
    moment = START + number * 1_000_000
    return ContainerLogEntry(
        container=container,
        container_name="web",
        stream="stdout",
        level=level,
        timestamp=moment,
        message=f"GET /orders/{number}",
    )


@pytest.fixture
def client(owner, api):
    """ROWS entries of one container a millisecond apart, and a client who may read them."""
    container = ContainerFactory(name="web")
    for first in range(0, ROWS, BATCH_ROWS):
        numbers = range(first, first + BATCH_ROWS)
        ContainerLogEntry.objects.bulk_create(entry(container, number) for number in numbers)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return api(owner)


def pages(client):
    """Parameters of the first page of all entries, of the one in the middle, and of the last one."""
    entries = ContainerLogEntry.objects.order_by("timestamp")
    ordering = ContainerLogEntry._meta.ordering
    middle, oldest = entries[ROWS // 2], entries[100]
    return [{}, *({"cursor": encode_key(entry, ordering)} for entry in (middle, oldest))]


def seconds(client, pages):
    """The shortest of each page's requests, all pages in turn: the machine's other work is not a page's cost."""
    found = [[] for _ in pages]
    for _ in range(15):
        for parameters, taken in zip(pages, found, strict=True):
            began = time.perf_counter()
            assert client.get(ADDRESS, parameters).status_code == 200
            taken.append(time.perf_counter() - began)
    return [min(taken) for taken in found]


def test_the_last_page_costs_what_the_first_page_costs(client):
    first, *others = seconds(client, [{"container": "web", **parameters} for parameters in pages(client)])

    assert max(others) < 5 * first


def test_no_page_is_sorted(client):
    plans = []
    for parameters in pages(client):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(ADDRESS, parameters).status_code == 200
        pages_read = [
            query["sql"] for query in queries if "ORDER BY" in query["sql"] and "LIMIT" in query["sql"]
        ]
        assert pages_read
        plans += [plan_of(sql) for sql in pages_read]

    assert [plan for plan in plans if "TEMP B-TREE" in plan or "Sort" in plan] == []


def plan_of(sql):
    """PostgreSQL sorts a table that is small enough, unless that is made dear: then it sorts only what it must."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


def test_every_entry_is_on_one_page(client):
    numbers, parameters = [], {"limit": 1000}
    while True:
        answer = client.get(ADDRESS, parameters).json()
        numbers += [entry["timestamp"] for entry in answer["results"]]
        if not answer["next_cursor"]:
            break
        parameters["cursor"] = answer["next_cursor"]

    assert len(numbers) == len(set(numbers)) == ROWS
    assert numbers == sorted(numbers, reverse=True)
