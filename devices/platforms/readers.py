"""A tolerant reader of command output, driven by the line patterns of a platform's TOML file.

ntc-templates stop at a line they do not know, or pass over it with the address in it. A reader passes over
what it does not know too, and then looks at what it passed over: an address that stands in the text and is
in no interface is a failure, never a loss.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from devices.errors import ParseFailed
from devices.platforms.free_texts import CELL, MAX_LINE_CHARACTERS, Columns, depth, indented, lines_of
from devices.platforms.passed_over import IP, OTHERS, check_lines, known_in

_IPV4 = r"(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,3})?"
_IPV6 = r"[0-9A-Fa-f]{0,4}:(?>[0-9A-Fa-f:]+(?:\.\d{1,3}){0,3})(?:/\d{1,3})?"
# The beginning of a heading that no pattern knows: `GigabitEthernet0/1 glows`
NAMED = re.compile(
    r" *(?!(?i:ipv[46]|inet6)\b|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:])(?=\d*[A-Za-z])[A-Za-z0-9-]*\d(?:[/.:]\d+)*(?:[ :,(]|$)"
)
ESCAPED = re.compile(r"\\.")  # a character with the backslash before it
INDENT = re.compile(r"^\^(?: [*+]| \{[\d,]+\}|\\s[*+])?")  # of a pattern: `^ {2,4}`
_MAC = r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:[.-][0-9A-Fa-f]{4}){2}"
SHORT = {
    "{IP}": rf"(?P<ip>{_IPV4}|{_IPV6})(?![\w:])",
    "{MASK}": r"(?P<mask>(?:\d{1,3}\.){3}\d{1,3})",
    "{MAC}": rf"(?P<mac_address>{_MAC})(?![\w:])",
    "{CELL}": f"(?: *{CELL} *|(?P<description> [^{CELL}]*)? )",
    "{LAST}": f"(?: *{CELL}.*|(?P<description> [^{CELL}]*)?)$",
}
Line = str | Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """How to read the answers of some commands. All patterns begin with `^` and match single lines from their
    first column, and their named groups are the columns of the rows: `interface`, `link_status`, `mtu`, … and
    `ip` with `mask` (a prefix length or a netmask; also as one text, `192.0.2.1/24`).

    commands    full matches of the commands whose answers it reads
    free        texts that people write: their groups are learnt, and what matches is taken out of the line
                before anything else looks at it. What stands deeper below a line of such a text goes on with it.
                These need not begin with `^`; they are taken out as often as they are found
    columns     headings of tables; the group `description` stands where a column of such texts does. In the rows
                {CELL} is that column, or {LAST} where it is the last one
    interface   begins an interface; a table's row is one line that has everything
    context     holds for the interfaces after it, such as the heading of a VRF
    lines       facts about the interface; as a table with facts of its own beside `line`:
                `{ line = "^ +UP", admin_state = "up" }`, or `vrf = "{master}"`
    ends        ends the interface without beginning another
    others      cut from a line, wherever found, before it is searched for addresses that were passed over
    flat        lines that begin in the first column belong to an interface too; else an unknown one ends it
    nested      an indented line never begins an interface, even if it looks like a heading
    quoted      a text in quotes may have several lines
    nothing     lines of an answer in which there is no interface, without which it cannot be read
    addresses   False where no address of an interface can stand in the text
    """

    name: str
    commands: tuple[str, ...]
    interface: tuple[str, ...]
    version: str
    free: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    ends: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    flat: bool = False
    nested: bool = False
    quoted: bool = False
    addresses: bool = True

    def reads(self, command: str) -> bool:
        return any(re.fullmatch(pattern, command) for pattern in self.commands)

    @cached_property
    def _patterns(self) -> dict[str, list[re.Pattern[str]]]:
        kinds = ("free", "columns", "context", "interface", "ends", "nothing")
        return {kind: [compiled(text) for text in getattr(self, kind)] for kind in kinds}

    @cached_property
    def _deeper(self) -> list[re.Pattern[str]]:
        """Headings wherever they stand: something may have moved one, such as the rest of a pager."""
        texts = () if self.nested else self.interface
        return [compiled(INDENT.sub("^ +", text, count=1)) for text in texts]

    @cached_property
    def _lines(self) -> list[tuple[re.Pattern[str], dict[str, str]]]:
        tables = [{"line": line} if isinstance(line, str) else dict(line) for line in self.lines]
        return [(compiled(table.pop("line")), table) for table in tables]

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
        for line in lines_of(output):
            if line.strip() and not _first(expected, line):
                raise ParseFailed(f"no interface, and an unknown line {' '.join(line.split())[:80]!r}")

    def _blocks(self, output: str) -> Iterator["_Block"]:
        context: dict[str, str] = {}
        block, columns = _Block(), Columns(self._patterns["columns"])
        for raw in _quoted(output) if self.quoted else lines_of(output):
            line = indented(raw)
            if block.goes_on(line):
                continue
            whole = line
            texts, line = self._free(line)
            heading, line = self._heading(line, columns)
            told = [(match, facts) for pattern, facts in self._lines if (match := pattern.match(line))]
            if heading:
                yield block
                if not block.facts.get("interface") and len(block.lines) == 1:  # a text above its interface
                    heading.facts = block.facts | heading.facts
                block = heading
                block.facts |= {key: value for key, value in context.items() if key not in block.facts}
            elif found := _first(self._patterns["context"], line):
                yield block
                context |= {key: value or "" for key, value in found.groupdict().items()}
                block = _Block()
            elif _first(self._patterns["ends"], whole) or self._ends(line, block, told):
                yield block
                block = _Block()
            block.lines.append(line)
            for match, facts in told:
                block.learn(match, facts)
            for text in texts:
                block.learn_text(text, depth(whole))
        yield block

    def _free(self, line: str) -> tuple[list[re.Match[str]], str]:
        """The texts of people in a line, and the line without them."""
        texts: list[re.Match[str]] = []
        for pattern in self._patterns["free"]:
            if found := list(pattern.finditer(line)):
                texts += found
                line = pattern.sub("", line)
        return texts, line

    def _heading(self, line: str, columns: Columns) -> tuple["_Block | None", str]:
        """The interface that begins in a line, and the line without a description that stands in it."""
        line = line.replace(CELL, "\ufffd")
        cut = columns.cut(line)
        if cut and (found := _first(self._patterns["interface"], cut[0])):
            return _Block.begun(found, depth(line), cut[1]), cut[0].expandtabs()
        line, found = self._found(self._patterns["interface"], line)
        own_depth = depth(line)
        if not found and line.startswith(" ") and not IP.match(line, own_depth):
            own_depth = 0
            line, found = self._found(self._deeper, line)
        if not found:
            return None, line
        if found.groupdict().get("description"):
            start, end = found.span("description")
            line = line[:start] + CELL + line[end:]
        return _Block.begun(found, own_depth), line.expandtabs()

    def _found(self, patterns: list[re.Pattern[str]], line: str) -> tuple[str, re.Match[str] | None]:
        """What is found in a line; tabs are blanks, but for those in a description behind all else."""
        if "\t" in line and (found := _first(patterns, line)):
            end = found.span("description")[0] if "description" in found.groupdict() else None
            if "\t" not in line[:end]:
                return line, found
        line = line.expandtabs()
        return line, _first(patterns, line)

    def _ends(self, line: str, block: "_Block", told: Sequence[Any]) -> bool:
        """Whether a line of which nothing is known ends the interface: it is no deeper, or it names another."""
        if told or not line.strip():
            return False
        return bool(NAMED.match(line)) or (not self.flat and depth(line) <= block.depth)

    def _check(self, block: "_Block") -> None:
        check_lines(block.lines, block.known, self._others)


@dataclass
class _Block:
    """The lines of one interface and what was learnt from them; without a name, lines between interfaces."""

    facts: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    found: dict[str, tuple[str, str]] = field(default_factory=dict)
    depth: int = 0
    text: tuple[str, int] | None = None  # the text that the next line may go on with, and how deep it stands

    @classmethod
    def begun(cls, heading: re.Match[str], depth: int, description: str = "") -> "_Block":
        block = cls({"description": description} if description else {}, depth=depth)
        block.learn(heading)
        return block

    def learn(self, match: re.Match[str], more: Mapping[str, str] | None = None) -> None:
        """Of two lines that tell the same fact the first counts; addresses add up."""
        groups = {key: value.strip() for key, value in match.groupdict().items() if value}
        for key, value in (more or {}).items():
            groups[key] = re.sub(r"{(\w+)}", lambda name: self.facts.get(name[1], ""), value)
        if ip := groups.pop("ip", ""):
            self._find(ip, groups.pop("mask", ""))
        if (name := groups.get("interface")) and self.facts.get("interface", name) != name:
            raise ParseFailed(f"{name!r} begins inside the text of {self.facts['interface']!r}")
        for key, value in groups.items():
            self.facts.setdefault(key, value)

    def learn_text(self, match: re.Match[str], depth: int) -> None:
        """A text that somebody wrote; where it ends a line, the next may go on with it."""
        told = {key: value for key, value in match.groupdict().items() if value and value.strip()}
        self.text = None
        if told and match.re.pattern.startswith("^") and match.end() == len(match.string):
            key = next(reversed(told))
            self.text = ("" if key in self.facts else key), depth
        self.learn(match)

    def goes_on(self, line: str) -> bool:
        """Whether the line goes on with the text above it."""
        if self.text is None:
            return False
        key, place = self.text
        if not line.strip() or depth(line) <= place:
            self.text = None
            return False
        if key and len(self.facts[key]) < MAX_LINE_CHARACTERS:
            self.facts[key] += f" {line.strip()}"
        return True

    def _find(self, ip: str, mask: str) -> None:
        """An address that is told twice is one, with its prefix length if either has it."""
        known, known_mask = self.found.setdefault(ip.partition("/")[0], (ip, mask))
        if not known_mask and "/" not in known:
            self.found[ip.partition("/")[0]] = (ip, mask)

    def addresses(self) -> list[tuple[str, str]]:
        """Addresses with their masks; `netmask` is one that stands in a line of its own."""
        netmask = self.facts.get("netmask", "")
        return [(ip, mask or ("" if ":" in ip or "/" in ip else netmask)) for ip, mask in self.found.values()]

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


def compiled(text: str) -> re.Pattern[str]:
    for short, long in SHORT.items():
        text = text.replace(short, long)
    return re.compile(text)


def _quoted(output: str) -> Iterator[str]:
    """The lines of an answer; those from a quote to its end are one. Raises ParseFailed where it has none."""
    parts: list[str] = []
    for line in lines_of(output):
        odd = len(ESCAPED.sub("", line).split('"')) % 2 == 0
        parts.append(line)
        if odd == (len(parts) > 1):
            yield "\n".join(parts)
            parts = []
    if parts:
        raise ParseFailed(f"the quote in the line {' '.join(parts[0].split())[:80]!r} has no end")


def _first(patterns: list[re.Pattern[str]], line: str) -> re.Match[str] | None:
    for pattern in patterns:
        if match := pattern.match(line):
            return match
    return None


def reader(data: Mapping[str, Any], version: str) -> Reader:
    """The reader that a table of a platform's file describes."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    return Reader(version=version, **values)
