"""What the inventory shows on pages of other rooms: failed devices, and finders of devices and interfaces."""

import re

from django.db.models import F, Q

from devices.interfaces.addresses import matching, parse_network
from devices.models import Device, Interface, Outcome
from logsite.api.pages import (
    FINDER_HITS,
    PANEL_ROWS,
    Card,
    Hit,
    Link,
    Panel,
    longest_bad,
    page_url,
    register_card,
    register_finder,
    register_panel,
)
from logsite.audit import Reader

VIEW_DEVICE, VIEW_INTERFACE = "devices.view_device", "devices.view_interface"
FAILED = {"outcome__exact": Outcome.FAILED.value, "enabled__exact": 1}  # filters of the list of devices
# 00:1b:54:aa:bb:cc, 00-1B-54-AA-BB-CC, 001b.54aa.bbcc, 001b54aabbcc
_MAC = re.compile(
    r"(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}"
)


def register() -> None:
    """Make all of this known; called in `AppConfig.ready`."""
    register_card(devices_failed, permission=VIEW_DEVICE, queries=1)
    register_finder(find_devices, permission=VIEW_DEVICE)
    register_finder(find_interfaces, permission=VIEW_INTERFACE)
    register_panel("failed_devices", failed_devices, permission=VIEW_DEVICE, queries=1)


def devices_failed(reader: Reader) -> Card:
    """How many enabled devices failed at their last collection; since when and why the one that waits longest."""
    enabled = Device.objects.filter(enabled=True)
    failed = Q(outcome=Outcome.FAILED)
    found = longest_bad(enabled, failed, "collected_at", "name", "error_message")
    text = f"{found['bad']} of {found['total']} devices failed"
    url = page_url("devices_device_changelist", **FAILED)
    if not found["bad"]:
        return Card(text, url=url)
    return Card(text, found["collected_at"], f"{found['name']}: {found['error_message']}", url, ok=False)


def failed_devices(reader: Reader) -> Panel:
    """The enabled devices that failed last."""
    failed = Device.objects.filter(enabled=True, outcome=Outcome.FAILED)
    rows = failed.order_by(F("attempted_at").desc(nulls_last=True), "name")
    columns = ("pk", "name", "attempted_at", "error_message", "collected_at")
    return Panel(
        "Failed devices",
        ("Device", "Failed", "Why", "Last success"),
        [
            (Link(name, page_url("devices_device_change", pk)), attempted, why, collected)
            for pk, name, attempted, why, collected in rows.values_list(*columns)[:PANEL_ROWS]
        ],
        page_url("devices_device_changelist", **FAILED),
    )


def find_devices(text: str, reader: Reader) -> list[Hit]:
    """Devices by the beginning of their name, or by their address."""
    rows = Device.objects.filter(Q(name__istartswith=text) | Q(host__iexact=text)).order_by("name")
    return [
        Hit(name, page_url("devices_device_change", pk), "device")
        for pk, name in rows.values_list("pk", "name")[:FINDER_HITS]
    ]


def find_interfaces(text: str, reader: Reader) -> list[Hit]:
    """Interfaces by their MAC, by an address of their own or of their network, by a network around their address."""
    if (wanted := parse_network(text)) is not None:
        return [_hit(row.interface, str(row)) for row in matching(wanted, FINDER_HITS)]
    if not _MAC.fullmatch(text.lower()):
        return []
    digits = re.sub(r"[.:-]", "", text.lower())
    mac = ":".join(digits[place : place + 2] for place in range(0, 12, 2))
    rows = Interface.objects.filter(mac_address__iexact=mac).select_related("device")
    return [_hit(row, mac) for row in rows[:FINDER_HITS]]


def _hit(interface: Interface, address: str) -> Hit:
    return Hit(f"{interface} {address}", page_url("devices_interface_change", interface.pk), "interface")
