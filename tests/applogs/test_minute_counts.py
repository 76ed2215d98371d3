"""Minute counts say the same as counting the rows, whoever stores, rolls up and removes at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from time import time_ns

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from applogs.entry_index import COUNTS
from applogs.models import EntryCount, LogEntry
from applogs.sources import AppSource
from logsite.audit import Reader
from logsite.records import Window, from_nanoseconds
from logsite.records.indexes import minute_counts
from logsite.records.indexes.minute_counts import MINUTE
from tests.applogs.entries import edges, entry, random_entries, store
from tests.soak import short_or_long

SYSTEM = Reader(None, "", "system")
QUERIES = (
    "",
    "level:ERROR",
    "level:>=WARNING",
    "app:auth",
    "app:(auth OR db)",
    "app:auth level:INFO",
    "app:auth app:db",
)


class Uncounted(AppSource):
    minute_counts = None


@pytest.fixture
def views(db):
    """With minute counts and without."""
    return AppSource().view(SYSTEM), Uncounted().view(SYSTEM)


@pytest.fixture
def stored(db):
    seeded = random.Random(7)
    for number in (150, 100, 50):
        store(list(random_entries(seeded, number, time_ns())))


def numbers():
    """The sums of the table, by minute, level and app."""
    found = {}
    for each in EntryCount.objects.all():
        key = (each.minute, each.level, each.app)
        found[key] = found.get(key, 0) + each.number
    return {key: number for key, number in found.items() if number}


def in_rows():
    found = {}
    for timestamp, level, app in LogEntry.objects.values_list("timestamp", "level", "app"):
        key = (timestamp // MINUTE, level, app)
        found[key] = found.get(key, 0) + 1
    return found


def random_window(seeded):
    """Some that begin and end with a minute, some within one minute, and from before 1970."""
    now = timezone.now().replace(second=0, microsecond=0)
    starts = [None, datetime(1960, 1, 1, tzinfo=UTC), now - timedelta(seconds=seeded.randrange(6 * 86_400))]
    since = seeded.choice([*starts, now - timedelta(minutes=seeded.randrange(8640))])
    lasts = [timedelta(seconds=seeded.randrange(100)), timedelta(minutes=seeded.randrange(9000))]
    ends = [None, (since or now) + seeded.choice(lasts), from_nanoseconds(seeded.choice(edges(time_ns())))]
    return Window(since, seeded.choice(ends))


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.soak
def test_counts_are_those_of_the_rows(views, stored, rolled_up):
    if rolled_up:
        COUNTS.roll_up()
    seeded, wrong = random.Random(3), []
    for _ in range(short_or_long(150, 3000)):
        query, window, step = (
            seeded.choice(QUERIES),
            random_window(seeded),
            seeded.choice([60, 90, 3600, 86_400]),
        )
        found, expected = (view.counts(query, window, step) for view in views)
        if found != expected:
            wrong.append((query, window, step, found, expected))

    assert wrong == []


def test_a_row_at_the_edge_of_a_minute_counts_once(views):
    """In the window from 50 s to 200 s whole minutes are from 60 s to 180 s."""
    second = MINUTE // 60
    edges_of_minutes = [50, 60, 120, 180, 200]
    store([entry(edge * second - back, level="INFO") for edge in edges_of_minutes for back in (0, 1)])
    window = Window(*(datetime.fromtimestamp(at, UTC) for at in (50, 200)))
    counted, plain = views

    assert counted.counts("", window, 60).counts == [
        (0, "INFO", 2),
        (60, "INFO", 2),
        (120, "INFO", 2),
        (180, "INFO", 2),
    ]
    assert counted.counts("", window, 60) == plain.counts("", window, 60)


@pytest.mark.parametrize("query", ["", "connection"])
@pytest.mark.parametrize("window", [(9000, None), (None, 1000), (1000, 9000)])
def test_a_window_beyond_what_nanoseconds_hold_is_read(views, stored, query, window):
    """A column of nanoseconds holds times from 1677 to 2262."""
    years = Window(*(year and datetime(year, 1, 1, tzinfo=UTC) for year in window))
    counted, plain = views

    assert counted.counts(query, years, 86_400) == plain.counts(query, years, 86_400)
    assert counted.page(query, years, limit=500) == plain.page(query, years, limit=500)


def test_only_the_ends_of_a_window_are_read_from_rows(views, stored):
    """Without the rows, whole minutes are still known."""
    now = timezone.now().replace(second=0, microsecond=0)
    window = Window(now - timedelta(days=6), now)
    counted, _ = views
    before = counted.counts("level:ERROR", window, 3600)
    LogEntry.objects.all().delete()

    assert before.counts
    assert counted.counts("level:ERROR", window, 3600) == before
    assert counted.counts("level:ERROR connection", window, 3600).counts == []


def test_a_roll_up_leaves_one_row_of_each_minute(stored):
    before, number = numbers(), EntryCount.objects.count()
    COUNTS.roll_up()
    COUNTS.roll_up()

    assert numbers() == before == in_rows()
    assert EntryCount.objects.filter(merged=True).count() < number
    assert EntryCount.objects.filter(merged=False, minute__lt=time_ns() // MINUTE - 3).count() == 0


def test_the_minute_that_runs_is_not_rolled_up(db):
    now = time_ns()
    store([entry(now, app="a"), entry(now - 10 * MINUTE, app="a")])
    COUNTS.roll_up()

    assert list(EntryCount.objects.order_by("minute").values_list("merged", flat=True)) == [True, False]


def test_a_roll_up_takes_no_more_than_its_share(db, monkeypatch):
    monkeypatch.setattr(minute_counts, "ROLLED_UP_ROWS", 4)
    store([entry(number * MINUTE) for number in range(10)])
    COUNTS.roll_up()

    assert EntryCount.objects.filter(merged=False).count() == 6
    assert numbers() == in_rows()


def test_what_was_taken_away_is_gone_after_a_roll_up(db):
    rows = store([entry(number * MINUTE, level="INFO", app="a") for number in range(4)])
    COUNTS.subtract([row.timestamp for row in rows[:3]], ["INFO"] * 3, ["a"] * 3)
    COUNTS.roll_up()

    assert numbers() == {(3, "INFO", "a"): 1}
    assert EntryCount.objects.count() == 1


def test_a_writer_rolls_up_now_and_then(db, monkeypatch):
    monkeypatch.setattr(COUNTS, "_next", 0.0)
    store([entry(MINUTE)])
    store([entry(MINUTE)])

    assert list(EntryCount.objects.order_by("id").values_list("merged", flat=True)) == [True, False]


def test_minutes_to_come_hold_up_no_roll_up(db, monkeypatch):
    monkeypatch.setattr(minute_counts, "ROLLED_UP_ROWS", 2)
    store([entry(time_ns() + number * 100 * MINUTE) for number in range(1, 5)])
    store([entry(MINUTE)])
    COUNTS.roll_up()

    assert EntryCount.objects.get(minute=1).merged is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.soak
def test_numbers_hold_while_several_store_and_roll_up():
    barrier = Barrier(4)

    def work(worker):
        try:
            barrier.wait(30)
            for _ in range(short_or_long(10, 200)):
                with transaction.atomic():
                    COUNTS.append([MINUTE] * 5, ["INFO"] * 5, ["a"] * 5)
                COUNTS.roll_up()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for call in [pool.submit(work, worker) for worker in range(4)]:
            call.result(120)
    expected = {(1, "INFO", "a"): 4 * 5 * short_or_long(10, 200)}

    assert numbers() == expected
    connection.close()
