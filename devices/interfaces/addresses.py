"""Stored addresses of interfaces, found by containment.

A column of addresses is text on SQLite. So the database looks for what every address of a network begins with, and
Python decides about the few rows that are left.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from itertools import islice

from django.db.models import Case, F, Q, QuerySet, When

from devices.models import InterfaceAddress

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
_PART_BITS = {4: 8, 6: 16}  # of what stands between two dots, two colons
_LETTERS = re.compile(r"[0-9A-Fa-f:./]+")


def parse_network(text: str) -> IPAddress | IPNetwork | None:
    """The address of `10.1.2.3`, the network of `10.1.2.3/24`; None for another text. Zones (`%eth0`) are another."""
    if not _LETTERS.fullmatch(text):
        return None
    try:
        return ip_network(text, strict=False) if "/" in text else ip_address(text)
    except ValueError:
        return None


def matching(wanted: IPAddress | IPNetwork, limit: int) -> list[InterfaceAddress]:
    """Up to `limit` stored addresses, with interface and device, by one query.

    For a network those that lie in it, by device. For an address those that are the same, then those whose own
    network has it, the narrowest first.
    """
    rows = InterfaceAddress.objects.select_related("interface__device")
    by_device = ("interface__device__name", "interface__position", "position", "pk")
    if isinstance(wanted, IPNetwork):
        found = rows.filter(_begins(wanted)).order_by(*by_device)
        return list(islice(_those(found, lambda row: ip_address(row.address) in wanted), limit))
    same = Case(When(address=str(wanted), then=0), default=1)
    narrowest = F("prefix_length").desc(nulls_last=True)
    found = rows.filter(_around(wanted)).order_by(same, narrowest, *by_device)
    return list(islice(_those(found, lambda row: wanted in ip_interface(str(row)).network), limit))


def _those(
    rows: QuerySet[InterfaceAddress], holds: Callable[[InterfaceAddress], bool]
) -> Iterator[InterfaceAddress]:
    return (row for row in rows.iterator() if holds(row))


def _around(address: IPAddress) -> Q:
    """The address itself, and those whose own network may have it: of a /16 the first two numbers are the same."""
    step = _PART_BITS[address.version]
    found = Q(address=str(address))
    for bits in range(0, address.max_prefixlen, step):
        lengths = Q(prefix_length__gte=bits, prefix_length__lt=bits + step)
        found |= lengths & _begins(ip_network(f"{address}/{bits}", strict=False))
    return found


def _begins(network: IPNetwork) -> Q:
    """Rows of the network's version whose text begins as that of each of its addresses; some others, too."""
    colon = Q(address__contains=":")
    version = colon if network.version == 6 else ~colon
    text = _beginning(network)
    return version & Q(address__startswith=text) if text else version


def _beginning(network: IPNetwork) -> str:
    """`10.1.` for 10.1.0.0/16, `2001:db8:` for 2001:db8::/32; of IPv6 up to the first zero, which may be left out."""
    whole = network.prefixlen // _PART_BITS[network.version]
    if network.version == 4:
        parts, sign, of = str(network.network_address).split("."), ".", 4
    else:
        parts, sign, of = [part.lstrip("0") for part in network.network_address.exploded.split(":")], ":", 8
    known = parts[:whole]
    if "" in known:
        known = known[: known.index("")]
    return "".join(f"{part}{sign}" for part in known) if len(known) < of else sign.join(known)
