"""The base of all commands: its output cannot control the terminal, and an expected failure is one sentence.

Output passes through `logsite/text/terminal.py`. A locked or full database, a full disk, a value that no column
takes and Ctrl-C are one sentence each; a closed pipe (`… | head`) ends the command silently. `sys.excepthook`
prints the same for Django's own commands and for servers; `--traceback` shows where. A command starts fast: it
loads no admin pages, no DRF and no Netmiko unless it needs them, and runs the checks of its own rooms only
(`requires_system_checks`).
"""

import argparse
import contextlib
import math
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.core.management.color import Style
from django.db import Error

from logsite.commands.stopping import account
from logsite.tables.outages import outage
from logsite.text.storable import INTEGERS, is_whole
from logsite.text.terminal import plain

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# SQLSTATE of PostgreSQL: undefined table, undefined column.
UNDEFINED = ("42P01", "42703")
NOT_MIGRATED = "the database lacks tables or columns: run `manage.py migrate`"
# The first character of our own colours. No device can write it: each process makes it anew.
OWN = f"\x1b{secrets.token_hex(16)}"


class OutputClosedError(BrokenPipeError):
    """The reader of our output, such as `head`, has seen enough."""


class PlainOutput(OutputWrapper):
    """Standard output or error of a command: whatever is written steers nothing, but for our own colours."""

    def write(self, msg: str = "", style_func: Any = None, ending: str | None = None) -> None:  # type: ignore[override]
        ending = self.ending if ending is None else ending
        text = msg + ending if ending and not msg.endswith(ending) else msg
        styled = (style_func or self.style_func)(text)
        self.write_as_it_is("\x1b".join(map(plain, styled.split(OWN))))

    def write_as_it_is(self, text: str) -> None:
        """Write `text` unchanged; only what is not shown on a terminal may be written so, such as a CSV file."""
        try:
            self._out.write(text)  # type: ignore[attr-defined]
        except BrokenPipeError:
            raise OutputClosedError from None

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            raise OutputClosedError from None


class PlainErrors(PlainOutput):
    """The same of standard error. Where nobody reads it, the exit code still says what happened."""

    def write(self, msg: str = "", style_func: Any = None, ending: str | None = None) -> None:  # type: ignore[override]
        with contextlib.suppress(OutputClosedError):
            super().write(msg, style_func, ending)

    def flush(self) -> None:
        with contextlib.suppress(OutputClosedError):
            super().flush()


def _unwrapped(out: Any) -> Any:
    while isinstance(out, OutputWrapper):  # of a command that calls another
        out = out._out
    return out


def _own(paint: Callable[[str], str]) -> Callable[[str], str]:
    """The same colour, as PlainOutput lets it through."""
    before, _, after = paint("\0").replace("\x1b", OWN).partition("\0")
    return lambda text: f"{before}{text}{after}"


class SiteCommand(BaseCommand):
    """A command of LogSite. Print by `self.stdout` and `self.stderr` alone; raise CommandError for what fails."""

    # Of the rooms it works in; not of pages, which it does not show.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ["logsite"]

    @property  # type: ignore[override]
    def stdout(self) -> PlainOutput:
        return self._stdout

    @stdout.setter
    def stdout(self, out: Any) -> None:
        self._stdout = PlainOutput(_unwrapped(out))

    @property  # type: ignore[override]
    def stderr(self) -> PlainErrors:
        return self._stderr

    @stderr.setter
    def stderr(self, out: Any) -> None:
        self._stderr = PlainErrors(_unwrapped(out))

    @property
    def style(self) -> Style:
        return self._style

    @style.setter
    def style(self, style: Style) -> None:
        self._style = Style()
        vars(self._style).update({role: _own(paint) for role, paint in vars(style).items()})

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        for action in _actions(parser):
            action.type = whole_number if action.type is int else action.type
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """The command as a process of its own."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError):  # a test's
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        if wrong := next((word for word in argv if not is_whole(word)), None):
            self.stderr.write(f"CommandError: an argument is not UTF-8 text: {wrong!r}")
            sys.exit(2)
        if "" in argv or any(word.startswith("--") and word.endswith("=") for word in argv):
            self.stderr.write("CommandError: an argument is empty; is a variable of the shell not set?")
            sys.exit(2)
        with _ending_quietly():
            super().run_from_argv(argv)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            refuse_unstorable(options)
            answer = super().execute(*args, **options)
            self.stdout.flush()
            return answer
        except (Error, OSError, ImproperlyConfigured) as error:
            if isinstance(error, OutputClosedError) or not (reason := sentence(error)):
                raise
            raise CommandError(reason) from None


def user_called(name: str | None) -> "AbstractBaseUser | None":
    """Who is on record for a command: the user of `--user`, else the one called like the account, if there is one."""
    users = get_user_model().objects
    if name is None:
        return users.filter(username=account()).first()
    try:
        return users.get_by_natural_key(name)
    except get_user_model().DoesNotExist:
        raise CommandError(f"--user: no such user: {name}", returncode=2) from None


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options of a parser and of its verbs."""
    for action in parser._actions:
        yield action
        for inner in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from _actions(inner)


def whole_number(text: str) -> int:
    """What `type=int` means: Python's own takes digits of any script, and `1_000`."""
    if not re.fullmatch("[+-]?[0-9]{1,19}", text) or int(text) not in INTEGERS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of at most 64 bits")
    return int(text)


@contextlib.contextmanager
def _ending_quietly() -> Iterator[None]:
    """Ctrl-C is one word, and a reader of our output that has seen enough, such as `head`, is none at all."""
    try:
        yield
    except OutputClosedError:
        pass
    except KeyboardInterrupt:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write("interrupted\n")
        sys.exit(130)  # as shells name it: 128 + SIGINT
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:  # what the buffer holds goes nowhere, or Python would complain at its end
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def refuse_unstorable(options: dict[str, Any]) -> None:
    """A CommandError for an option's value that no column takes, whichever command it is."""
    for name, value in options.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            option = f"--{name.replace('_', '-')}"
            if isinstance(each, int) and each not in INTEGERS:
                raise CommandError(f"{option} must be a number of at most 64 bits", returncode=2)
            if isinstance(each, float) and not math.isfinite(each):
                raise CommandError(f"{option}: {each} is not a finite number", returncode=2)
            if isinstance(each, str) and ("\0" in each or not is_whole(each)):
                raise CommandError(f"{option}: {each[:40]!r} is not UTF-8 text without NUL", returncode=2)


def sentence(error: BaseException) -> str | None:
    """What failed, for errors of the machine and the configuration; None for any other, which is a defect."""
    if isinstance(error, Error):
        return database_failed(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return str(error) if isinstance(error, ImproperlyConfigured) else None


def database_failed(error: Error) -> str:
    """A sentence for what a database raised; its own text may hold the connection string or a row."""
    cause = error.__cause__
    if (
        getattr(cause, "sqlstate", None) in UNDEFINED
        or "no such table" in str(cause)
        or "no such column" in str(cause)
    ):
        return NOT_MIGRATED
    reason = outage(error) or f"the database failed ({type(error).__name__})"
    return f"{reason}; nothing is lost, run again"


def say(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """For sys.excepthook: one sentence for what is no defect, of Django's own commands and of a server too."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
    elif "--traceback" not in sys.argv and (reason := sentence(error)):
        sys.stderr.write(plain(f"{sys.argv[0]}: {reason}\n"))
    else:
        sys.__excepthook__(kind, error, trace)
