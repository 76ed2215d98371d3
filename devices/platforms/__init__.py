"""What differs between vendors, as data: one TOML file a platform beside this module.

A platform without a file is driven by what ntc-templates can parse of it (`generic`). File format:

    label = "…"                    shown in the admin
    netmiko = "cisco_ios"          Netmiko's device_type; the file's own name where it is not given
    templates = "cisco_ios"        ntc-templates' name; the file's own name where it is not given
    link_is_administrative = true  «is up» speaks of the administrative state, «line protocol» of the other
    failure_indicators = ["…"]     regular expressions; a line of an answer that starts so is the device's error
    read_only = ["…"]              regular expressions of whole commands that only read, in place of
                                   DEFAULT_READ_ONLY; <words>, <host>, … as in devices/read_only.py
    [[interface_commands]]         in the order sent
    command = "show interfaces"
    template = "frr_show_interface.textfsm"   in `templates/` here; else ntc-templates' own for the command
    optional = true                a device that does not know the command is no failed collection
    [[readers]]                    how answers are read: see readers.py here. In their patterns {IP} is an
                                   address (with or without prefix length), {MASK} a netmask, {MAC} a MAC address,
                                   {CELL} and {LAST} a column in which people's texts stand
    abbreviations = { GE = "GigabitEthernet" }   some answers shorten names: `Eth1/1` and these; else empty
    zone_names = true              some answers name an interface by its zone: their rows have it as both
    same_as = "cisco_ios"          the other file's content, but for what this one says itself
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from ntc_templates.parse import _get_template_dir

from devices.platforms.readers import Reader, reader

DATA = Path(__file__).parent
TEMPLATES = DATA / "templates"
HEAD_SIZE = 1024  # characters
HEAD_LINES = 8  # a device's error stands at the top; further down it is quoted text, such as a log

COMMON_FAILURES = (
    "% Ambiguous command",
    "% Incomplete command",
    "% Invalid (?:input|command)",
    "% Unknown command",
    "% Unrecognized command",
    "% Permission denied",
    "% Authorization failed",
    "%? ?Error",
    "Unknown (?:command|action)",
    "Command fail",
    "Invalid input",
    "bad command name",
    "Invalid syntax",
    "syntax error",
    "error: ",
)

# Full words only: what an abbreviation means differs between platforms, and `sh` starts a shell on some.
DEFAULT_READ_ONLY = (
    "show<subject>",
    r"display(?! di(?:a\S*)?(?: |$))<subject>",  # not the diagnostic information, which goes to a file
    "get(?! tes?t?(?: |$))<subject>",  # some levels of FortiOS' «get test» restart a process
    "dir(?: <word>)?",
    "ping(?: vrf <name>)? <host>(?: (?:repeat|count) <count>| size <size>| source <host>)*",
    "traceroute(?: vrf <name>)? <host>",
    "tracert <host>",
)

# For platforms without a file: of each group the first command that ntc-templates can parse.
GENERIC_COMMANDS = (
    (
        "show interfaces",
        "show interface",
        "show interface all",
        "show interfaces all",
        "display interface",
        "get system interface",
        "ip address show",
        "interface print brief",
        "show interface brief",
        "show interfaces status",
        "show interface mgmt",
        "show interfaces ethernet",
    ),
    (
        "show ip interface",
        "display ip interface",
        "show ip interface vrf all",
        "show ipv4 interface",
        "show router interface",
        "ip address print",
        "show ip interface brief",
    ),
)


class UnknownPlatform(ValueError):
    """A platform name that neither Netmiko nor a file here knows."""


@dataclass(frozen=True)
class InterfaceCommand:
    """A command whose answer describes interfaces; `template` None means ntc-templates' own."""

    command: str
    template: str | None = None
    optional: bool = False


@dataclass(frozen=True, eq=False)  # one object a platform: `get_platform` keeps it
class Platform:
    """How to talk to one operating system."""

    name: str
    label: str
    netmiko: str
    templates: str
    failure_indicators: tuple[str, ...]
    interface_commands: tuple[InterfaceCommand, ...]
    link_is_administrative: bool = False
    read_only: tuple[str, ...] = ()
    readers: tuple[Reader, ...] = ()
    abbreviations: Mapping[str, str] | None = None
    zone_names: bool = False

    @cached_property
    def _failure(self) -> re.Pattern[str]:
        return re.compile(rf"^[ \t]*(?:{'|'.join(self.failure_indicators)})", re.MULTILINE | re.IGNORECASE)

    def failure(self, output: str, *, whole: bool = False) -> str:
        """The line with which the device refused a command; empty when it did not.

        Looked for in the first lines of a command's answer; with `whole` everywhere, as in the dialogue of a
        configuration, where the device answers each line at its place.
        """
        head = output if whole else output[:HEAD_SIZE]
        match = self._failure.search(head)
        if not match or (not whole and head.count("\n", 0, match.start()) >= HEAD_LINES):
            return ""
        return output[match.start() :].lstrip().partition("\n")[0].strip()


def sha1_platforms() -> frozenset[str]:
    """The platforms with which SSH may use SHA-1, by DEVICE_SHA1_PLATFORMS."""
    return frozenset(settings.DEVICE_SHA1_PLATFORMS.replace(",", " ").split()) - {"none"}


def file_names() -> list[str]:
    """The platforms that have a file here."""
    return sorted(_files())


def platform_names() -> list[str]:
    """Every platform a device can have: Netmiko's that speak SSH, and the files here."""
    netmiko = {name for name in _classes() if not name.endswith(("_telnet", "_serial", "_ssh"))}
    return sorted((netmiko | set(_files())) - {"autodetect", "terminal_server", "generic_termserver"})


def platform_choices() -> list[tuple[str, str]]:
    """The same for a form, those with a file of their own first and by their label."""
    files = _files()
    own = [(name, f"{files[name]['label']} ({name})") for name in sorted(files)]
    return own + [(name, name) for name in platform_names() if name not in files]


@cache
def get_platform(name: str) -> Platform:
    """The platform called `name`. Raises UnknownPlatform."""
    data = _files().get(name, {})
    netmiko = data.get("netmiko") or name
    if netmiko not in _classes():
        raise UnknownPlatform(f"platform {name!r} is not known; take one of Netmiko's, such as cisco_ios")
    templates = data.get("templates", name)
    commands = tuple(InterfaceCommand(**item) for item in data.get("interface_commands", ()))
    return Platform(
        name=name,
        label=data.get("label", name),
        netmiko=netmiko,
        templates=templates,
        failure_indicators=(*data.get("failure_indicators", ()), *COMMON_FAILURES),
        interface_commands=commands or _generic_commands(templates),
        link_is_administrative=data.get("link_is_administrative", False),
        read_only=tuple(data.get("read_only", _default_read_only(netmiko))),
        abbreviations=data.get("abbreviations"),
        zone_names=data.get("zone_names", False),
        readers=tuple(reader(item, content_version(json.dumps(item))) for item in data.get("readers", ())),
    )


def content_version(text: str) -> str:
    """The version of a template of ours: the head of its content's hash."""
    return f"sha256:{sha256(text.encode()).hexdigest()[:12]}"


def _default_read_only(netmiko: str) -> tuple[str, ...]:
    """Nothing where the words would go to a shell: they are no vendor's words there."""
    from netmiko.linux import LinuxSSH

    return () if issubclass(_classes()[netmiko], LinuxSSH) else DEFAULT_READ_ONLY


def _classes() -> Mapping[str, type]:
    """Netmiko's class of each device type. Loaded when asked for: every process loads this module with the models."""
    from netmiko.ssh_dispatcher import CLASS_MAPPER

    found: Mapping[str, type] = CLASS_MAPPER
    return found


@cache
def _files() -> dict[str, dict[str, Any]]:
    files = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in DATA.glob("*.toml")}
    return {name: {"templates": name, **_inherited(files, data), **data} for name, data in files.items()}


def _inherited(files: dict[str, dict[str, Any]], data: dict[str, Any]) -> dict[str, Any]:
    """What a file takes from the one it is the same as; Netmiko's name is always its own."""
    other = data.get("same_as")
    return {"templates": other, **files[other], "netmiko": None} if other else {}


@cache
def _parsed_commands(templates: str) -> frozenset[str]:
    """The commands for which ntc-templates ships a template, read off its file names."""
    prefix = f"{templates}_"
    names = (path.stem for path in Path(_get_template_dir()).glob(f"{prefix}*.textfsm"))
    return frozenset(name.removeprefix(prefix).replace("_", " ") for name in names)


def _generic_commands(templates: str) -> tuple[InterfaceCommand, ...]:
    known = _parsed_commands(templates)
    chosen = [next((command for command in group if command in known), None) for group in GENERIC_COMMANDS]
    return tuple(InterfaceCommand(command) for command in chosen if command)
