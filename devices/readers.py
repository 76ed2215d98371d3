"""A tolerant reader of command output, driven by the line patterns of a platform's TOML file.

ntc-templates stop at a line they do not know, or pass over it with the address in it. A reader passes over
what it does not know too, and then looks at what it passed over: an address that stands in the text and is
in no interface is a failure, never a loss.
"""

import ipaddress
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from devices.errors import ParseFailed

IP = re.compile(
    r"(?<![\w./-])(?:\d{1,3}(?:\.\d{1,3}){3}|(?<![0-9A-Fa-f:]:)[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*[0-9A-Fa-f:])"
    r"(?![\w-]|[:.]\w)"
)
WWN = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7}")  # a port name of Fibre Channel reads like IPv6
# Up to the next comma: addresses that are somebody else's, or none at all.
OTHERS = (
    r"(?i)^\s*(?:port |interface )?(?:description|descr|alias)\b.*|using (?:the )?address of.*",
    r"(?i)\b(?:broadcast|brd|bcast|mask|netmask|helper|destination|dest|peer|remote|neighbou?r|gateway|dns|"
    r"source|server|next.?hop|router.?id|subnet|network|vtep|flood\w*|replication|multicast|groups?|virtual|"
    r"vip|default.router|unnumbered|version|relay|redirect\w*|via|proxy|tunnel|anycast.rp|nexthop|"
    r"dhcp.server|lease|obtained|conflict\w*|duplicate)\b[^,]*",
)
MASKS = {ipaddress.ip_network(f"0.0.0.0/{length}").netmask for length in range(33)}
_IPV4 = r"(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,3})?"
_IPV6 = r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*[0-9A-Fa-f:](?:/\d{1,3})?"
_MAC = r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:[.-][0-9A-Fa-f]{4}){2}"
SHORT = {
    "{IP}": rf"(?P<ip>{_IPV4}|{_IPV6})(?![\w:])",
    "{MASK}": r"(?P<mask>(?:\d{1,3}\.){3}\d{1,3})",
    "{MAC}": rf"(?P<mac_address>{_MAC})(?![\w:])",
}
Line = str | Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """How to read the answers of some commands. All patterns are searched in single lines, and their named
    groups are the columns of the rows: `interface`, `link_status`, `mtu`, … and `ip` with `mask` (a prefix
    length or a netmask; also as one text, `192.0.2.1/24`).

    commands    full matches of the commands whose answers it reads
    interface   begins an interface; a table's row is one line that has everything
    context     holds for the interfaces after it, such as the heading of a VRF
    lines       facts about the interface, as often as they are found in the line; as a table with facts of
                its own beside `line`: `{ line = "^ +UP", admin_state = "up" }`, or `vrf = "{master}"`
    ends        ends the interface without beginning another
    others      cut from a line before it is searched for addresses that were passed over
    flat        lines that begin in the first column belong to an interface too; else an unknown one ends it
    nothing     lines of an answer in which there is no interface, without which it cannot be read
    addresses   False where no address of an interface can stand in the text
    """

    name: str
    commands: tuple[str, ...]
    interface: tuple[str, ...]
    version: str
    context: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    ends: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    flat: bool = False
    addresses: bool = True

    def reads(self, command: str) -> bool:
        return any(re.fullmatch(pattern, command) for pattern in self.commands)

    @cached_property
    def _patterns(self) -> dict[str, list[re.Pattern[str]]]:
        kinds = ("context", "interface", "ends", "nothing")
        return {kind: [_compile(text) for text in getattr(self, kind)] for kind in kinds}

    @cached_property
    def _lines(self) -> list[tuple[re.Pattern[str], dict[str, str]]]:
        tables = [{"line": line} if isinstance(line, str) else dict(line) for line in self.lines]
        return [(_compile(table.pop("line")), table) for table in tables]

    @cached_property
    def _others(self) -> list[re.Pattern[str]]:
        return [re.compile(text) for text in (*self.others, *OTHERS)]

    def read(self, output: str) -> list[dict[str, Any]]:
        """The rows, in the text's order. Raises ParseFailed for an address that is in none of them."""
        blocks = list(self._blocks(output))
        if self.addresses:
            for block in blocks:
                self._check(block)
        rows = [block.row() for block in blocks if block.facts.get("interface")]
        if not rows:
            self._check_nothing(output)
        return rows

    def _check_nothing(self, output: str) -> None:
        expected = self._patterns["nothing"] + self._patterns["context"] + self._patterns["ends"]
        for line in output.splitlines():
            if line.strip() and not _first(expected, line):
                raise ParseFailed(f"no interface, and an unknown line {' '.join(line.split())[:80]!r}")

    def _blocks(self, output: str) -> Iterator["_Block"]:
        context: dict[str, str] = {}
        block = _Block()
        for line in output.expandtabs().splitlines():
            started = _first(self._patterns["interface"], line)
            if started:
                yield block
                block = _Block(dict(context))
                block.learn(started)
            elif found := _first(self._patterns["context"], line):
                yield block
                context |= {key: value or "" for key, value in found.groupdict().items()}
                block = _Block()
            elif self._ends(line):
                yield block
                block = _Block()
            block.lines.append(line)
            for pattern, facts in self._lines:
                if pattern.search(line):  # in most lines nothing is found, and an iterator costs more
                    for match in pattern.finditer(line):
                        block.learn(match, facts)
        yield block

    def _ends(self, line: str) -> bool:
        if _first(self._patterns["ends"], line):
            return True
        if self.flat or not line.strip() or line[0] == " ":
            return False
        return not any(pattern.search(line) for pattern, _ in self._lines)

    def _check(self, block: "_Block") -> None:
        check_lines(block.lines, block.known, self._others)


@dataclass
class _Block:
    """The lines of one interface and what was learnt from them; without a name, lines between interfaces."""

    facts: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    found: list[tuple[str, str]] = field(default_factory=list)

    def learn(self, match: re.Match[str], more: Mapping[str, str] | None = None) -> None:
        """Of two lines that tell the same fact the first counts; addresses add up."""
        groups = {key: value.strip() for key, value in match.groupdict().items() if value}
        for key, value in (more or {}).items():
            groups[key] = re.sub(r"{(\w+)}", lambda name: self.facts.get(name[1], ""), value)
        if ip := groups.pop("ip", ""):
            self._find(ip, groups.pop("mask", ""))
        for key, value in groups.items():
            self.facts.setdefault(key, value)

    def _find(self, ip: str, mask: str) -> None:
        """An address that is told twice is one, with its prefix length if either has it."""
        for place, (known, known_mask) in enumerate(self.found):
            if known.partition("/")[0] == ip.partition("/")[0]:
                if not known_mask and "/" not in known:
                    self.found[place] = (ip, mask)
                return
        self.found.append((ip, mask))

    def addresses(self) -> list[tuple[str, str]]:
        """Addresses with their masks; `netmask` is one that stands in a line of its own."""
        netmask = self.facts.get("netmask", "")
        return [(ip, mask or ("" if ":" in ip or "/" in ip else netmask)) for ip, mask in self.found]

    def row(self) -> dict[str, Any]:
        pairs = self.addresses()
        return {
            **self.facts,
            "ip_addresses": [ip for ip, _ in pairs],
            "ip_masks": [mask for _, mask in pairs],
        }

    def known(self) -> set[str]:
        """What may stand in the block: its interface's addresses, and their networks' own."""
        pairs = self.addresses() if self.facts.get("interface") else ()
        return known_in(
            (ip if "/" in ip or not mask else f"{ip}/{mask.rpartition('/')[2]}") for ip, mask in pairs
        )


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
            if line.strip(" ,") or _depth(line) <= _depth(heading):
                heading = line
            continue
        if _depth(line) > _depth(heading) and _only_addresses(line) and _cut(heading, others) != heading:
            continue
        own = list(_addresses(_cut(line, others)))
        heading = "" if own else line
        for text in own:
            ours = known() if ours is None else ours
            if text not in ours:
                raise ParseFailed(f"{text} in the line {' '.join(line.split())!r} belongs to no interface")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _only_addresses(line: str) -> bool:
    return not IP.sub("", line).strip(" ,")


def _cut(line: str, others: Iterable[re.Pattern[str]]) -> str:
    for pattern in others:
        line = pattern.sub("", line)
    return line


def _compile(text: str) -> re.Pattern[str]:
    for short, long in SHORT.items():
        text = text.replace(short, long)
    return re.compile(text)


def _first(patterns: list[re.Pattern[str]], line: str) -> re.Match[str] | None:
    for pattern in patterns:
        if match := pattern.search(line):
            return match
    return None


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


def reader(data: Mapping[str, Any], version: str) -> Reader:
    """The reader that a table of a platform's file describes."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    return Reader(version=version, **values)
