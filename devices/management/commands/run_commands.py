"""Run read-only commands on devices."""

import argparse
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from devices.commands import (
    MOST_COMMANDS,
    RUN,
    RUN_ANY,
    Answer,
    Run,
    may,
    permitted,
    record_refusals,
    refusals,
    run_on_devices,
)
from devices.management.workers import HELP, worker_count
from devices.models import Device
from devices.read_only import Refused
from logsite.audit import EventType, Reader, Severity, record
from logsite.commands.base import SiteCommand, user_called
from logsite.text.terminal import json_text, one_line

EPILOG = """\
  run_commands --device rtr01 rtr02 "show version" "show clock"
  run_commands --tag edge -- "show ip route summary"
  run_commands --device web01 -- uptime "systemctl status nginx"

Each platform has a list of read-only commands (devices/platforms/*.toml). Any other command needs --user with
a user who has the permission devices.run_any_command.
Exit code 1 if a device or a command failed, 2 if nothing was run."""


class Command(SiteCommand):
    help = "Run read-only commands on devices, one recorded session each, and print the responses."
    requires_system_checks = ["logsite", "devices", "sessionlogs"]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EPILOG, "formatter_class": argparse.RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--device", metavar="NAME", nargs="+", action="extend", help="names of devices in the inventory"
        )
        parser.add_argument("--tag", metavar="TAG", action="append", help="every enabled device with the tag")
        parser.add_argument("commands", metavar="COMMAND", nargs="*", help="one command; quote it")
        parser.add_argument(
            "--user", metavar="USERNAME", help="the user who runs them, named in the session logs"
        )
        parser.add_argument("--workers", type=int, metavar="N", help=HELP)
        parser.add_argument("--json", action="store_true", help="one JSON object a device")

    def handle(self, **options: Any) -> None:
        workers = worker_count(options["workers"])
        user, any_command = self._user(options["user"])
        names, commands = self._split(options["device"] or [], options["commands"])
        devices = self._devices(names, options["tag"] or [])
        if not commands or len(commands) > MOST_COMMANDS:
            raise CommandError(f"COMMAND: give 1 to {MOST_COMMANDS} commands", returncode=2)
        if refused := refusals(devices, commands, any_command=any_command):
            record_refusals(refused, user)
            raise CommandError("\n".join(map(_refusal, refused)), returncode=2)
        failed: dict[str, Run] = {}
        with tqdm(total=len(devices), unit="device", disable=None, leave=False) as bar:
            for run in run_on_devices(devices, commands, user, any_command=any_command, workers=workers):
                bar.clear()
                failed |= {} if run.ok else {run.device.name: run}
                self._print_json(run) if options["json"] else self._print(run)
                bar.update()
        self._sum_up(len(devices), failed, quiet=options["json"])

    def _user(self, name: str | None) -> tuple[AbstractBaseUser | None, bool]:
        """Who is named in the record, and whether they may run anything: never without being named here."""
        user = user_called(name)
        if name is None:
            return user, False
        if not (may(user, RUN) or may(user, RUN_ANY)):
            reader = Reader(user, "", "cli")  # type: ignore[arg-type]
            details = {"permission": RUN}
            record(
                EventType.AUTHZ_FAIL, Severity.WARNING, reader, details, what="command", target="run_commands"
            )
            raise CommandError(f"--user: {name} lacks the permission {RUN}", returncode=2)
        return user, may(user, RUN_ANY)

    def _split(self, values: list[str], commands: list[str]) -> tuple[list[str], list[str]]:
        """`--device NAME… COMMAND…` arrives as one list: commands begin where the names of devices end."""
        known = {device.name: device for device in Device.objects.filter(name__in=values)}
        end = next((number for number, value in enumerate(values) if value not in known), len(values))
        names, rest = values[:end], values[end:]
        if rest and not (known and (" " in rest[0] or _only_reads(list(known.values()), rest[0]))):
            hint = "" if commands else "; put the commands behind --"
            raise CommandError(f"--device: not in the inventory: {rest[0]}{hint}", returncode=2)
        return list(dict.fromkeys(names)), [*rest, *commands]

    def _devices(self, names: list[str], tags: list[str]) -> list[Device]:
        every = Device.objects.prefetch_related("tags")
        chosen = {device.name: device for device in every.filter(name__in=names)}
        disabled = [device.name for device in chosen.values() if not device.enabled]
        if disabled:
            raise CommandError(f"--device: not enabled: {', '.join(disabled)}", returncode=2)
        for tag in tags:
            tagged = {device.name: device for device in every.filter(tags__name=tag, enabled=True)}
            if not tagged:
                raise CommandError(f"--tag: no enabled device has {tag!r}", returncode=2)
            chosen |= tagged
        if not chosen:
            raise CommandError("choose devices with --device or --tag", returncode=2)
        return list(chosen.values())

    def _print(self, run: Run) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"=== {one_line(run.device.name)} ==="))
        for answer in [] if run.error else run.answers:
            self.stdout.write(f"$ {one_line(answer.command)}")
            for text in (answer.stdout, answer.stderr):
                if text:
                    self.stdout.write(text)
            if not answer.ok and answer.error != answer.stderr:
                self.stdout.write(self.style.ERROR(f"failed: {answer.error}"))
        outcome = self.style.ERROR(f"failed, {run.error}") if run.error else f"{run.seconds:.1f} s"
        self.stdout.write(f"{one_line(run.device.name)}: {outcome}, session {run.session_id or 'none'}\n\n")

    def _print_json(self, run: Run) -> None:
        self.stdout.write(json_text(as_json(run)))

    def _sum_up(self, count: int, failed: dict[str, Run], *, quiet: bool) -> None:
        if not quiet:
            self.stdout.write(f"{count - len(failed)} of {count} devices answered every command")
        if failed:
            names = ", ".join(map(one_line, sorted(failed)))
            raise CommandError(f"{len(failed)} of {count} devices failed: {names}")


def as_json(run: Run) -> dict[str, Any]:
    """A run as the API words it."""
    from devices.api.serializers import RunSerializer

    return dict(RunSerializer(run).data)


def _only_reads(devices: list[Device], command: str) -> bool:
    try:
        return all(permitted(device, command, any_command=False) for device in devices)
    except Refused:
        return False


def _refusal(found: tuple[Device, Answer]) -> str:
    device, answer = found
    return f"{one_line(device.name)}: {answer.command!r} may not be run: {answer.error}"
