"""What the inventory shows on pages of other rooms: the card and the panel of failed devices, the finders."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission

from devices.pages import devices_failed, failed_devices, find_devices, find_interfaces
from logsite.api import pages
from logsite.audit import Reader
from tests.factories import AddressFactory, DeviceFactory, InterfaceFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = Reader(None, "", "system")


def failed(name, **fields):
    reason = fields.pop("error_message", "no route to host")
    return DeviceFactory(name=name, outcome="failed", error_message=reason, attempted_at=NOON, **fields)


def titles(text, find=pages.find):
    return [hit.title for hit in find(text, SITE)]


# --- The card and the panel ---------------------------------------------------------------------------------


def test_a_failed_device_gives_a_card_with_its_reason_whose_link_lists_that_device_alone(browser, teammate):
    failed("sw02", error_message="password refused", collected_at=NOON - timedelta(days=1))
    failed("off", enabled=False)
    DeviceFactory(name="rtr01", outcome="success")
    [card] = [card for card in pages.cards(Reader(teammate, "", "admin")) if "devices" in card.text]
    answer = browser(teammate).get(card.url)

    assert (card.text, card.ok) == ("1 of 2 devices failed", False)
    assert (card.since, card.why) == (NOON - timedelta(days=1), "sw02: password refused")
    assert answer.status_code == 200
    assert [device.name for device in answer.context["cl"].result_list] == ["sw02"]


def test_of_several_failed_devices_the_card_names_the_one_that_waits_longest():
    failed("never")
    failed("new", collected_at=NOON - timedelta(hours=1))
    failed("old", collected_at=NOON - timedelta(hours=9), error_message="host key changed")

    assert devices_failed(SITE).why == "old: host key changed"


def test_the_card_shows_a_hostile_reason_as_plain_text():
    failed("sw02", error_message="<b>\x1b[2J\u202eevil\nroot#")

    assert devices_failed(SITE).why == "sw02: <b>␛[2J<U+202E>evil␊root#"


def test_the_panel_has_the_newest_failures_first():
    for number in range(10):
        device = failed(f"sw{number:02d}")
        type(device).objects.filter(pk=device.pk).update(attempted_at=NOON + timedelta(minutes=number))

    assert [row[0].text for row in failed_devices(SITE).rows] == [
        f"sw{number:02d}" for number in range(9, 1, -1)
    ]


# --- The finders --------------------------------------------------------------------------------------------


def test_a_device_is_found_by_the_beginning_of_its_name_or_its_address():
    for name, host in (("core-1", "192.0.2.1"), ("core-2", "core2.example.com"), ("edge", "192.0.2.11")):
        DeviceFactory(name=name, host=host)
    table = {
        "core": ["core-1", "core-2"],
        "CORE-1": ["core-1"],
        "core-1.": [],
        "ore-1": [],
        "192.0.2.1": ["core-1"],
        "Core2.example.com": ["core-2"],
        "c%": [],
        "_ore": [],
    }

    assert {text: titles(text, find_devices) for text in table} == table


ADDRESSES = {  # the description names the row
    "narrow": ("10.1.2.3", 30),
    "middle": ("10.1.2.33", 24),
    "wide": ("10.1.200.1", 16),
    "other": ("10.11.2.3", 24),
    "bare": ("10.1.2.30", None),
    "eight": ("10.200.0.1", 8),
    "odd": ("172.20.5.1", 13),
    "six": ("2001:db8::1", 64),
    "six-wide": ("2001:db8:0:5::1", 32),
    "six-whole": ("2001:db8:1:2:3:4:5:6", 128),
    "link-local": ("fe80::1", 64),
    "mapped": ("::ffff:10.1.2.3", 128),
}
FOUND = {
    "10.1.2.3": ["narrow", "middle", "wide", "eight"],
    "10.1.2.30": ["bare", "middle", "wide", "eight"],
    "10.1.99.99": ["wide", "eight"],
    "10.1.2.0/24": ["bare", "middle", "narrow"],
    "10.1.2.77/24": ["bare", "middle", "narrow"],
    "10.1.2.0/27": ["bare", "narrow"],
    "10.1.0.0/16": ["bare", "middle", "narrow", "wide"],
    "10.0.0.0/7": ["bare", "eight", "middle", "narrow", "other", "wide"],
    "10.1.2.3/32": ["narrow"],
    "172.16.0.1": ["odd"],
    "172.16.0.0/12": ["odd"],
    "0.0.0.0/0": ["bare", "eight", "middle", "narrow", "odd", "other", "wide"],
    "2001:db8::1": ["six", "six-wide"],
    "2001:DB8:0:0:0:0:0:1": ["six", "six-wide"],
    "2001:db8::/32": ["six", "six-whole", "six-wide"],
    "2001:db8:1:2:3:4:5:6": ["six-whole", "six-wide"],
    "2001:db8:1::/48": ["six-whole"],
    "fe80::/10": ["link-local"],
    "::ffff:10.1.2.3": ["mapped"],
    "::/0": ["link-local", "mapped", "six", "six-whole", "six-wide"],
    "192.0.2.1": [],
    "10.1.2": [],
    "10.1.2.0/33": [],
    "10.1.2.0/": [],
    "fe80::1%eth0": [],
    "1": [],
}


def test_interfaces_are_found_by_address_and_network():
    for name, (address, length) in ADDRESSES.items():
        interface = InterfaceFactory(device=DeviceFactory(name=name), name="eth0")
        AddressFactory(interface=interface, address=address, prefix_length=length)

    found = {text: [title.split()[0] for title in titles(text, find_interfaces)] for text in FOUND}

    assert {text: names for text, names in found.items() if names != FOUND[text]} == {}


def test_an_interface_is_found_by_its_mac_address_however_it_is_written():
    interface = InterfaceFactory(
        device=DeviceFactory(name="sw02"), name="eth1", mac_address="00:1b:54:aa:bb:cc"
    )
    InterfaceFactory(mac_address="")
    found = ("00:1b:54:aa:bb:cc", "00-1B-54-AA-BB-CC", "001b.54aa.bbcc", "001B54AABBCC")
    nothing = ("00:1b:54:aa:bb", "00:1b-54:aa:bb:cc", "001b.54aa.bbcd", "00:1b:54:aa:bb:cg", "::::::")

    assert {
        text for text in found if titles(text, find_interfaces) != ["sw02 eth1 00:1b:54:aa:bb:cc"]
    } == set()
    assert {text for text in nothing if titles(text, find_interfaces)} == set()
    assert find_interfaces(found[0], SITE)[0].url == f"/admin/devices/interface/{interface.pk}/change/"


def test_a_reader_of_devices_alone_finds_no_interface(browser, outsider):
    AddressFactory(interface=InterfaceFactory(device=DeviceFactory(name="10.1.2.3")), address="10.1.2.3")
    before = pages.find("10.1.2.3", Reader(outsider, "", "admin"))
    outsider.user_permissions.add(Permission.objects.get(codename="view_device"))
    reader = Reader(type(outsider).objects.get(pk=outsider.pk), "", "admin")

    assert before == []
    assert [(hit.title, hit.kind) for hit in pages.find("10.1.2.3", reader)] == [("10.1.2.3", "device")]


def test_every_hit_opens(browser, teammate):
    AddressFactory(interface=InterfaceFactory(device=DeviceFactory(host="10.1.2.3")), address="10.1.2.3")
    hits = pages.find("10.1.2.3", Reader(teammate, "", "admin"))

    assert {hit.kind for hit in hits} == {"device", "interface"}
    assert {hit.url for hit in hits if browser(teammate).get(hit.url).status_code != 200} == set()
