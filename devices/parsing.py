"""Which template reads which answer, and reading it: our own readers and templates before ntc-templates'."""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from ntc_templates.parse import ParsingException, parse_output
from textfsm import TextFSM, TextFSMError
from textfsm.clitable import CliTableError

from devices.errors import ParseFailed
from devices.interfaces import InterfaceData, Row, merged, normalise
from devices.platforms import TEMPLATES, InterfaceCommand, Platform, content_version


@dataclass(frozen=True)
class Template:
    """What reads an answer. `version` changes whenever the template does."""

    name: str
    version: str
    rows: Callable[[str], list[dict[str, Any]]]


def parse(platform: Platform, command: InterfaceCommand | str, output: str) -> list[Row]:
    """The rows of a command's answer. Raises ParseFailed naming command and template.

    An answer in which the template finds nothing is a failure too, unless the command is optional and the
    text says nothing: an empty list must not pass for «the device has no interfaces».
    """
    if isinstance(command, str):
        command = InterfaceCommand(command)
    template = template_for(platform, command)
    try:
        rows = template.rows(output)
    except ParseFailed as error:
        raise ParseFailed(f"{command.command!r}: template {template.name}: {error}") from None
    except (ParsingException, TextFSMError, CliTableError) as error:
        reason = " ".join(str(error).split())
        raise ParseFailed(f"{command.command!r}: template {template.name}: {reason}") from None
    if not rows and not command.optional:
        raise ParseFailed(
            f"{command.command!r}: template {template.name} found no interface in {len(output)} characters"
        )
    return list(rows)


def template_for(platform: Platform, command: InterfaceCommand) -> Template:
    """What reads the answer to `command`: the command's own template, a reader, or ntc-templates'."""
    if command.template:
        return _own(command.template)
    typed = " ".join(command.command.split()).removeprefix("/")
    for reader in platform.readers:
        if reader.reads(typed):
            return Template(f"{platform.name}.toml: {reader.name}", reader.version, reader.read)
    name = f"{platform.templates}_{command.command.replace(' ', '_')}.textfsm"
    return Template(
        name,
        f"ntc-templates {version('ntc-templates')}",
        lambda output: parse_output(platform=platform.templates, command=command.command, data=output),
    )


@cache
def _own(file: str) -> Template:
    text = (TEMPLATES / file).read_text(encoding="utf-8")

    def rows(output: str) -> list[dict[str, Any]]:
        machine = TextFSM(io.StringIO(text))
        header = [name.lower() for name in machine.header]
        return [dict(zip(header, row, strict=True)) for row in machine.ParseText(output)]

    return Template(file, content_version(text), rows)


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
    found: list[InterfaceData] = []
    failed: ParseFailed | None = None
    for answer in answers:
        template = template_for(platform, answer.command)
        answer.template, answer.template_version = template.name, template.version
        answer.rows, answer.error = 0, ""
        try:
            rows = parse(platform, answer.command, answer.raw)
            described = [normalise(platform, row) for row in rows]  # an address that is none shows here
        except ParseFailed as error:
            answer.error, failed = str(error), failed or error
        else:
            answer.rows = len(rows)
            found += described
    if failed:
        raise failed
    return merged(platform, found)
