"""Host keys in the inventory: who accepts them, what forgets them, and rows that cannot be read."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import F, Value
from django.db.models.functions import Concat

from devices import checks
from devices.models import Device
from tests.devices.keyed import host_key, shown, text
from tests.factories import DeviceFactory, DockerHostFactory

pytestmark = pytest.mark.django_db

FIRST, SECOND, THIRD = (host_key(number=number) for number in range(3))
GARBAGE = [
    "nonsense",
    "ssh-rsa !!!",
    "ssh-ed25519 AAAA",
    f"{text(FIRST)[:-8]}",
    f"{text(FIRST)}\nnonsense",
    "🔑",
]


def offering(key=SECOND, **columns):
    return DeviceFactory(
        **{"name": "rtr01", "host_key": text(FIRST), "offered_host_key": text(key), **columns}
    )


def keys():
    return Device.objects.values_list("host_key", "offered_host_key").get(name__startswith="rtr")


def run(*words, **options):
    out, err = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=err, **options)
    return out.getvalue() + err.getvalue()


# --- accepting: the command -------------------------------------------------------------------------------


def test_the_command_accepts_the_offered_key(owner):
    offering()
    said = run("accept_host_key", "--device", "rtr01", "--fingerprint", shown(SECOND), "--user", "owner")
    assert said == f"rtr01: the accepted host key is now {shown(SECOND)}\n"
    assert keys() == (text(SECOND), "")
    device = Device.objects.get()
    assert (device.host_key_by, device.offered_at) == ("accepted by user owner", None)
    assert device.host_key_at is not None
    entry = LogEntry.objects.get()
    message = f"Accepted the host key {shown(SECOND)} instead of {shown(FIRST)}"
    assert (entry.user, entry.get_change_message()) == (owner, message)


def test_without_a_user_the_account_is_on_record():
    offering(host_key="")
    run("accept_host_key", "--device", "rtr01", "--fingerprint", shown(SECOND))
    assert Device.objects.get().host_key_by.startswith("accepted by account ")


REFUSED = [
    (["--device", "rtr02", "--fingerprint", shown(SECOND)], "--device: not in the inventory: rtr02"),
    (["--device", "rtr01", "--fingerprint", shown(FIRST)], "rtr01: the host does not offer the key"),
    (["--device", "rtr01", "--fingerprint", ""], "rtr01: the host does not offer the key ''"),
    (["--device", "rtr01", "--fingerprint", shown(SECOND)[:-1]], "rtr01: the host does not offer the key"),
    (["--device", "rtr01", "--fingerprint", text(SECOND)], "rtr01: the host does not offer the key"),
    (["--device", "rtr01", "--fingerprint", shown(SECOND).lower()], "rtr01: the host does not offer the key"),
    (
        ["--device", "rtr01", "--fingerprint", shown(SECOND), "--user", "nobody"],
        "--user: no such user: nobody",
    ),
]


def test_what_is_not_accepted_is_one_sentence():
    offering()
    wrong = []
    for words, expected in REFUSED:
        try:
            wrong.append((words, run("accept_host_key", *words)))
        except CommandError as error:
            if expected not in str(error) or "\n" in str(error):
                wrong.append((words, str(error)))
    assert wrong == []
    assert keys() == (text(FIRST), text(SECOND))


def test_nothing_is_accepted_without_an_offer():
    offering(offered_host_key="")
    with pytest.raises(
        CommandError, match="rtr01: the host has not offered a key that is still to be accepted"
    ):
        run("accept_host_key", "--device", "rtr01", "--fingerprint", shown(SECOND))


def test_a_fingerprint_with_padding_is_the_same():
    offering()
    run("accept_host_key", "--device", "rtr01", "--fingerprint", f" {shown(SECOND)}= ")
    assert keys() == (text(SECOND), "")


@pytest.mark.django_db(transaction=True)
def test_no_key_is_accepted_whose_acceptance_cannot_be_put_on_record(owner):
    offering()

    def full(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    words = ["--device", "rtr01", "--fingerprint", shown(SECOND), "--user", "owner"]
    with connection.execute_wrapper(full), pytest.raises(CommandError, match="the database failed"):
        run("accept_host_key", *words)
    assert keys() == (text(FIRST), text(SECOND))


# --- accepting: the admin ---------------------------------------------------------------------------------


def page_of(device):
    return f"/admin/devices/device/{device.pk}/accept-host-key/"


def test_the_page_shows_both_fingerprints_and_accepts_what_was_looked_at(browser, owner):
    device = offering()
    client = browser(owner)
    body = client.get(page_of(device)).content.decode()
    assert shown(FIRST).replace("+", "&#x2B;") in body or shown(FIRST) in body
    assert f'name="fingerprint" value="{shown(SECOND)}"' in body
    answer = client.post(page_of(device), {"fingerprint": shown(SECOND)}, follow=True)
    assert "The key of rtr01 is accepted." in answer.content.decode()
    assert keys() == (text(SECOND), "")
    assert LogEntry.objects.get().user == owner


def test_a_key_that_changed_since_it_was_looked_at_is_not_accepted(browser, owner):
    device = offering(THIRD)
    answer = browser(owner).post(page_of(device), {"fingerprint": shown(SECOND)}, follow=True)
    assert "The key of rtr01 was not accepted: the host does not offer the key" in answer.content.decode()
    assert keys() == (text(FIRST), text(THIRD))


def test_accepting_asks_for_its_permission(browser, teammate):
    device = offering()
    client = browser(teammate)
    teammate.user_permissions.add(Permission.objects.get(codename="change_device"))
    assert client.get(page_of(device)).status_code == 403
    assert client.post(page_of(device), {"fingerprint": shown(SECOND)}).status_code == 403
    body = client.get(f"/admin/devices/device/{device.pk}/change/").content.decode()
    assert "accept-host-key" not in body
    permission = Permission.objects.get(codename="accept_host_key", content_type__app_label="devices")
    teammate.user_permissions.add(permission)
    assert client.get(page_of(device)).status_code == 200
    body = client.get(f"/admin/devices/device/{device.pk}/change/").content.decode()
    assert f'href="{page_of(device)}"' in body


def test_the_list_says_how_each_key_stands(browser, owner, django_assert_max_num_queries):
    DeviceFactory(name="a")
    DeviceFactory(name="b", host_key=text(FIRST))
    DeviceFactory(name="c", offered_host_key=text(FIRST))
    offering()
    for number in range(40):
        DeviceFactory(name=f"more-{number}", host_key=text(FIRST))
    with django_assert_max_num_queries(30):
        body = browser(owner).get("/admin/devices/device/").content.decode()
    for words in ("none yet", "accepted", "to be accepted", "changed"):
        assert f">{words}</span>" in body


def test_the_list_is_narrowed_to_how_a_key_stands(browser, owner):
    DeviceFactory(name="a")
    DeviceFactory(name="b", host_key=text(FIRST))
    DeviceFactory(name="c", offered_host_key=text(FIRST))
    offering(name="d")
    client, found = browser(owner), {}
    for state in ("none yet", "accepted", "to be accepted", "changed"):
        page = client.get("/admin/devices/device/", {"host_key": state})
        found[state] = [device.name for device in page.context["cl"].result_list]
    assert found == {"none yet": ["a"], "accepted": ["b"], "to be accepted": ["c"], "changed": ["d"]}
    assert client.get("/admin/devices/device/", {"host_key": "nonsense"}).status_code == 400


def test_a_collection_in_the_admin_leads_to_the_page_of_the_key(browser, owner, monkeypatch):
    from devices.admin import inventory
    from devices.collecting.one_device import Result

    device = offering()
    result = Result(device, error="its host key has CHANGED", error_kind="host_key")
    monkeypatch.setattr(inventory, "collect_devices", lambda *_, **__: [result])
    data = {"action": "collect", "_selected_action": [device.pk]}
    body = browser(owner).post("/admin/devices/device/", data, follow=True).content.decode()
    assert f'<a href="{page_of(device)}">host key</a>' in body


# --- accepting: the API -----------------------------------------------------------------------------------


def url_of(device, rest="accept-host-key/"):
    return f"/api/v2/devices/{device.pk}/{rest}"


def test_the_api_accepts_the_offered_key(api, owner):
    device = offering()
    answer = api(owner).post(url_of(device), {"fingerprint": shown(SECOND)})
    body = answer.json()
    assert answer.status_code == 200
    assert (body["host_key_fingerprint"], body["offered_host_key_fingerprint"]) == (shown(SECOND), "")
    assert body["host_key_by"] == "accepted by user owner"
    assert keys() == (text(SECOND), "")


def test_what_the_api_refuses(api, owner, teammate, outsider):
    device = offering()
    wrong = []
    for user, data, status in (
        (owner, {"fingerprint": shown(FIRST)}, 409),
        (owner, {}, 400),
        (owner, {"fingerprint": ""}, 400),
        (owner, {"fingerprint": "x" * 101}, 400),
        (owner, {"fingerprint": ["a"]}, 400),
        (owner, {"fingerprint": "\x00"}, 400),
        (owner, {"fingerprint": "SHA256:🔑"}, 409),
        (teammate, {"fingerprint": shown(SECOND)}, 403),
        (outsider, {"fingerprint": shown(SECOND)}, 403),
        (None, {"fingerprint": shown(SECOND)}, 401),
    ):
        answer = api(user).post(url_of(device), data)
        if answer.status_code != status:
            wrong.append((user, data, answer.status_code, answer.content))
    assert wrong == []
    assert keys() == (text(FIRST), text(SECOND))


def test_the_api_shows_fingerprints_and_takes_no_keys(api, owner, django_assert_max_num_queries):
    device = offering()
    for number in range(20):
        DeviceFactory(name=f"more-{number}", host_key=text(FIRST))
    with django_assert_max_num_queries(8):
        rows = api(owner).get("/api/v2/devices/").json()["results"]
    assert {row["host_key_fingerprint"] for row in rows} == {shown(FIRST)}
    answer = api(owner).patch(url_of(device, ""), {"host_key": text(THIRD), "host_key_by": "eve"})
    assert answer.status_code == 200
    assert keys() == (text(FIRST), text(SECOND))


# --- another address --------------------------------------------------------------------------------------


def moved_by(change):
    def act(device, client, api_client):
        change(Device.objects.get(pk=device.pk))

    return act


def save(device, **columns):
    for name, value in columns.items():
        setattr(device, name, value)
    device.save()


def save_only(device, **columns):
    for name, value in columns.items():
        setattr(device, name, value)
    device.save(update_fields=[*columns])


def update(device, **columns):
    Device.objects.filter(pk=device.pk).update(**columns)


def bulk(device, **columns):
    for name, value in columns.items():
        setattr(device, name, value)
    Device.objects.bulk_update([device], [*columns])


def upsert(device, **columns):
    row = Device(name=device.name, host=columns.get("host", device.host), platform=device.platform)
    Device.objects.bulk_create(
        [row], update_conflicts=True, update_fields=["host", "port"], unique_fields=["name"]
    )


def created_anew(device, **columns):
    """An instance made by hand under the row's id, as an import of CSV would."""
    Device(pk=device.pk, name=device.name, platform=device.platform, host="192.0.2.1", **columns).save()


# What is done to a device at 192.0.2.1 port 22, and whether its key stays.
MOVES = [
    ("another host", lambda device: save(device, host="192.0.2.2"), False),
    ("another port", lambda device: save(device, port=2222), False),
    ("both", lambda device: save(device, host="rtr01.example.com", port=2222), False),
    ("the host alone", lambda device: save_only(device, host="192.0.2.2"), False),
    ("the port alone", lambda device: save_only(device, port=2222), False),
    ("a text as port", lambda device: save(device, port="2222"), False),
    ("an update", lambda device: update(device, host="192.0.2.2"), False),
    ("an update of the port", lambda device: update(device, port=2222), False),
    ("an update by an expression", lambda device: update(device, host=Concat(F("host"), Value("1"))), False),
    ("an update of a sum", lambda device: update(device, port=F("port") + 1), False),
    ("an update of all", lambda device: Device.objects.update(host="192.0.2.2"), False),
    ("a bulk update", lambda device: bulk(device, host="192.0.2.2"), False),
    ("a bulk update of the port", lambda device: bulk(device, port=2222), False),
    ("an upsert", lambda device: upsert(device, host="192.0.2.2"), False),
    (
        "update_or_create",
        lambda device: Device.objects.update_or_create(name=device.name, defaults={"host": "192.0.2.2"}),
        False,
    ),
    ("a row made by hand", lambda device: created_anew(device, port=2222), False),
    ("through a credential", lambda device: device.credential.devices.update(host="192.0.2.2"), False),
    ("the same again", lambda device: save(device, host="192.0.2.1", port=22), True),
    ("the same port as text", lambda device: save(device, port="22"), True),
    ("an update to the same", lambda device: update(device, host="192.0.2.1", port=22), True),
    ("an update by the same expression", lambda device: update(device, host=F("host")), True),
    ("a bulk update to the same", lambda device: bulk(device, host="192.0.2.1"), True),
    ("another name", lambda device: save(device, name="rtr02"), True),
    ("another platform", lambda device: update(device, platform="linux"), True),
    (
        "update_or_create of another column",
        lambda device: Device.objects.update_or_create(name=device.name, defaults={"platform": "linux"}),
        True,
    ),
    (
        "a new key for the new host",
        lambda device: save(device, host="192.0.2.2", host_key=text(FIRST, THIRD)),
        None,
    ),
    (
        "the same by update",
        lambda device: update(device, host="192.0.2.2", host_key=text(FIRST, THIRD)),
        None,
    ),
]


def test_what_gives_a_device_another_address_clears_its_key():
    wrong = []
    for name, change, stays in MOVES:
        device = offering(host="192.0.2.1", host_key_by="accepted by user owner")
        change(Device.objects.get(pk=device.pk))
        stored = keys()
        expected = {True: (text(FIRST), text(SECOND)), False: ("", "")}.get(stays, (text(FIRST, THIRD),))
        by = Device.objects.get().host_key_by
        if stored[: len(expected)] != expected or (stays is False and by):
            wrong.append((name, stored, by))
        Device.objects.all().delete()
    assert wrong == []


def test_the_same_address_in_another_spelling_keeps_the_key():
    wrong = []
    for before, after in (
        ("rtr01.example.com", "RTR01.Example.com"),
        ("2001:db8::1", "2001:DB8:0::1"),
        ("2001:DB8::A", "2001:db8::a"),
    ):
        device = offering(host=before)
        save(Device.objects.get(pk=device.pk), host=after)
        if keys()[0] != text(FIRST):
            wrong.append((before, after))
        Device.objects.all().delete()
    assert wrong == []


def test_the_admin_and_the_api_clear_the_key_of_a_moved_device(browser, api, owner):
    device = offering()
    form = {
        "name": "rtr01",
        "host": "192.0.2.9",
        "port": "22",
        "platform": "cisco_ios",
        "agent_type": "network",
        "credential": device.credential.pk,
        "enabled": "on",
        "session_logging": "default",
        "interfaces-TOTAL_FORMS": "0",
        "interfaces-INITIAL_FORMS": "0",
    }
    answer = browser(owner).post(f"/admin/devices/device/{device.pk}/change/", form)
    assert (answer.status_code, keys()) == (302, ("", ""))

    Device.objects.update(host_key=text(FIRST))
    assert api(owner).patch(url_of(device, ""), {"agent_type": "security"}).status_code == 200
    assert keys()[0] == text(FIRST)
    assert api(owner).patch(url_of(device, ""), {"port": 2222}).json()["host_key_fingerprint"] == ""
    assert keys() == ("", "")


def test_a_docker_host_that_moves_forgets_its_key_too():
    host = DockerHostFactory(host_key=text(FIRST), offered_host_key=text(SECOND))
    host.address = "192.0.2.99"
    host.save()
    host.refresh_from_db()
    assert (host.host_key, host.offered_host_key) == ("", "")
    type(host).objects.filter(pk=host.pk).update(host_key=text(FIRST))
    type(host).objects.filter(pk=host.pk).update(port=2222)
    host.refresh_from_db()
    assert host.host_key == ""


# --- rows that cannot be read -----------------------------------------------------------------------------


def test_a_row_that_cannot_be_read_breaks_no_page(browser, api, owner):
    wrong = []
    for garbage in GARBAGE:
        device = offering(host_key=garbage, offered_host_key=garbage)
        web, client = browser(owner), api(owner)
        answers = [
            web.get("/admin/devices/device/"),
            web.get(f"/admin/devices/device/{device.pk}/change/"),
            web.get(page_of(device)),
            client.get("/api/v2/devices/"),
            client.get(url_of(device, "")),
        ]
        if [answer.status_code for answer in answers] != [200] * 5:
            wrong.append((garbage, answers))
        if not answers[-1].json()["host_key_fingerprint"].startswith("no host key: give its type"):
            wrong.append((garbage, answers[-1].json()))
        refused = client.post(url_of(device), {"fingerprint": shown(SECOND)})
        sentence = "rtr01: the key that the host offered is no host key"
        if refused.status_code != 409 or not refused.json()["detail"].startswith(sentence):
            wrong.append((garbage, refused.content))
        if web.post(page_of(device), {"fingerprint": shown(SECOND)}).status_code != 302:
            wrong.append((garbage, "POST"))
        Device.objects.all().delete()
    assert wrong == []


def test_a_docker_host_s_row_that_cannot_be_read_breaks_no_page(browser, api, owner):
    wrong = []
    for number, garbage in enumerate(GARBAGE):
        host = DockerHostFactory(name=f"web{number}", host_key=garbage, offered_host_key=garbage)
        web, client = browser(owner), api(owner)
        admin, url = f"/admin/prodlogs/dockerhost/{host.pk}/", f"/api/v2/prodlogs/hosts/{host.pk}/"
        answers = [
            web.get("/admin/prodlogs/dockerhost/"),
            web.get(f"{admin}change/"),
            web.get(f"{admin}accept-host-key/"),
            client.get("/api/v2/prodlogs/hosts/"),
            client.get(url),
        ]
        if [answer.status_code for answer in answers] != [200] * 5:
            wrong.append((garbage, answers))
        refused = client.post(f"{url}accept-host-key/", {"fingerprint": shown(SECOND)})
        if (
            refused.status_code != 409
            or "the key that the host offered is no host key" not in refused.json()["detail"]
        ):
            wrong.append((garbage, refused.content))
        if web.post(f"{admin}accept-host-key/", {"fingerprint": shown(SECOND)}).status_code != 302:
            wrong.append((garbage, "POST"))
    assert wrong == []


def test_a_key_may_be_accepted_in_the_place_of_a_text_that_was_none(owner):
    offering(host_key="nonsense")
    run("accept_host_key", "--device", "rtr01", "--fingerprint", shown(SECOND), "--user", "owner")
    assert keys() == (text(SECOND), "")
    assert "instead of a text that was not a key" in LogEntry.objects.get().get_change_message()


# --- checks, and the upgrade ------------------------------------------------------------------------------


def test_checks_say_what_a_mode_means(settings):
    found = {}
    for setting in ("pin", "strict", "off", "nonsense", "PIN", ""):
        settings.DEVICE_HOST_KEYS = setting
        found[setting] = [(message.id, bool(message.hint)) for message in checks.check_host_keys(None)]
    wrong = [("devices.E010", True)]
    assert found == {
        "pin": [],
        "strict": [],
        "off": [("devices.W010", True)],
        "nonsense": wrong,
        "PIN": wrong,
        "": wrong,
    }


def test_checks_know_the_platforms_that_may_use_sha1(settings):
    assert checks.check_sha1_platforms(None) == []
    for setting, expected in (("none", []), ("cisco_ios, frr", []), ("cisco_ois frr", ["devices.E011"])):
        settings.DEVICE_SHA1_PLATFORMS = setting
        assert [message.id for message in checks.check_sha1_platforms(None)] == expected


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_lets_those_accept_keys_who_could_change_devices():
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    change = Permission.objects.get(codename="change_device")
    Permission.objects.filter(codename="accept_host_key", content_type__app_label="devices").delete()
    eve, mallory = (User.objects.create_user(name) for name in ("eve", "mallory"))
    group = Group.objects.create(name="network")
    eve.user_permissions.add(change)
    group.permissions.add(change)
    mallory.groups.add(Group.objects.create(name="readers"))

    module = MigrationLoader(connection).disk_migrations["devices", "0008_host_keys"]
    [grant] = [step for step in module.operations if step.__class__.__name__ == "RunPython"]
    with connection.schema_editor() as editor:
        grant.code(apps, editor)

    permission = Permission.objects.get(codename="accept_host_key", content_type__app_label="devices")
    assert [*permission.user_set.all()] == [eve]
    assert [*permission.group_set.all()] == [group]
