"""The table of entries on PostgreSQL: partitions by day, made by whoever stores the first row of a day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from time import time_ns

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from applogs.entry_index import INDEX
from applogs.models import LogEntry
from applogs.sources import AppSource
from logsite.audit import Reader
from logsite.housekeeping.purge_runs import Purge
from logsite.records.places import EVER
from logsite.tables import partitions
from logsite.tables.partitions import DayPartitions
from logsite.tables.segments import DAY
from tests.applogs.entries import entry, store

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
TABLE = LogEntry._meta.db_table
TODAY = time_ns() // DAY


@pytest.fixture(autouse=True)
def table() -> Iterator[DayPartitions]:
    """As a process finds it that has just been started; without partitions, which tests with transactions leave."""
    remove_partitions()
    INDEX._partitions._settled.clear()
    yield INDEX._partitions
    remove_partitions()


def remove_partitions():
    fresh = DayPartitions(TABLE)
    assert all(dropped(fresh, day) for day in fresh.days())


def dropped(table, day):
    """Whether the partition could be dropped."""
    with transaction.atomic():
        if locked := table.lock(day):
            table.drop(day)
    return locked


def parts():
    """In which partition each row is."""
    with connection.cursor() as sql:
        sql.execute(f"SELECT message, tableoid::regclass::text FROM {TABLE} ORDER BY id")
        return dict(sql.fetchall())


def found(query):
    return {record.message for record in AppSource().view(Reader(None, "", "system")).page(query, limit=100)}


@contextmanager
def locked(statement):
    """Another connection has executed the statement in a transaction that has not ended."""
    begun, done = Event(), Event()

    def hold():
        try:
            with transaction.atomic(), connection.cursor() as sql:
                sql.execute(statement)
                begun.set()
                done.wait(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        try:
            assert begun.wait(30)
            yield
        finally:
            done.set()
            held.result(30)


def test_a_row_is_in_the_partition_of_its_day(table):
    times = {"now": TODAY, "tomorrow": TODAY + 1, "past": TODAY - 400, "old": TODAY - 401, "far": TODAY + 2}
    store([entry(day * DAY, message=name) for name, day in times.items()])

    assert parts() == {
        name: table.name(day if name not in ("old", "far") else None) for name, day in times.items()
    }
    assert table.days() == [TODAY - 400, TODAY, TODAY + 1]
    assert found("now OR tomorrow OR past OR old OR far") == set(times)


def test_processes_that_need_a_partition_at_once_make_one():
    barrier = Barrier(4)

    def make():
        try:
            fresh = DayPartitions(TABLE)
            barrier.wait(30)
            fresh.ensure([(TODAY - 3) * DAY, (TODAY - 4) * DAY])
            return fresh.days()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        days = [call.result(60) for call in [pool.submit(make) for _ in range(4)]]

    assert days == [[TODAY - 4, TODAY - 3, TODAY + 1]] * 4


def test_rows_of_a_day_stay_in_default_where_it_has_some(table):
    LogEntry.objects.bulk_create([entry(TODAY * DAY, message="early")])
    store([entry(TODAY * DAY + 1, message="later")])

    assert parts() == {"early": f"{TABLE}_other", "later": f"{TABLE}_other"}
    assert table.days() == [TODAY + 1]
    assert found("later") == {"later"}


def test_a_reader_of_default_holds_up_no_writer(table, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_MILLISECONDS", 50)
    with locked(f"SELECT count(*) FROM {TABLE}"):
        store([entry(TODAY * DAY, message="while somebody reads")])

    assert parts() == {"while somebody reads": f"{TABLE}_other"}


def test_a_partition_in_use_is_not_dropped(table, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_MILLISECONDS", 20)
    store([entry(TODAY * DAY, message="kept")])
    with locked(f"SELECT count(*) FROM {TABLE}"):
        done = dropped(table, TODAY)

    assert (done, found("kept")) == (False, {"kept"})
    assert (dropped(table, TODAY), found("kept")) == (True, set())


def test_a_partition_dropped_after_the_look_at_the_list_is_empty(table, monkeypatch):
    store([entry(TODAY * DAY, message="gone"), entry((TODAY - 1) * DAY, message="gone before")])
    days = table.days()
    assert dropped(table, TODAY)
    monkeypatch.setattr(table, "days", lambda: days)

    assert found("gone") == {"gone before"}


def test_the_key_and_the_indexes_are_those_of_the_model(table):
    store([entry(TODAY * DAY, message="x")])
    with connection.cursor() as sql:
        sql.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s ORDER BY indexname", [table.name(TODAY)]
        )
        columns = {definition.partition(" USING ")[2] for (definition,) in sql.fetchall()}

    assert columns >= {'btree (id, "timestamp")', "btree (xact, id)", 'btree ("timestamp", id)'}
    assert any(each.startswith("gin (tokens)") for each in columns)


def test_a_purge_drops_no_day_in_which_somebody_stores(table, settings, monkeypatch):
    """What nobody has shipped yet may be in it. What was there goes by batches, the partition with the next purge."""
    settings.RETENTION_DAYS_APPS = 30
    monkeypatch.setattr(partitions, "LOCK_MILLISECONDS", 20)
    day = TODAY - 40
    store([entry(day * DAY, message="old"), entry(day * DAY + 1, message="old, too")])
    columns = "timestamp, received_at, level, severity, category, app, host, logger, module, function, file"
    texts = "message, trace_id, span_id, entry_id, truncated_bytes, protocol"
    values = f"{day * DAY + 2}, 1, '', 0, {', '.join(['%s'] * 7)}".replace("%s", "''")
    late = f"INSERT INTO {TABLE} ({columns}, {texts}) VALUES ({values}, 'late', '', '', '', 0, 'http')"
    with locked(late):
        assert Purge().run().counts == {"app": {"entries": 2}}

    assert parts() == {"late": table.name(day)}
    assert Purge().run().counts == {"app": {"entries": 1}}
    assert (parts(), day in table.days()) == ({}, False)


def test_facets_of_many_days_take_as_many_statements_as_those_of_one():
    view, numbers = AppSource().view(Reader(None, "", "system")), []
    for days in ([TODAY], range(TODAY - 15, TODAY)):
        store([entry(day * DAY, message=f"paid {day}", app="shop") for day in days])
        with CaptureQueriesContext(connection) as queries:
            found = view.facets("paid", EVER, ["app"])
        numbers.append(len(queries))

    assert found.values["app"] == [("shop", 16)]
    assert numbers[0] == numbers[1]
