"""A database of version 0.3.0 with people and data in it: what each of them can still do after `migrate`."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from devices.models import Device
from logsite.housekeeping.models import Counter, Process, PurgeRun
from sessionlogs.models import SessionLog

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
VERSION_0_3_0 = [
    ("devices", "0006_stored_answers"),
    ("sessionlogs", "0006_stored_answers"),
    ("prodlogs", "0004_refused_anywhere"),
    ("shipping", "0001_initial"),
]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NEW = ("use_credential", "accept_host_key")
MOVED = {"purgerun": PurgeRun, "recordingcounter": Counter, "recordingprocess": Process}  # out of sessionlogs
RUNS = "/admin/housekeeping/purgerun/"


@pytest.fixture
def old():
    """The models of 0.3.0, on its tables; the tables of today after the test."""
    executor = MigrationExecutor(connection)
    executor.migrate(VERSION_0_3_0)
    apps = executor.loader.project_state(VERSION_0_3_0).apps
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="devices", codename__in=NEW
    ).delete()
    yield apps
    call_command("migrate", verbosity=0)


def people(apps):
    """An engineer by permission, one by group, a reader."""
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="devices")
    users, groups = apps.get_model("auth", "User").objects, apps.get_model("auth", "Group").objects
    engineer, member, reader = (users.create(username=name) for name in ("engineer", "member", "reader"))
    engineer.user_permissions.set(permissions.filter(codename__in=("change_device", "view_device")))
    group = groups.create(name="operators")
    group.permissions.set(permissions.filter(codename__in=("add_device", "change_device")))
    member.groups.add(group)
    reader.user_permissions.set(permissions.filter(codename="view_device"))


def inventory(apps):
    """A device with a credential and the record of a session that failed."""
    credential = apps.get_model("devices", "Credential").objects.create(
        name="core", username="netops", password="x"
    )
    device = apps.get_model("devices", "Device").objects.create(
        name="rtr01", host="192.0.2.1", platform="cisco_ios", credential=credential
    )
    session = apps.get_model("sessionlogs", "Session").objects.create(
        device="rtr01", host="192.0.2.1", started_at=NOON, status="failed"
    )
    apps.get_model("sessionlogs", "SessionLog").objects.create(
        session=session,
        device="rtr01",
        event_type="command_failed",
        command="show version",
        step=1,
        timestamp=NOON,
        error_message="refused",
        execution_status="failed",
    )
    return device


def housekeeping(apps):
    """Processes, counters and purge runs, as often as a small site has them; the rows by the names of today."""
    models = {name: apps.get_model("sessionlogs", name).objects for name in MOVED}
    for number in range(3):
        machine = f"boot {number}"
        models["recordingprocess"].create(
            pk=uuid.UUID(int=number + 1), machine=machine, host="worker", pid=number, started=7, beats=2**40
        )
    for name, value in (("lost", 0), ("spilled", 2**40), ("truncated", 5)):
        models["recordingcounter"].create(name=name, value=value)
    for number in range(250):
        models["purgerun"].create(
            started=NOON + timedelta(days=number),
            ended=None if number == 249 else NOON + timedelta(days=number, hours=1),
            user="root",
            status="running" if number == 249 else "success",
            rules=["success: 30 days"],
            counts={"success": {"events": number}},
            even_unshipped=number % 2 == 0,
            error="é",
        )
    return {MOVED[name]: list(rows.order_by("pk").values()) for name, rows in models.items()}


def auditors(apps):
    """One by permission, one by group, who may see purge runs; a third may see everything else of sessions."""
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="sessionlogs")
    users, groups = apps.get_model("auth", "User").objects, apps.get_model("auth", "Group").objects
    auditor, member, reader = (
        users.create(username=name, is_staff=True) for name in ("auditor", "member", "reader")
    )
    seen = permissions.filter(codename__in=("view_purgerun", "view_recordingprocess"))
    auditor.user_permissions.set(seen)
    group = groups.create(name="auditors")
    group.permissions.set(seen)
    member.groups.add(group)
    reader.user_permissions.set(permissions.filter(codename__startswith="view_").exclude(pk__in=seen))


def test_people_keep_the_work_they_could_do(old):
    people(old)

    call_command("migrate", verbosity=0)

    held = {
        user.username: {code for code in NEW if user.has_perm(f"devices.{code}")}
        for user in User.objects.all()
    }
    assert held == {"engineer": set(NEW), "member": set(NEW), "reader": set()}


def test_devices_keep_their_credential_and_have_no_pin_yet(old):
    inventory(old)

    call_command("migrate", verbosity=0)

    device = Device.objects.defer(None).get()
    assert (device.credential.name, device.host_key, device.offered_host_key) == ("core", "", "")


def test_recorded_sessions_are_read_as_before(old):
    inventory(old)

    call_command("migrate", verbosity=0)

    [event] = SessionLog.objects.select_related("session")
    assert (event.command, event.error_message, event.session.status) == ("show version", "refused", "failed")


def test_processes_counters_and_purge_runs_keep_every_row(old):
    before = housekeeping(old)

    call_command("migrate", verbosity=0)

    assert {model: list(model.objects.order_by("pk").values()) for model in before} == before
    assert [len(rows) for rows in before.values()] == [250, 3, 3]
    assert PurgeRun.objects.create(started=NOON).pk == before[PurgeRun][-1]["id"] + 1


def test_who_could_see_purge_runs_still_can_by_the_same_permission(old, browser):
    housekeeping(old)
    auditors(old)

    call_command("migrate", verbosity=0)

    users = {user.username: user for user in User.objects.all()}
    permissions = ("housekeeping.view_purgerun", "housekeeping.view_process")
    assert {name: user.has_perms(permissions) for name, user in users.items()} == {
        "auditor": True,
        "member": True,
        "reader": False,
    }
    assert {name: browser(user).get(RUNS).status_code for name, user in users.items()} == {
        "auditor": 200,
        "member": 200,
        "reader": 403,
    }
    moved = Permission.objects.filter(content_type__app_label="housekeeping")
    assert set(moved.filter(user__username="auditor").values_list("codename", "name")) == {
        ("view_purgerun", "Can view purge run"),
        ("view_process", "Can view process"),
    }
    assert moved.count() == 4 * len(MOVED)
    assert not ContentType.objects.filter(app_label="sessionlogs", model__in=MOVED).exists()
    assert not Permission.objects.filter(codename__contains="recording").exists()


def test_migrating_again_changes_nothing(old):
    people(old)
    call_command("migrate", verbosity=0)
    before = list(User.user_permissions.through.objects.order_by("id").values_list())

    call_command("migrate", verbosity=0)

    assert list(User.user_permissions.through.objects.order_by("id").values_list()) == before
