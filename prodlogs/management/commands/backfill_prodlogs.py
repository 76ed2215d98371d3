"""Read a stretch of the past of containers' logs."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from logsite.commands import SiteCommand
from logsite.commands.stopping import account
from logsite.text.moments import parse_moment
from logsite.text.terminal import json_text
from prodlogs.hosts.configured import get_hosts
from prodlogs.printing import result_dict
from prodlogs.reading.host_reading import backfill_hosts
from prodlogs.reading.results import HostResult
from prodlogs.ssh.audit import check_names


class Command(SiteCommand):
    help = (
        "Read what containers wrote in a window of time, as far as Docker still has it, and store what is missing. "
        "Exit code 1 if something could not be read, 2 if nothing was tried."
    )
    requires_system_checks = ["logsite", "prodlogs"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", metavar="NAME", help="one Docker host; without it, all that are enabled"
        )
        parser.add_argument(
            "--container", metavar="NAME", nargs="+", help="only these, by name or id; without it, all"
        )
        parser.add_argument(
            "--since", metavar="T", required=True, help="from this time on: 2026-01-31T12:00:00Z, 2h, 7d"
        )
        parser.add_argument("--until", metavar="T", required=True, help="before this time")
        parser.add_argument("--json", action="store_true", help="JSON on standard output")

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        since, until = _moment("since", options, now), _moment("until", options, now)
        if since >= until:
            raise CommandError("--since must be before --until", returncode=2)
        if since.year <= 1970 or until.year >= 2200:
            raise CommandError("--since, --until: give times from 1971 to 2199", returncode=2)
        try:
            hosts = get_hosts(options["host"])
            check_names(hosts, options["container"] or (), user=account(), via="cli")
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from None
        results = backfill_hosts(hosts, since, until, user=account(), containers=options["container"])
        if options["json"]:
            self.stdout.write(json_text([result_dict(result) for result in results]))
        else:
            for line in (line for result in results for line in sentences(result)):
                self.stdout.write(line)
        self._end(results, options["container"] or [])

    def _end(self, results: list[HostResult], wanted: list[str]) -> None:
        """A container that one of several hosts has is not missing."""
        absent = [
            name for name in wanted if all(name in result.missing for result in results if not result.error)
        ]
        if absent:
            raise CommandError(f"--container: no host has {', '.join(absent)}")
        if any(result.error or result.running or any(r.error for r in result.readings) for result in results):
            raise CommandError("some logs could not be read")


def _moment(name: str, options: dict[str, Any], now: datetime) -> datetime:
    try:
        return parse_moment(options[name], now)
    except ValueError as error:
        raise CommandError(f"--{name}: {error}", returncode=2) from None


def sentences(result: HostResult) -> list[str]:
    """What came of a host, a line for each container."""
    if result.running:
        return [f"{result.busy}; try again later"]
    lines = [result.error] if result.error else []
    for reading in result.readings:
        duplicates = reading.snapshot.duplicates
        counts = f"{reading.entries:,} entries stored, {duplicates:,} were stored before"
        lines.append(f"{result.host}: {reading.container}: {counts}")
        if reading.error and reading.error != result.error:
            lines.append(reading.error)
    return lines
