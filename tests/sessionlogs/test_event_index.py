"""The index and the minute counts of session events say what reading every event says, for each reader."""

import random
import uuid
from datetime import timedelta
from importlib import import_module
from time import time_ns

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from logsite.housekeeping.purge_runs import Purge
from logsite.records import EVER, to_nanoseconds
from logsite.records.indexes import day_index
from logsite.records.indexes.minute_counts import MINUTE
from logsite.tables.segments import DAY
from logsite.tables.token_sets import as_match, number
from sessionlogs.event_index import INDEX
from sessionlogs.models import (
    EventType,
    Session,
    SessionEventCount,
    SessionLog,
    SessionStatus,
    UnindexedSessionDay,
)
from sessionlogs.recording.dead_sessions import close_sessions
from sessionlogs.recording.spill import Entry, Page, _columns
from sessionlogs.recording.writer import restore
from sessionlogs.sources import SessionSource
from tests.applogs.entries import MESSAGES
from tests.factories import SessionFactory, SessionLogFactory
from tests.indexing import asked_twice, store_events
from tests.records.conftest import colleague, reader  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db
MARK = import_module("sessionlogs.migrations.0011_index_and_counts").mark
WORDS = (
    "connection",
    '"connection refused"',
    "conn*",
    "boom",
    "nowhere",
    "show",
    '"show version"',
    "command:version",
    "error_message:invalid",
    "invalid",
    "NOT show",
    "level:ERROR",
    "level:INFO",
    "level:>=WARNING",
    "device:rtr01",
    "device:(rtr01 OR sw02)",
    "user:netops",
    "event:command_*",
    "step:1",
    "status:failed",
)
ANSWERS = (
    "response:disk",
    "stderr:invalid",
    "response:connection",
    "NOT response:boom",
    'stderr:"% invalid"',
)


class Unindexed(SessionSource):
    index = None
    minute_counts = None


@pytest.fixture(autouse=True)
def _thirty_days(settings):
    settings.RETENTION_DAYS = settings.RETENTION_DAYS_FAILED = settings.RETENTION_DAYS_AUTHENTICATION = 30
    settings.RETENTION_DAYS_RESPONSES = 0
    settings.RETENTION_OVERRIDES = ""


def sessions(*days):
    """Two sessions of each age."""
    return [
        SessionFactory(device=device, user=user, started_at=timezone.now() - timedelta(days=age))
        for age in days
        for device, user in (("rtr01", "netops"), ("sw02", ""))
    ]


def events(of, number, seed):
    """Events that have not been stored: answers, standard error, errors of our own, at edges of minutes too."""
    seeded = random.Random(seed)
    for _ in range(number):
        session = seeded.choice(of)
        start = session.started_at
        moments = [
            start,
            start.replace(second=0, microsecond=0),
            start - timedelta(minutes=3, microseconds=1),
        ]
        yield SessionLog(
            session=session,
            device=session.device,
            user=session.user,
            event_type=seeded.choice([*EventType]),
            command=seeded.choice(["show version", "show interfaces", ""]),
            response=seeded.choice([*MESSAGES, ""]),
            error_message=seeded.choice(["% Invalid input", ""]),
            exit_code=seeded.choice([None, None, 1]),
            step=seeded.choice([None, 1, 2]),
            execution_status=SessionStatus.RUNNING,
            timestamp=seeded.choice(moments),
        )


def differences(user, leaves, number=40):
    """The queries to which the index or the counts give another answer than the rows."""
    views = SessionSource().view(reader(user)), Unindexed().view(reader(user))
    return asked_twice(views, leaves, ["level", "device", "event"], number)


def counted():
    """The sums of the counts, by minute, level and device."""
    found = {}
    for each in SessionEventCount.objects.all():
        key = (each.minute, each.level, each.app)
        found[key] = found.get(key, 0) + each.number
    return {key: number for key, number in found.items() if number}


def in_rows():
    found = {}
    for event in SessionLog.objects.all():
        key = (to_nanoseconds(event.timestamp) // MINUTE, "ERROR" if event.failed else "INFO", event.device)
        found[key] = found.get(key, 0) + 1
    return found


def commands(user, query):
    page = SessionSource().view(reader(user)).page(query, limit=100)
    return {record.texts["command"] for record in page}


@pytest.mark.parametrize("few", [0, 3, 5000])
@pytest.mark.soak
def test_answers_are_those_of_reading_every_event(owner, colleague, monkeypatch, few):  # noqa: F811
    """For a reader who may see responses, and for one who may not."""
    monkeypatch.setattr(day_index, "FEW_ROWS", few)
    of = sessions(0, 1, 3, 450)
    for seed in range(2):
        store_events(list(events(of, 50, seed)))

    assert differences(owner, [*WORDS, *ANSWERS]) == []
    assert differences(colleague, WORDS) == []
    assert counted() == in_rows()


def test_the_index_is_asked_for_no_word_of_a_response_that_is_withheld(owner, colleague):  # noqa: F811
    """Neither what it finds nor how long it takes tells whether a response has the word."""
    [session] = sessions(0)[:1]
    event = SessionLogFactory(
        session=session, event_type=EventType.COMMAND_RESPONSE, command="show vlan", response="a grault in it"
    )
    day = to_nanoseconds(session.started_at) // DAY
    wanted = [
        INDEX.required(SessionSource().view(reader(user)).condition("grault")) for user in (owner, colleague)
    ]

    assert [INDEX.find(day, each).ids for each in wanted] == [[event.id], []]
    assert [as_match(number("response grault")) in as_match(each) for each in wanted] == [True, False]
    view = SessionSource().view(reader(colleague))
    assert (view.page("grault", limit=9), view.counts("grault", EVER, 60).counts) == ([], [])
    assert view.facets("grault", EVER, ["device"]).values == {"device": []}


def test_recorded_events_are_indexed_and_counted(record, owner):
    recorder = record(device="rtr01")
    recorder.command_sent("show version")
    recorder.command_response("show version", "Cisco IOS serial FOC1234", 5_000_000)
    recorder.close()

    assert commands(owner, "foc1234 device:rtr01") == {"show version"}
    assert counted() == in_rows()
    assert differences(owner, ["foc1234", "version", "level:INFO", "device:rtr01"], 15) == []


def test_events_out_of_the_spill_are_indexed_once(owner):
    session = Session(session_id=uuid.uuid4(), device="rtr01", started_at=timezone.now())
    rows = list(events([session], 5, 3))
    for late, row in enumerate(rows):
        row.timestamp += timedelta(microseconds=late)
    page = Page([Entry(_columns(session), _columns(row)) for row in rows], 0)
    restore(page)
    restore(page)

    assert SessionLog.objects.count() == 5
    assert counted() == in_rows()
    assert differences(owner, [*WORDS, *ANSWERS], 15) == []


def test_the_last_event_of_a_dead_session_is_found(owner):
    session = SessionFactory(status="running", process=uuid.uuid4(), started_at=timezone.now())
    SessionLogFactory(session=session)
    with transaction.atomic():
        close_sessions(session.process)

    assert [r.level for r in SessionSource().view(reader(owner)).page("collecting process", limit=9)] == [
        "ERROR"
    ]
    assert counted() == in_rows()


def test_a_purge_takes_tokens_and_counts_with_the_events(owner):
    of = sessions(0, 40, 45)
    store_events(list(events(of, 80, 5)))
    Purge().run()

    assert Session.objects.count() == 2
    assert counted() == in_rows()
    assert {day for day in INDEX.days() if day < time_ns() // DAY - 31} == set()
    assert differences(owner, [*WORDS, *ANSWERS]) == []


def test_a_response_that_goes_by_age_is_found_no_more(owner, settings):
    settings.RETENTION_DAYS_RESPONSES = 5
    [session] = sessions(10)[:1]
    event = SessionLogFactory(
        session=session, event_type=EventType.COMMAND_RESPONSE, command="show vlan", response="a grault in it"
    )
    Purge().run()
    event.refresh_from_db()

    assert (event.response, commands(owner, "grault"), commands(owner, "vlan")) == ("", set(), {"show vlan"})
    assert counted() == in_rows()
    if connection.vendor == "postgresql":
        wanted = INDEX.required(SessionSource().view(reader(owner)).condition("grault"))
        assert INDEX.find(to_nanoseconds(session.started_at) // DAY, wanted).ids == []


def test_events_from_before_the_index_are_found_and_counted(owner, colleague):  # noqa: F811
    """A later event of such a day has its tokens, and is found with them."""
    of = sessions(0, 2, 450)
    SessionLog.objects.bulk_create(events(of[2:], 50, 6))
    MARK(apps, None)
    store_events(list(events(of, 50, 7)))

    assert differences(owner, [*WORDS, *ANSWERS]) == []
    assert differences(colleague, WORDS) == []


def test_a_mark_goes_with_the_last_event_of_its_day(owner):
    old, young = sessions(40), sessions(0)
    SessionLog.objects.bulk_create(events([*old, *young], 40, 8))
    MARK(apps, None)
    Purge().run()
    marks = set(UnindexedSessionDay.objects.values_list("day", flat=True))
    store_events(list(events(sessions(40), 10, 9)))
    today = time_ns() // DAY

    assert marks == {
        today,
        today + 1,
        *(to_nanoseconds(each.timestamp) // DAY for each in SessionLog.objects.filter(session__in=young)),
    }
    assert sum(number for (minute, *_), number in counted().items() if minute // 1440 < today - 30) == 10
    assert differences(owner, [*WORDS, *ANSWERS], 30) == []
