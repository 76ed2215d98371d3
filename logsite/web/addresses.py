"""Where a request comes from."""

import ipaddress
import re
from typing import Any

from django.conf import settings

# "198.51.100.7:5678", "[2001:db8::7]", "[2001:db8::7]:5678": some proxies write a port into X-Forwarded-For.
WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%\w]+)\](?::\d+)?|([0-9.]+):\d+", re.ASCII)
NETWORK_BITS = 64  # of an IPv6 address: a customer of a provider has at least so many addresses


def address_of(request: Any) -> str | None:
    """The client's address; X-Forwarded-For counts only where a proxy of our own writes its last entry.

    None where there is none: a UNIX socket, or a proxy that writes something else.
    """
    text = str(request.META.get("REMOTE_ADDR") or "")
    if settings.REST_FRAMEWORK["NUM_PROXIES"]:
        text = str(request.META.get("HTTP_X_FORWARDED_FOR") or text).rpartition(",")[2].strip()
    if found := WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        return str(_plain(text))
    except ValueError:
        return None


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, the first 64 bits of an IPv6 address, any other text itself."""
    try:
        found = _plain(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found), NETWORK_BITS), strict=False))


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Without a zone (`fe80::1%eth0`); IPv4 in IPv6 (`::ffff:198.51.100.7`) as IPv4. Raises ValueError."""
    found = ipaddress.ip_address(text.partition("%")[0])
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found
