"""Several sources on one time axis."""

import sqlite3
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction

from logsite.records import Place, Window
from logsite.records.query import UnknownField
from logsite.records.search import Search, context, of_each, place_of, views_of
from logsite.records.views import PermissionMissing
from logsite.tables.deadlines import TooSlow, reading_within
from tests.factories import ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records.conftest import reader
from tests.records.toy_source import START, Tick, ticks

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(toy, owner):
    """Ten ticks, and four rows of sessions and containers at the very times of ticks 2 and 5."""
    session = SessionFactory()
    ticks()
    for second in (2, 5):
        SessionLogFactory(session=session, timestamp=START + timedelta(seconds=second))
        ContainerLogEntryFactory(timestamp=START + timedelta(seconds=second), message="tick of a container")
    return Search(views_of(reader(owner)))


def ids(records):
    return [f"{record.source}-{record.id}" for record in records]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 14, 100])
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_of_any_size_give_each_row_once_in_both_directions(busy, limit, newest_first):
    whole = ids(busy.page(limit=100, newest_first=newest_first).records)
    found, place = [], None
    while True:
        bounds = {"before" if newest_first else "after": place}
        page = busy.page(limit=limit, newest_first=newest_first, **bounds)
        found += ids(page.records)
        if (place := page.next) is None:
            break

    assert found == whole
    assert len(set(found)) == 14


def test_a_page_is_found_again_from_the_place_where_the_next_one_begins(busy):
    first = busy.page(limit=4)
    second = busy.page(limit=4, before=first.next)

    back = busy.page(limit=4, after=second.previous, newest_first=False)

    assert ids(back.records[::-1]) == ids(first.records)


def test_a_place_is_the_same_after_a_trip_through_text():
    place = Place(1_764_498_645_123_456_789, "session", 4711)

    assert Place.parse(str(place)) == place


@pytest.mark.parametrize(
    "text", ["", "1-session", "1-Session-2", "x-session-2", "1-session-2 ", f"{2**63}-a-1"]
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ValueError, match="is not a place"):
        Place.parse(text)


def test_a_place_between_two_microseconds_loses_no_row(toy, owner):
    """Containers have nanoseconds, sessions have not."""
    at = START + timedelta(seconds=1)
    session = SessionLogFactory(session=SessionFactory(), timestamp=at)
    ContainerLogEntryFactory(timestamp=int(at.timestamp()) * 10**9 + 300)
    search = Search(views_of(reader(owner), ["session", "container"]))

    first = search.page(limit=1)
    rest = search.page(limit=5, before=first.next)

    assert ids(first.records)[0].startswith("container-")
    assert ids(rest.records) == [f"session-{session.id}"]


def test_the_window_is_from_its_start_to_before_its_end(toy, owner):
    ticks()
    window = Window(START + timedelta(seconds=2), START + timedelta(seconds=4))

    found = Search(views_of(reader(owner), ["toy"]), "", window).page(limit=10)

    assert [record.message for record in found.records] == ["tick 3", "tick 2"]


def test_a_field_of_one_source_finds_nothing_in_the_others(busy, owner):
    found = Search(views_of(reader(owner)), "room:a").page(limit=100)

    assert {record.source for record in found.records} == {"toy"}
    assert len(found.records) == 5


def test_fields_of_two_sources_may_stand_in_one_query(busy, owner):
    found = Search(views_of(reader(owner)), "room:a OR stream:stdout").page(limit=100)

    assert {record.source for record in found.records} == {"toy", "container"}


@pytest.mark.parametrize(
    "query", ["rom:a", "room:a OR rom:b", "NOT rom:b", "(room:a AND (x OR rom:*))", "rom:>1"]
)
def test_a_field_that_no_source_has_is_refused_with_its_position(busy, owner, query):
    with pytest.raises(UnknownField) as error:  # the source app has keys of any name
        Search(views_of(reader(owner), ["toy", "container"]), query)

    assert query[error.value.position :].startswith("rom")
    assert "room" in error.value.hint


def test_a_histogram_counts_by_level_and_step(toy, owner):
    ticks()
    search = Search(views_of(reader(owner), ["toy"]), "", Window(START, START + timedelta(seconds=10)))

    found = search.histogram(5)

    first = int(START.timestamp())
    assert found.buckets == [(first, {"ERROR": 3, "INFO": 2}), (first + 5, {"INFO": 3, "ERROR": 2})]
    assert (found.exact, found.late_sources) == (True, [])


def test_histogram_and_facets_obey_the_query(busy, owner):
    search = Search(views_of(reader(owner)), "tick NOT level:ERROR")

    numbers = [number for bucket in search.histogram(3600).buckets for number in bucket.counts.values()]

    assert sum(numbers) == 7  # five ticks, two lines of containers
    assert search.facets(["source", "room"]).values == {
        "source": [("toy", 5), ("container", 2)],
        "room": [("b", 5)],
    }


@pytest.mark.parametrize("step", [0, -60])
def test_a_step_below_a_second_is_refused(busy, step):
    with pytest.raises(ValueError, match="step must be at least 1 second"):
        busy.histogram(step)


def test_of_many_matches_a_sample_is_counted_and_said(toy, owner, monkeypatch):
    monkeypatch.setattr("logsite.records.views.COUNTED_ROWS", 8)
    for _ in range(4):
        ticks()
    search = Search(views_of(reader(owner), ["toy"]))

    found = search.histogram(3600)

    assert not found.exact
    assert 25 <= sum(number for bucket in found.buckets for number in bucket.counts.values()) <= 55
    assert not search.facets(["room"]).exact


def test_the_context_of_an_entry_comes_from_its_stream_without_filters(toy, owner):
    rows = ticks()
    view = toy.view(reader(owner))

    found = context(view, rows[4].id, before=1, after=2)

    assert [record.message for record in found.before] == ["tick 2"]
    assert found.entry.message == "tick 4"
    assert [record.message for record in found.after] == ["tick 6", "tick 8"]
    assert (found.more_before, found.more_after) == (True, False)


@pytest.mark.parametrize(
    ("before", "after", "messages"),
    [(0, 0, [4]), (5, 0, [0, 2, 4]), (0, 5, [4, 6, 8]), (1000, 1000, [0, 2, 4, 6, 8])],
)
def test_a_context_grows_on_either_side(toy, owner, before, after, messages):
    rows = ticks()

    found = context(toy.view(reader(owner)), rows[4].id, before=before, after=after)

    shown = [*found.before, found.entry, *found.after]
    assert [record.message for record in shown] == [f"tick {number}" for number in messages]


@pytest.mark.parametrize("bounds", [{"before": -1}, {"after": 1001}])
def test_a_context_has_limits(toy, owner, bounds):
    with pytest.raises(ValueError, match="must be from 0 to 1,000"):
        context(toy.view(reader(owner)), ticks()[0].id, **bounds)


def test_no_entry_has_no_context(toy, owner):
    assert context(toy.view(reader(owner)), 10**9) is None


def test_the_context_of_a_container_has_both_its_streams_and_no_other_container(owner):
    first = ContainerLogEntryFactory(timestamp=10**18)
    both = [
        ContainerLogEntryFactory(container=first.container, timestamp=10**18 + n, stream=stream)
        for n, stream in ((1, "stderr"), (2, "stdout"))
    ]
    ContainerLogEntryFactory(timestamp=10**18 + 1)
    [view] = views_of(reader(owner), ["container"])

    found = context(view, first.id)

    assert [record.id for record in found.after] == [row.id for row in both]


def slow_statement(view):
    """A statement that takes minutes on either engine."""
    with connection.cursor() as sql:
        if connection.vendor == "postgresql":
            sql.execute("SELECT pg_sleep(300)")
        else:
            sql.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n LIMIT 1"
            )
        return sql.fetchall()


def test_a_slow_source_does_not_hold_up_the_others(toy, owner):
    ticks()
    views = views_of(reader(owner), ["container", "session", "toy"])

    def read(view):
        return slow_statement(view) if view.name == "container" else view.page(limit=3)

    began = time.monotonic()
    found = of_each(views, read, 1.5)

    assert found.late == ["container"]
    assert len(found.results["toy"]) == 3
    assert time.monotonic() - began < 60  # and not the minutes that the statement takes


def test_a_late_source_is_named_in_every_answer(toy, owner, monkeypatch):
    ticks()
    search = Search(views_of(reader(owner), ["session", "toy"]), "", deadline_seconds=1.0)
    slow = search.views[0]
    for name in ("page", "counts", "facets"):
        monkeypatch.setattr(slow, name, lambda *_, **__: slow_statement(slow), raising=True)

    page, histogram, facets = search.page(limit=3), search.histogram(60), search.facets(["source"])

    assert len(page.records) == 3
    assert [page.late_sources, histogram.late_sources, facets.late_sources] == [["session"]] * 3
    assert not histogram.exact
    assert not facets.exact


def test_without_any_source_that_one_may_see_the_search_is_refused(toy, outsider):
    with pytest.raises(PermissionMissing, match="user outsider lacks the permission to see any source"):
        views_of(reader(outsider))


def test_a_named_source_that_one_may_not_see_is_refused(toy, outsider):
    with pytest.raises(
        PermissionMissing, match=r"user outsider lacks the permission sessionlogs\.view_sessionlog"
    ):
        views_of(reader(outsider), ["toy"])


def test_nobody_sees_nothing(toy):
    with pytest.raises(PermissionMissing, match="nobody lacks the permission"):
        toy.view(reader(None))


def test_a_sample_is_not_fooled_by_the_rhythm_of_the_rows(toy, owner, monkeypatch):
    """Each eighth row is an error, as the last event of each session might be."""
    monkeypatch.setattr("logsite.records.views.COUNTED_ROWS", 200)
    rows = [
        Tick(timestamp=START, level="INFO" if number % 8 else "ERROR", message="x", room="a")
        for number in range(1600)
    ]
    Tick.objects.bulk_create(rows)

    found = Search(views_of(reader(owner), ["toy"])).histogram(60)

    [counts] = [bucket.counts for bucket in found.buckets]
    assert 100 <= counts["ERROR"] <= 300  # 200 of them
    assert 1100 <= counts["INFO"] <= 1700
    assert not found.exact


@pytest.mark.postgres
def test_the_statements_of_a_source_share_its_time(toy, owner):
    [view] = views_of(reader(owner), ["toy"])

    def read(view):
        for _ in range(20):
            with connection.cursor() as sql:
                sql.execute("SELECT pg_sleep(0.5)")
        return []

    began = time.monotonic()
    assert of_each([view], read, 1.0).late == ["toy"]
    assert time.monotonic() - began < 8


def test_an_inner_time_limit_does_not_lift_the_outer_one(toy, owner):
    began = time.monotonic()
    with pytest.raises(TooSlow), reading_within(0.5), reading_within(600):
        slow_statement(None)

    assert time.monotonic() - began < 60


def test_a_read_that_was_ended_leaves_the_connection_usable(toy, owner):
    with pytest.raises(TooSlow), reading_within(0.2):
        slow_statement(None)

    ticks()
    assert len(toy.view(reader(owner)).page(limit=20)) == 10


def away(vendor):
    """The error that Django raises while another process holds the lock of the database."""
    if vendor == "postgresql":
        from psycopg.errors import LockNotAvailable

        cause = LockNotAvailable()
    else:
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = 5
    error = OperationalError("locked")
    error.__cause__ = cause
    return error


def test_a_source_whose_database_is_away_counts_as_late(toy, owner):
    ticks()
    views = views_of(reader(owner), ["container", "toy"])

    def read(view):
        if view.name == "container":
            raise away(connection.vendor)
        return view.page(limit=3)

    found = of_each(views, read, 5)

    assert (found.late, len(found.results["toy"])) == (["container"], 3)


def test_where_no_source_answers_the_error_is_raised(toy, owner):
    def read(view):
        raise away(connection.vendor)

    with pytest.raises(OperationalError):
        of_each(views_of(reader(owner)), read, 5)


def test_a_defect_of_a_source_is_no_lateness(toy, owner):
    def read(view):
        raise ProgrammingError("no such column")

    with pytest.raises(ProgrammingError):
        of_each(views_of(reader(owner)), read, 5)


def test_behind_a_late_source_there_is_a_place_to_ask_again_from(toy, owner, monkeypatch):
    ticks()
    search = Search(views_of(reader(owner), ["session", "toy"]), "", deadline_seconds=1.0)
    monkeypatch.setattr(search.views[0], "page", lambda *_, **__: slow_statement(None))

    page = search.page(limit=100)

    assert (len(page.records), page.late_sources) == (10, ["session"])
    assert page.next == place_of(page.records[-1])


@pytest.mark.postgres
def test_a_read_within_a_transaction_leaves_no_savepoint_behind(toy, owner):
    with reading_within(5), reading_within(5):
        list(toy.view(reader(owner)).rows())

    with pytest.raises(OperationalError, match="savepoint"), transaction.atomic(), connection.cursor() as sql:
        sql.execute("RELEASE SAVEPOINT reading")


def test_what_comes_after_a_read_has_no_time_limit(toy, owner):
    with suppress(TooSlow), reading_within(0.01):
        slow_statement(None)

    with connection.cursor() as sql:
        sql.execute(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200000)"
            " SELECT max(x) FROM n"
        )
        assert sql.fetchone() == (200_000,)
