"""Export log entries to a file or standard output."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from console.export.options import FORMATS, OptionErrors, Options, read_options
from console.export.pages import Incomplete
from console.export.running import Export
from logsite.audit import EventType, Reader, Severity, record
from logsite.commands.base import SiteCommand, user_called
from logsite.commands.stopping import Stop, stopping
from logsite.private_files import written_whole
from logsite.records import PermissionMissing
from logsite.records.query import QueryError
from logsite.text.terminal import one_line

OPTIONS = {
    "start_time": "since",
    "end_time": "until",
}  # options of the command, by the names of the API's body


class Command(SiteCommand):
    help = "Export log entries of all sources, oldest first, to a file or standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--format", required=True, choices=FORMATS, help="json: one array; csv; txt: a line an entry")
        add("--source", metavar="NAME", nargs="+", action="extend", help="only these sources; default: all")
        add("--query", metavar="Q", help="only what it finds, as 'timeout level:>=WARNING'")
        add("--level", metavar="L", help="the least level, such as WARNING")
        add("--category", metavar="C", help="only this category")
        add("--app", metavar="NAME", help="only this app")
        add("--since", metavar="T", help="from this time on, as 2026-01-31T12:00:00Z or 7d (ago)")
        add("--until", metavar="T", help="before this time")
        add("--output", metavar="FILE", help="written whole or not at all; default: standard output")
        add("--user", metavar="USERNAME", help="only what this user may see; the user is on record")
        add(
            "--keep-formulas",
            action="store_true",
            help="csv for programs: no apostrophe before texts that a spreadsheet takes for formulas",
        )

    def handle(self, **given: Any) -> None:
        output = given["output"] and _target(given["output"])
        with stopping() as stop:
            export = self._export(given, stop, str(output or ""))
            try:
                self._to_file(export, output, given) if output else self._to_stdout(export, given)
            except Incomplete as error:
                if stop.is_set():
                    raise CommandError("interrupted", returncode=128 + stop.signal) from None
                raise CommandError(f"{error}; the export is not whole") from None

    def _export(self, given: dict[str, Any], stop: Stop, target: str) -> Export:
        """Raises CommandError with exit code 2 for options that cannot be used."""
        try:
            options = _options(given)
            reader = _reader(given["user"])
            return Export(reader, options, is_stopped=stop.is_set, target=target)
        except OptionErrors as error:
            wrong = "; ".join(f"--{OPTIONS.get(name, name)}: {why}" for name, why in error.fields.items())
            raise CommandError(one_line(wrong), returncode=2) from None
        except QueryError as error:
            raise CommandError(f"--{one_line(str(error))}", returncode=2) from None
        except PermissionMissing as error:
            details = {"reason": str(error)}
            kind, what = EventType.AUTHZ_FAIL, "command"
            record(kind, Severity.WARNING, reader, details, what=what, target="export_logs")
            raise CommandError(f"--user: {one_line(str(error))}", returncode=2) from None

    def _to_file(self, export: Export, path: Path, given: dict[str, Any]) -> None:
        with written_whole(path) as file:
            self._write(export, given, file.write)
        self.stderr.write(f"{export.count:,} entries in {path}")

    def _to_stdout(self, export: Export, given: dict[str, Any]) -> None:
        """On a terminal what others wrote steers nothing; a file or program gets each character as it is."""
        out = self.stdout
        self._write(export, given, partial(out.write, ending="") if out.isatty() else out.write_as_it_is)
        out.flush()

    def _write(self, export: Export, given: dict[str, Any], write: Callable[[str], object]) -> None:
        """All blocks; number and rate of entries are on standard error, if that is a terminal or with `-v 2`."""
        started, is_wordy = time.monotonic(), given["verbosity"] > 1
        is_on_screen = not given["output"] and self.stdout.isatty()
        hidden = False if is_wordy else is_on_screen or None  # None: where standard error is no terminal
        tqdm.monitor_interval = 0  # no thread of its own beside ours
        with (
            tqdm(unit=" entries", disable=hidden, leave=False) as bar,
            closing(export.blocks()) as blocks,
        ):
            for block in blocks:
                write(block.encode("utf-8", "backslashreplace").decode())
                bar.update(export.count - bar.n)
        if is_wordy:
            took = max(time.monotonic() - started, 0.001)
            self.stderr.write(
                f"{export.count:,} entries in {took:.1f} s, {export.count / took:,.0f} a second"
            )


def _options(given: dict[str, Any]) -> Options:
    names = ("format", "source", "query", "level", "category", "app")
    values = {name: given[name] for name in names}
    values |= {name: given[option] for name, option in OPTIONS.items()}
    values["escape_formulas"] = not given["keep_formulas"]
    return read_options({name: value for name, value in values.items() if value is not None}, timezone.now())


def _reader(name: str | None) -> Reader:
    """Without a user's name the site itself, which may see everything."""
    user: Any = user_called(name) if name is not None else None
    return Reader(user, "", "cli")


def _target(text: str) -> Path:
    """Where the file will be. Raises CommandError where no file can take the name."""
    path = Path(text).absolute()
    if path.exists() and not path.is_file():
        raise CommandError(f"--output: {path} is not a regular file", returncode=2)
    if not path.parent.is_dir():
        raise CommandError(f"--output: {path}: there is no directory {path.parent}", returncode=2)
    return path
