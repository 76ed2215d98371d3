"""Parse stored answers again, without connecting."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from devices.collecting.stored_responses import Change, reparse_device
from devices.models import Device
from logsite.commands import SiteCommand
from logsite.text.terminal import one_line

SHOWN = 5  # changes a device; more make the line unreadable


class Command(SiteCommand):
    help = (
        "Parse the newest stored responses of devices again, without connecting, and store the interfaces. "
        "Exit code 1 if a response cannot be parsed; the interfaces of that device do not change then."
    )
    requires_system_checks = ["logsite", "devices"]

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--device", metavar="NAME", nargs="+", action="extend", help="names of devices in the inventory"
        )
        which.add_argument("--all", action="store_true", help="every device")
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would change, and change nothing"
        )

    def handle(self, **options: Any) -> None:
        devices = self._devices(options["device"])
        changes = [reparse_device(device, dry_run=options["dry_run"]) for device in devices]
        for change in changes:
            self.stdout.write(
                f"{one_line(change.device.name)}: {self._text(change, dry_run=options['dry_run'])}"
            )
        if failed := [change.device.name for change in changes if change.error]:
            raise CommandError(
                f"{len(failed)} of {len(devices)} devices could not be parsed: {', '.join(map(one_line, failed))}"
            )

    def _devices(self, names: list[str] | None) -> list[Device]:
        if names is None:
            return list(Device.objects.order_by("name"))
        found = {device.name: device for device in Device.objects.filter(name__in=names)}
        if wrong := [name for name in names if name not in found]:
            raise CommandError(f"--device: not in the inventory: {', '.join(wrong)}", returncode=2)
        return list(found.values())

    def _text(self, change: Change, *, dry_run: bool) -> str:
        if change.error:
            return f"{self.style.ERROR('failed')}, {change.error}"
        if change.nothing_stored:
            return "no responses stored"
        counts = f"{change.interfaces} interfaces, {change.addresses} addresses"
        if not change.changes:
            return f"{counts}, nothing changed"
        verb = "would change" if dry_run else "changed"
        shown = "; ".join(change.changes[:SHOWN])
        more = f"; and {len(change.changes) - SHOWN} more" if len(change.changes) > SHOWN else ""
        return f"{counts}, {len(change.changes)} {verb}: {shown}{more}"
