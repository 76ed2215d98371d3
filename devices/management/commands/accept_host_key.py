"""Accept the host key that a device has shown."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from devices.models import Device
from logsite.commands.base import SiteCommand, user_called
from logsite.ssh.host_keys import HostKeyProblem


class Command(SiteCommand):
    help = "Accept the host key that a device offered, in place of its accepted key or as its first one."
    requires_system_checks = ["logsite", "devices"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--device", metavar="NAME", required=True, help="the device's name in the inventory"
        )
        parser.add_argument(
            "--fingerprint", metavar="SHA256:…", required=True, help="fingerprint of the offered key"
        )
        parser.add_argument("--user", metavar="USERNAME", help="the user on record for it")

    def handle(self, *, device: str, fingerprint: str, user: str | None, **_: Any) -> None:
        from devices.connectors.host_keys import Actor, accept

        row = Device.objects.filter(name=device).first()
        if row is None:
            raise CommandError(f"--device: not in the inventory: {device}", returncode=2)
        try:
            shown = accept(row, fingerprint, Actor(user_called(user)))
        except HostKeyProblem as error:
            raise CommandError(f"{row.name}: {error}") from None
        self.stdout.write(f"{row.name}: the accepted host key is now {shown}")
