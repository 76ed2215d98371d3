"""Messages without what varies in them, and steps of a clock."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console import patterns
from console.buckets import BUCKETS, bounded, step_for
from console.patterns import MESSAGE_CHARACTERS, pattern_of
from logsite.records import Window

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("took 45 ms", "took <number> ms"),
        ("took 45.7ms of 1,000", "took <number>ms of <number>"),
        ("retry in -3 s", "retry in -<number> s"),
        ("GigabitEthernet0/1 down", "GigabitEthernet<number>/<number> down"),
        ("session 06787c15-dded-47cd-a9d5-91f4d8f7687d ended", "session <uuid> ended"),
        ("SESSION 06787C15-DDED-47CD-A9D5-91F4D8F7687D", "SESSION <uuid>"),
        ("commit 4f3c2b1a9d8e of 0x7ffe12", "commit <hex> of <hex>"),
        ("facade deadbeef", "facade deadbeef"),
        ("from 192.0.2.7:5432 and 192.0.2.0/24.", "from <address> and <address>."),
        ("v1.2.3.4.5", "v<number>"),
        ("2001:db8::7 ::1 2001:db8::/32 2001:db8:0:0:0:0:0:7", "<address> <address> <address> <address>"),
        ("fe80::1%eth0", "<address>%eth<number>"),
        ("00:53:ff:00:ab:01 is up", "<address> is up"),
        ("std::vector a::b dead::beef", "std::vector a::b dead::beef"),
        ("2026-01-15T10:30:45.123Z and 2026-01-15 10:30", "<time> and <time>"),
        ("at 10:30:45,123 on 2026-01-15", "at <time> on <time>"),
        ('no user "a b" in "c\\"d"', "no user <text> in <text>"),
        ("no file '/a b' here", "no file <text> here"),
        ("don't, won't and can't", "don't, won't and can't"),
        ('5" pipe and 6" pipe', '<number>" pipe and <number>" pipe'),
        ('cut in "the midd', "cut in <text>"),
        ("  two\n\tlines  ", "two lines"),
        ("", ""),
        ("x" * (MESSAGE_CHARACTERS + 1), "x" * MESSAGE_CHARACTERS),
        ("Größe ٣", "Größe ٣"),
    ],
)
def test_what_varies_in_a_message_gives_way_to_placeholders(message, pattern):
    assert pattern_of(message) == pattern


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        "'",
        "a:",
        "1:",
        "ab",
        "1.",
        "1,",
        '\\"',
        '"\\',
        "'\\",
        "\\'",
        "' ",
        " '",
        "f",
        "0",
        "1234:",
        "aa-",
        "0x",
        "::",
    ],
)
def test_no_message_takes_long(piece):
    """With time for the machine to do something else; a pattern that goes back would take seconds."""
    messages = [piece * (MESSAGE_CHARACTERS // len(piece)) + end for end in ("", "g", "!")]
    began = time.process_time()

    for message in messages:
        for _ in range(10):
            pattern_of(message)

    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("span", "step"),
    [
        (timedelta(seconds=10), 1),
        (timedelta(minutes=15), 10),
        (timedelta(hours=1), 60),
        (timedelta(hours=24), 900),
        (timedelta(days=7), 7200),
        (timedelta(days=365), 7 * 86_400),
    ],
)
def test_a_step_is_one_of_a_clock(span, step):
    assert step_for(NOW - span, NOW) == step


@pytest.mark.parametrize("seconds", [1, 59, 119, 120, 3601, 10**6, 10**8, 3 * 10**11])
def test_a_step_gives_few_buckets_wherever_they_begin(seconds):
    since = datetime(1, 1, 1, tzinfo=UTC)

    assert seconds // step_for(since, since + timedelta(seconds=seconds)) + 1 <= BUCKETS


@pytest.mark.parametrize(
    ("window", "ends"),
    [
        (Window(), (NOW - timedelta(hours=24), NOW)),
        (Window(None, NOW - timedelta(days=9)), (NOW - timedelta(days=10), NOW - timedelta(days=9))),
        (Window(NOW - timedelta(hours=1)), (NOW - timedelta(hours=1), NOW)),
        (Window(NOW + timedelta(hours=1)), (NOW + timedelta(hours=1), NOW + timedelta(hours=1, seconds=1))),
    ],
)
def test_an_open_window_gets_its_ends(window, ends):
    assert bounded(window, NOW) == ends


def test_each_pattern_has_an_example_beside_it():
    source = Path(patterns.__file__).read_text(encoding="utf-8")
    table = re.search(r"_VARIABLES = \((.*?)\n\)\n", source, re.DOTALL)[1]
    assert table.count("    # ") == len(patterns._VARIABLES)
