"""Write entries of all sources into a file, or to standard output."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from console.asking import asked
from console.export.formats import NAMES, form_of
from console.export.running import Export, ExportFailed
from logsite.audit import Reader
from logsite.commands.base import OutputClosedError, SiteCommand, user_called
from logsite.commands.stopping import Stop, stopping
from logsite.private_files import written_whole
from logsite.records import PermissionMissing
from logsite.records.query import QueryError
from logsite.tables.deadlines import TooSlow
from logsite.text.terminal import one_line
from logsite.web.answers import ParameterError

TOLD_SECONDS = 1.0  # between two lines of progress
OPTIONS = {"start_time": "--since", "end_time": "--until"}


class Command(SiteCommand):
    help = (
        "Write entries of all sources, oldest first, as json, csv or txt. A file gets its name when it is whole; "
        "cut output lacks its end: the bracket of json, the last line of csv and txt."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=NAMES, required=True)
        parser.add_argument(
            "--source", action="append", default=[], help="session, container, app; may be repeated"
        )
        parser.add_argument("--query", default="", help="as in the search of the site")
        parser.add_argument(
            "--level", action="append", default=[], help="this level and above; several: these"
        )
        parser.add_argument("--since", default="", help="a time such as 2026-01-31T12:00:00Z")
        parser.add_argument("--until", default="", help="the same, exclusive")
        parser.add_argument("--output", help="the file; without it standard output")
        parser.add_argument("--csv-plain", action="store_true", help="no apostrophe in front of formulas")
        parser.add_argument("--user", help="whose rights count, and who is on record")

    def handle(self, **options: Any) -> None:
        export = self._export(options)
        with stopping() as stop:
            try:
                if options["output"]:
                    self._into(Path(options["output"]).absolute(), export, stop)
                else:
                    for piece in self._pieces(export, stop):
                        self._print(piece)
            except (ExportFailed, TooSlow) as error:
                raise CommandError(f"the export is not whole: {error}") from None
            if not export.complete:
                raise CommandError("stopped: the export is not whole", returncode=128 + stop.signal)

    def _print(self, piece: str) -> None:
        """A terminal is not to be steered; a pipe or a file gets the piece as it is."""
        out: Any = self.stdout._out
        if out.isatty():
            self.stdout.write(piece, ending="")
            return
        try:
            out.write(piece)
        except BrokenPipeError:
            raise OutputClosedError from None

    def _export(self, options: dict[str, Any]) -> Export:
        given = {
            "source": options["source"],
            "query": [options["query"]],
            "level": options["level"],
            "start_time": [options["since"]],
            "end_time": [options["until"]],
        }
        user: Any = user_called(options["user"]) if options["user"] else None
        reader = Reader(user, "", "cli")
        try:
            found = asked(given, reader)
        except (ParameterError, QueryError) as error:
            field = getattr(error, "field", "query") or "query"
            option = OPTIONS.get(field, f"--{field}")
            raise CommandError(f"{option}: {one_line(str(error))}", returncode=2) from None
        except PermissionMissing as error:
            raise CommandError(str(error), returncode=2) from None
        return Export(found, form_of(options["format"], csv_plain=options["csv_plain"]), options["format"])

    def _into(self, path: Path, export: Export, stop: Stop) -> None:
        if path.is_dir() or not path.parent.is_dir():
            raise CommandError(f"--output: {path}: name a file in a directory that exists", returncode=2)
        try:
            with written_whole(path) as file:
                for piece in self._pieces(export, stop):
                    file.write(piece)
                if not export.complete:
                    raise CommandError("stopped: no file was written", returncode=128 + stop.signal)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}; no file was written") from None
        self.stderr.write(f"{export.number:,} entries in {path}")

    def _pieces(self, export: Export, stop: Stop) -> Iterator[str]:
        """The file's pieces until `stop`, with a line of progress each second where somebody looks."""
        began = told = time.monotonic()
        shown = self.stderr.isatty()
        with closing(export.pieces()) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                if stop.is_set():
                    return
                yield piece
                now = time.monotonic()
                if shown and now - told >= TOLD_SECONDS:
                    told = now
                    rate = export.number / (now - began)
                    self.stderr.write(f"{export.number:,} entries, {rate:,.0f} a second")
