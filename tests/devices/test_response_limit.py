"""A device that never stops talking: the command ends, nothing of it fills the memory, and it is on record."""

import contextlib
import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from devices.checks import check_response_limit
from devices.errors import ConnectionFailed, ResponseTooLarge
from sessionlogs.models import SessionLog
from tests.devices.emulator import Box, CommandLine

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 300_000
WINDOW = 3 * 1024**2  # bytes that the device may send before anybody has read them
MEMORY = 16 * 1024**2  # bytes, for the emulated device and for us
TALK = {
    "lines": b"a line of sixty letters, as many of them as there may come\r\n",
    "one line": b"x" * 1000,
    "empty lines": b"\r\n" * 500,
    "letters of four bytes": "\N{GRINNING FACE}".encode() * 250,
    "latin-1": b"\xfc" * 1000,
    "prompts": b"rtr01#\r\n" * 100,
    "prompts without a line feed": b"rtr01#" * 100,
    "backspaces": b"ab\x08\x08" * 250,
    "a line typed over": b"12345 %\r" * 100,
    "columns far away": b"\x1b[500Cx\r\n" * 100,
    "rows far away": b"\x1b[1Ax\r\n\x1b[999B" * 100,
    "letters pushed in": b"\x1b[500@" * 100,
    "titles": b"\x1b]0;x\x07" * 100,
    "a title without an end": b"\x1b]0;" + b"x" * 1000,
    "a code without an end": b"\x1b[" + b"1;" * 500,
    "half letters": b"\xf0\x9f\x98" * 300,
}


class _TalkingLine(CommandLine):
    box: "Talker"

    def run(self) -> None:
        if self.box.at_once:
            self._talk()
        super().run()

    def _line(self, line: str) -> bool:
        if line.strip() != "show logging":
            return super()._line(line)
        self._say(f"{line}\nfirst\n\n")
        self._talk()
        return False

    def _talk(self) -> None:
        try:
            while True:
                self.channel.sendall(self.box.talk)
                self.box.sent += len(self.box.talk)
        finally:
            self.box.hung_up.set()


class Talker(Box):
    """Says `talk` for ever: as the answer to `show logging`, or with `at_once` from the login on."""

    command_line = _TalkingLine

    def __init__(self, talk: bytes, *, at_once: bool = False, **options) -> None:
        self.talk, self.at_once, self.sent, self.hung_up = talk, at_once, 0, threading.Event()
        super().__init__(**options)


@pytest.fixture(autouse=True)
def limit(settings):
    settings.DEVICE_RESPONSE_LIMIT = LIMIT


@contextlib.contextmanager
def memory() -> Iterator[list[int]]:
    """The most bytes of Python's that were held meanwhile, once it is over."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def excess(box: Talker, most: list[int]) -> str:
    """What was too much, or whether the device was left talking."""
    if box.sent > LIMIT + WINDOW:
        return f"{box.sent} bytes were taken from the device"
    if most[0] > MEMORY:
        return f"{most[0]} bytes were held"
    return "" if box.hung_up.wait(120) else "the connection stayed open"


def test_an_answer_without_an_end_is_ended_at_the_limit(connect, events):
    wrong = {}
    for name, talk in TALK.items():
        with Talker(talk) as box:
            connector = connect(box)
            connector.open()
            with memory() as most, pytest.raises(ResponseTooLarge) as caught:
                connector.execute("show logging")
            if problem := excess(box, most):
                wrong[name] = problem
            connector.close(failed=True)
        assert "300,000 bytes" in str(caught.value)
        assert "DEVICE_RESPONSE_LIMIT" in str(caught.value)
        (failed,) = [event for event in events(connector.session_id) if event.event_type == "command_failed"]
        if failed.error_kind != "too_large" or not failed.response.startswith("first"):
            wrong[f"{name}, on record"] = (failed.error_kind, failed.response[:40])
    assert wrong == {}


def test_a_login_without_an_end_is_ended_at_the_limit(connect, events):
    wrong = {}
    for name in ("lines", "one line", "prompts", "backspaces", "titles"):
        with Talker(TALK[name], at_once=True) as box:
            connector = connect(box)
            with memory() as most, pytest.raises(ResponseTooLarge):
                connector.__enter__()
            if problem := excess(box, most):
                wrong[name] = problem
        kinds = [event.error_kind for event in events(connector.session_id) if event.error_kind]
        if kinds != ["too_large"]:
            wrong[f"{name}, on record"] = kinds
    assert wrong == {}


def test_netmiko_s_other_ways_end_at_the_limit_too(connect):
    for way in ("send_command_timing", "send_config_set", "send_multiline", "send_command_expect"):
        command = "show logging" if way.startswith("send_command") else ["show logging"]
        with Talker(TALK["lines"]) as box, connect(box) as connector, pytest.raises(ResponseTooLarge):
            getattr(connector.connection, way)(command)
        assert box.sent < LIMIT + WINDOW, way


def test_what_is_within_the_limit_is_no_matter_of_what_came_before(connect):
    answers = {f"show file {number}": "x" * 99 + "\n" + "y" * 150_000 for number in range(4)}
    with Box(answers) as box, connect(box) as connector:
        assert {connector.execute(command).stdout for command in answers} == set(answers.values())


GREETINGS = {
    "lines before SSH": b"hello\r\n" * 100,
    "no line feed before SSH": b"x" * 1000,
    "a line of SSH without an end": b"SSH-2.0-" + b"x" * 1000,
}
HUGE = b"SSH-2.0-box\r\n" + (2**30).to_bytes(4, "big") + b"\x04\x14"  # a packet of a gigabyte


@contextlib.contextmanager
def talking(first: bytes, then: bytes) -> Iterator[int]:
    """A port behind which is no SSH server: `first`, and `then` for ever."""

    def talk() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with contextlib.suppress(OSError), client:
                    client.sendall(first)
                    while True:
                        client.sendall(then)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(120)


@pytest.mark.parametrize("vendor", ["cisco_ios", "linux"])
def test_who_talks_before_ssh_begins_is_hung_up_on(connect, vendor):
    held = {}
    rows = {**{name: (b"", talk) for name, talk in GREETINGS.items()}, "a huge packet": (HUGE, b"\0" * 65536)}
    for name, (first, then) in rows.items():
        with talking(first, then) as port:
            box = type("Nobody", (), {"host": "127.0.0.1", "port": port})
            connector = connect(box, vendor)
            with memory() as most, pytest.raises(ConnectionFailed):
                connector.__enter__()
        held[name] = most[0]
    assert {name: most for name, most in held.items() if most > MEMORY} == {}


def test_a_collection_says_that_the_answer_was_too_large(device_of, capsys):
    with Talker(TALK["lines"]) as box:
        box.answers["show interfaces"] = ""
        device = device_of(box, name="rtr01")
        box.command_line = type("Other", (_TalkingLine,), {"_line": lambda self, line: _instead(self, line)})
        with pytest.raises(CommandError):
            call_command("collect_interfaces", "--device", "rtr01")
    device.refresh_from_db()
    assert (device.outcome, device.error_kind) == ("failed", "too_large")
    assert "more than 300,000 bytes" in device.error_message
    assert "more than 300,000 bytes" in capsys.readouterr().out
    kinds = SessionLog.objects.filter(error_kind="too_large").values_list("event_type", flat=True)
    assert sorted(kinds) == ["command_failed", "interface_collection_failed"]


def _instead(line: _TalkingLine, text: str) -> bool:
    """`show interfaces` without an end."""
    return _TalkingLine._line(line, text.replace("show interfaces", "show logging"))


def test_commands_behind_one_whose_answer_was_too_large_are_not_run(device_of, capsys):
    with Talker(TALK["lines"]) as box:
        device_of(box, name="rtr01")
        with pytest.raises(CommandError):
            call_command("run_commands", "--device", "rtr01", "--", "show logging", "show clock")
    said = capsys.readouterr().out
    assert "more than 300,000 bytes" in said
    assert "not run" in said
    assert "show clock" not in box.received


def test_a_limit_that_no_prompt_fits_into_is_an_error(settings):
    assert check_response_limit(None) == []
    settings.DEVICE_RESPONSE_LIMIT = 65_535
    (error,) = check_response_limit(None)
    assert error.id == "devices.E004"
    assert "DEVICE_RESPONSE_LIMIT=65535 must be at least" in error.msg
    assert error.hint
