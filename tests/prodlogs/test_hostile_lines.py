"""Whatever a container writes costs time in proportion to its length: a slow line would stop every host's reader."""

import time
from itertools import product

import pytest

from logsite.lines import Grouper, Line, clean, level_of
from tests.soak import short_or_long

pytestmark = pytest.mark.soak
LENGTH = short_or_long(40_000, 100_000)
TINY = LENGTH / 2_000_000  # seconds of CPU; a text that takes less is not compared, its noise would be
SLOW = 1.0  # seconds of CPU; a text that takes more is not tried at four times its length
UNITS = [
    "(", ")", "()", "[", "]", "{", "<", ">", " ", "\t", '"', "'", "\\", '\\"', ".", ":", ": ", "-", "=", "/", "|",
    ",", "1", "1:", "1.", " 1", "a", "A", "a.", "a/", "a=", "a=b ", 'a="', "a: ", "A: ", "a ", "a-", "[a] ",
    "(1)", "<1> ", '"a":1,', '{"a":', "Error", "Error ", "x.Error: ", ".java:1", " at ", "+-", "ERROR ", "level=",
    "\x1b", "\x1b[", "\x1b[1", "\x1b]", "\x9b", "\r", "\x00", "é",
]  # fmt: skip
ENDS = ["", ")", ":", "!"]
BEGINNINGS = [
    "", "2026-11-20 14:05:32 ", "2026-11-20 14:05:32 UTC [1]: [1-1] ", "2026-11-20", "20/Nov/2026:",
    "Nov 20 14:05:32 ", "14:05:32 ", "01-01 00:00:00.000 1 ", "1 ", "1:M 20 Nov", "[", "[1] ", "[Nest] 1  - ", "[E 1",
    "{", '{"level":', '{"level":"', '{"a":"', "level=", "a=b ", "<1", "<14>", "E1120 14:05:32.000000 1 ", "E, [",
    "E/", "I ", "=", "ERROR ", "postfix/smtpd[12]: ",
    "2026-11-20 14:05:32 a.", "2026-11-20 14:05:32 info x : ", "2026-11-20 14:05:32 imap(", "12: (", "x-",
    "nginx: [", "  ", "fail: a",
]  # fmt: skip
FOLLOWERS = ["", "\t", "    at ", "Caused by: ", "x.y.", "\tfrom x:", "Exception in thread "]
HEADERS = {
    "none": "GET / 200",
    "levelled": "2026-11-20 14:05:32 ERROR failed",
    "exception": "java.lang.IllegalStateException: no",
    "java": "java.lang.IllegalStateException: no\n\tat shop.Orders.find(Orders.java:12)",
    "python": "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>",
    "python raised": "Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: no",
    "python chained": 'Traceback (most recent call last):\n  File "x.py"\nA: no\n\nDuring handling of the above exc',
    "pydantic": 'Traceback (most recent call last):\n  File "x.py"\nx.ValidationError: 1 validation error for X',
    "go": "goroutine 1 [running]:",
    "go frame": "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d",
    "node": "/app/x.js:3\n  throw err;\n",
    "node raised": "Error: no\n    at find (/app/x.js:3:1)",
    "dotnet": "Unhandled exception. System.Exception: no\n   at A.B() in /src/A.cs:line 5",
    "ruby": "/app/x.rb:1:in `f': boom (RuntimeError)\n\tfrom /app/x.rb:5:in `<main>'",
    "rust": "thread 'main' panicked at src/main.rs:2:5:",
    "php": "PHP Fatal error:  Uncaught Exception: x in /app/a.php:3\nStack trace:",
    "elixir": "14:05:32.847 [error] terminated\n** (exit) no",
}  # fmt: skip


def hostile(beginning, unit, length):
    return beginning + unit * (length // len(unit))


def group(header, text, follower):
    texts = [*header.split("\n"), text, *follower]
    Grouper(8 * LENGTH).feed([Line(number, 0, len(line), line) for number, line in enumerate(texts)])


def cost(work, text):
    started = time.thread_time()
    work(text)
    return time.thread_time() - started


def fastest(work, text):
    return min(cost(work, text) for _ in range(3))


def assert_linear(work, beginning, unit, end=""):
    """Four times the text in less than eight times the time; if it was quadratic, in sixteen times.

    Where a text no longer fits into the processor's cache, of which other processes take their part, the time takes
    a step. What seems too slow is compared once more, beyond that step.
    """

    def text(length):
        return hostile(beginning, unit, length) + end

    taken = cost(work, text(LENGTH))
    if taken < TINY:
        return
    allowed = 8 * max(fastest(work, text(LENGTH // 4)), TINY / 8)
    if taken < allowed or (taken := fastest(work, text(LENGTH))) < allowed:
        return
    assert taken < SLOW, (beginning, unit, end)
    assert fastest(work, text(4 * LENGTH)) < 8 * taken, (beginning, unit, end)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_the_level_of_a_hostile_line(beginning):
    for unit in UNITS:
        assert_linear(level_of, beginning, unit)


def test_a_hostile_line_without_its_control_sequences():
    for unit in UNITS:
        assert_linear(clean, "\x1b[31m", unit)


@pytest.mark.parametrize("form", HEADERS)
def test_a_hostile_line_within_a_trace(form):
    for number, unit in enumerate(UNITS):
        for beginning, end in (*(("", end) for end in ENDS), *product(FOLLOWERS[1:5], [ENDS[number % 4]])):
            assert_linear(lambda text: group(HEADERS[form], text, ["next"]), beginning, unit, end)


@pytest.mark.parametrize("beginning", FOLLOWERS)
def test_a_hostile_line_before_a_trace(beginning):
    frames = ["line two", "\tat shop.Orders.find(Orders.java:12)"]
    for unit in UNITS:
        assert_linear(lambda text: group("GET / 200", text, frames), beginning, unit)
        assert_linear(lambda text: group("GET / 200", text, frames[1:]), beginning, unit)
