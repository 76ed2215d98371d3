"""What `purge_logs` removes of container logs, and what it leaves."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from logsite.housekeeping import purge_runs
from logsite.housekeeping.models import PurgeRun
from logsite.records import Cursor, keepers, to_nanoseconds
from prodlogs.models import Container, ContainerLogEntry, LogSnapshot, RemoteCommand
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ninety_days(settings):
    settings.RETENTION_DAYS_CONTAINERS = 90


@pytest.fixture(autouse=True)
def _seven_days(settings):
    settings.RETENTION_DAYS_FOLLOW = 7


def purge(**options):
    output = StringIO()
    call_command("purge_logs", stdout=output, **options)
    return [line for line in output.getvalue().splitlines() if line.startswith("containers")]


def ago(days):
    return timezone.now() - timedelta(days=days)


def entry(days, container=None, **columns):
    container = container or ContainerFactory()
    return ContainerLogEntryFactory(container=container, timestamp=to_nanoseconds(ago(days)), **columns)


def test_old_entries_go_and_the_others_stay():
    entry(91)
    young = entry(89)
    assert purge() == ["containers: 90 days: 1 entries, 0 snapshots, 0 commands, 0 containers removed"]
    assert ContainerLogEntry.objects.get() == young


def test_a_dry_run_says_the_same_and_removes_nothing():
    entry(91)
    assert purge(dry_run=True) == [
        "containers: 90 days: 1 entries, 0 snapshots, 0 commands, 0 containers would go"
    ]
    assert ContainerLogEntry.objects.exists()


def test_small_batches_remove_the_same(monkeypatch):
    monkeypatch.setattr(purge_runs, "BATCH_ROWS", 2)
    for _ in range(5):
        entry(91)
    purge()
    assert not ContainerLogEntry.objects.exists()
    assert PurgeRun.objects.get().counts == {"containers": {"entries": 5}}


def test_what_a_destination_has_not_got_stays(monkeypatch):
    shipped = entry(91)
    waiting = entry(91)
    cursor = Cursor(ContainerLogEntry.objects.get(pk=shipped.pk).xact, shipped.pk)
    monkeypatch.setattr(keepers, "_keepers", [lambda source: [cursor] if source == "container" else []])
    assert purge() == [
        "containers: 90 days: 1 entries, 0 snapshots, 0 commands, 0 containers removed",
        "containers: 1 stay until they are shipped (--even-unshipped removes them)",
    ]
    assert ContainerLogEntry.objects.get() == waiting
    purge(even_unshipped=True)
    assert not ContainerLogEntry.objects.exists()


def test_a_reading_goes_when_none_of_its_entries_is_left():
    container = ContainerFactory()
    times = {"first": to_nanoseconds(ago(92)), "last": to_nanoseconds(ago(79))}
    old = LogSnapshotFactory(container=container, started_at=ago(92), **times)
    entry(80, container, snapshot=old)
    empty = LogSnapshotFactory(container=container, started_at=ago(92))
    LogSnapshotFactory(container=container, started_at=ago(1))
    purge()
    assert not LogSnapshot.objects.filter(pk=empty.pk).exists()
    assert LogSnapshot.objects.filter(pk=old.pk).exists()
    assert LogSnapshot.objects.count() == 2


def test_sent_commands_of_that_age_go():
    RemoteCommandFactory(sent_at=ago(91))
    RemoteCommandFactory(sent_at=ago(89))
    purge()
    assert RemoteCommand.objects.count() == 1


def test_a_container_goes_when_it_was_removed_so_long_ago_and_has_no_entries():
    gone = ContainerFactory(removed_at=ago(91))
    entry(91, gone)
    with_entries = ContainerFactory(removed_at=ago(91))
    entry(89, with_entries)
    listed = ContainerFactory()
    purge()
    assert set(Container.objects.all()) == {with_entries, listed}


def test_nought_days_keep_for_ever(settings):
    settings.RETENTION_DAYS_CONTAINERS = 0
    entry(10_000)
    assert purge() == ["containers: for ever: 0 entries, 0 snapshots, 0 commands, 0 containers removed"]
    assert ContainerLogEntry.objects.exists()


def test_a_setting_out_of_range_removes_nothing(settings):
    settings.RETENTION_DAYS_CONTAINERS = -1
    with pytest.raises(CommandError, match="RETENTION_DAYS_CONTAINERS: -1 is not between") as refused:
        purge()
    assert refused.value.returncode == 2
    assert not PurgeRun.objects.exists()


# --- what following sends ------------------------------------------------------------------------------------


def followed():
    output = StringIO()
    call_command("purge_logs", stdout=output)
    return [line for line in output.getvalue().splitlines() if line.startswith("commands of follow")]


def sent(days, **columns):
    return RemoteCommandFactory(sent_at=ago(days), **{"via": "follow", "exit_code": 0, **columns})


def test_what_following_sent_goes_sooner_where_it_went_well():
    sent(8)
    left = [sent(6), sent(8, exit_code=1), sent(8, denied=True), sent(8, exit_code=None), sent(8, via="cli")]
    assert followed() == ["commands of follow: 7 days: 1 commands removed"]
    assert list(RemoteCommand.objects.order_by("id")) == left


def test_without_days_it_stays_as_long_as_the_others(settings):
    settings.RETENTION_DAYS_FOLLOW = 0
    sent(89)
    assert followed() == ["commands of follow: as long as other commands: 0 commands removed"]
    assert RemoteCommand.objects.exists()


def test_days_that_are_none_end_it(settings):
    settings.RETENTION_DAYS_FOLLOW = -1
    with pytest.raises(CommandError, match="RETENTION_DAYS_FOLLOW: -1 is not between"):
        followed()
