"""The line of a record: its parts, and outputs that are cut with a mark and a count."""

import pytest

from logsite.records import LogRecord, Parts, line_of

SENT = Parts(2, "show clock")
ANSWERED = Parts(1, "systemctl status nginx", 0, "Active: active (running)", "")
ROWS = [
    (SENT, 0, "STEP: 2 | COMMAND: show clock"),
    (SENT, 5, "STEP: 2 | COMMAND: show clock"),
    (
        ANSWERED,
        0,
        "STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: Active: active (running) | STDERR:",
    ),
    (Parts(1, "c", 0, "", ""), 0, "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: | STDERR:"),
    (Parts(1, "c", 3, "", "no"), 0, "STEP: 1 | COMMAND: c | EXIT_CODE: 3 | STDOUT: | STDERR: no"),
    (Parts(1, "c", 1, "x", None), 0, "STEP: 1 | COMMAND: c | EXIT_CODE: 1 | STDOUT: x"),
    (Parts(1, "c", -15, "x", None), 0, "STEP: 1 | COMMAND: c | EXIT_CODE: -15 | STDOUT: x"),
    (Parts(1, "c", 0, "abcde", ""), 5, "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: abcde | STDERR:"),
    (
        Parts(1, "c", 0, "abcdef", ""),
        5,
        "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: abcde... (1 more character) | STDERR:",
    ),
    (
        Parts(1, "c", 0, "", "äöü€𝄞" * 3),
        5,
        "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: | STDERR: äöü€𝄞... (10 more characters)",
    ),
    (
        Parts(1, "a long command", 0, "x" * 2_000, "y" * 9),
        1,
        "STEP: 1 | COMMAND: a long command | EXIT_CODE: 0 | STDOUT: x... (1,999 more characters) | "
        "STDERR: y... (8 more characters)",
    ),
    (
        Parts(1, "c", 0, "a\nb\n", ""),
        2,
        "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: a\n... (2 more characters) | STDERR:",
    ),
    (
        Parts(1, "c", 0, "x | STDERR: no", ""),
        0,
        "STEP: 1 | COMMAND: c | EXIT_CODE: 0 | STDOUT: x | STDERR: no | STDERR:",
    ),
]


def test_the_line_of_parts():
    wrong = {
        (parts, characters): found
        for parts, characters, line in ROWS
        if (found := line_of(LogRecord(1, "session", 0, "INFO", "the message", parts=parts), characters))
        != line
    }
    assert wrong == {}


@pytest.mark.parametrize("characters", [0, 3])
def test_a_record_without_parts_is_its_message_whole(characters):
    assert line_of(LogRecord(1, "container", 0, "INFO", "GET / 200"), characters) == "GET / 200"
