"""Who makes, changes and removes what the audit watches, by the admin, the API, commands and Python alike."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from knox.models import AuthToken

from devices.connectors.host_keys import Actor, accept
from devices.models import Credential, Device
from logsite.audit.models import AuditEntry
from logsite.commands.stopping import account
from logsite.ssh.host_keys import fingerprint
from prodlogs.hosts import host_keys as docker_keys
from shipping.models import Destination
from tests.factories import CredentialFactory, DeviceFactory, DockerHostFactory, TagFactory
from tests.prodlogs.keys import HOST_KEY

pytestmark = pytest.mark.django_db
SECRET = "correct-horse-battery-staple"


@pytest.fixture
def told():
    """The entries since the last call, oldest first, without log-ins."""
    seen = {"id": 0}

    def entries(**wanted):
        rows = AuditEntry.objects.filter(id__gt=seen["id"], **wanted).exclude(what__in=("login", "logout"))
        found = list(rows.order_by("id"))
        seen["id"] = max([seen["id"], *(row.id for row in AuditEntry.objects.all())])
        return found

    return entries


def facts(entries):
    return [(row.event_type, row.what, row.target, row.user, row.via) for row in entries]


def test_a_device_that_is_changed_over_the_api_has_old_and_new_values(api, owner, told):
    device = DeviceFactory(name="rtr01", host="192.0.2.1")
    told()
    answer = api(owner).patch(f"/api/v2/devices/{device.pk}/", {"host": "192.0.2.2", "enabled": False})
    [entry] = told()

    assert answer.status_code == 200
    assert facts([entry]) == [("sensitive_update", "devices.device", "rtr01", "owner", "api")]
    assert entry.details == {
        "id": str(device.pk),
        "changed": {"host": ["192.0.2.1", "192.0.2.2"], "enabled": [True, False]},
    }
    assert entry.address == "127.0.0.1"


def test_a_device_is_made_and_removed_over_the_api(api, owner, told):
    body = {
        "name": "sw09",
        "host": "192.0.2.9",
        "platform": "cisco_ios",
        "tags": [TagFactory(name="lab").name],
    }
    told()
    made = api(owner).post("/api/v2/devices/", body).json()
    api(owner).delete(f"/api/v2/devices/{made['id']}/")

    assert facts(told()) == [
        ("sensitive_create", "devices.device", "sw09", "owner", "api"),
        ("sensitive_update", "devices.device", "sw09", "owner", "api"),  # its tags
        ("sensitive_delete", "devices.device", "sw09", "owner", "api"),
    ]


def test_a_save_that_changes_nothing_has_no_entry(told):
    device = DeviceFactory()
    told()
    device.save()
    device.outcome = "failed"  # the site's own column
    device.save()

    assert told() == []


def test_a_credential_is_on_record_without_its_secrets(browser, owner, told):
    body = {"name": "core", "username": "netops", "password": SECRET}
    client = browser(owner)
    told()
    client.post("/admin/devices/credential/add/", body)
    key = Credential.objects.get().pk
    client.post(f"/admin/devices/credential/{key}/change/", {**body, "password": SECRET[::-1]})
    client.post(f"/admin/devices/credential/{key}/delete/", {"post": "yes"})
    made, changed, removed = told()

    assert facts([made, changed, removed]) == [
        (event, "devices.credential", "core", "owner", "admin")
        for event in ("sensitive_create", "sensitive_update", "sensitive_delete")
    ]
    assert made.details["given"] == {"name": "core", "username": "netops", "password": "set"}
    assert changed.details["changed"] == {"password": "changed"}
    everything = str([row.details for row in AuditEntry.objects.all()])
    assert SECRET not in everything
    assert SECRET[::-1] not in everything


def test_a_secret_is_stored_and_on_record_also_where_the_old_one_cannot_be_read(settings, tmp_path, told):
    credential = CredentialFactory()
    told()
    settings.FIELD_KEYS_PATH = tmp_path / "another.keys"
    credential.password = "new"
    credential.save()
    [entry] = told()

    assert entry.details["changed"]["password"] == "changed"


def test_a_destination_and_a_docker_host_are_on_record(told):
    destination = Destination.objects.create(name="loki", url="http://127.0.0.1:3100", token=SECRET)
    host = DockerHostFactory(name="docker01", ssh_key=SECRET)
    destination.token = SECRET[::-1]
    destination.save()
    host.address = "192.0.2.77"
    host.save()

    entries = told()
    assert [(row.event_type, row.target) for row in entries] == [
        ("sensitive_create", "loki"),
        ("sensitive_create", "docker01"),
        ("sensitive_update", "loki"),
        ("sensitive_update", "docker01"),
    ]
    assert {(row.user, row.via) for row in entries} == {(account(), "cli")}
    assert SECRET not in str([row.details for row in entries])
    assert entries[2].details["changed"] == {"token": "changed"}
    assert entries[3].details["changed"]["address"][1] == "192.0.2.77"


def test_an_accepted_host_key_is_on_record_with_who_accepted_it(told, teammate):
    device = DeviceFactory(name="rtr01", offered_host_key=HOST_KEY)
    host = DockerHostFactory(name="docker01", offered_host_key=HOST_KEY)
    told()
    accept(Device.objects.get(), fingerprint(HOST_KEY), Actor(teammate))
    docker_keys.accept(host, fingerprint(HOST_KEY), "olivia")
    of_device, of_docker = told()

    assert (of_device.what, of_device.target, of_device.user, of_device.via) == (
        "host key",
        "rtr01",
        "teammate",
        "cli",
    )
    assert fingerprint(HOST_KEY) in of_device.details["done"]
    assert of_device.details["id"] == str(device.pk)
    assert (of_docker.what, of_docker.target, of_docker.details["by"]) == ("host key", "docker01", "olivia")
    assert fingerprint(HOST_KEY) in of_docker.details["argv"]


# --- users, groups, tokens ----------------------------------------------------------------------------------


def test_users_and_what_they_may_are_on_record(told):
    user = User.objects.create_user("eve", "eve@example.com", SECRET)
    group = Group.objects.create(name="operators")
    permission = Permission.objects.get(codename="view_device")
    user.groups.add(group)
    group.permissions.add(permission)
    user.user_permissions.set([permission])
    user.user_permissions.clear()
    group.user_set.remove(user)
    user.is_superuser = True
    user.save()
    user.first_name = "Eve"
    user.save()
    user.set_password(SECRET[::-1])
    user.save()
    user.delete()

    entries = told()
    assert [(row.event_type, row.severity, row.what, row.target) for row in entries] == [
        ("user_created", "INFO", "auth.user", "eve"),
        ("sensitive_create", "INFO", "auth.group", "operators"),
        ("authz_change", "WARNING", "auth.user", "eve"),
        ("authz_change", "WARNING", "auth.group", "operators"),
        ("authz_change", "WARNING", "auth.user", "eve"),
        ("authz_change", "WARNING", "auth.user", "eve"),
        ("authz_change", "WARNING", "auth.group", "operators"),
        ("authz_change", "WARNING", "auth.user", "eve"),
        ("user_updated", "INFO", "auth.user", "eve"),
        ("authn_password_change", "INFO", "auth.user", "eve"),
        ("user_deleted", "INFO", "auth.user", "eve"),
    ]
    assert entries[2].details == {
        "id": str(entries[0].details["id"]),
        "field": "groups",
        "added": ["operators"],
    }
    assert "view device" in entries[5].details["removed"][0]
    assert entries[6].details["removed"] == ["eve"]
    assert entries[7].details["changed"] == {"is_superuser": [False, True]}
    assert "argon" not in str([row.details for row in entries])
    assert "md5" not in str([row.details for row in entries])


def test_neither_a_log_in_nor_a_newer_hash_of_the_same_password_is_a_change(browser, teammate, told):
    told()
    browser(teammate)  # sets last_login
    teammate.password = "md5$other$hash"  # as Django's hash upgrade does, without set_password
    teammate.save(update_fields=["password"])

    assert told() == []


def test_tokens_are_on_record_without_their_text(api, teammate, told):
    call_command("create_token", "teammate", stdout=StringIO())
    answer = api(None).post("/api/v2/auth/login/", {"username": "teammate", "password": "teammate-password"})
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    told(event_type="user_created")
    client.post("/api/v2/auth/logout-all/")

    entries = AuditEntry.objects.filter(what="knox.authtoken").order_by("id")
    assert [(row.event_type, row.via) for row in entries] == [
        ("authn_token_created", "cli"),
        ("authn_token_created", "api"),
        ("authn_token_revoked", "api"),
        ("authn_token_revoked", "api"),
    ]
    text = str([(row.target, row.details) for row in entries])
    assert answer.json()["token"] not in text
    assert all("of teammate" in row.target for row in entries)
    assert AuthToken.objects.count() == 0
