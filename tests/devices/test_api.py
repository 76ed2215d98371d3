"""/api/v2/devices/ and /api/v2/interfaces/."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone

from devices.models import Device
from sessionlogs.models import Session
from tests.devices.emulator import PASSWORD, private_key
from tests.factories import AddressFactory, CredentialFactory, DeviceFactory, InterfaceFactory, TagFactory

pytestmark = pytest.mark.django_db
DEVICES, INTERFACES = "/api/v2/devices/", "/api/v2/interfaces/"
NEW = {"name": "rtr09", "host": "192.0.2.9", "platform": "cisco_ios"}


def names(answer, column="name"):
    """A column of the rows; for an answer without rows, its status code and text."""
    if answer.status_code != 200:
        return answer.status_code, answer.json()
    return [row[column] for row in answer.json()["results"]]


def refusal(answer):
    """The status code, and the fields that the answer names."""
    return answer.status_code, list(answer.json())


# --- who ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "code"), [(None, 401), ("outsider", 403), ("teammate", 200), ("owner", 200)])
def test_reading_asks_for_the_permission_to_view(who, code, api, request):
    interface = InterfaceFactory()
    client = api(request.getfixturevalue(who) if who else None)
    places = [DEVICES, f"{DEVICES}{interface.device_id}/", INTERFACES, f"{INTERFACES}{interface.pk}/"]
    assert [client.get(place).status_code for place in places] == [code] * 4


@pytest.mark.parametrize(("who", "code"), [(None, 401), ("outsider", 403), ("teammate", 403)])
def test_writing_and_collecting_ask_for_more(who, code, api, request):
    device = DeviceFactory()
    client = api(request.getfixturevalue(who) if who else None)
    place = f"{DEVICES}{device.pk}/"
    answers = [
        client.post(DEVICES, NEW),
        client.put(place, NEW),
        client.patch(place, {"enabled": False}),
        client.delete(place),
        client.post(f"{place}collect/"),
    ]
    assert [answer.status_code for answer in answers] == [code] * 5
    assert Device.objects.get().enabled


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_interfaces_are_only_read(method, api, owner):
    interface = InterfaceFactory()
    for place in (INTERFACES, f"{INTERFACES}{interface.pk}/"):
        assert getattr(api(owner), method)(place, {}).status_code == 405


# --- devices --------------------------------------------------------------------------------------------------


def test_a_device_is_added_with_credential_and_tags_by_name(api, owner):
    CredentialFactory(name="core")
    TagFactory(name="edge")
    answer = api(owner).post(
        DEVICES, {**NEW, "credential": "core", "tags": ["edge"], "agent_type": "security"}
    )
    assert answer.status_code == 201
    device = Device.objects.get()
    assert (device.credential.name, device.tags.get().name, device.agent_type) == ("core", "edge", "security")
    assert (answer.json()["credential"], answer.json()["outcome"]) == ("core", "never")


def test_a_device_is_changed_and_removed(api, owner):
    device = DeviceFactory(name="old")
    place = f"{DEVICES}{device.pk}/"
    assert api(owner).patch(place, {"name": "new", "enabled": False}).status_code == 200
    device.refresh_from_db()
    assert (device.name, device.enabled) == ("new", False)
    assert api(owner).delete(place).status_code == 204
    assert not Device.objects.exists()


def test_what_a_collection_found_is_not_written_by_hand(api, owner):
    device = DeviceFactory()
    forged = {"outcome": "success", "error_message": "x", "collected_at": "2026-05-01T00:00:00Z"}
    api(owner).patch(f"{DEVICES}{device.pk}/", forged)
    device.refresh_from_db()
    assert (device.outcome, device.error_message, device.collected_at) == ("never", "", None)


GARBAGE = [
    ("name", ""),
    ("name", "x" * 256),
    ("name", None),
    ("host", "user@192.0.2.1"),
    ("host", "two words"),
    ("host", "-oProxyCommand=x"),
    ("host", ""),
    ("port", 0),
    ("port", 65536),
    ("port", "ssh"),
    ("platform", "hal9000"),
    ("platform", "cisco_ios_telnet"),
    ("agent_type", "spy"),
    ("credential", "nobody's"),
    ("tags", ["unknown"]),
    ("enabled", "perhaps"),
]


def test_garbage_is_refused_by_the_name_of_its_field(api, owner):
    client, wrong = api(owner), {}
    for number, (field, value) in enumerate(GARBAGE):
        found = refusal(client.post(DEVICES, {**NEW, "name": f"rtr{number}", field: value}))
        if found != (400, [field]):
            wrong[f"{field}={value!r}"] = found
    assert wrong == {}


def test_a_name_is_given_once(api, owner):
    DeviceFactory(name="rtr09")
    answer = api(owner).post(DEVICES, NEW)
    assert (answer.status_code, list(answer.json())) == (400, ["name"])


def test_devices_come_in_the_order_of_their_names(api, teammate):
    for name in ("b", "c", "a"):
        DeviceFactory(name=name)
    client = api(teammate)
    first = client.get(f"{DEVICES}?limit=2")
    assert names(first) == ["a", "b"]
    assert names(client.get(first.json()["next"])) == ["c"]


def test_devices_are_filtered(api, teammate):
    wanted = DeviceFactory(
        name="wanted",
        host="192.0.2.77",
        platform="arista_eos",
        agent_type="security",
        outcome="failed",
        enabled=False,
    )
    wanted.tags.add(TagFactory(name="edge"))
    DeviceFactory(name="other").tags.add(TagFactory(name="core"))
    queries = (
        "name=wanted",
        "host=192.0.2.77",
        "platform=arista_eos",
        "agent_type=security",
        "outcome=failed",
        "enabled=false",
        "tag=edge",
        "tag=edge&outcome=failed",
    )
    client = api(teammate)
    found = {query: names(client.get(f"{DEVICES}?{query}")) for query in queries}
    assert found == {query: ["wanted"] for query in queries}


def test_garbage_in_a_device_filter_is_refused_by_its_name(api, teammate):
    garbage = (
        ("platform", "hal9000"),
        ("agent_type", "spy"),
        ("outcome", "perhaps"),
        ("enabled", "perhaps"),
        ("enabled", "1"),
        ("name", "a%00b"),
        ("host", "a%00b"),
        ("tag", "a%00b"),
        ("nmae", "x"),
        ("limit", "0"),
        ("cursor", "x"),
    )
    client = api(teammate)
    found = {(name, value): refusal(client.get(f"{DEVICES}?{name}={value}")) for name, value in garbage}
    assert found == {row: (400, [row[0]]) for row in garbage}


def test_a_list_of_devices_takes_three_queries_whatever_its_length(api, owner, django_assert_num_queries):
    for _ in range(10):
        DeviceFactory().tags.add(TagFactory())
    with django_assert_num_queries(3):  # devices, their credentials' names, their tags
        assert len(names(api(owner).get(DEVICES))) == 10


def test_a_credential_s_secrets_are_in_no_answer(api, owner):
    key = private_key()[1]
    secrets = {
        "password": PASSWORD,
        "enable_secret": "Op3n-Sesame",
        "ssh_key": key,
        "ssh_key_passphrase": "Pass-Phrase",
    }
    device = DeviceFactory(credential=CredentialFactory(name="core", **secrets))
    client, place = api(owner), f"{DEVICES}{device.pk}/"
    answers = [
        client.get(DEVICES),
        client.get(place),
        client.patch(place, {"name": "x"}),
        client.options(place),
    ]
    text = " ".join(answer.content.decode() for answer in answers)
    assert '"credential":"core"' in text
    for secret in (PASSWORD, "Op3n-Sesame", key.splitlines()[1], "Pass-Phrase", "gAAAA"):
        assert secret not in text


def test_a_credential_whose_key_is_lost_does_not_break_the_list(api, teammate):
    DeviceFactory(credential=CredentialFactory(name="core"))
    with connection.cursor() as sql:
        sql.execute("UPDATE devices_credential SET password = 'gAAAAA-nonsense'")
    assert names(api(teammate).get(DEVICES), "credential") == ["core"]


# --- interfaces -----------------------------------------------------------------------------------------------


def test_an_interface_comes_with_its_addresses_primary_first(api, teammate):
    interface = InterfaceFactory(name="ethernet1/1", zone="untrust", device__name="fw01")
    AddressFactory(interface=interface, address="192.0.2.9", prefix_length=29, position=0)
    AddressFactory(interface=interface, address="192.0.2.2", prefix_length=None, position=1)
    answer = api(teammate).get(f"{INTERFACES}{interface.pk}/").json()
    assert (answer["device"], answer["name"], answer["zone"]) == ("fw01", "ethernet1/1", "untrust")
    assert answer["addresses"] == [
        {"address": "192.0.2.9", "prefix_length": 29},
        {"address": "192.0.2.2", "prefix_length": None},
    ]
    assert answer["addresses_text"] == ["192.0.2.9/29", "192.0.2.2"]


def test_interfaces_are_filtered(api, teammate):
    wanted = InterfaceFactory(
        name="wanted",
        device__name="fw01",
        state="down",
        enabled=False,
        zone="dmz",
        vlan="110",
        vsys="2",
        vrf="guest",
    )
    AddressFactory(interface=wanted, address="192.0.2.77")
    AddressFactory(interface=wanted, address="2001:db8::77", prefix_length=64)
    AddressFactory(interface=InterfaceFactory(name="other", enabled=True))
    queries = (
        "device=fw01",
        "name=wanted",
        "state=down",
        "enabled=false",
        "zone=dmz",
        "vlan=110",
        "vsys=2",
        "vrf=guest",
        "address=192.0.2.77",
        "address=2001:DB8::77",
    )
    client = api(teammate)
    found = {query: names(client.get(f"{INTERFACES}?{query}")) for query in queries}
    assert found == {query: ["wanted"] for query in queries}


def test_garbage_in_an_interface_filter_is_refused_by_its_name(api, teammate):
    garbage = (
        ("state", "sideways"),
        ("enabled", "perhaps"),
        ("address", "192.0.2.999"),
        ("address", "192.0.2.0/24"),
        ("address", "x"),
        ("device", "a%00b"),
        ("zone", "a%00b"),
        ("vlan", "a%00b"),
        ("colour", "red"),
        ("cursor", "x"),
    )
    client = api(teammate)
    found = {(name, value): refusal(client.get(f"{INTERFACES}?{name}={value}")) for name, value in garbage}
    assert found == {row: (400, [row[0]]) for row in garbage}


def test_a_list_of_interfaces_takes_two_queries_whatever_its_length(api, owner, django_assert_num_queries):
    for _ in range(10):
        AddressFactory()
    with django_assert_num_queries(2):
        assert len(names(api(owner).get(INTERFACES))) == 10


# --- collecting -----------------------------------------------------------------------------------------------


def collect(client, device):
    return client.post(f"{DEVICES}{device.pk}/collect/")


@pytest.mark.django_db(transaction=True)
def test_collecting_answers_with_what_was_found(router, device_of, api, owner):
    device = device_of(router, name="rtr01")
    answer = collect(api(owner), device)
    assert answer.status_code == 200
    result = answer.json()
    assert (result["device"], result["status"]) == ("rtr01", "success")
    assert (result["interface_count"], result["address_count"]) == (1, 2)
    [interface] = result["interfaces"]
    assert (interface["name"], len(interface["addresses"])) == ("GigabitEthernet0/0", 2)
    assert Session.objects.get(pk=result["session_id"]).user == "owner"
    assert names(api(owner).get(f"{INTERFACES}?address=192.0.2.129")) == ["GigabitEthernet0/0"]


@pytest.mark.django_db(transaction=True)
def test_the_interfaces_are_left_out_for_a_user_who_may_not_view_interfaces(router, device_of, api, outsider):
    outsider.user_permissions.set(
        Permission.objects.filter(
            codename__in=("view_device", "change_device"), content_type__app_label="devices"
        )
    )
    result = collect(api(User.objects.get(pk=outsider.pk)), device_of(router, name="rtr01")).json()
    assert result["interface_count"] == 1
    assert "interfaces" not in result


@pytest.mark.django_db(transaction=True)
def test_a_device_that_cannot_be_collected_is_a_bad_gateway_with_the_reason(router, device_of, api, owner):
    answer = collect(api(owner), device_of(router, password="Wrong-Horse-9"))
    assert answer.status_code == 502
    result = answer.json()
    assert (result["status"], result["error_kind"]) == ("failed", "authentication")
    assert result["error"] == "authentication failed: the device refused the username, password or key"
    assert "Wrong-Horse-9" not in answer.content.decode()


def test_a_device_that_is_being_collected_is_a_conflict(api, owner):
    device = DeviceFactory(claimed_until=timezone.now() + timedelta(minutes=1))
    answer = collect(api(owner), device)
    assert answer.status_code == 409
    assert "running already" in answer.content.decode()


def test_a_device_that_is_not_enabled_is_a_conflict(api, owner):
    answer = collect(api(owner), DeviceFactory(name="rtr01", enabled=False))
    assert answer.status_code == 409
    assert "rtr01 is not enabled" in answer.content.decode()
    assert Device.objects.get().attempted_at is None


def test_a_device_that_does_not_exist_is_not_found(api, owner):
    assert api(owner).post(f"{DEVICES}4711/collect/").status_code == 404


def test_collecting_is_a_post(api, owner):
    assert api(owner).get(f"{DEVICES}{DeviceFactory().pk}/collect/").status_code == 405
