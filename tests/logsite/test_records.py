"""Reading rows by cursor: each once, in the order of their commits, whatever commits late."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction

from logsite.records import (
    Cursor,
    CursorError,
    committed,
    from_nanoseconds,
    get_source,
    register_source,
    sources,
    to_nanoseconds,
)
from sessionlogs.models import SessionLog
from sessionlogs.sources import SessionSource
from tests.factories import SessionFactory, SessionLogFactory

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOURCE = SessionSource()


START = Cursor()


def read(cursor=START, limit=100, **window):
    """The ids of one batch, and the cursor after it."""
    batch = SOURCE.committed_after(cursor, limit, **window)
    return [record.id for _, record in batch], (batch[-1][0] if batch else cursor)


# --- The cursor's text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cursor", [Cursor(), Cursor(0, 1), Cursor(734, 2**40), Cursor(2**63 - 1, 2**63 - 1)])
def test_a_cursor_comes_back_from_its_text(cursor):
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "-", "5", "1-", "-1", "1-2-3", "1--2", "+1-2", " 1-2", "1-2\n", "a-b", "1_0-2", "1.0-2", "１-２", "٣-٤",
     "1-2\0", "1" * 20 + "-1", "0x1-2", "<script>"],
)  # fmt: skip
def test_garbage_is_no_cursor(text):
    with pytest.raises(CursorError, match="expected the form '0-123'"):
        Cursor.parse(text)


def test_the_error_shows_only_the_beginning_of_a_long_text():
    with pytest.raises(CursorError) as caught:
        Cursor.parse("x" * 10_000)

    assert len(str(caught.value)) < 200


def test_a_number_that_no_column_holds_becomes_the_highest_one():
    assert Cursor.parse("9999999999999999999-1") == Cursor(2**63 - 1, 1)


# --- Times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        datetime(2026, 5, 1, 1, 2, 3, 456_789, tzinfo=UTC),
    ],
)
def test_nanoseconds_are_exact_to_the_microsecond(moment):
    assert from_nanoseconds(to_nanoseconds(moment)) == moment


def test_neighbouring_microseconds_are_a_thousand_nanoseconds_apart():
    moment = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)

    assert to_nanoseconds(moment + timedelta(microseconds=1)) - to_nanoseconds(moment) == 1000


def test_nanoseconds_below_a_microsecond_are_cut_off():
    assert from_nanoseconds(1_999) == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


# --- The registry ------------------------------------------------------------------------------------------


def test_a_source_is_found_by_its_name():
    assert isinstance(get_source("session"), SessionSource)


def test_an_unknown_source_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match=r"source 'nothing' does not exist; known sources: .*session"):
        get_source("nothing")


def test_a_registered_source_is_found(monkeypatch):
    monkeypatch.setattr("logsite.records.source._sources", {})

    class Other(SessionSource):
        name = "other"

    register_source(other := Other())

    assert get_source("other") is other
    assert sources() == {"other": other}


def test_changing_the_answer_of_sources_changes_no_registry():
    sources().clear()

    assert "session" in sources()


# --- Reading -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_empty_source_ends_where_it_begins():
    assert SOURCE.end() == Cursor()
    assert SOURCE.committed_after(Cursor(), 10) == []


@pytest.mark.django_db(transaction=True)
def test_rows_come_in_the_order_of_their_commits_and_not_of_their_times():
    session = SessionFactory()
    late = SessionLogFactory(session=session, timestamp=NOON + timedelta(hours=1))
    early = SessionLogFactory(session=session, timestamp=NOON)

    assert read()[0] == [late.id, early.id]


@pytest.mark.django_db(transaction=True)
def test_batches_of_any_size_give_every_row_once():
    session = SessionFactory()
    with transaction.atomic():
        SessionLogFactory.create_batch(4, session=session)
    SessionLogFactory.create_batch(3, session=session)
    wanted = list(SessionLog.objects.order_by("id").values_list("id", flat=True))

    for limit in (1, 2, 3, 7, 100):
        found, cursor = [], Cursor()
        while (batch := read(cursor, limit))[0]:
            assert len(batch[0]) <= limit
            found += batch[0]
            cursor = batch[1]
        assert found == wanted


@pytest.mark.django_db(transaction=True)
def test_the_last_cursor_is_the_source_s_end():
    SessionLogFactory.create_batch(3, session=SessionFactory())

    assert read()[1] == SOURCE.end()
    assert read(SOURCE.end())[0] == []


@pytest.mark.django_db(transaction=True)
def test_since_is_inclusive_and_until_exclusive():
    session = SessionFactory()
    rows = [SessionLogFactory(session=session, timestamp=NOON + timedelta(seconds=n)) for n in range(4)]

    found, _ = read(since=rows[1].timestamp, until=rows[3].timestamp)

    assert found == [rows[1].id, rows[2].id]


@pytest.mark.django_db(transaction=True)
def test_a_cursor_ahead_of_the_database_is_an_error_and_no_silence():
    SessionLogFactory(session=SessionFactory())

    with pytest.raises(CursorError, match=r"is ahead of the database, which was restored or replaced"):
        SOURCE.committed_after(Cursor(2**62, 2**62), 10)


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_one_id_ahead_is_ahead(on_postgres):
    if on_postgres:
        pytest.skip("of SQLite")
    row = SessionLogFactory(session=SessionFactory())

    assert read(Cursor(0, row.id))[0] == []
    with pytest.raises(CursorError, match="ahead"):
        read(Cursor(0, row.id + 1))


@pytest.mark.django_db(transaction=True)
def test_a_cursor_at_rows_that_were_purged_goes_on():
    session = SessionFactory()
    SessionLogFactory(session=session)
    _, cursor = read()
    SessionLog.objects.all().delete()
    row = SessionLogFactory(session=session)

    assert read(cursor)[0] == [row.id]


@pytest.mark.django_db(transaction=True)
def test_reading_a_batch_takes_three_queries(django_assert_num_queries):
    SessionLogFactory.create_batch(20, session=SessionFactory())

    with django_assert_num_queries(3):  # where the transactions or ids stand; the rows; their sessions
        read()


# --- PostgreSQL: transactions that overlap -----------------------------------------------------------------


@pytest.fixture
def other():
    """Opens further connections to the test database, `with other() as alias:` each in a transaction."""
    opened = []

    @contextmanager
    def begin():
        alias = f"other-{len(opened)}"
        opened.append(alias)
        connections[alias] = connection.copy(alias)
        with transaction.atomic(using=alias):
            yield alias

    yield begin
    for alias in opened:
        connections[alias].close()
        del connections[alias]


def write(session, using="default"):
    event = SessionLogFactory.build(session=session)
    event.save(using=using)
    return event.id


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_commits_later_is_still_delivered(other):
    session = SessionFactory()
    with other() as slow:
        late = write(session, slow)
        early = write(session)
        assert late < early
        found, cursor = read()
        assert found == []

    found_later, _ = read(cursor)

    assert found_later == [late, early]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_nothing_past_an_open_transaction_is_handed_out_and_nothing_twice(other):
    session = SessionFactory()
    before = write(session)
    delivered, cursor = read()
    with other() as slow:
        first = write(session, slow)
        between = write(session)
        last = write(session, slow)
        found, cursor = read(cursor)
        delivered += found
        assert delivered == [before]
    after = write(session)

    found, cursor = read(cursor)
    delivered += found

    assert delivered == [before, first, last, between, after]
    assert read(cursor)[0] == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_transactions_that_commit_in_the_other_order(other):
    session, delivered, cursor = SessionFactory(), [], Cursor()
    with other() as outer:
        a = write(session, outer)
        with other() as inner:
            b = write(session, inner)
            c = write(session, outer)
        found, cursor = read(cursor)
        delivered += found
        d = write(session)
        found, cursor = read(cursor)
        delivered += found
    found, cursor = read(cursor)
    delivered += found

    assert delivered == [a, c, b, d]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_rolled_back_holds_nothing_up(other):
    session = SessionFactory()
    with pytest.raises(ZeroDivisionError), other() as doomed:  # noqa: PT012
        write(session, doomed)
        kept = write(session)
        assert read()[0] == []
        raise ZeroDivisionError

    assert read()[0] == [kept]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_rows_of_a_savepoint_belong_to_their_transaction(other):
    session = SessionFactory()
    with other() as slow:
        first = write(session, slow)
        with transaction.atomic(using=slow):
            second = write(session, slow)
        assert read()[0] == []

    assert read()[0] == [first, second]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_that_only_reads_holds_nothing_up(other):
    row = write(SessionFactory())
    with other() as reader:
        assert SessionLog.objects.using(reader).exists()

        assert read()[0] == [row]


@contextmanager
def transaction_of_another_database():
    """A transaction that has written something, in the server's database `postgres`."""
    alias = "elsewhere"
    connections[alias] = connection.copy(alias)
    connections[alias].settings_dict = {**connection.settings_dict, "NAME": "postgres"}
    try:
        with transaction.atomic(using=alias), connections[alias].cursor() as sql:
            sql.execute("SELECT pg_current_xact_id()")  # a transaction has an id once it writes
            yield
    finally:
        connections[alias].close()
        del connections[alias]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_transaction_of_another_database_holds_nothing_up(other):
    session = SessionFactory()
    with transaction_of_another_database():
        first = write(session)
        found, cursor = read()
        assert found == [first]
        with other() as slow:
            late = write(session, slow)
            last = write(session)
            assert read(cursor)[0] == []

        assert read(cursor)[0] == [late, last]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_end_does_not_lie_past_an_open_transaction(other):
    session = SessionFactory()
    write(session)
    end = SOURCE.end()
    with other() as slow:
        write(session, slow)
        write(session)

        assert SOURCE.end() == end


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_reader_beside_busy_writers_gets_every_row_once():
    session, delivered, cursor, failures = SessionFactory(), [], Cursor(), []

    def work():
        try:
            for size in (1, 3, 2, 5) * 5:
                with transaction.atomic():
                    for _ in range(size):
                        write(session)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=work) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found, cursor = read(cursor, 7)
        delivered += found
    while (batch := read(cursor, 7))[0]:
        delivered += batch[0]
        cursor = batch[1]

    assert failures == []
    assert len(delivered) == 4 * 55
    assert sorted(delivered) == list(SessionLog.objects.order_by("id").values_list("id", flat=True))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_cursor_of_the_transaction_to_come_is_ahead():
    write(SessionFactory())
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        [(to_come,)] = sql.fetchall()

    assert list(committed(SessionLog.objects.all(), Cursor(to_come - 1, 10**6))) == []
    with pytest.raises(CursorError, match="ahead"):
        committed(SessionLog.objects.all(), Cursor(to_come, 1))
