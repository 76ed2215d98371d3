"""The index and the minute counts of entries say what reading every row says, on the engine at hand."""

import random
from importlib import import_module
from itertools import count
from time import time_ns

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logsite.audit import Reader
from logsite.housekeeping.purge_runs import Purge
from logsite.lines import Line
from logsite.records import Window, from_nanoseconds
from logsite.records.indexes import day_index
from logsite.records.indexes.day_tokens import DayTokens
from logsite.records.indexes.minute_counts import MINUTE
from logsite.redaction import Redactor
from logsite.tables.segments import DAY
from prodlogs.entry_index import INDEX
from prodlogs.models import ContainerEntryCount, ContainerLogEntry, UnindexedContainerDay
from prodlogs.reading.entry_store import EntryStore
from prodlogs.reading.results import ReadingResult
from prodlogs.sources import ContainerSource
from tests.applogs.entries import MESSAGES
from tests.factories import ContainerFactory, LogSnapshotFactory
from tests.indexing import asked_twice, store_entries

pytestmark = pytest.mark.django_db
SYSTEM = Reader(None, "", "system")
SEQUENCES = count()
MARK = import_module("prodlogs.migrations.0007_index_and_counts").mark
LEAVES = (
    "connection",
    '"connection refused"',
    "conn*",
    "*o*",
    "boom",
    "nowhere",
    "level:ERROR",
    "level:>=WARNING",
    "NOT level:*",
    "container:web",
    "container:(web OR db)",
    "container:we*",
    "host:edge",
    "stream:stderr",
    "message:disk",
    "sequence:>0",
)


class Unindexed(ContainerSource):
    index = None
    minute_counts = None


@pytest.fixture(autouse=True)
def _thirty_days(settings):
    settings.RETENTION_DAYS_CONTAINERS = 30


@pytest.fixture
def containers():
    return [ContainerFactory(name=name, host__name=host) for name, host in (("web", "edge"), ("db", "core"))]


@pytest.fixture
def days():
    """Times of five days, of one that is due, at edges of days and minutes, of 1970 and of 2099."""
    now = time_ns()
    edges = [(now // DAY - each) * DAY - each % 2 for each in range(5)]
    minutes = [(now // MINUTE - each) * MINUTE for each in (0, 1, 7)]
    return [
        now,
        *edges,
        *minutes,
        now - 40 * DAY,
        now - 40 * DAY + 5,
        now - 401 * DAY,
        7,
        4_080_000_000 * 10**9,
    ]


def entries(containers, moments, number, seeded):
    """Entries that have not been stored."""
    for _ in range(number):
        container = seeded.choice(containers)
        yield ContainerLogEntry(
            container=container,
            container_name=container.name,
            stream=seeded.choice(["stdout", "stderr"]),
            timestamp=seeded.choice(moments),
            sequence=next(SEQUENCES),
            level=seeded.choice(["", "INFO", "INFO", "WARNING", "ERROR"]),
            message=seeded.choice(MESSAGES),
        )


def read(container, texts, start, window=None):
    """Store lines as a reading does; how many entries were new."""
    snapshot = LogSnapshotFactory(container=container, status="running")
    store = EntryStore(container, ReadingResult(container.name, snapshot), Redactor({}), window)
    store.add("stdout", [Line(start + n, 0, len(text), text) for n, text in enumerate(texts)])
    store.release()
    store.commit()
    return store.result.entries


def differences(number=60):
    """The queries to which the index or the counts give another answer than the rows."""
    views = ContainerSource().view(SYSTEM), Unindexed().view(SYSTEM)
    return asked_twice(views, LEAVES, ["level", "container", "host", "stream"], number)


def counted():
    """The sums of the counts, by minute, level and container."""
    found = {}
    for each in ContainerEntryCount.objects.all():
        key = (each.minute, each.level, each.app)
        found[key] = found.get(key, 0) + each.number
    return {key: number for key, number in found.items() if number}


def in_rows():
    found = {}
    for moment, level, name in ContainerLogEntry.objects.values_list("timestamp", "level", "container_name"):
        key = (moment // MINUTE, level, name)
        found[key] = found.get(key, 0) + 1
    return found


def found(query):
    return {record.message for record in ContainerSource().view(SYSTEM).page(query, limit=100)}


@pytest.mark.parametrize("few", [0, 3, 5000])
@pytest.mark.soak
def test_answers_are_those_of_reading_every_row(containers, days, monkeypatch, few):
    """With more matches than `few` in a day, the walk goes along the time index."""
    monkeypatch.setattr(day_index, "FEW_ROWS", few)
    for seed in range(2):
        store_entries(list(entries(containers, days, 60, random.Random(seed))))

    assert differences() == []
    assert counted() == in_rows()


def test_lines_that_are_read_again_are_counted_and_indexed_once(containers):
    """By a reading that reads back, and by one that goes on from the watermark."""
    start, lines = time_ns() - DAY, ["INFO connection one", "ERROR boom two", "connection three"]
    window = (start, start + 100)

    assert read(containers[0], lines[:2], start, window) == 2
    assert read(containers[0], lines, start, window) == 1
    assert read(containers[0], [*lines, "disk full"], start) == 1
    assert counted() == in_rows()
    assert found("connection") == {lines[0], lines[2]}
    assert found("disk") == {"disk full"}
    assert differences(20) == []


def test_a_line_that_gets_another_number_is_found(containers):
    """The clock was set back, and the time and number are another line's."""
    start = time_ns()
    read(containers[0], ["connection one"], start)
    read(containers[1], ["boom"], start)
    containers[0].watermarks.all().delete()
    read(containers[0], ["disk full"], start)

    assert (found("disk"), found("connection")) == ({"disk full"}, {"connection one"})
    assert counted() == in_rows()


def test_late_lines_are_found(containers):
    now = time_ns()
    read(containers[0], ["connection one"], now)
    read(containers[0], ["connection late"], now - 3 * DAY, (now - 4 * DAY, now))

    assert found("connection") == {"connection one", "connection late"}
    assert found("container:web level:INFO") == set()
    assert counted() == in_rows()


def test_a_purge_takes_tokens_and_counts_with_the_rows(containers, days):
    store_entries(list(entries(containers, days, 120, random.Random(5))))
    Purge().run()

    assert not ContainerLogEntry.objects.filter(timestamp__lt=time_ns() - 31 * DAY).exists()
    assert ContainerLogEntry.objects.exists()
    assert counted() == in_rows()
    assert differences(30) == []
    assert all(day > time_ns() // DAY - 31 for day in INDEX.days())


def test_rows_from_before_the_index_are_found_and_counted(containers, days):
    """Their days are marked; a later row of such a day has its tokens, and is found with them."""
    ContainerLogEntry.objects.bulk_create(entries(containers, days[2:], 80, random.Random(6)))
    MARK(apps, None)
    store_entries(list(entries(containers, days, 60, random.Random(7))))

    assert set(UnindexedContainerDay.objects.values_list("day", flat=True)) >= {
        moment // DAY for moment in ContainerLogEntry.objects.values_list("timestamp", flat=True)
    }
    assert differences() == []


def test_the_days_after_the_first_are_read_by_the_index(containers):
    """What was stored before it does not hold up what is stored since."""
    now = time_ns()
    ContainerLogEntry.objects.bulk_create(entries(containers, [now - 9 * DAY], 5, random.Random(1)))
    MARK(apps, None)
    UnindexedContainerDay.objects.filter(day__gte=now // DAY).delete()  # the migration was days ago
    store_entries(list(entries(containers, [now], 5, random.Random(2))))
    window = Window(from_nanoseconds(now // DAY * DAY), None)
    ContainerLogEntry.objects.filter(timestamp__gt=now - DAY).update(level="CRITICAL")
    view = ContainerSource().view(SYSTEM)

    assert view.counts("level:CRITICAL", window, 60).counts == []  # the rows were not looked at
    assert view.page("level:CRITICAL", window, limit=10) == []
    assert view.counts("level:CRITICAL", Window(), 60).counts != []


def test_nothing_is_marked_in_a_new_site():
    MARK(apps, None)

    assert not UnindexedContainerDay.objects.exists()


def test_a_mark_goes_with_the_last_row_of_its_day(containers, days):
    """And with it what was subtracted for rows that nobody had counted."""
    old = time_ns() - 40 * DAY
    ContainerLogEntry.objects.bulk_create(entries(containers, [old, time_ns()], 40, random.Random(8)))
    MARK(apps, None)
    Purge().run()
    marks = set(UnindexedContainerDay.objects.values_list("day", flat=True))
    store_entries(list(entries(containers, [old], 10, random.Random(9))))

    assert marks == {time_ns() // DAY, time_ns() // DAY + 1}
    assert sum(number for (minute, *_), number in counted().items() if minute == old // MINUTE) == 10
    assert differences(30) == []


@pytest.mark.postgres
def test_a_mark_stays_while_somebody_stores(containers, monkeypatch):
    monkeypatch.setattr(DayTokens, "lock", lambda self, day: False)
    old = time_ns() - 40 * DAY
    ContainerLogEntry.objects.bulk_create(entries(containers, [old], 4, random.Random(8)))
    MARK(apps, None)
    Purge().run()

    assert UnindexedContainerDay.objects.filter(day=old // DAY).exists()


def test_a_rare_word_takes_no_look_at_other_rows(containers):
    now = time_ns()
    store_entries(
        [
            ContainerLogEntry(
                container=containers[0],
                container_name="web",
                stream="stdout",
                timestamp=now + n,
                message=f"order {n}",
            )
            for n in range(300)
        ]
    )
    view = ContainerSource().view(SYSTEM)
    wanted = INDEX.required(view.condition("order 42"))

    assert INDEX.find(now // DAY, wanted).ids == [ContainerLogEntry.objects.get(message="order 42").id]
    with CaptureQueriesContext(connection) as queries:
        assert [record.message for record in view.page("order 42", limit=10)] == ["order 42"]
    assert len(queries) <= 16
