"""`purge_logs`: what goes, what stays, and what the record of it says."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from logsite.housekeeping.models import PurgeRun
from logsite.housekeeping.purge_runs import Purge
from logsite.records import Cursor, keepers
from sessionlogs import retention
from sessionlogs.checks import check_retention
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus
from sessionlogs.retention import SessionPurge
from shipping.models import Destination, ShippingCursor
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db
RUNS = "/admin/housekeeping/purgerun/"


@pytest.fixture(autouse=True)
def rules(settings):
    settings.RETENTION_DAYS = 30
    settings.RETENTION_DAYS_FAILED = 60
    settings.RETENTION_DAYS_AUTHENTICATION = 90
    settings.RETENTION_DAYS_RESPONSES = 0
    settings.RETENTION_OVERRIDES = ""
    return settings


def session(device, days, *, events=1, **options):
    """A session so many days old, with events that have a response."""
    started = timezone.now() - timedelta(days=days)
    made = SessionFactory(device=device, started_at=started, **options)
    for _ in range(events):
        SessionLogFactory(session=made, event_type=EventType.COMMAND_RESPONSE, response="ünlimited\n")
    return made


def purge(**options):
    output = StringIO()
    call_command("purge_logs", stdout=output, **options)
    return output.getvalue().splitlines()


def devices():
    return sorted(Session.objects.values_list("device", flat=True))


# --- what goes ----------------------------------------------------------------------------------------------


def test_each_class_has_its_own_age():
    for days in (29, 31, 61, 91):
        session(f"good {days}", days)
        session(f"bad {days}", days, status=SessionStatus.FAILED, error_kind=ErrorKind.TIMEOUT)
        session(f"refused {days}", days, status=SessionStatus.FAILED, error_kind=ErrorKind.AUTHENTICATION)
    printed = purge()
    assert devices() == ["bad 29", "bad 31", "good 29", "refused 29", "refused 31", "refused 61"]
    assert printed == [
        "authentication: 90 days: 1 sessions, 1 events removed",
        "success: 30 days: 3 sessions, 3 events removed",
        "failed: 60 days: 2 sessions, 2 events removed",
        "responses: 0 removed",
        "containers: 90 days: 0 entries, 0 snapshots, 0 commands, 0 containers removed",
        "commands of follow: 7 days: 0 commands removed",
        "app: 30 days: 0 entries removed",
        "audit: 365 days: 0 entries removed",
    ]
    assert SessionLog.objects.count() == 6


def test_a_session_that_never_ended_counts_as_failed():
    session("killed", 61, status=SessionStatus.RUNNING)
    session("running", 1, status=SessionStatus.RUNNING)
    purge()
    assert devices() == ["running"]


def test_nought_days_keep_for_ever(settings):
    settings.RETENTION_DAYS = 0
    session("old", 30_000)
    assert purge()[1] == "success: for ever: 0 sessions, 0 events removed"
    assert devices() == ["old"]


def test_a_platform_or_a_kind_of_system_has_rules_of_its_own(settings):
    settings.RETENTION_OVERRIDES = "platform:linux=5 agent_type:security=0"
    session("short", 6, platform="linux")
    session("short and security", 6, platform="linux", agent_type="security")
    session("long", 500, platform="paloalto_panos", agent_type="security")
    purge()
    assert devices() == ["long"]


def test_responses_may_go_before_their_events(settings):
    settings.RETENTION_DAYS_RESPONSES = 7
    session("old", 8)
    session("new", 6)
    assert purge()[-5] == "responses: 1 removed"
    old, new = SessionLog.objects.order_by("timestamp")
    assert (old.response, old.truncated_bytes, old.command) == ("", 11, "show interface all")
    assert (new.response, new.truncated_bytes) == ("ünlimited\n", 0)


def test_small_batches_remove_the_same(monkeypatch):
    monkeypatch.setattr(retention, "SESSIONS_A_BATCH", 2)
    monkeypatch.setattr(retention, "EVENTS_A_BATCH", 3)
    for number in range(5):
        session(f"rtr{number}", 31, events=number * 2)
    session("empty", 31, events=0)
    assert purge()[1] == "success: 30 days: 6 sessions, 20 events removed"
    assert (Session.objects.count(), SessionLog.objects.count()) == (0, 0)


# --- the dry run --------------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_same_numbers_and_removes_nothing(settings):
    settings.RETENTION_DAYS_RESPONSES = 7
    settings.RETENTION_OVERRIDES = "platform:linux=5"
    for days in (1, 8, 31, 61, 91):
        for status in (SessionStatus.SUCCESS, SessionStatus.FAILED):
            for platform in ("linux", "cisco_ios"):
                session("any", days, status=status, platform=platform, events=2)
    foretold = purge(dry_run=True)
    assert (Session.objects.count(), SessionLog.objects.exclude(response="").count()) == (20, 40)
    assert PurgeRun.objects.count() == 0
    assert [line.replace("would go", "removed") for line in foretold] == purge()


# --- what a shipper still needs -----------------------------------------------------------------------------


@pytest.fixture
def destination():
    return Destination.objects.create(name="loki", url="http://127.0.0.1:3100")


def shipped_up_to(destination, event, source="session"):
    event.refresh_from_db()
    return ShippingCursor.objects.create(
        destination=destination, source=source, xact=event.xact, row_id=event.pk
    )


def test_what_is_not_shipped_yet_stays(destination, settings):
    settings.RETENTION_DAYS_RESPONSES = 1
    shipped = session("shipped", 40)
    halfway = session("half-way", 40, events=2)
    session("not shipped", 40)
    shipped_up_to(destination, halfway.events.order_by("id").first())
    printed = purge()
    assert devices() == ["half-way", "not shipped"]
    assert not Session.objects.filter(pk=shipped.pk).exists()
    assert [printed[-6], printed[-1]] == [
        "responses: 1 removed",
        "2 sessions stay until they are shipped (--even-unshipped removes them)",
    ]


def test_even_unshipped_removes_it_and_is_on_record(destination):
    first = session("shipped", 40)
    session("not shipped", 40)
    shipped_up_to(destination, first.events.get())
    purge(even_unshipped=True)
    assert devices() == []
    assert PurgeRun.objects.get().even_unshipped


@pytest.mark.parametrize("source", ["session 2026-01-01", "session@http://other", "app"])
def test_a_backfill_or_another_source_keeps_nothing(destination, source):
    shipped_up_to(destination, session("first", 40).events.get(), source)
    session("second", 40)
    purge()
    assert devices() == []


def test_a_destination_that_is_not_enabled_keeps_nothing(destination):
    shipped_up_to(destination, session("first", 40).events.get())
    Destination.objects.update(enabled=False)
    session("second", 40)
    purge()
    assert devices() == []


def test_the_slowest_of_several_readers_counts(monkeypatch):
    monkeypatch.setattr(keepers, "_keepers", [])
    assert keepers.lowest_needed("session") is None
    keepers.register_keeper(lambda source: [Cursor(3, 9), Cursor(2, 40)] if source == "session" else [])
    keepers.register_keeper(lambda source: [Cursor(5, 1)])
    assert keepers.lowest_needed("session") == Cursor(2, 40)
    assert keepers.lowest_needed("app") == Cursor(5, 1)


# --- the record ---------------------------------------------------------------------------------------------


def test_each_run_is_on_record(settings):
    settings.RETENTION_OVERRIDES = "platform:linux=5"
    session("old", 31, events=3)
    purge()
    run = PurgeRun.objects.get()
    assert (run.status, run.user != "", run.ended >= run.started) == ("success", True, True)
    assert run.counts == {"success": {"events": 3, "sessions": 1}}
    assert run.rules == [
        "platform:linux: 5 days",
        "authentication: 90 days",
        "success: 30 days",
        "failed: 60 days",
        "responses: no days",
        "containers: 90 days",
        "commands of follow: 7 days",
        "app: 30 days",
        "audit: 365 days",
    ]


def test_the_record_can_be_read_by_who_may_and_changed_by_nobody(browser, owner, teammate, outsider):
    purge()
    page = f"{RUNS}{PurgeRun.objects.get().pk}/change/"
    assert [browser(who).get(page).status_code for who in (owner, teammate)] == [200, 200]
    assert browser(outsider).get(page).status_code == 302
    assert browser(owner).post(page, {"user": "somebody else"}).status_code == 403
    assert browser(owner).post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_a_run_that_stops_half_way_says_so_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(retention, "SESSIONS_A_BATCH", 1)
    for number in range(4):
        session(f"rtr{number}", 31)
    stop = threading.Event()
    real = SessionPurge._remove

    def remove(self, rule):
        tally = real(self, rule)
        if Session.objects.count() == 2:
            stop.set()
        return tally

    with monkeypatch.context() as first_run:
        first_run.setattr(SessionPurge, "_remove", remove)
        run = Purge(stopping=stop.is_set).run()
    assert (run.status, run.counts["success"]["sessions"], Session.objects.count()) == ("interrupted", 2, 2)
    stop.clear()
    assert Purge(stopping=stop.is_set).run().counts["success"]["sessions"] == 2


def test_a_run_that_was_killed_is_marked_by_the_next():
    killed = PurgeRun.objects.create(started=datetime(2026, 5, 1, tzinfo=UTC))
    purge()
    killed.refresh_from_db()
    assert (killed.status, killed.error) == ("interrupted", "it was killed")


@pytest.mark.django_db(transaction=True)
def test_sigterm_finishes_the_batch_and_exits_with_nought():
    name = str(connection.settings_dict["NAME"])
    for number in range(300):
        session(f"rtr{number}", 400, events=2)
    script = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from logsite.housekeeping import purge_runs\n"
        "from sessionlogs import retention\n"
        "retention.SESSIONS_A_BATCH = 1\n"
        "real = purge_runs.with_counts\n"
        "def told(record, tally):\n"
        "    real(record, tally)\n"
        "    if tally: print('batch', flush=True)\n"
        "purge_runs.with_counts = told\n"
        "call_command('purge_logs')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=site.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"DATABASE_URL": database_address(name), "DJANGO_SETTINGS_MODULE": "logsite.settings"},
    )
    with child:
        assert child.stdout.readline() == "batch\n"
        child.send_signal(signal.SIGTERM)
        printed = child.stdout.read()
    assert child.returncode == 0
    assert printed.endswith("stopped before the end; the next run goes on\n")
    run = PurgeRun.objects.get()
    assert run.status == "interrupted"
    assert Session.objects.count() == 300 - run.counts["success"]["sessions"] > 0
    assert SessionLog.objects.count() == 2 * Session.objects.count()


def database_address(name):
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    options = connection.settings_dict
    return f"postgres://{options['USER']}:{options['PASSWORD']}@{options['HOST']}:{options['PORT']}/{name}"


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["linux=5", "platform:linux", "platform:linux=-1", "device:rtr=5"])
def test_a_rule_that_cannot_be_read_is_one_error_of_one_line(settings, text):
    settings.RETENTION_OVERRIDES = text
    with pytest.raises(CommandError, match="RETENTION_OVERRIDES: ") as error:
        purge()
    assert error.value.returncode == 2
    assert [message.id for message in check_retention(None)] == ["sessionlogs.E002"]


def test_days_that_no_calendar_has_are_refused(settings):
    settings.RETENTION_DAYS = -1
    with pytest.raises(CommandError, match="-1 is not between 0 and 36500 days"):
        purge()
