"""What `purge_logs` removes of application logs, and what it leaves: entries, their index, their minute counts."""

from io import StringIO
from time import time_ns

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from applogs.entry_index import INDEX
from applogs.models import LogEntry
from applogs.retention import AppPurge
from applogs.sources import AppSource
from logsite.audit import Reader
from logsite.housekeeping import indexed_purge
from logsite.housekeeping.models import PurgeRun, PurgeStatus
from logsite.housekeeping.purge_runs import Purge
from logsite.records import Cursor, keepers
from logsite.tables.partitions import DayPartitions
from logsite.tables.segments import DAY
from tests.applogs.entries import entry, store
from tests.applogs.test_minute_counts import in_rows, numbers

pytestmark = pytest.mark.django_db
TODAY = time_ns() // DAY
ALL = {"young", "at the edge", "yesterday of the edge", "whole", "whole, later", "of 1970", "of 2099"}
KEPT = {"young", "of 2099", "at the edge"}


@pytest.fixture(autouse=True)
def _thirty_days(settings):
    settings.RETENTION_DAYS_APPS = 30


@pytest.fixture
def stored(db):
    """Of days that are due as a whole, of the day in which the limit is, and of days without a segment."""
    edge = time_ns() - 30 * DAY
    times = {
        "young": time_ns(),
        "at the edge": edge + 10**12,
        "yesterday of the edge": edge - 10**12,
        "whole": (TODAY - 40) * DAY,
        "whole, later": (TODAY - 40) * DAY + 5,
        "of 1970": 7,
        "of 2099": 4_080_000_000_000_000_000,
    }
    return {
        row.message: row for row in store([entry(at, message=name, app="a") for name, at in times.items()])
    }


def purge(**options):
    output = StringIO()
    call_command("purge_logs", stdout=output, **options)
    return [line for line in output.getvalue().splitlines() if line.startswith("app")]


def messages():
    return set(LogEntry.objects.values_list("message", flat=True))


def found(query):
    return {record.message for record in AppSource().view(Reader(None, "", "system")).page(query, limit=100)}


def test_old_entries_go_with_their_index_and_counts(stored):
    assert purge() == ["app: 30 days: 4 entries removed"]
    assert messages() == KEPT
    assert TODAY - 40 not in INDEX.days()
    assert TODAY in INDEX.days()
    assert numbers() == in_rows()
    assert found("young OR whole OR later OR 1970 OR 2099 OR edge") == KEPT
    assert PurgeRun.objects.get().counts == {"app": {"entries": 4}}


def test_a_dry_run_says_the_same_and_removes_nothing(stored):
    assert purge(dry_run=True) == ["app: 30 days: 4 entries would go"]
    assert (messages(), numbers()) == (ALL, in_rows())


def test_small_batches_remove_the_same(stored, monkeypatch):
    monkeypatch.setattr(indexed_purge, "BATCH_ROWS", 1)
    monkeypatch.setattr(DayPartitions, "lock", lambda self, day: False)
    assert purge() == ["app: 30 days: 4 entries removed"]
    assert (messages(), numbers()) == (KEPT, in_rows())


def test_a_purge_that_is_stopped_goes_on_with_the_next(stored, monkeypatch):
    monkeypatch.setattr(indexed_purge, "BATCH_ROWS", 1)
    monkeypatch.setattr(DayPartitions, "lock", lambda self, day: False)
    run = Purge(stopping=lambda: LogEntry.objects.count() < len(ALL)).run()

    assert (run.status, run.counts) == (PurgeStatus.INTERRUPTED, {"app": {"entries": 1}})
    assert len(messages()) == 6
    assert numbers() == in_rows()
    assert purge() == ["app: 30 days: 3 entries removed"]


def test_what_a_destination_has_not_got_stays(stored, monkeypatch):
    """Rows of one transaction: those after the cursor have higher ids."""
    first = LogEntry.objects.get(pk=stored["whole"].pk)
    cursor = Cursor(first.xact, first.pk)
    monkeypatch.setattr(keepers, "_keepers", [lambda source: [cursor] if source == "app" else []])

    assert purge(dry_run=True)[0] == "app: 30 days: 2 entries would go"
    assert purge() == [
        "app: 30 days: 2 entries removed",
        "app: 2 stay until they are shipped (--even-unshipped removes them)",
    ]
    assert messages() == KEPT | {"whole, later", "of 1970"}
    assert numbers() == in_rows()
    assert found("later") == {"whole, later"}
    assert purge(even_unshipped=True) == ["app: 30 days: 2 entries removed"]
    assert messages() == KEPT


def test_an_entry_that_comes_after_a_purge_is_found_and_purged(stored):
    purge()
    store([entry((TODAY - 40) * DAY + 9, message="late")])

    assert found("late") == {"late"}
    assert purge() == ["app: 30 days: 1 entries removed"]
    assert (found("late"), messages(), numbers()) == (set(), KEPT, in_rows())


def test_the_segment_of_far_days_loses_what_is_removed(stored):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's index is part of the row")
    purge()
    wanted = INDEX.required(AppSource().view(Reader(None, "", "system")).condition("of"))

    assert INDEX.find(None, wanted).ids == [stored["of 2099"].pk]


def test_nought_days_keep_for_ever(stored, settings):
    settings.RETENTION_DAYS_APPS = 0

    assert purge() == ["app: for ever: 0 entries removed"]
    assert messages() == ALL


def test_a_setting_out_of_range_removes_nothing(stored, settings):
    settings.RETENTION_DAYS_APPS = -1

    with pytest.raises(CommandError, match="RETENTION_DAYS_APPS: -1 is not between"):
        purge()
    assert messages() == ALL
    assert [(error.id, error.msg) for error in run_checks(tags=["applogs"])] == [
        ("applogs.E001", "RETENTION_DAYS_APPS=-1: give days, or 0 for ever")
    ]


@pytest.mark.postgres
def test_a_day_goes_as_a_whole_without_a_deleted_row(stored, monkeypatch):
    """No batch removes anything here."""
    monkeypatch.setattr(AppPurge, "_removed", lambda self, rows, stopping: iter(()))

    assert purge() == ["app: 30 days: 2 entries removed"]
    assert messages() == ALL - {"whole", "whole, later"}
    assert numbers() == in_rows()
