"""No option of a command ends in a traceback: each command is called with hostile values of each of its options."""

import argparse
import ctypes
import fcntl
import io
import resource
import signal
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from logsite.commands.base import SiteCommand, whole_number
from tests.factories import DeviceFactory
from tests.ports import free_port
from tests.test_guards import COMMANDS
from tests.test_start_up import new_site

NUMBERS = [
    "9" * 30, "-" + "9" * 30, "9223372036854775808", "9" * 5000, "-1", "٣", "1e3", "0x10", "1.5", "nan", "1e999",
    "ten", "1_0_",
    "-0x1", "½",
]  # fmt: skip
NO_NUMBERS = ["nan", "1e999", "ten", "1_0_", "-0x1", "½", "0x10", "9" * 5000]  # of whatever kind
TEXTS = [
    "",
    "\udcff",
    "rtr\udc80",
]  # an empty variable of a shell; bytes that are no UTF-8, as Python has them


def ended(name, words):
    """The exit code of a command, and what it said on standard error; anything else than an exit is raised."""
    out, errors = io.StringIO(), io.StringIO()
    command = load_command_class(get_commands()[name], name)
    command.stdout, command.stderr = out, errors
    sys_err, sys.stderr = sys.stderr, errors
    try:
        command.run_from_argv(["manage.py", name, *words])
    except SystemExit as end:
        return end.code, errors.getvalue()
    finally:
        sys.stderr = sys_err
    return 0, errors.getvalue()


def parsers(parser, before=()):
    """A parser and those of its verbs, each with the words that lead to it."""
    yield parser, before
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from parsers(inner, (*before, word))


def needed(parser):
    """The least words that a parser takes."""
    for group in parser._mutually_exclusive_groups:
        if group.required:
            first = group._group_actions[0]
            yield from [first.option_strings[0], *(["x"] if first.nargs != 0 else [])]
    for action in parser._actions:
        if action.required and not isinstance(action, argparse._SubParsersAction):
            yield from [*action.option_strings[:1], "x"]


def options(name):
    """Each option of a command that takes a value: the words before it, itself, the words behind it, its type."""
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    for each, before in parsers(parser):
        for action in each._actions:
            if action.nargs != 0 and action.option_strings and action.option_strings[0] not in DJANGOS:
                rest = [word for word in needed(each) if word != action.option_strings[0]]
                yield before, action.option_strings[0], rest, action.type


DJANGOS = {"--version", "--verbosity", "-v", "--settings", "--pythonpath", "--traceback", "--no-color", "-h"}
NUMERIC = [(name, *each) for name in COMMANDS for each in options(name) if each[3] not in (None, str)]
ALL = [(name, *each) for name in COMMANDS for each in options(name)]


def test_the_commands_have_options_of_numbers():
    assert {(name, option) for name, _, option, _, _ in NUMERIC} >= {
        ("collect_interfaces", "--workers"), ("run_commands", "--workers"), ("view_session_logs", "--lines"),
        ("view_session_logs", "--slow"), ("create_token", "--days"), ("run_demo", "--port"),
        ("prodlogs", "--interval"),
    }  # fmt: skip


@pytest.mark.django_db
def test_a_number_that_is_none_is_one_sentence(monkeypatch):
    monkeypatch.setattr("demo.running.until_stopped", None)  # no demo begins with such a port
    wrong = []
    for name, before, option, rest, kind in NUMERIC:
        for number in NUMBERS if kind is whole_number else NO_NUMBERS:
            code, said = ended(name, [*before, *rest, f"{option}={number}"])
            if code != 2 or not said or "Traceback" in said:
                wrong.append(f"{name} {option}={number[:40]}: {code} {said[-200:]!r}")

    assert wrong == []


@pytest.mark.django_db
def test_a_text_that_is_none_is_one_sentence():
    wrong = []
    for name, before, option, rest, _ in ALL:
        for text in TEXTS:
            code, said = ended(name, [*before, *rest, option, text])
            if code != 2 or len(said.splitlines()) != 1:
                wrong.append(f"{name} {option} {text!r}: {code} {said[-200:]!r}")

    assert wrong == []


class Odd(SiteCommand):
    requires_system_checks = []

    def handle(self, **options):
        raise self.fault


# (what is raised in a command, its exit code, what it says)
FAULTS = [
    (OSError(28, "No space left on device", "/data/x"), 1, "CommandError: /data/x: No space left on device\n"),
    (PermissionError(13, "Permission denied", "/data/\x1b[2J"), 1, "CommandError: /data/␛[2J: Permission denied\n"),
    (FileNotFoundError(2, "No such file or directory", "day.json"), 1,
    "CommandError: day.json: No such file or directory\n"),
    (OSError(30, "Read-only file system"), 1, "CommandError: Read-only file system\n"),
    (CommandError("rtr\u202e01 failed", returncode=2), 2, "CommandError: rtr<U+202E>01 failed\n"),
    (KeyboardInterrupt(), 130, "interrupted\n"),
]  # fmt: skip


def test_what_the_machine_lacks_is_one_sentence():
    found = []
    for fault, code, said in FAULTS:
        errors = io.StringIO()
        command = Odd(stdout=io.StringIO(), stderr=errors, no_color=True)
        command.fault = fault
        sys_err, sys.stderr = sys.stderr, errors
        try:
            with pytest.raises(SystemExit) as end:
                command.run_from_argv(["manage.py", "odd"])
        finally:
            sys.stderr = sys_err
        if (end.value.code, errors.getvalue()) != (code, said):
            found.append((fault, end.value.code, errors.getvalue()))

    assert found == []


def test_a_defect_of_ours_keeps_its_traceback():
    command = Odd(stdout=io.StringIO(), stderr=io.StringIO())
    command.fault = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        command.run_from_argv(["manage.py", "odd"])


@pytest.mark.django_db
def test_values_of_callers_are_checked_too():
    wrong = []
    for option, value in [
        ("lines", 2**63),
        ("lines", -(2**63) - 1),
        ("slow", float("nan")),
        ("device", "a\0b"),
    ]:
        try:
            call_command("view_session_logs", **{option: value}, stdout=io.StringIO(), stderr=io.StringIO())
            wrong.append((option, value))
        except CommandError as error:
            wrong += (
                [] if f"--{option}" in str(error) and error.returncode == 2 else [(option, value, str(error))]
            )

    assert wrong == []


# --- Processes ---------------------------------------------------------------------------------------------
HEAD = """
import os, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
if "both" in sys.argv:
    os.dup2(writer, 2)
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[2:]])
"""


@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [
        ("output", ["migrate", "--plan"], 0),
        ("both", ["migrate", "--plan"], 0),
        ("both", ["view_session_logs", "--list"], 1),
        ("both", ["export_logs", "--format", "csv"], 1),
    ],
    ids=["migrate", "migrate-both", "view_session_logs", "export_logs"],
)
def test_a_reader_that_leaves_is_met_with_silence(closed, words, code, tmp_path):
    ran = subprocess.run([sys.executable, "-c", HEAD, closed, *words], **new_site(tmp_path))

    assert (ran.returncode, ran.stderr) == (code, "")


class Leaving(io.StringIO):
    """A standard output whose reader has left."""

    def write(self, text):
        raise BrokenPipeError


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "words",
    [["collect_interfaces", "--all", "--local"], ["run_commands", "--device", "rtr01", "--", "show clock"]],
    ids=lambda words: words[0],
)
def test_a_command_over_devices_ends_in_silence_and_keeps_no_device(words, monkeypatch):
    """The reader has seen enough after the first device, which refused the connection."""
    device = DeviceFactory(name="rtr01", host="127.0.0.1", port=free_port())
    command = load_command_class(get_commands()[words[0]], words[0])
    command.stdout, command.stderr = Leaving(), (errors := io.StringIO())

    command.run_from_argv(["manage.py", *words])

    assert errors.getvalue() == ""
    device.refresh_from_db()
    assert device.claimed_until is None


def limited(bytes_a_file):
    """No file of the process grows beyond that, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))


def test_a_full_disk_is_one_sentence(tmp_path):
    ran = subprocess.run(
        [sys.executable, "manage.py", "migrate"], **new_site(tmp_path), preexec_fn=lambda: limited(20_000)
    )

    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "disk of the database" in ran.stderr.splitlines()[-1]


LIBC = ctypes.CDLL(None)
DROP_CAPABILITY = (
    24  # PR_CAPBSET_DROP; 1 is CAP_DAC_OVERRIDE, by which root writes where the mode says that nobody may
)


@pytest.mark.parametrize("words", [["migrate"], ["view_session_logs", "--list"]], ids=lambda words: words[0])
def test_a_data_folder_that_cannot_be_written_is_one_sentence(words, tmp_path):
    tmp_path.chmod(0o500)

    ran = subprocess.run(
        [sys.executable, "manage.py", *words],
        **new_site(tmp_path),
        preexec_fn=lambda: LIBC.prctl(DROP_CAPABILITY, 1, 0, 0, 0),
    )

    tmp_path.chmod(0o700)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert "cannot be created: Permission denied" in ran.stderr


@pytest.fixture
def migrating(tmp_path):
    """A `migrate` that waits for another one, which ends when the file is closed."""
    lock = open(tmp_path / "migrate.lock", "w")  # noqa: SIM115
    fcntl.flock(lock, fcntl.LOCK_EX)
    options = new_site(tmp_path)
    del options["capture_output"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with lock, subprocess.Popen([sys.executable, "manage.py", "migrate"], **options, **pipes) as process:
        assert process.stderr.readline() == "another migrate is running: waiting for its end\n"
        yield process, lock
        process.kill()


def test_the_loser_of_two_migrations_waits_and_finds_the_work_done(migrating):
    process, lock = migrating

    lock.close()
    out, errors = process.communicate()

    assert (process.returncode, errors) == (0, "")
    assert "Applying devices.0001_initial... OK" in out


def test_ctrl_c_is_one_word(migrating):
    process, _ = migrating

    process.send_signal(signal.SIGINT)
    out, errors = process.communicate()

    assert (process.returncode, out, errors) == (130, "", "interrupted\n")
