"""Only a holder of devices.use_credential decides where a stored credential is sent."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from devices.models import Device
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db
DEVICES = "/api/v2/devices/"


def holder_of(name, *codes):
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=codes, content_type__app_label="devices")
    )
    return user


@pytest.fixture
def changer():
    """May add and change devices, and has an SSH server of their own."""
    return holder_of("eve", "view_device", "add_device", "change_device")


@pytest.fixture
def holder():
    return holder_of("olga", "view_device", "add_device", "change_device", "use_credential")


@pytest.fixture
def device():
    return DeviceFactory(name="rtr01", host="192.0.2.1", port=22, credential=CredentialFactory(name="core"))


CHANGES = [
    {"host": "198.51.100.66"},
    {"port": 2222},
    {"platform": "linux"},
    {"credential": "other"},
    {"credential": None},
    {"host": "198.51.100.66", "credential": None},
    {"host": "192.0.2.1", "port": 23},
]


def test_over_the_api_nobody_else_moves_a_device_that_has_a_credential(device, changer, api):
    CredentialFactory(name="other")
    before = Device.objects.values().get()
    client = api(changer)

    codes = {str(change): client.patch(f"{DEVICES}{device.pk}/", change).status_code for change in CHANGES}

    assert codes == {str(change): 403 for change in CHANGES}
    assert Device.objects.values().get() == before


def test_the_refusal_names_the_field_and_the_permission(device, changer, api):
    answer = api(changer).patch(f"{DEVICES}{device.pk}/", {"host": "198.51.100.66"})

    assert "devices.use_credential" in str(answer.json()["host"])


def test_over_the_api_nobody_else_adds_a_device_with_a_credential(changer, api):
    CredentialFactory(name="core")

    answer = api(changer).post(
        DEVICES, {"name": "evil", "host": "198.51.100.66", "platform": "linux", "credential": "core"}
    )

    assert answer.status_code == 403
    assert not Device.objects.exists()


def test_all_else_may_be_changed_and_sent_again_as_it_is(device, changer, api):
    same = {"name": "rtr02", "host": "192.0.2.1", "port": 22, "platform": "cisco_ios", "credential": "core"}

    assert api(changer).patch(f"{DEVICES}{device.pk}/", same).status_code == 200
    assert Device.objects.get().name == "rtr02"


def test_a_device_without_a_credential_may_be_moved(changer, api):
    device = DeviceFactory(credential=None)

    assert api(changer).patch(f"{DEVICES}{device.pk}/", {"host": "198.51.100.66"}).status_code == 200


def test_the_holder_assigns_and_moves(device, holder, api):
    CredentialFactory(name="other")
    client = api(holder)

    codes = {str(change): client.patch(f"{DEVICES}{device.pk}/", change).status_code for change in CHANGES}

    assert codes == {str(change): 200 for change in CHANGES}


def form_of(device, **changes):
    return {
        "name": device.name,
        "host": device.host,
        "port": device.port,
        "platform": device.platform,
        "agent_type": device.agent_type,
        "credential": device.credential_id or "",
        "enabled": "on",
        "session_logging": "default",
        "interfaces-TOTAL_FORMS": 0,
        "interfaces-INITIAL_FORMS": 0,
        **changes,
    }


def test_in_the_admin_a_forged_form_moves_nothing(device, changer, browser):
    other = CredentialFactory(name="other")
    forged = form_of(device, host="198.51.100.66", port=2222, platform="linux", credential=other.pk)

    browser(changer).post(f"/admin/devices/device/{device.pk}/change/", forged)

    after = Device.objects.get()
    assert (after.host, after.port, after.platform, after.credential.name) == (
        "192.0.2.1",
        22,
        "cisco_ios",
        "core",
    )


def test_in_the_admin_a_new_device_gets_no_credential(changer, browser):
    credential = CredentialFactory(name="core")
    new = form_of(DeviceFactory.build(name="evil", credential=None), credential=credential.pk)

    browser(changer).post("/admin/devices/device/add/", new)

    assert Device.objects.get(name="evil").credential is None


def test_in_the_admin_the_holder_assigns_and_moves(device, holder, browser):
    other = CredentialFactory(name="other")

    browser(holder).post(
        f"/admin/devices/device/{device.pk}/change/",
        form_of(device, host="198.51.100.66", credential=other.pk),
    )

    after = Device.objects.get()
    assert (after.host, after.credential.name) == ("198.51.100.66", "other")


@pytest.mark.django_db(transaction=True)
def test_after_an_upgrade_those_who_changed_devices_may_use_credentials():
    executor = MigrationExecutor(connection)
    executor.migrate([("devices", "0006_stored_answers")])
    Permission.objects.filter(codename="use_credential").delete()
    changer, viewer = holder_of("eve", "change_device"), holder_of("vera", "view_device")
    group = Group.objects.create(name="operators")
    group.permissions.set(Permission.objects.filter(codename="add_device"))
    try:
        MigrationExecutor(connection).migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    finally:
        MigrationExecutor(connection).migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())

    [permission] = Permission.objects.filter(codename="use_credential")
    assert list(permission.user_set.all()) == [changer]
    assert list(permission.group_set.all()) == [group]
    assert not viewer.has_perm("devices.use_credential")
