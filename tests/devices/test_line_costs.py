"""Whatever a device writes in a line, reading it costs time in proportion to its length."""

import time
from contextlib import suppress
from functools import partial
from re import _constants as codes
from re import _parser as grammar

import pytest

from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import HEADING, parse
from devices.platforms import (
    InterfaceCommand,
    file_names,
    free_texts,
    get_platform,
    passed_over,
    platform_names,
    readers,
)
from tests.devices.free_texts import ANSWERS

LENGTH = 2_000
TINY = 0.0025  # seconds of CPU; a text that takes less is not compared, its noise would be
FEW = (16, 22)  # characters: too few to cost anything, unless each of them multiplies the time
ENDLESS = 0.25  # seconds of CPU
UNITS = [
    " ", "0", "a", "A", ":", ".", "-", "/", ",", "=", '"', "(", "[", ";", "_", "\\", "a ", "1 ", "a  ", "up ", "1.",
    "1:", "a=", "a=b ", ", ", ": ", " 1", " up", "inet ", "--> ", "- ", '" ', "address ", "Vlan ID ", "(a)", "é",
]  # fmt: skip
KINDS = ("free", "columns", "context", "interface", "lines", "ends", "others", "nothing")


# --- each pattern alone ---------------------------------------------------------------------------------------


def texts_of(reader):
    """All patterns of a reader; of each whether it is searched everywhere in a line, or matches its beginning."""
    for kind in KINDS:
        for item in getattr(reader, kind, ()):
            yield item if isinstance(item, str) else item["line"], kind in ("free", "others")


def pieces(parsed, turn):
    """A text that the pattern begins with, in pieces; of alternatives the one whose `turn` it is. An empty piece
    stands where a repetition without a limit begins or ends."""
    for code, value in parsed:
        if code is codes.LITERAL:
            yield chr(value)
        elif code in (codes.ANY, codes.NOT_LITERAL):
            yield "x"
        elif code is codes.IN:
            yield member(value)
        elif code is codes.BRANCH:
            yield from pieces(value[1][turn % len(value[1])], turn)
        elif code is codes.ATOMIC_GROUP:
            yield from pieces(value, turn)
        elif code is codes.SUBPATTERN:
            yield from pieces(value[3], turn)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            least, most, repeated = value
            mark = [""] if most is codes.MAXREPEAT else []
            yield from mark
            for _ in range(max(least, min(most, 1))):
                yield from pieces(repeated, turn)
            yield from mark


def member(choices):
    """A character of a set such as `[A-Za-z]`."""
    if choices[0][0] is codes.NEGATE:
        return "x"
    code, value = choices[-1]
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.RANGE:
        return chr(value[0])
    return {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}.get(value, "x")


def beginnings(pattern):
    """Texts up to each place of the pattern at which it may begin to look back and forth."""
    parsed = grammar.parse(pattern.pattern, pattern.flags)
    found = {""}
    for turn in range(3):
        text = ""
        for piece in pieces(parsed, turn):
            text += piece
            if not piece:
                found.add(text)
        found.add(text)
    return sorted(found)


def cost(work, *texts):
    """Seconds of CPU."""
    started = time.thread_time()
    for text in texts:
        work(text)
    return time.thread_time() - started


def text_of(beginning, unit, length):
    return f"{beginning}{unit * (length // len(unit))}~"


def slow(work, beginning, units, length=LENGTH):
    """A unit that, many times behind the beginning, takes more time than in proportion to how many; else None."""
    for size in (*FEW, length // 8):  # what would never end is found before it begins
        texts = [text_of(beginning, unit, size) for unit in units]
        if cost(work, *texts) > ENDLESS:
            found = (unit for unit, text in zip(units, texts, strict=True) if endless(work, text))
            if unit := next(found, None):
                return unit
    if cost(work, *(text_of(beginning, unit, length) for unit in units)) < TINY * length / LENGTH:
        return None
    return next((unit for unit in units if grows_faster_than_its_text(work, beginning, unit, length)), None)


def endless(work, text):
    return all(cost(work, text) > ENDLESS for _ in range(3))


def grows_faster_than_its_text(work, beginning, unit, length):
    """Whether four times the text takes more than eight times the time; if it was quadratic, it were sixteen.

    Only a text that takes long is measured again, and counts if five measurements in a row say so: a busy machine
    disturbs some of them.
    """
    long, limit = text_of(beginning, unit, length), TINY * length / LENGTH
    taken = cost(work, long)
    if taken < limit or taken > 100 * limit:
        return taken > limit
    short = text_of(beginning, unit, length // 4)
    return all(
        min(cost(work, long) for _ in range(2)) > 8 * max(min(cost(work, short) for _ in range(2)), TINY / 8)
        for _ in range(5)
    )


def test_every_pattern_takes_time_in_proportion_to_the_line():
    texts = {
        pair for name in file_names() for reader in get_platform(name).readers for pair in texts_of(reader)
    }
    texts |= {(text, True) for text in (*passed_over.OTHERS, passed_over.IP.pattern)}
    texts |= {
        (each.pattern, False) for each in (readers.NAMED, free_texts.LABEL, free_texts.HEADING, HEADING)
    }
    wrong = []
    for text, everywhere in sorted(texts):
        pattern = readers.compiled(text)
        work = partial(pattern.sub, "") if everywhere else pattern.match
        for beginning in beginnings(pattern):
            if unit := slow(work, beginning, UNITS):
                wrong.append((text, beginning, unit))
                break
    assert not wrong, f"{len(wrong)}: {wrong}"


# --- whole answers --------------------------------------------------------------------------------------------


def commands():
    """Every platform with the commands that a collection sends it, and those of our answers."""
    told = {(answer.platform, answer.command) for answer in ANSWERS.values()}
    for name in platform_names():
        told |= {(name, command.command) for command in get_platform(name).interface_commands}
    return sorted(told)


def answer_to(platform_name, command):
    """An answer that can be read, where we have one."""
    known = (a for a in ANSWERS.values() if (a.platform, a.command) == (platform_name, command))
    return next((answer.with_phrase("x")[0] for answer in known), "")


def asked(platform_name, command):
    """The command as a collection sends it."""
    known = (each for each in get_platform(platform_name).interface_commands if each.command == command)
    return next(known, InterfaceCommand(command, optional=True))


def read(platform_name, command, text):
    with suppress(ParseFailed):
        parse(get_platform(platform_name), asked(platform_name, command), text)


@pytest.mark.parametrize("platform_name", sorted({name for name, _ in commands()}))
def test_an_answer_with_a_hostile_line_costs_what_its_length_costs(platform_name):
    """As long as a line may be, and a quarter of it; behind some of the lines that the answer has."""
    length = free_texts.MAX_LINE_CHARACTERS - 200
    wrong = []
    for command in (command for name, command in commands() if name == platform_name):
        lines = answer_to(platform_name, command).splitlines()
        for beginning in dict.fromkeys(["", "  ", *lines[:5]]):
            text = "\n".join([*lines, beginning])
            if unit := slow(
                partial(read, platform_name, command), text, (" ", "1", "a ", "-", ":", "1/"), length
            ):
                wrong.append((command, beginning, unit))
                break
    assert not wrong


@pytest.mark.parametrize("platform_name", sorted({name for name, _ in commands()}))
def test_a_line_that_is_too_long_is_a_failure_that_names_it(platform_name):
    wrong = {}
    for name, command in commands():
        if name != platform_name:
            continue
        text = f"{answer_to(name, command)}\n" + "x" * (free_texts.MAX_LINE_CHARACTERS + 1)
        line = text.count("\n") + 1
        with pytest.raises(ParseFailed) as caught:
            parse(get_platform(name), asked(name, command), text)
        told = str(caught.value)
        if f"line {line} has" not in told or repr(command) not in told or len(told) > 300:
            wrong[command] = told
    assert not wrong


def test_lines_of_the_greatest_length_are_read():
    text = answer_to("cisco_ios", "show interfaces").replace(
        "Description: x", f"Description: {'x' * 1000}", 1
    )
    read_length = len(parse(get_platform("cisco_ios"), "show interfaces", text)[0]["description"])
    assert read_length == 1000


def test_a_number_of_thousands_of_digits_is_no_fact():
    digits = "9" * 5000
    text = (
        f"Ethernet1 is up, line protocol is up\n  IP MTU {digits} bytes\n  Internet address is 192.0.2.1/24\n"
    )
    (row,) = parse(get_platform("arista_eos"), "show interfaces", text)
    (found,) = merge(get_platform("arista_eos"), [row])
    assert (found.mtu, str(found.addresses[0])) == (None, "192.0.2.1/24")
    with pytest.raises(ParseFailed, match="is not an address") as caught:
        merge(
            get_platform("arista_eos"),
            [{"interface": "Ethernet1", "ip_address": "192.0.2.1", "mask": digits}],
        )
    assert len(str(caught.value)) < 200
