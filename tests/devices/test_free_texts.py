"""What people write on a device tells no facts: not the state, the VRF, the MTU or the addresses of an interface."""

import tomllib
from pathlib import Path

import pytest

from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import parse
from devices.platforms import file_names, get_platform
from tests.devices.free_texts import ANSWERS, COMMENTS, NAMES, PHRASES, WORDS
from tests.devices.test_vendors import shown

PUBLIC = tomllib.loads((Path(__file__).parent / "samples" / "free_texts.toml").read_text(encoding="utf-8"))
PLAIN = "plain"


def interfaces_of(platform_name, command, text):
    """The interfaces as they are stored; the error, where there is one."""
    platform = get_platform(platform_name)
    try:
        return [shown(found) for found in merge(platform, parse(platform, command, text))]
    except ParseFailed as error:
        return str(error)


def told_by(answer, phrase):
    """The interfaces of an answer with `phrase` in it, and their descriptions apart."""
    text, stored = answer.with_phrase(phrase)
    found = interfaces_of(answer.platform, answer.command, text)
    if isinstance(found, str):
        return found, set(), stored
    return found, {interface.pop("description", "") for interface in found}, stored


def wrong_ones(answer, phrases, *, kept=False):
    """The phrases with which the answer's interfaces have other facts than without, or with `kept` another
    description than the phrase; and what they have."""
    expected, _, _ = told_by(answer, PLAIN)
    assert isinstance(expected, list), expected
    assert expected
    wrong = []
    for phrase in phrases:
        found, descriptions, stored = told_by(answer, phrase)
        if found != expected or (kept and descriptions != stored):
            wrong.append((phrase, found, descriptions))
    return wrong


@pytest.mark.parametrize("name", ANSWERS)
def test_a_description_is_stored_as_it_is_and_changes_no_fact(name):
    wrong = wrong_ones(ANSWERS[name], PHRASES, kept=name != "ios ipv6")  # whose template leaves it out
    assert not wrong, f"{len(wrong)} of {len(PHRASES)}: {wrong}"


@pytest.mark.parametrize("name", COMMENTS)
def test_the_comment_of_an_address_changes_no_fact(name):
    wrong = wrong_ones(COMMENTS[name], PHRASES)
    assert not wrong, f"{len(wrong)} of {len(PHRASES)}: {wrong}"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_somebody_gave_changes_no_fact(name):
    wrong = wrong_ones(NAMES[name], WORDS)
    assert not wrong, f"{len(wrong)} of {len(WORDS)}: {wrong}"


def test_inputs_from_public_reports_have_their_right_values():
    wrong = {
        row["id"]: found
        for row in PUBLIC["answers"]
        if (found := interfaces_of(row["platform"], row["command"], row["text"])) != row["interfaces"]
    }
    assert not wrong


def test_every_platform_with_a_file_is_tried():
    tried = {answer.platform for answer in (*ANSWERS.values(), *NAMES.values())}
    assert set(file_names()) - tried == {"huawei"}  # the same as huawei_vrp


# --- a description of several lines ---------------------------------------------------------------------------

CONTINUATIONS = (
    "and more of it",
    "MTU 9000 bytes, Full-duplex, 10Gb/s",
    'VRF "CUST-A" Vlan ID 99',
    "203.0.113.9",
    "Internet address is 203.0.113.9/24",
    "GigabitEthernet0/9 is up, line protocol is up",
    "Interface eth9",
    "Description: another",
)
# An answer whose description stands in a line of its own, and how deep what follows it stands.
DEEPER = {
    name: answer for name, answer in ANSWERS.items() if "escription: §" in answer.text and name != "frr"
}


@pytest.mark.parametrize("name", DEEPER)
def test_lines_deeper_than_a_description_go_on_with_it(name):
    answer = DEEPER[name]
    expected, _, _ = told_by(answer, PLAIN)
    wrong = []
    for line in CONTINUATIONS:
        for indent in (14, 20):
            found, descriptions, _ = told_by(answer, f"first part,\n{' ' * indent}{line}")
            if found != expected or (descriptions != {f"first part, {line}"} and name != "ios ipv6"):
                wrong.append((line, indent, found, descriptions))
    assert not wrong


@pytest.mark.parametrize("name", ["edgeos", "vyatta", "oneos brief"])
def test_a_cell_of_a_table_goes_on_below_itself(name):
    answer = ANSWERS[name]
    expected, _, _ = told_by(answer, PLAIN)
    column = answer.text.splitlines()[0 if "brief" in name else 1].index("Description")
    wrong = []
    for line in ("more", "203.0.113.9", "203.0.113.9/24", "eth9 203.0.113.9/24 u/u", "2001:db8::bad/64"):
        found, descriptions, _ = told_by(answer, f"first part,\n{' ' * column}{line}")
        if found != expected or descriptions != {f"first part, {line}"}:
            wrong.append((line, found, descriptions))
    assert not wrong


QUOTED = (
    "one\ntwo",
    'a\n    edit \\"port9\\"\n        set ip 203.0.113.9 255.255.255.0\n    next',
    'a\n        set ip 203.0.113.9 255.255.255.0\n        set status down\n        set description \\"b\\"',
    "a\nend\nconfig system interface",
    "\n\n203.0.113.9\n",
    "tab\there\n\tset mtu 9000",
)


def test_a_quoted_text_of_several_lines_is_one_text():
    answer = ANSWERS["fortios configuration"]._replace(escaped="")
    expected, _, _ = told_by(answer, PLAIN)
    wrong = []
    for phrase in QUOTED:
        found, descriptions, _ = told_by(answer, phrase)
        if found != expected or descriptions != {phrase.strip()}:
            wrong.append((phrase, found, descriptions))
    assert not wrong


def test_a_quote_that_is_never_closed_is_a_failure():
    text = ANSWERS["fortios alias"].with_phrase("x")[0].replace('alias "x"', 'alias "x')
    with pytest.raises(ParseFailed, match="no end"):
        parse(get_platform("fortinet"), "show system interface", text)
