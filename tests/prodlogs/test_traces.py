"""From lines to entries: a trace is one entry, and nothing else is glued to it.

`traces/` holds what Python 3.11, Node 20, Go 1.26 and Java 17 wrote here, and others' forms from their manuals.
"""

import itertools
import json
import random
from pathlib import Path

import pytest

from logsite.lines import LONGEST_PAUSE, Entry, Grouper, Line
from logsite.lines.traces import MOST_HELD, MOST_LINES

SAMPLES = {
    path.stem: path.read_text().rstrip("\n")
    for path in sorted(Path(__file__).with_name("traces").glob("*.txt"))
}
LEVELS = {
    "python": ("ERROR", "trace:python"),
    "python_group": ("ERROR", "trace:python"),
    "python_logged": ("ERROR", "time:word"),
    "node": ("ERROR", "trace:node"),
    "node_logged": ("ERROR", "first-word"),
    "node_module": ("ERROR", "trace:node"),
    "node_rejection": ("ERROR", "trace:node"),
    "go": ("CRITICAL", "trace:go"),
    "go_deadlock": ("CRITICAL", "trace:go"),
    "go_http": ("CRITICAL", "trace:go"),
    "java": ("ERROR", "trace:java"),
    "java_logged": ("ERROR", "time:word"),
    "dotnet": ("ERROR", "trace:unhandled"),
    "dotnet_logged": ("ERROR", "dotnet"),
    "ruby": ("ERROR", "trace:ruby"),
    "php": ("CRITICAL", "php"),
    "rust": ("ERROR", "trace:rust"),
    "postgresql": ("INFO", "postgresql"),
    "loguru": ("ERROR", "time:word"),
    "spring": ("ERROR", "time:word"),
    "java_message": ("ERROR", "trace:java"),
    "dotnet_message": ("ERROR", "trace:unhandled"),
    "sqlalchemy": ("ERROR", "time:word"),
    "pydantic": ("ERROR", "trace:python"),
    "uvicorn_group": ("ERROR", "first-word"),
    "phoenix": ("ERROR", "time:bracket"),
    "rust_message": ("ERROR", "trace:rust"),
}
MILLISECOND = 1_000_000
LIMIT = 256 * 1024


def lines_of(text, *, start=0, step=MILLISECOND):
    return [
        Line(start + number * step, 0, len(line.encode()), line)
        for number, line in enumerate(text.split("\n"))
    ]


def entries_of(text, *, limit=LIMIT, step=MILLISECOND, **options):
    grouper = Grouper(limit, **options)
    return grouper.feed(lines_of(text, step=step)) + grouper.flush()


def messages(text, **options):
    return [entry.message for entry in entries_of(text, **options)]


def test_every_sample_has_its_level_here():
    assert SAMPLES.keys() == LEVELS.keys()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_trace_is_one_entry(name):
    before, entry, after = entries_of(f"GET / 200\n{SAMPLES[name]}\nGET /error 200")
    assert (before.message, after.message) == ("GET / 200", "GET /error 200")
    assert entry == Entry(MILLISECOND, 0, *LEVELS[name], SAMPLES[name], None, 0)


def test_any_two_traces_stay_apart():
    for first, second in itertools.permutations(SAMPLES.values(), 2):
        assert messages(f"{first}\nGET / 200\n{second}") == [first, "GET / 200", second]


def test_a_crash_after_a_logged_error_is_its_own():
    """As a program writes them that logs an exception and then ends by another."""
    assert messages(f"{SAMPLES['python_logged']}\n{SAMPLES['python_group']}") == [
        SAMPLES["python_logged"],
        SAMPLES["python_group"],
    ]
    assert messages(f"{SAMPLES['node_logged']}\n{SAMPLES['node_module']}") == [
        SAMPLES["node_logged"],
        SAMPLES["node_module"],
    ]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_trace_that_comes_in_parts_is_one_entry(name):
    """Each line in a reading of its own, what waits stored as JSON between them."""
    pending, found = [], []
    for line in lines_of(f"GET / 200\n{SAMPLES[name]}\nGET /error 200"):
        grouper = Grouper(LIMIT, json.loads(json.dumps(pending)))
        found += grouper.feed([line])
        pending = grouper.pending
    found += Grouper(LIMIT, pending).flush()
    assert [entry.message for entry in found] == ["GET / 200", SAMPLES[name], "GET /error 200"]


@pytest.mark.parametrize(
    "text",
    [
        "GET / 200\nGET /x 404",
        "  banner\n  banner of two lines",
        "Starting\n  with options\n  and more",
        '{"level":"error"}\n  indented',
        '{"level":"error"}\nTraceback (most recent call last):',
        "INFO ready\nTraceback (most recent call last):",
        "ERROR failed\nERROR failed again",
        "ERROR failed\nrequest done",
        "Traceback (most recent call last):\nGET / 200",
        "/health:80\nGET / 200",
        "ERROR x\n\n  after an empty line",
        "panic: x\nGET / 200",
        "\tat shop.Orders.find(Orders.java:12)\n\tat shop.Main.main(Main.java:1)",
        "ERROR x\n\nrequest done",
        "ERROR x\n\n\tat shop.Orders.find(Orders.java:12)",
        "java.lang.IllegalStateException: no\nlistening\n  on port 80\nGET / 200",
        "Error: no\nlistening\n\nGET / 200",
        "ERROR | broker failed\n INFO | broker stopped\n WARN | bye",
    ],
)
def test_strangers_are_not_glued(text):
    assert messages(text) == text.split("\n")


RECORDS = [
    'INFO:     10.0.0.1:1 - "GET / HTTP/1.1" 500',
    "INFO:app:next",
    "warning: next",
    "2026-11-20 14:05:33,000 next",
    "[20/Nov/2026 14:05:33] next",
    "14:05:33 next(1)",
    "Nov 20 14:05:33 next",
    " INFO | next",
    "I1120 14:05:33.000000       1 next.go:1] next",
    "level=info msg=next",
    '{"level":"info"}',
]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_loggers_own_line_is_in_no_trace(name):
    """Wherever a trace is broken off: after each of its lines comes the next entry of a logger."""
    lines = SAMPLES[name].split("\n")
    glued = [
        (record, end)
        for record in RECORDS
        for end in range(1, len(lines) + 1)
        if record not in messages("\n".join([*lines[:end], record, "GET / 200"]))
    ]
    assert glued == []


def test_lines_that_do_not_belong_to_a_trace_are_held_only_for_a_while():
    """Twenty lines of a message, and no frame: each is an entry, and the trace ends where it is sure."""
    lines = [f"request {number}" for number in range(MOST_HELD + 5)]
    grouper = Grouper(LIMIT)
    found = grouper.feed(lines_of("\n".join(["java.lang.IllegalStateException: no", *lines])))
    assert len(grouper.pending) == 1
    assert [entry.message for entry in found + grouper.flush()] == [
        "java.lang.IllegalStateException: no",
        *lines,
    ]


def test_a_failure_that_comes_again_is_another_trace():
    trace = (
        'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    boom()\nValueError: boom'
    )
    assert messages(f"{trace}\n{trace}") == [trace, trace]


@pytest.mark.parametrize(
    "text", ["INFO configuration:\n  a: 1\n  b: 2", "2026-11-20 14:05:32 WARN slow query\n\tSELECT 1"]
)
def test_indented_lines_belong_to_a_line_with_a_level(text):
    assert messages(text) == [text]


def test_a_logged_trace_belongs_to_its_error_only_at_once():
    head, *rest = SAMPLES["python_logged"].split("\n")
    grouper = Grouper(LIMIT)
    found = (
        grouper.feed(lines_of(head) + lines_of("\n".join(rest), start=2_000 * MILLISECOND)) + grouper.flush()
    )
    assert [(entry.message, entry.level_rule) for entry in found] == [
        (head, "time:word"),
        ("\n".join(rest), "trace:python"),
    ]


def test_a_pause_ends_a_trace():
    assert len(entries_of(SAMPLES["java"], step=LONGEST_PAUSE)) == 1
    assert len(entries_of(SAMPLES["java"], step=LONGEST_PAUSE + 1)) == len(SAMPLES["java"].split("\n"))


def test_empty_lines_after_a_trace_are_entries():
    found = entries_of(SAMPLES["python"] + "\n\n\nGET / 200")
    assert [entry.message for entry in found] == [SAMPLES["python"], "", "", "GET / 200"]
    assert [entry.level for entry in found] == ["ERROR", "", "", ""]


def test_the_last_line_waits():
    grouper = Grouper(LIMIT)
    assert [entry.message for entry in grouper.feed(lines_of("one\ntwo"))] == ["one"]
    assert grouper.pending == [[MILLISECOND, 0, "two"]]
    assert [entry.message for entry in grouper.flush()] == ["two"]
    assert (grouper.pending, grouper.flush()) == ([], [])


def test_a_trace_of_too_many_lines_continues_in_another_entry():
    frames = [f"\tat shop.Orders.find(Orders.java:{number})" for number in range(2 * MOST_LINES)]
    found = entries_of("\n".join(["java.lang.StackOverflowError", *frames, "GET / 200"]))
    assert [entry.message.count("\n") + 1 for entry in found] == [MOST_LINES, MOST_LINES, 1, 1]
    assert [entry.level for entry in found] == ["ERROR", "ERROR", "ERROR", ""]


def test_a_trace_over_the_size_limit_goes_on_as_another_entry():
    found = entries_of(SAMPLES["java"], limit=400)
    assert all(len(entry.message.encode()) <= 400 for entry in found)
    assert "\n".join(entry.message for entry in found) == SAMPLES["java"]
    assert {entry.truncated_bytes for entry in found} == {0}


def test_a_longer_line_is_cut_at_a_whole_character():
    (entry,) = entries_of("ERROR " + "é" * 100, limit=101)
    assert (entry.message, entry.truncated_bytes) == ("ERROR " + "é" * 47, 106)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("\x1b[1;31mERROR\x1b[0m failed", "ERROR failed"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\ x", "link x"),
        ("\x1b]0;title\x07x", "x"),
        ("\x9b31mred\x9b0m \x9d0;t\x9cx", "red x"),
        ("\x1b[38;2;1;2;3mx\x1b[K", "x"),
        ("\x1bPq#0\x1b\\x \x1b(By", "x y"),
        ("10%\r50%\r100%", "100%"),
        ("10%\r\x1b[K50%\r\x1b[K", "50%"),
        ("windows\r", "windows"),
        ("a\x07b\x08c", "abc"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b[31", ""),
    ],
)
def test_control_sequences_are_not_in_the_message(raw, message):
    (entry,) = entries_of(raw)
    assert (entry.message, entry.raw_line) == (message, None if raw == message else raw)


def test_a_level_in_colours_is_found():
    assert entries_of("\x1b[32m2026-11-20T14:05:32Z\x1b[0m \x1b[31mERROR\x1b[0m failed")[0].level == "ERROR"


def test_a_coloured_trace_is_one_entry():
    coloured = "\n".join(f"\x1b[31m{line}\x1b[0m" for line in SAMPLES["python_logged"].split("\n"))
    (entry,) = entries_of(coloured)
    assert (entry.message, entry.raw_line) == (SAMPLES["python_logged"], coloured)


@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_lost_or_moved(seed):
    """Whatever the lines and the blocks they come in, the entries' lines are the lines."""
    number = random.Random(seed)
    pool = [line for sample in SAMPLES.values() for line in sample.split("\n")] + [
        "",
        " ",
        "GET / 200",
        "INFO x",
    ]
    lines = lines_of("\n".join(number.choices(pool, k=400)), step=number.choice((1, 10**6, 2 * 10**9)))
    grouper, found, at = Grouper(600), [], 0
    while at < len(lines):
        size = number.randrange(1, 30)
        found += grouper.feed(lines[at : at + size])
        at += size
    found += grouper.flush()
    assert "\n".join(
        entry.message if entry.raw_line is None else entry.raw_line for entry in found
    ) == "\n".join(line.text for line in lines)
    stamps = {line.timestamp for line in lines}
    assert all(entry.timestamp in stamps for entry in found)


def test_what_was_dropped_of_a_line_is_counted_also_after_it_has_waited():
    first = Grouper(100)
    first.feed([Line(1, 0, 5_000, "x" * 150, 4_850)])
    assert first.pending == [[1, 0, "x" * 150, 4_850]]
    [entry] = Grouper(100, first.pending).flush()
    assert (entry.message, entry.truncated_bytes) == ("x" * 100, 4_900)


@pytest.mark.parametrize("seed", range(20))
def test_readings_of_any_size_find_the_same_entries(seed):
    """What waits between two readings is all that the next one needs, lines that are held among them."""
    number = random.Random(seed)
    pool = [
        *(sample.split("\n") for sample in SAMPLES.values()),
        [""],
        ["request done"],
        ["  more"],
        ["INFO x"],
    ]
    texts = [line for part in number.choices(pool, k=60) for line in part[: number.randrange(1, 20)]]
    lines = lines_of("\n".join(texts))
    whole = Grouper(LIMIT)
    expected = whole.feed(lines) + whole.flush()
    found, pending, at = [], [], 0
    while at < len(lines):
        size = number.randrange(1, 6)
        grouper = Grouper(LIMIT, json.loads(json.dumps(pending)))
        found += grouper.feed(lines[at : at + size])
        pending, at = grouper.pending, at + size
    assert found + Grouper(LIMIT, pending).flush() == expected


@pytest.mark.parametrize("cut", [1, 999, 1_000, 1_001, 1_500, 2_001])
def test_a_trace_over_the_limit_goes_on_in_the_next_reading(cut):
    """As of a stack that overflowed: what is left of it is no heap of single lines."""
    text = "java.lang.StackOverflowError\n" + "\n".join(["\tat com.example.Tree.walk(Tree.java:42)"] * 2_299)
    lines = lines_of(text, step=1)
    first = Grouper(LIMIT)
    found = first.feed(lines[:cut])
    second = Grouper(LIMIT, json.loads(json.dumps(first.pending)))
    found += second.feed(lines[cut:]) + second.flush()
    assert [len(entry.message.splitlines()) for entry in found] == [1_000, 1_000, 300]
    assert {(entry.level, entry.level_rule) for entry in found} == {("ERROR", "trace:java")}
