"""Collect interfaces from devices."""

import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from devices.collect import Result, collect_devices
from devices.models import Device


class Command(BaseCommand):
    help = "Log in to devices, read their interfaces, store them. Exit code 1 when any device failed."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--device", metavar="NAME", nargs="+", action="extend", help="names in the inventory"
        )
        which.add_argument("--all", action="store_true", help="every enabled device")
        parser.add_argument("--workers", type=int, default=0, metavar="N", help="devices at a time")
        parser.add_argument("--user", metavar="USERNAME", help="who is named in the session logs")
        parser.add_argument("--no-session-log", action="store_true", help="leave no session log")

    def handle(self, **options: Any) -> None:
        if options["workers"] < 0:
            raise CommandError("--workers: a whole number above 0", returncode=2)
        devices = self._devices(options["device"])
        user = self._user(options["user"])
        bar = tqdm(total=len(devices), unit="device", disable=None, leave=False)
        failed: list[str] = []
        with bar:
            for result in collect_devices(
                devices, user, workers=options["workers"], record=not options["no_session_log"]
            ):
                bar.clear()
                failed += [] if result.ok else [result.device.name]
                self._print(result)
                bar.update()
        self.stdout.write(f"{len(devices) - len(failed)} of {len(devices)} devices collected")
        if failed:
            raise CommandError(f"{len(failed)} of {len(devices)} devices failed: {', '.join(sorted(failed))}")

    def _devices(self, names: list[str] | None) -> list[Device]:
        devices = Device.objects.prefetch_related("tags")
        if names is None:
            found = list(devices.filter(enabled=True))
            if not found:
                raise CommandError("there is no enabled device; add one in the admin", returncode=2)
            return found
        by_name = {device.name: device for device in devices.filter(name__in=names)}
        wrong = [name for name in names if name not in by_name]
        if wrong:
            raise CommandError(f"--device: not in the inventory: {', '.join(wrong)}", returncode=2)
        disabled = [device.name for device in by_name.values() if not device.enabled]
        if disabled:
            raise CommandError(f"--device: not enabled: {', '.join(disabled)}", returncode=2)
        return list(by_name.values())

    def _user(self, name: str | None) -> AbstractBaseUser | None:
        users = get_user_model()
        if name is None:
            try:
                return users.objects.filter(username=getpass.getuser()).first()
            except (KeyError, OSError):  # an account without a name, as in a container
                return None
        try:
            return users.objects.get_by_natural_key(name)
        except users.DoesNotExist:
            raise CommandError(f"--user: {name!r} is no user of this site", returncode=2) from None

    def _print(self, result: Result) -> None:
        name = result.device.name
        if result.ok:
            counts = f"{result.interfaces} interfaces, {result.addresses} addresses"
            self.stdout.write(f"{name}: {self.style.SUCCESS('ok')}, {counts}, {result.seconds:.1f} s")
        else:
            self.stdout.write(f"{name}: {self.style.ERROR('failed')}, {result.error}")
