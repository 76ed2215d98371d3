"""From a device's answers to interfaces in one shape, whatever the vendor."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from devices.errors import ParseFailed
from devices.platforms import Platform

Row = Mapping[str, Any]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NOTHING = {"", "n/a", "[n/a]", "ukn", "unassigned", "none", "--", "-"}

# Templates name the same thing differently; the first name that a row has is taken.
COLUMNS = {
    "name": ("interface", "port", "name"),
    "description": ("description", "interface_description", "interface_desc", "portname", "comment"),
    "speed": ("speed",),
    "vlan": ("vlan_id", "vlan_id_outer", "vlan", "tag"),
    "zone": ("zone",),
    "vsys": ("vsys",),
    "vrf": ("vrf", "forwarding"),
}
ADMINISTRATIVE = (
    "admin_state",
    "admin_status",
    "link_admin",
    "admin",
)  # say outright whether it is shut down
LINK = ("link_status", "link", "status", "line_status", "link_state")  # say so between the lines
OPERATIONAL = ("protocol_status", "protocol", "proto", "oper_state", "oper_status", "oper_state_v4", "state")
SHUT_DOWN = ("disabled", "shutdown", "adm", "*down")
# Of each pair the first column that a row has: addresses, and the prefix lengths, masks or subnets beside them.
ADDRESSES = (
    (
        ("ip_address", "ipaddr", "ipaddress", "address", "ip", "ipv4"),
        ("prefix_length", "netmask", "mask", "subnet"),
    ),
    (("primary_ip_address",), ("primary_ip_subnet",)),
    (("secondary_ip_address", "ipv4_secondary"), ("secondary_ip_subnet",)),
    (("sec_ip_address",), ("sec_prefix_length",)),
    (("ip_addresses",), ("ip_masks",)),
    (("local",), ()),
    (("ipv6_address", "ipv6"), ("ipv6_prefix_length", "ipv6_prefix")),
    (("ipv6_addresses",), ("ipv6_masks",)),
    (("link_local", "linkipaddr"), ()),
    (("link_local6",), ("link_local6_prefixlen",)),
    (("main_ip", "ipv4_address"), ("ipv4_netmask",)),
    (("management_ip",), ("management_netmask",)),
    (("ipv6_ll_address",), ("ipv6_ll_mask",)),
)


@dataclass(frozen=True)
class Address:
    """An IPv4 or IPv6 address; `prefix_length` is None where the device does not tell it."""

    ip: IPAddress
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


FACTS = tuple(column.name for column in fields(InterfaceData) if column.name not in ("name", "addresses"))


def merge(platform: Platform, rows: Iterable[Row]) -> list[InterfaceData]:
    """One `InterfaceData` a name, in the order first seen; a later row fills in what an earlier left open."""
    return merged(platform, [normalise(platform, row) for row in rows])


def merged(platform: Platform, described: Iterable[InterfaceData]) -> list[InterfaceData]:
    """The same of rows that are normalised by now; it changes them."""
    described = [data for data in described if data.name]
    if platform.zone_names:
        _name_by_zone(described)
    names = _full_names(platform, described)
    found: dict[str, InterfaceData] = {}
    for data in described:
        data.name = names[data.name]
        if data.name not in found:
            found[data.name] = data
        else:
            _complete(found[data.name], data)
    return list(found.values())


def _name_by_zone(described: list[InterfaceData]) -> None:
    """Gives those that are named by their zone alone the name that another answer has for it.

    A name that is another interface's zone says nothing: an interface may be called what another's zone is.
    """
    names = {data.zone: data.name for data in described if data.zone and data.zone != data.name}
    for data in described:
        if data.zone == data.name:
            data.name = names.get(data.zone, data.name)


def _full_names(platform: Platform, described: list[InterfaceData]) -> dict[str, str]:
    """Each name as the longest form of it that occurs: one answer says `Eth1/1`, another `Ethernet1/1`."""
    names = dict.fromkeys(data.name for data in described)
    full = {name: name for name in names}
    if platform.abbreviations is None:
        return full
    by_number: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        kind, number = _split(name)
        by_number.setdefault(number, []).append((kind, name))
    for name in names:
        kind, number = _split(name)
        longer = [
            other
            for other_kind, other in by_number[number]
            if _abbreviates(kind, other_kind, platform.abbreviations)
        ]
        if len(longer) == 1:
            full[name] = longer[0]
    return full


def _split(name: str) -> tuple[str, str]:
    """`GigabitEthernet0/1` as its kind and its number; marks such as `(v)` belong to neither."""
    kind = re.match(r"[^\d]*", name.partition("(")[0])
    length = kind.end() if kind else 0
    return name[:length], name.partition("(")[0][length:]


def _abbreviates(short: str, long: str, known: Mapping[str, str]) -> bool:
    if len(short) >= len(long):
        return False
    return known.get(short, "") == long or (len(short) > 1 and long.lower().startswith(short.lower()))


def _complete(known: InterfaceData, more: InterfaceData) -> None:
    for fact in FACTS:
        if getattr(known, fact) in ("", None, "unknown"):
            setattr(known, fact, getattr(more, fact))
    positions = {address.ip: position for position, address in enumerate(known.addresses)}
    for address in more.addresses:
        if address.ip not in positions:
            known.addresses.append(address)
        elif known.addresses[positions[address.ip]].prefix_length is None:
            known.addresses[positions[address.ip]] = address


def normalise(platform: Platform, row: Row) -> InterfaceData:
    """A template's row as `InterfaceData`. Raises ParseFailed for an address that is none."""
    text = {column: _text(row, names) for column, names in COLUMNS.items()}
    enabled, state = _states(platform, row)
    if "forwarding" in row:  # PAN-OS: `vr:default`, but also `ha` or `vwire:…`
        kind, _, router = text["vrf"].partition(":")
        text["vrf"] = router if kind in ("vr", "lr") else ""
    if text["vlan"] == "0":
        text["vlan"] = ""
    mtu = re.search(r"(?a)(?<!\d)\d{1,9}(?!\d)", _text(row, ("mtu",)))
    macs = _list(row, "mac_address", "mac", "hw_address", "bia")
    return InterfaceData(
        enabled=enabled,
        state=state,
        mtu=int(mtu.group()) if mtu else None,
        mac_address=_mac(macs[0]) if macs else "",
        addresses=_addresses(row),
        **text,
    )


def _text(row: Row, names: Iterable[str]) -> str:
    for name in names:
        value = row.get(name, "")
        if isinstance(value, str) and value.strip().lower() not in NOTHING:
            return value.strip()
    return ""


def _states(platform: Platform, row: Row) -> tuple[bool | None, str]:
    """The administrative state, None where it is not told, and the operational one."""
    told, link = _text(row, ADMINISTRATIVE).lower(), _text(row, LINK).lower()
    operational = _text(row, OPERATIONAL).lower() or link
    shut_down = (
        "admin" in link
        or link.startswith(SHUT_DOWN)
        or "down" in told
        or "disable" in told
        or "admin" in told
    )
    enabled = not shut_down if told or link else None
    if platform.link_is_administrative and link:
        enabled = link == "up"
    if shut_down or "down" in link or "down" in operational or "notconnec" in operational:
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
    found: dict[IPAddress, Address] = {}
    for columns, prefixes in ADDRESSES:
        if texts := _list(row, *columns):
            found |= {address.ip: address for address in _paired(texts, _list(row, *prefixes))}
    return list(found.values())


def _paired(addresses: list[str], prefixes: list[str]) -> list[Address]:
    prefixes = prefixes + [""] * (len(addresses) - len(prefixes))
    pairs = (_address(address, prefix) for address, prefix in zip(addresses, prefixes, strict=False))
    return [address for address in pairs if address is not None]


def _address(text: str, prefix: str) -> Address | None:
    ip, slash, length = text.strip().partition("/")
    if ("." not in ip and ":" not in ip) or ip.lower() in NOTHING:  # such as `dhcp` or `unnumbered`
        return None
    if ip in ("0.0.0.0", "::"):  # noqa: S104  how some say that there is none
        return None
    length = length if slash else prefix.rpartition("/")[2]
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:  # masked by hand, as in `x.x.x.x`, or one of those that a device shows for none
        return None
    if address.is_multicast:  # groups, which some list like addresses
        return None
    if re.fullmatch("[0-9]{1,3}", length) and int(length) <= address.max_prefixlen and "%" not in ip:
        return Address(address, int(length))  # as what follows finds, in a third of the time
    try:
        found = ipaddress.ip_interface(f"{ip}/{length}" if length else ip)
    except ValueError:
        raise ParseFailed(f"{text[:60]!r} with prefix {prefix[:60]!r} is not an address") from None
    return Address(found.ip, found.network.prefixlen if length else None)
