"""Addresses that stand in an answer and were not taken from it: a failure, never a loss."""

import ipaddress
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from devices.errors import ParseFailed
from devices.platforms.free_texts import depth

IP = re.compile(
    r"(?<![\w./-])(?:\d{1,3}(?:\.\d{1,3}){3}|(?<![0-9A-Fa-f:]:)[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*[0-9A-Fa-f:])"
    r"(?![\w-]|[:.]\w)"
)
WWN = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7}")  # a port name of Fibre Channel reads like IPv6
# Up to the next comma: addresses of other machines, and numbers that are not addresses.
OTHERS = (
    r"(?i)^\s*(?:port |interface )?(?:description|descr|alias)\b.*|using (?:the )?address of.*",
    r"(?i)\b(?:broadcast|brd|bcast|mask|netmask|helper|destination|dest|peer|remote|neighbou?r|gateway|dns|"
    r"source|server|next.?hop|router.?id|subnet|network|vtep|flood\w*|replication|multicast|groups?|virtual|"
    r"vip|default.router|unnumbered|version|relay|redirect\w*|via|proxy|tunnel|anycast.rp|nexthop|"
    r"dhcp.server|lease|obtained|conflict\w*|duplicate)\b[^,]*",
)
MASKS = {ipaddress.ip_network(f"0.0.0.0/{length}").netmask for length in range(33)}


def known_in(addresses: Iterable[str]) -> set[str]:
    """What may stand where `addresses` (with or without prefix length) are known: they, and their networks' own."""
    known: set[str] = set()
    for text in addresses:
        try:
            address = ipaddress.ip_interface(text)
        except ValueError:
            continue
        network = address.network
        known |= {str(address.ip), str(network.network_address), str(network.broadcast_address)}
    return known


def check_lines(
    lines: Iterable[str], known: Callable[[], Container[str]], others: Sequence[re.Pattern[str]]
) -> None:
    """Raises ParseFailed for an address in `lines` that is not `known`; `others` are cut from a line before.

    Looks closely at the lines with an address, and at others where they tell how one is meant: few are.
    """
    ours: Container[str] | None = None
    heading = ""  # the line behind which a list of others' addresses may go on, deeper than it stands
    for line in lines:
        if not _may_have_address(line):
            if line.strip(" ,") or depth(line) <= depth(heading):
                heading = line
            continue
        if depth(line) > depth(heading) and _only_addresses(line) and _cut(heading, others) != heading:
            continue
        own = list(_addresses(_cut(line, others)))
        heading = "" if own else line
        for text in own:
            ours = known() if ours is None else ours
            if text not in ours:
                raise ParseFailed(f"{text} in the line {' '.join(line.split())!r} belongs to no interface")


def _only_addresses(line: str) -> bool:
    return not IP.sub("", line).strip(" ,")


def _cut(line: str, others: Iterable[re.Pattern[str]]) -> str:
    for pattern in others:
        line = pattern.sub("", line)
    return line


def _may_have_address(line: str) -> bool:
    return (":" in line or line.count(".") > 2) and IP.search(line) is not None


def _addresses(line: str) -> Iterator[str]:
    """The addresses in a line that an interface could have: no masks, no groups, none of all zeros."""
    for match in IP.finditer(line):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if address in MASKS or address.is_multicast or address.is_unspecified or WWN.fullmatch(match[0]):
            continue
        yield str(address)
