"""From a device's answers to interfaces in one shape, whatever the vendor."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ntc_templates.parse import ParsingException, parse_output
from textfsm import TextFSM, TextFSMError
from textfsm.clitable import CliTableError

from devices.errors import ParseFailed
from devices.platforms import TEMPLATES, InterfaceCommand, Platform

Row = Mapping[str, Any]
NOTHING = {"", "n/a", "[n/a]", "ukn", "unassigned", "none", "--", "-"}

# Templates name the same thing differently; the first name that a row has is taken.
COLUMNS = {
    "name": ("interface", "port", "name"),
    "description": ("description",),
    "speed": ("speed",),
    "vlan": ("vlan_id", "vlan_id_outer", "vlan", "tag"),
    "zone": ("zone",),
    "vsys": ("vsys",),
    "vrf": ("vrf", "forwarding"),
}
ADMINISTRATIVE = ("link_status", "link", "admin_state", "status")  # tell whether an interface is shut down
OPERATIONAL = ("protocol_status", "protocol", "proto", "oper_state", "state")


@dataclass(frozen=True)
class Address:
    """An IPv4 or IPv6 address; `prefix_length` is None where the device does not tell it."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    prefix_length: int | None = None

    def __str__(self) -> str:
        return str(self.ip) if self.prefix_length is None else f"{self.ip}/{self.prefix_length}"


@dataclass
class InterfaceData:
    """One interface, empty where the device tells nothing. `enabled` is the administrative state (None: not
    told), `state` the operational one (up, down, unknown), `addresses` are primary first."""

    name: str
    enabled: bool | None = None
    state: str = "unknown"
    description: str = ""
    mac_address: str = ""
    mtu: int | None = None
    speed: str = ""
    vlan: str = ""
    zone: str = ""
    vsys: str = ""
    vrf: str = ""
    addresses: list[Address] = field(default_factory=list)


def parse(platform: Platform, command: InterfaceCommand, output: str) -> list[Row]:
    """The rows of a command's answer. Raises ParseFailed naming command and template.

    An answer in which the template finds nothing is a failure too, unless the command is optional: an empty
    list must not pass for «the device has no interfaces».
    """
    name = command.template or f"{platform.templates}_{command.command.replace(' ', '_')}.textfsm"
    try:
        if command.template:
            rows = _parse_own(command.template, output)
        else:
            rows = parse_output(platform=platform.templates, command=command.command, data=output)
    except (ParsingException, TextFSMError, CliTableError) as error:
        raise ParseFailed(f"{command.command!r}: template {name}: {' '.join(str(error).split())}") from None
    if not rows and not command.optional:
        raise ParseFailed(
            f"{command.command!r}: template {name} found no interface in {len(output)} characters"
        )
    return rows


def _parse_own(template: str, output: str) -> list[Row]:
    with (TEMPLATES / template).open(encoding="utf-8") as file:
        machine = TextFSM(file)
    header = [name.lower() for name in machine.header]
    return [dict(zip(header, row, strict=True)) for row in machine.ParseText(output)]


def merge(platform: Platform, rows: Iterable[Row]) -> list[InterfaceData]:
    """One `InterfaceData` a name, in the order first seen; a later row fills in what an earlier left open."""
    found: dict[str, InterfaceData] = {}
    for row in rows:
        data = normalise(platform, row)
        if data.name not in found:
            found[data.name] = data
        else:
            _complete(found[data.name], data)
    return list(found.values())


def _complete(known: InterfaceData, more: InterfaceData) -> None:
    for column in fields(InterfaceData):
        if column.name != "addresses" and getattr(known, column.name) in ("", None, "unknown"):
            setattr(known, column.name, getattr(more, column.name))
    positions = {address.ip: position for position, address in enumerate(known.addresses)}
    for address in more.addresses:
        if address.ip not in positions:
            known.addresses.append(address)
        elif known.addresses[positions[address.ip]].prefix_length is None:
            known.addresses[positions[address.ip]] = address


def normalise(platform: Platform, row: Row) -> InterfaceData:
    """A template's row as `InterfaceData`. Raises ParseFailed for an address that is none."""
    text = {column: _text(row, names) for column, names in COLUMNS.items()}
    enabled, state = _states(
        _text(row, ADMINISTRATIVE), _text(row, OPERATIONAL), platform.link_is_administrative
    )
    if "forwarding" in row:  # PAN-OS: `vr:default`, but also `ha` or `vwire:…`
        kind, _, router = text["vrf"].partition(":")
        text["vrf"] = router if kind in ("vr", "lr") else ""
    if text["vlan"] == "0":
        text["vlan"] = ""
    mtu = re.search(r"\d+", _text(row, ("mtu",)))
    return InterfaceData(
        enabled=enabled, state=state, mtu=int(mtu.group()) if mtu else None,
        mac_address=_mac(_text(row, ("mac_address", "mac", "bia"))), addresses=_addresses(row), **text,
    )  # fmt: skip


def _text(row: Row, names: Iterable[str]) -> str:
    for name in names:
        value = row.get(name, "")
        if isinstance(value, str) and value.strip().lower() not in NOTHING:
            return value.strip()
    return ""


def _states(link: str, operational: str, link_is_administrative: bool) -> tuple[bool | None, str]:
    link, operational = link.lower(), (operational or link).lower()
    administratively_down = "admin" in link or link == "disabled"
    enabled: bool | None = not administratively_down if link else None
    if link_is_administrative and link:
        enabled = link == "up"
    if administratively_down or "down" in link or "down" in operational or "notconnect" in operational:
        return enabled, "down"
    return enabled, "up" if operational.startswith(("up", "connected")) else "unknown"


def _mac(text: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2)) if len(digits) == 12 else ""


def _list(row: Row, *names: str) -> list[str]:
    for name in names:
        value = row.get(name)
        if value:
            return [value] if isinstance(value, str) else list(value)
    return []


def _addresses(row: Row) -> list[Address]:
    v4 = _paired(
        _list(row, "ip_address", "ipaddr", "address"), _list(row, "prefix_length", "netmask", "mask")
    )
    v6 = _paired(_list(row, "ipv6_address"), _list(row, "ipv6_prefix_length", "ipv6_prefix"))
    return v4 + v6


def _paired(addresses: list[str], prefixes: list[str]) -> list[Address]:
    prefixes = prefixes + [""] * (len(addresses) - len(prefixes))
    pairs = (_address(address, prefix) for address, prefix in zip(addresses, prefixes, strict=False))
    return [address for address in pairs if address is not None]


def _address(text: str, prefix: str) -> Address | None:
    ip, slash, length = text.strip().partition("/")
    if ip.lower() in NOTHING or not re.search(r"[.:]", ip):  # such as `dhcp` or `unnumbered`
        return None
    length = length if slash else prefix.rpartition("/")[2]
    try:
        found = ipaddress.ip_interface(f"{ip}/{length}" if length else ip)
    except ValueError:
        raise ParseFailed(f"{text!r} with prefix {prefix!r} is no address") from None
    return Address(found.ip, found.network.prefixlen if length else None)
