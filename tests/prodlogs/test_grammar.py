"""What may be sent to a Docker host, and what never is."""

import random
import re
import shlex
from contextlib import suppress

import pytest

from prodlogs.docker import grammar
from prodlogs.docker.grammar import Inspect, Logs, Ps, Refused, Stats, command_line, parse
from tests.prodlogs.hostile import COMMANDS, EVERYTHING, NAMES, is_ours, random_command

MOMENT = 1_763_647_532_847_869_062  # 2025-11-20T14:05:32.847869062Z
NOUGHTS = "0" * 64


def taken(make, values):
    """Those of the values from which something could be made."""
    found = []
    for value in values:
        with suppress(Refused):
            make(value)
            found.append(value)
    return found


def test_the_corpus_is_large_enough_to_mean_something():
    assert len(set(COMMANDS)) >= 400
    assert len(set(NAMES)) >= 90


def test_the_commands_there_are():
    assert Ps().argv()[:4] == ["docker", "ps", "--all", "--no-trunc"]
    assert Stats().argv()[:4] == ["docker", "stats", "--no-stream", "--no-trunc"]
    assert Inspect(("web", NOUGHTS)).argv()[:4] == ["docker", "inspect", "--type", "container"]
    assert Inspect(("web", NOUGHTS)).argv()[-2:] == ["web", NOUGHTS]
    assert Logs("web").argv() == ["docker", "logs", "--timestamps", "web"]


def test_a_part_of_a_log_is_asked_for_with_nanoseconds():
    assert command_line(Logs("web", tail=100, since=MOMENT, until=MOMENT + 1)) == (
        "docker logs --timestamps --tail 100 --since 2025-11-20T14:05:32.847869062Z"
        " --until 2025-11-20T14:05:32.847869063Z web"
    )


def test_every_command_is_read_back_as_it_was():
    chance = random.Random(1)
    for command in (random_command(chance) for _ in range(2000)):
        assert parse(command.argv()) == command
        assert parse(shlex.split(command_line(command))) == command


@pytest.mark.parametrize("layout", [grammar.PS_FORMAT, grammar.INSPECT_FORMAT, grammar.STATS_FORMAT])
def test_no_format_asks_for_secrets(layout):
    fields = re.findall(r"\.[\w.]+", layout)
    assert not set(fields) & {".", ".Command", ".Labels", ".Mounts", ".Args", ".Path", ".Config"}
    assert [field for field in fields if field.startswith(".Config")] in ([], [".Config.Tty"])


def test_no_hostile_name_is_taken_for_a_container():
    assert taken(Logs, NAMES) == []
    assert taken(lambda name: Inspect((name,)), NAMES) == []
    assert taken(lambda name: Inspect(("web", name)), NAMES) == []
    assert taken(lambda name: parse(["docker", "logs", "--timestamps", name]), NAMES) == []
    assert taken(lambda name: parse([*grammar.INSPECT, name]), NAMES) == []


def test_no_hostile_name_is_taken_for_a_number_or_a_time():
    values = [name for name in NAMES if name != "7"]
    for option in ("--tail", "--since", "--until"):
        assert taken(lambda value, option=option: parse([*grammar.LOGS, option, value, "web"]), values) == []


@pytest.mark.parametrize("split", [str.split, lambda line: line.split(" "), lambda line: [line], str])
def test_no_hostile_command_line_is_taken_for_a_command(split):
    ours = ([*grammar.LOGS, "web"], list(grammar.PS), list(grammar.STATS))
    harmless = [line for line in EVERYTHING if split is str.split and split(line) in ours]
    assert taken(lambda line: parse(split(line)), EVERYTHING) == harmless


def test_none_is_ever_sent_as_it_stands():
    """Quotes and blanks may be read away: what is sent is written anew."""
    assert [line for line in EVERYTHING if is_ours(line)] == []


@pytest.mark.parametrize("tail", [0, -1, 10**9, 1.0, "10", True, [1]])
def test_a_tail_that_docker_would_read_otherwise_is_refused(tail):
    with pytest.raises(Refused, match="--tail is not a number from 1 to 999999999"):
        Logs("web", tail=tail)


@pytest.mark.parametrize("moment", [-1, grammar.LATEST, 1.5, "10m", False])
def test_a_time_that_is_no_time_is_refused(moment):
    with pytest.raises(Refused, match="--since"):
        Logs("web", since=moment)
    with pytest.raises(Refused, match="--until"):
        Logs("web", until=moment)


@pytest.mark.parametrize("containers", [(), [], ["web"], "web", ("web",) * 201, (None,), (b"web",), None])
def test_what_is_no_list_of_containers_is_refused(containers):
    with pytest.raises(Refused):
        Inspect(containers)


@pytest.mark.parametrize("argv", [[], "docker ps", b"docker ps", [b"docker", b"ps"], [None], ["docker", 1]])
def test_what_is_no_list_of_words_is_refused(argv):
    with pytest.raises(Refused):
        parse(argv)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["docker", "stop", "web"], "not one of the read-only commands: 'docker stop web'"),
        (["docker", "logs", "--timestamps", "--follow", "-1", "web"], "may be used: '--follow'"),
        (["docker", "logs", "--timestamps", "--tail", "all", "web"], "from 1 to 999999999: 'all'"),
        (["docker", "logs", "--timestamps", "--since", "10m", "web"], "--since: '10m' is not a time such as"),
        (["docker", "logs", "--timestamps", "web\n"], r"not a container's id or name: 'web\\n'"),
        (["docker", "logs", "--timestamps", "w" * 256], "a container's name of 256 characters"),
        (
            [*grammar.LOGS, "--until", "2026-11-20T14:05:32.847869062Z", "--tail", "1", "web"],
            "not written as",
        ),
    ],
)
def test_the_reason_is_given(argv, reason):
    with pytest.raises(Refused) as refused:
        parse(argv)
    assert reason.replace("\\\\", "\\") in str(refused.value)


def test_the_reason_is_one_short_printable_line_whatever_was_asked_for():
    for line in EVERYTHING:
        with pytest.raises(Refused) as refused:
            parse([line])
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 250
