"""Remove what is older than the RETENTION_… settings say."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from logsite.commands import SiteCommand
from logsite.commands.stopping import account, stopping
from logsite.housekeeping.purge_runs import Purge, RetentionError, Tally


class Command(SiteCommand):
    help = (
        "Remove sessions, responses and container logs that are older than the RETENTION_… settings say, "
        "in small batches."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
        parser.add_argument(
            "--even-unshipped", action="store_true", help="also what a destination has not got yet"
        )

    def handle(self, **options: Any) -> None:
        with stopping() as stop:
            try:
                purge = Purge(even_unshipped=options["even_unshipped"], stopping=stop.is_set)
            except RetentionError as error:
                raise CommandError(str(error), returncode=2) from None
            if options["dry_run"]:
                self._print(purge, purge.count(), "would go")
                return
            run = purge.run(account())
        removed: Tally = Counter(
            {(rule, what): n for rule, counts in run.counts.items() for what, n in counts.items()}
        )
        self._print(purge, removed, "removed")
        if stop.is_set():
            self.stdout.write("stopped before the end; the next run goes on")

    def _print(self, purge: Purge, tally: Tally, verb: str) -> None:
        for line in purge.report(tally):
            self.stdout.write(f"{line} {verb}")
        for kept in purge.kept_for_shipping():
            self.stdout.write(f"{kept} stay until they are shipped (--even-unshipped removes them)")
