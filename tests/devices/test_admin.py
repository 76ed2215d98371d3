"""The pages of devices, credentials and interfaces."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from devices.models import Credential, Device
from sessionlogs.models import Session
from tests.devices.emulator import PASSWORD, private_key
from tests.factories import AddressFactory, CredentialFactory, DeviceFactory, InterfaceFactory, TagFactory

pytestmark = pytest.mark.django_db
DEVICES, CREDENTIALS, INTERFACES = (
    "/admin/devices/device/",
    "/admin/devices/credential/",
    "/admin/devices/interface/",
)
TAGS = "/admin/devices/tag/"
KEY = private_key()[1]
SECRETS = {
    "password": PASSWORD,
    "enable_secret": "Op3n-Sesame",
    "ssh_key": KEY,
    "ssh_key_passphrase": "Pass-Phrase-12",
}


def change(base, row):
    return f"{base}{row.pk}/change/"


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def rows(answer):
    """The names of the rows; for an answer without rows, its status code."""
    if answer.status_code != 200:
        return answer.status_code
    return [row.name for row in answer.context["cl"].result_list]


def pages():
    interface = InterfaceFactory(device__credential=CredentialFactory(**SECRETS))
    device = interface.device
    return [
        DEVICES,
        change(DEVICES, device),
        CREDENTIALS,
        change(CREDENTIALS, device.credential),
        INTERFACES,
        change(INTERFACES, interface),
        TAGS,
        change(TAGS, TagFactory()),
    ]


# --- who ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["teammate", "owner"])
def test_who_may_view_sees_the_pages(who, browser, request):
    client = browser(request.getfixturevalue(who))
    assert [client.get(page).status_code for page in pages()] == [200] * 8


@pytest.mark.parametrize("who", [None, "outsider"])
def test_others_are_sent_to_the_login(who, browser, request):
    client = browser(request.getfixturevalue(who) if who else None)
    for page in pages():
        answer = client.get(page)
        assert (answer.status_code, answer["Location"].startswith("/admin/login/")) == (302, True)


def test_who_may_only_view_changes_nothing(browser, teammate):
    device = DeviceFactory(name="rtr01", credential=CredentialFactory(**SECRETS))
    client = browser(teammate)
    places = [
        change(DEVICES, device),
        change(CREDENTIALS, device.credential),
        f"{DEVICES}add/",
        f"{CREDENTIALS}add/",
    ]
    assert [client.post(place, {"name": "forged"}).status_code for place in places] == [403] * 4
    assert (
        client.post(change(DEVICES, device).replace("change", "delete"), {"post": "yes"}).status_code == 403
    )
    assert (Device.objects.get().name, Credential.objects.get().username) == ("rtr01", "netops")


def test_the_admin_refuses_to_add_change_or_delete_interfaces(browser, owner):
    interface = InterfaceFactory()
    client = browser(owner)
    assert client.get(f"{INTERFACES}add/").status_code == 403
    assert client.post(change(INTERFACES, interface), {"name": "forged"}).status_code == 403
    assert (
        client.post(change(INTERFACES, interface).replace("change", "delete"), {"post": "yes"}).status_code
        == 403
    )


# --- devices --------------------------------------------------------------------------------------------------


def test_failures_stand_first(browser, teammate):
    for name, outcome in (("a", "success"), ("b", "failed"), ("c", "never"), ("d", "failed")):
        DeviceFactory(name=name, outcome=outcome)
    assert rows(browser(teammate).get(DEVICES)) == ["b", "d", "a", "c"]


def test_devices_are_filtered_and_found(browser, teammate):
    wanted = DeviceFactory(
        name="wanted",
        host="192.0.2.77",
        outcome="failed",
        enabled=False,
        agent_type="security",
        error_kind="timeout",
    )
    wanted.tags.add(TagFactory(name="edge"))
    AddressFactory(interface=InterfaceFactory(device=wanted), address="198.51.100.77")
    AddressFactory(interface=InterfaceFactory(device__name="other"), address="198.51.100.78")
    queries = (
        "outcome__exact=failed",
        "enabled__exact=0",
        "agent_type__exact=security",
        "error_kind__exact=timeout",
        "q=wanted",
        "q=192.0.2.77",
        "q=198.51.100.77",
        "q=edge",
    )
    client = browser(teammate)
    found = {query: rows(client.get(f"{DEVICES}?{query}")) for query in queries}
    assert found == {query: ["wanted"] for query in queries}


def test_a_device_s_page_shows_its_interfaces_and_last_collection(browser, teammate):
    device = DeviceFactory(
        name="fw01",
        outcome="failed",
        error_message="authentication failed",
        attempted_at=datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
    )
    interface = InterfaceFactory(device=device, name="ethernet1/1", zone="untrust", enabled=False)
    AddressFactory(interface=interface, address="192.0.2.2", prefix_length=29)
    text = text_of(browser(teammate).get(change(DEVICES, device)))
    for expected in (
        "ethernet1/1",
        "<code>192.0.2.2/29</code>",
        "untrust",
        "admin down",
        "authentication failed",
        "12:30",
    ):
        assert expected in text
    assert "/admin/sessionlogs/session/?device=fw01" in text


def test_a_hostile_description_is_text(browser, teammate):
    evil = "<script>alert(1)</script>"
    interface = InterfaceFactory(
        description=evil, zone=evil, device__error_message=evil, device__outcome="failed"
    )
    for page in (DEVICES, change(DEVICES, interface.device), INTERFACES, change(INTERFACES, interface)):
        assert evil not in text_of(browser(teammate).get(page))


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", "user@192.0.2.1"), ("host", "two words"), ("port", "0"), ("platform", "hal9000")],
)
def test_a_device_that_cannot_be_reached_so_is_refused(field, value, browser, owner):
    fields = {
        "name": "rtr01",
        "host": "192.0.2.1",
        "port": "22",
        "platform": "cisco_ios",
        "agent_type": "network",
        "session_logging": "default",
    }
    inlines = {"interfaces-TOTAL_FORMS": "0", "interfaces-INITIAL_FORMS": "0"}
    client = browser(owner)
    assert client.post(f"{DEVICES}add/", {**fields, **inlines, field: value}).status_code == 200
    assert not Device.objects.exists()
    client.post(f"{DEVICES}add/", {**fields, **inlines})
    assert Device.objects.get().name == "rtr01"


# --- collecting -----------------------------------------------------------------------------------------------


def collect(client, *devices):
    action = {"action": "collect", "_selected_action": [str(device.pk) for device in devices]}
    answer = client.post(DEVICES, action, follow=True)
    return [(message.level_tag, str(message)) for message in answer.context["messages"]]


@pytest.mark.django_db(transaction=True)
def test_collecting_says_of_each_device_how_it_went(router, device_of, browser, owner):
    good, bad = device_of(router, name="good"), device_of(router, name="refused", password="Wrong-Horse-9")
    said = dict(
        sorted((text.partition(":")[0], (tag, text)) for tag, text in collect(browser(owner), good, bad))
    )
    assert said["good"][0] == "success"
    assert "good: 1 interfaces, 2 addresses" in said["good"][1]
    assert said["refused"][0] == "error"
    assert "refused: authentication failed: the device refused the username" in said["refused"][1]
    session = Session.objects.get(device="refused")
    assert f"/admin/sessionlogs/session/{session.pk}/change/" in said["refused"][1]
    assert session.user == "owner"


def test_devices_that_are_not_enabled_are_passed_over(browser, owner):
    device = DeviceFactory(name="off", enabled=False)
    assert collect(browser(owner), device) == [("warning", "Skipped, because they are not enabled: off")]
    assert Device.objects.get().attempted_at is None


@pytest.mark.django_db(transaction=True)
def test_a_device_that_is_being_collected_says_so(browser, owner):
    device = DeviceFactory(name="busy", claimed_until=timezone.now() + timedelta(minutes=1))
    assert collect(browser(owner), device) == [
        ("error", "busy: a collection of this device is running already")
    ]


def test_too_many_devices_for_a_page_are_refused(browser, owner):
    ((tag, text),) = collect(browser(owner), *[DeviceFactory() for _ in range(51)])
    assert (tag, "manage.py collect_interfaces --all" in text) == ("error", True)
    assert not Device.objects.exclude(attempted_at=None).exists()


def test_who_may_only_view_is_offered_no_collecting(browser, teammate):
    device = DeviceFactory()
    client = browser(teammate)
    assert "Collect interfaces" not in text_of(client.get(DEVICES))
    collect(client, device)
    assert Device.objects.get().attempted_at is None


def test_who_may_change_devices_is_offered_collecting(browser, teammate):
    teammate.user_permissions.add(Permission.objects.get(codename="change_device"))
    DeviceFactory()
    assert "Collect interfaces" in text_of(browser(teammate).get(DEVICES))


# --- interfaces -----------------------------------------------------------------------------------------------


def test_interfaces_are_filtered_and_found(browser, teammate):
    wanted = InterfaceFactory(
        name="wanted",
        device__name="fw01",
        state="down",
        enabled=False,
        description="uplink",
        mac_address="52:54:00:aa:00:01",
    )
    AddressFactory(interface=wanted, address="192.0.2.77")
    InterfaceFactory(name="other", enabled=True)
    queries = (
        "state__exact=down",
        "enabled__exact=0",
        "device__name=fw01",
        "q=wanted",
        "q=uplink",
        "q=fw01",
        "q=192.0.2.77",
        "q=52:54:00:aa",
    )
    client = browser(teammate)
    found = {query: rows(client.get(f"{INTERFACES}?{query}")) for query in queries}
    assert found == {query: ["wanted"] for query in queries}


def test_an_interface_s_page_shows_its_addresses(browser, teammate):
    interface = InterfaceFactory()
    AddressFactory(interface=interface, address="192.0.2.77", prefix_length=26)
    text = text_of(browser(teammate).get(change(INTERFACES, interface)))
    assert "192.0.2.77" in text
    assert "26" in text


# --- what a page costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [DEVICES, INTERFACES, CREDENTIALS])
def test_a_list_costs_the_same_whatever_its_length(page, browser, owner, django_assert_max_num_queries):
    client = browser(owner)
    for _ in range(20):
        AddressFactory()
    with django_assert_max_num_queries(12):
        client.get(page)


def test_a_device_s_page_costs_the_same_whatever_its_size(browser, owner, django_assert_max_num_queries):
    client = browser(owner)
    device = DeviceFactory()
    for _ in range(30):
        AddressFactory(interface=InterfaceFactory(device=device))
    with django_assert_max_num_queries(12):
        client.get(change(DEVICES, device))
