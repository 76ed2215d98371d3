"""Which template reads which answer, and reading it: our own readers and templates before ntc-templates'."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from textfsm import TextFSMError

from devices.errors import ParseFailed
from devices.interfaces.normalised import InterfaceData, Row, merge, merged, normalise
from devices.interfaces.templates import published, rows_of
from devices.platforms import TEMPLATES, InterfaceCommand, Platform, content_version
from devices.platforms.free_texts import masked
from devices.platforms.passed_over import OTHERS, check_lines, known_in

# The heading of a list in which no address is an interface's; it ends at an empty line or the next interface.
ELSEWHERE = re.compile(r"(?i)^\s*(?:(?:default[ -])?gateway\s+ip\b|neighbor address\(s\):)")
# The heading of an interface: `GigabitEthernet1/1 is up, line protocol is up`, `Interface eth1`
HEADING = re.compile(
    r"(?i)\s*(?P<name>(?!ipv[46]\b)[a-z][a-z-]*\s?\d[\w/.:-]*)\s+is\s+(?:administratively\s+)?(?:up|down|disabled)\b"
    r"|\s+(?P<own>interface\s+[\w./-]+)\s*$"
)


@dataclass(frozen=True)
class Template:
    """What reads an answer. `version` changes whenever the template does. One that `checks` has looked for
    addresses that it passed over."""

    name: str
    version: str
    rows: Callable[[str], list[dict[str, Any]]]
    checks: bool = False


def parse(platform: Platform, command: InterfaceCommand | str, output: str) -> list[Row]:
    """The rows of a command's answer. Raises ParseFailed naming command and template.

    An answer in which the template finds nothing is a failure too, unless the command is optional and the
    text says nothing: an empty list must not pass for «the device has no interfaces». So is an address that
    stands in the text and in no row.
    """
    if isinstance(command, str):
        own = next((each for each in platform.interface_commands if each.command == command), None)
        command = InterfaceCommand(command, own.template if own else None)
    template = template_for(platform, command)
    with _named(command, template):
        rows = _rows(template, output)
        interfaces = merge(platform, rows)
        _check_some(command, output, rows, interfaces)
        if not template.checks:
            _check(output, interfaces)
    return rows


@contextmanager
def _named(command: InterfaceCommand, template: Template) -> Iterator[None]:
    """Whatever goes wrong in reading is a ParseFailed that says where."""
    try:
        yield
    except ParseFailed as error:
        raise ParseFailed(f"{command.command!r}: template {template.name}: {error}") from None
    except TextFSMError as error:
        reason = " ".join(str(error).split())
        raise ParseFailed(f"{command.command!r}: template {template.name}: {reason}") from None


def _rows(template: Template, output: str) -> list[Row]:
    return list(template.rows(output))


def _check_some(
    command: InterfaceCommand, output: str, rows: list[Row], interfaces: list[InterfaceData]
) -> None:
    """Raises ParseFailed where no row names an interface; an optional command may have nothing to say."""
    if (rows or not command.optional) and not any(interface.name for interface in interfaces):
        raise ParseFailed(f"no interface found in {len(output)} characters")


def _check(output: str, interfaces: list[InterfaceData]) -> None:
    """Raises ParseFailed for an address in `output` that none of `interfaces` has, and for a heading that the
    template did not take for one: what stands below it went to the interface above."""
    lines = list(
        _told(masked(output).lines, {interface.name: interface.description for interface in interfaces})
    )
    found = (str(address) for interface in interfaces for address in interface.addresses)
    check_lines(lines, lambda: known_in(found), [re.compile(text) for text in OTHERS])
    names = {interface.name for interface in interfaces}
    for line in lines:
        if heading := HEADING.match(line):
            name = heading["name"] or heading["own"]
            if not {name, name.partition(" ")[2]} & names:
                raise ParseFailed(f"the heading {' '.join(line.split())[:80]!r} does not begin an interface")


def _told(lines: Iterable[str], descriptions: Mapping[str, str]) -> Iterator[str]:
    """The lines of an answer in which addresses of interfaces can stand, without the descriptions in them."""
    elsewhere = False
    for line in lines:
        goes_on = elsewhere and line.strip() and not line.startswith("Interface ")
        elsewhere = bool(ELSEWHERE.search(line) or goes_on)
        if elsewhere:
            continue
        words = line.split(maxsplit=2)
        for name in (" ".join(words[:1]), " ".join(words[:2])):
            if description := descriptions.get(name):
                line = line.replace(description, "")
        yield line.expandtabs()


def template_for(platform: Platform, command: InterfaceCommand) -> Template:
    """What reads the answer to `command`: the command's own template, a reader, or ntc-templates'."""
    if command.template:
        return _own(command.template)
    typed = " ".join(command.command.split()).removeprefix("/")
    for reader in platform.readers:
        if reader.reads(typed):
            return Template(f"{platform.name}.toml: {reader.name}", reader.version, reader.read, checks=True)
    file = published(platform.templates, command.command)
    name = file.name if file else f"{platform.templates}_{command.command.replace(' ', '_')}.textfsm"
    return Template(
        name, f"ntc-templates {version('ntc-templates')}", partial(rows_of, file) if file else _no_rows
    )


def _no_rows(output: str) -> list[dict[str, Any]]:
    raise ParseFailed("ntc-templates has no template for this platform and command")


def _own(file: str) -> Template:
    path = TEMPLATES / file
    return Template(file, content_version(path.read_text(encoding="utf-8")), partial(rows_of, path))


@dataclass
class Answer:
    """A command's raw answer and what came of parsing it: `rows` found, or the `error`."""

    command: InterfaceCommand
    raw: str
    template: str = ""
    template_version: str = ""
    rows: int = 0
    error: str = ""


def interfaces_of(platform: Platform, answers: Iterable[Answer]) -> list[InterfaceData]:
    """The interfaces in a collection's answers, noting in each what was found. Raises the first ParseFailed,
    after all of them have been tried."""
    read: list[Answer] = []
    found: list[InterfaceData] = []
    failed: ParseFailed | None = None
    for answer in answers:
        template = template_for(platform, answer.command)
        answer.template, answer.template_version = template.name, template.version
        answer.rows, answer.error = 0, ""
        try:
            with _named(answer.command, template):
                rows = _rows(template, answer.raw)
                described = [normalise(platform, row) for row in rows]  # an address that is none shows here
                _check_some(answer.command, answer.raw, rows, described)
        except ParseFailed as error:
            answer.error, failed = str(error), failed or error
        else:
            answer.rows = len(rows)
            read.append(answer)
            found += described
    if failed:
        raise failed
    interfaces = merged(platform, found)
    _check_all(platform, read, interfaces)
    return interfaces


def _check_all(platform: Platform, read: Iterable[Answer], interfaces: list[InterfaceData]) -> None:
    """The check of those answers whose template makes none: what one passes over another may have read."""
    failed: ParseFailed | None = None
    for answer in read:
        template = template_for(platform, answer.command)
        try:
            with _named(answer.command, template):
                if not template.checks:
                    _check(answer.raw, interfaces)
        except ParseFailed as error:
            answer.rows, answer.error, failed = 0, str(error), failed or error
    if failed:
        raise failed
