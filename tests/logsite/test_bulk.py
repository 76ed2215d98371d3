"""Inserting and updating many rows by one statement."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from devices.models import Interface
from logsite.logins.models import LoginCount
from logsite.tables.bulk import ROWS_AT_ONCE, copy_rows, insert_new, insert_rows, update_rows
from sessionlogs.models import Session, SessionLog
from tests.factories import DeviceFactory, InterfaceFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


def test_rows_come_back_as_they_were_given():
    session = Session(device="fw01", tags=["core", "rack 7"], started_at=NOW, slowest_ms=1.5)
    insert_rows([session])
    insert_rows(
        [
            SessionLog(
                session=session, device="fw01", command=command, timestamp=NOW, timing={"answer": 0.25}
            )
            for command in ("first", "second «ü»")
        ]
    )
    found = Session.objects.get()
    assert (found.pk, found.tags, found.started_at, found.ended_at) == (session.pk, session.tags, NOW, None)
    events = list(SessionLog.objects.order_by("id"))
    assert [event.command for event in events] == ["first", "second «ü»"]
    assert (events[0].timing, events[0].timestamp, events[0].session_id) == (
        {"answer": 0.25},
        NOW,
        session.pk,
    )


def test_columns_that_the_database_fills_are_left_to_it(django_assert_num_queries):
    session = Session.objects.create(device="fw01", started_at=NOW)
    SessionLog.objects.create(session=session, device="fw01", timestamp=NOW)
    with django_assert_num_queries(1):
        insert_rows([SessionLog(session=session, device="fw01", timestamp=NOW)])
    by_orm, by_us = SessionLog.objects.order_by("id")
    assert by_us.id > by_orm.id
    assert by_us.xact == by_orm.xact  # one transaction wrote both


def test_only_the_named_columns_are_updated_and_only_of_the_given_rows():
    changed, other = InterfaceFactory(name="a", mtu=1500), InterfaceFactory(name="b", mtu=1500)
    update_rows([Interface(pk=changed.pk, name="not stored", mtu=9000, enabled=False)], ["mtu", "enabled"])
    assert list(Interface.objects.filter(pk=changed.pk).values_list("name", "mtu", "enabled")) == [
        ("a", 9000, False)
    ]
    other.refresh_from_db()
    assert other.mtu == 1500


def test_nothing_to_store_is_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])
        update_rows([], ["mtu"])


def test_a_refused_row_raises_what_django_raises():
    device = DeviceFactory()
    with pytest.raises(IntegrityError):
        insert_rows([Interface(device=device, name="a", collected_at=NOW) for _ in range(2)])


COUNT_COLUMNS = ("key", "count", "expires")


def test_only_rows_that_are_not_stored_are_inserted_and_counted():
    rows = [(f"key {number}", number, 0) for number in range(ROWS_AT_ONCE + 1)]
    assert insert_new(LoginCount, COUNT_COLUMNS, rows[:3], ["key"]) == 3
    assert insert_new(LoginCount, COUNT_COLUMNS, [("key 0", 9, 0), *rows[1:]], ["key"]) == ROWS_AT_ONCE - 2
    assert insert_new(LoginCount, COUNT_COLUMNS, [], ["key"]) == 0
    assert sorted(LoginCount.objects.values_list(*COUNT_COLUMNS)) == sorted(rows)


@pytest.mark.postgres
def test_copy_inserts_all_rows_or_none():
    rows = [(f"key {number}", number, 0) for number in range(3)]
    assert copy_rows(LoginCount, COUNT_COLUMNS, rows[:2])
    assert not copy_rows(LoginCount, COUNT_COLUMNS, rows[1:])
    assert sorted(LoginCount.objects.values_list(*COUNT_COLUMNS)) == rows[:2]
