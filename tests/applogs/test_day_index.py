"""The index finds the same records in the same order as reading every row, on the engine at hand."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from time import time_ns

import pytest
from django.db import connections

from applogs.entry_index import INDEX
from applogs.models import LogEntry
from applogs.sources import AppSource
from logsite.audit import Reader
from logsite.housekeeping.purge_runs import Purge
from logsite.records import Key, Window, from_nanoseconds
from logsite.records.indexes import day_index, walk
from logsite.records.search import context
from logsite.tables.segments import DAY
from tests.applogs.entries import edges, entry, random_entries, random_query, store
from tests.soak import short_or_long

SYSTEM = Reader(None, "", "system")


class Unindexed(AppSource):
    index = None


@pytest.fixture
def views(db):
    """With the index and without."""
    return AppSource().view(SYSTEM), Unindexed().view(SYSTEM)


@pytest.fixture
def stored(db):
    """Three batches, the last of late rows."""
    seeded = random.Random(4711)
    now = time_ns()
    for number in (120, 80, 40):
        store(list(random_entries(seeded, number, now)))
    return LogEntry.objects.count()


def random_window(seeded):
    ends = [
        from_nanoseconds(time_ns() - seeded.randrange(6 * DAY)),
        from_nanoseconds(seeded.choice(edges(time_ns()))),
    ]
    since, until = seeded.choice(ends), seeded.choice(ends)
    return Window(seeded.choice([None, since]), seeded.choice([None, None, until]))


@pytest.mark.parametrize("few", [0, 3, 5000])
@pytest.mark.soak
def test_pages_are_those_of_reading_every_row(views, stored, monkeypatch, few):
    """With more matches than `few` in a segment, the walk goes along the time index."""
    monkeypatch.setattr(day_index, "FEW_ROWS", few)
    monkeypatch.setattr(walk, "FEW_AT_ONCE", few)
    indexed, plain = views
    seeded = random.Random(few)
    keys = [Key(*key) for key in LogEntry.objects.values_list("timestamp", "id")]
    wrong = []
    for _ in range(short_or_long(150, 5000)):
        query, window, newest_first = random_query(seeded), random_window(seeded), seeded.random() < 0.5
        after, before = (seeded.choice([None, None, seeded.choice(keys)]) for _ in range(2))
        options = {"after": after, "before": before, "newest_first": newest_first}
        options["limit"] = seeded.choice([1, 2, 7, 30, 100])
        if indexed.page(query, window, **options) != plain.page(query, window, **options):
            wrong.append((query, window, options))

    assert wrong == []


def test_pages_follow_each_other_without_a_gap(views, stored):
    indexed, plain = views
    found, before = [], None
    while page := indexed.page("connection OR level:ERROR", before=before, limit=3):
        found += page
        before = Key(page[-1].timestamp, page[-1].id)

    assert found == plain.page("connection OR level:ERROR", limit=1000)
    assert all((a.timestamp, a.id) > (b.timestamp, b.id) for a, b in pairwise(found))


@pytest.mark.parametrize("few", [10, 200_000])
@pytest.mark.soak
def test_counts_and_facets_are_those_of_reading_every_row(views, stored, monkeypatch, few):
    monkeypatch.setattr(day_index, "FEW_PLACES", few)
    seeded = random.Random(few)
    wrong = []
    for _ in range(short_or_long(80, 2000)):
        query, window = random_query(seeded), random_window(seeded)
        found = [
            (view.counts(query, window, 3600), view.facets(query, window, ["level", "app", "trace_id"]))
            for view in views
        ]
        if found[0] != found[1]:
            wrong.append((query, window, found))

    assert wrong == []


def test_an_attribute_is_found_without_reading_other_rows(views):
    now = time_ns()
    users = range(300)
    store([entry(now - user * 1000, message=f"hello {user}", context={"user_id": user}) for user in users])
    indexed, _ = views

    assert [record.message for record in indexed.page("user_id:42", limit=10)] == ["hello 42"]
    found = INDEX.find(now // DAY, INDEX.required(indexed.condition("user_id:42 hello")))
    assert found.ids == [LogEntry.objects.get(message="hello 42").id]


def test_rows_of_far_days_share_one_segment(stored):
    today = time_ns() // DAY

    assert all(today - walk.DAY <= today - 400 <= day <= today + 1 for day in INDEX.days())
    assert INDEX.find(None, INDEX.required(AppSource().view(SYSTEM).condition("level:INFO"))).ids


def test_a_segment_that_is_gone_is_empty(views, stored):
    """Dropped by a purge between the list of segments and the look into one."""
    indexed, _ = views
    wanted = INDEX.required(indexed.condition("connection"))

    assert INDEX.find(12, wanted).ids == []


def test_the_context_of_an_entry_is_of_its_app_and_host(views, stored):
    """With the index and without, also of entries that name neither."""
    rows = list(LogEntry.objects.values_list("pk", "app", "host")[:60])
    wrong = [row for row in rows if context(views[0], row[0]) != context(views[1], row[0])]

    assert wrong == []
    assert {("", ""), ("db", "h1")} <= {row[1:] for row in rows}
    assert {record.labels.get("app") for record in context(views[0], rows[0][0]).before} == {
        rows[0][1] or None
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.soak
def test_writers_readers_and_a_purge_at_once_lose_nothing(settings):
    """Segments are made and dropped while others read them."""
    settings.RETENTION_DAYS_APPS = 30
    rounds, now = short_or_long(6, 100), time_ns()
    barrier = Barrier(4)

    def run(work):
        try:
            barrier.wait(30)
            for number in range(rounds):
                work(number)
        finally:
            connections.close_all()

    def write(number):
        days = (number, number + 100)  # those beyond 30 days go
        store([entry(now - day * DAY, message=f"connection {number}", level="INFO") for day in days])

    def read(number):
        for view in (AppSource().view(SYSTEM), Unindexed().view(SYSTEM)):
            view.page("connection", limit=50)
            view.counts("connection level:INFO", Window(), 3600)

    with ThreadPoolExecutor(4) as pool:
        works = [write, write, read, lambda number: Purge().run()]
        for call in [pool.submit(run, work) for work in works]:
            call.result(120)
    Purge().run()
    kept = [
        len(view.page("connection", limit=1000))
        for view in (AppSource().view(SYSTEM), Unindexed().view(SYSTEM))
    ]

    assert kept == [2 * min(rounds, 30)] * 2
    assert [count.number for count in AppSource().view(SYSTEM).counts("", Window(), 60 * 10**8).counts] == [
        kept[0]
    ]
