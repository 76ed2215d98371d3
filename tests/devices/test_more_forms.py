"""Rare but real forms of the vendors' answers, read; and broken in ways in which no address may get lost."""

import ipaddress
import re
import tomllib
from pathlib import Path

import pytest

from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import parse
from devices.platforms import get_platform
from devices.platforms.readers import IP
from tests.devices.test_vendors import shown

FOLDER = Path(__file__).parent / "samples" / "forms"
FORMS = [
    pytest.param(path.stem, form, id=f"{path.stem}: {form['name']}")
    for path in sorted(FOLDER.glob("*.toml"))
    for form in tomllib.loads(path.read_text(encoding="utf-8"))["forms"]
]
FRESH = {4: "10.99.88.77", 6: "2001:db8:dead::77"}
# Lines whose address is not the interface's own, though the interface may have the same.
OTHERS = re.compile(
    r"(?i)unnumbered|tunnel source|ipv6 subnet:|source interface|link/gre|destination: 203\.0\.113\.0/31"
)


def read(platform_name, form, text):
    platform = get_platform(platform_name)
    return merge(platform, parse(platform, form["command"], text))


def addresses(interfaces):
    return {address.ip for interface in interfaces for address in interface.addresses}


def addresses_or_failure(platform_name, form, lines):
    """The addresses found; None where the reader says that it cannot assign one."""
    try:
        return addresses(read(platform_name, form, "\n".join(lines) + "\n"))
    except ParseFailed:
        return None


@pytest.mark.parametrize(("platform_name", "form"), FORMS)
def test_a_form_is_read(platform_name, form):
    assert [shown(found) for found in read(platform_name, form, form["text"])] == form["interfaces"]


@pytest.mark.parametrize(("platform_name", "form"), FORMS)
def test_line_ends_of_two_characters_change_nothing(platform_name, form):
    text = form["text"].replace("\n", "\r\n")
    assert [shown(found) for found in read(platform_name, form, text)] == form["interfaces"]


@pytest.mark.parametrize(("platform_name", "form"), FORMS)
def test_one_more_line_with_an_address_is_one_more_address_or_a_failure(platform_name, form):
    lines = form["text"].splitlines()
    own = addresses(read(platform_name, form, form["text"]))
    for place, line in enumerate(lines):
        found = next((match for match in IP.finditer(line) if _address(match[0]) in own), None)
        if found is None or OTHERS.search(line):
            continue
        fresh = FRESH[_address(found[0]).version]
        more = [*lines[: place + 1], line[: found.start()] + fresh + line[found.end() :], *lines[place + 1 :]]
        told = addresses_or_failure(platform_name, form, more)
        assert told is None or _address(fresh) in told, line


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize(("platform_name", "form"), FORMS)
def test_lines_wrapped_by_a_narrow_terminal_lose_no_address(platform_name, form, width):
    own = addresses(read(platform_name, form, form["text"]))
    for indent in ("", " ", " " * 8):
        lines = [part for line in form["text"].splitlines() for part in _wrapped(line, width, indent)]
        told = addresses_or_failure(platform_name, form, lines)
        assert told is None or told >= own


def _address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _wrapped(line, width, indent):
    cut = line.rfind(" ", 0, width) if len(line) > width else 0
    return [line] if cut <= 0 else [line[:cut], indent + line[cut + 1 :].lstrip()]
