"""Remove session logs by age and class."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from logsite.commands import SiteCommand
from logsite.commands.stopping import account, stopping
from logsite.purging import Tally, purge_parts
from sessionlogs.retention import Purge, RetentionError


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
        for rule in purge.rules:
            sessions, events = tally[rule.name, "sessions"], tally[rule.name, "events"]
            self.stdout.write(f"{rule}: {sessions} sessions, {events} events {verb}")
        self.stdout.write(f"responses: {tally['responses', 'responses']} {verb}")
        for part in purge_parts():
            counts = ", ".join(f"{tally[part.name, what]} {what}" for what in part.removes)
            self.stdout.write(f"{part.rule()}: {counts} {verb}")
            if not purge.even_unshipped and (kept := part.kept_for_shipping(purge.now)):
                self.stdout.write(
                    f"{part.name}: {kept} stay until they are shipped (--even-unshipped removes them)"
                )
        if kept := purge.kept_for_shipping():
            self.stdout.write(f"{kept} sessions stay until they are shipped (--even-unshipped removes them)")
