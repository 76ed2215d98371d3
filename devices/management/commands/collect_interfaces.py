"""Collect interfaces from devices."""

import signal
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from tqdm import tqdm

from devices.collecting import fleet
from devices.collecting.one_device import Result
from devices.management.workers import HELP, worker_count
from devices.models import Device
from logsite.commands.base import SiteCommand, user_called
from logsite.commands.stopping import Stop, stopping
from logsite.text.terminal import one_line


class Command(SiteCommand):
    help = "Log in to devices, read their interfaces and store them. Exit code 1 if any device failed."
    requires_system_checks = ["logsite", "devices", "sessionlogs"]

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--device", metavar="NAME", nargs="+", action="extend", help="names of devices in the inventory"
        )
        which.add_argument("--all", action="store_true", help="every enabled device")
        parser.add_argument("--workers", type=int, metavar="N", help=HELP)
        parser.add_argument("--user", metavar="USERNAME", help="the user to name in the session logs")
        parser.add_argument(
            "--no-session-log", action="store_true", help="record no sessions; implies --local"
        )
        parser.add_argument(
            "--resume", action="store_true", help="skip the devices that the interrupted run has collected"
        )
        parser.add_argument(
            "--local", action="store_true", help="collect in this process, even if REDIS_URL is set"
        )

    def handle(self, **options: Any) -> None:
        options["workers"] = worker_count(options["workers"])
        devices = self._devices(options["device"])
        user = user_called(options["user"])
        run = fleet.interrupted_run() if options["resume"] else None
        if options["resume"] and run is None:
            raise CommandError("--resume: the last run was not interrupted", returncode=2)
        run = run or fleet.begin_run()
        if options["resume"]:
            devices = fleet.left_by(run, devices)
        with stopping() as stop:
            self._collect(devices, user, stop, options)
        if not stop.is_set():
            fleet.end_run(run)
        self._sum_up(stop)

    def _collect(
        self, devices: QuerySet[Device], user: AbstractBaseUser | None, stop: Stop, options: dict[str, Any]
    ) -> None:
        self.tally, self.wanted = fleet.Tally(), devices.count()
        record = not options["no_session_log"]
        tqdm.monitor_interval = 0  # no thread of its own beside ours
        bar = tqdm(total=self.wanted, unit="device", disable=None, leave=False)
        if settings.REDIS_URL and record and not options["local"]:
            results = self._by_workers(devices, user, stop)
        else:
            results = fleet.collect_devices(
                fleet.in_pages(devices), user, workers=options["workers"], record=record, stop=stop
            )
        with bar:
            for result in results:
                bar.clear()
                self.tally.add(result)
                self._print(result)
                bar.update()

    def _by_workers(
        self, devices: QuerySet[Device], user: AbstractBaseUser | None, stop: Stop
    ) -> Iterator[Result]:
        from devices import tasks  # Celery is needed where there is Redis only

        try:
            queued = tasks.enqueue(fleet.in_pages(devices), user)
            if not tasks.workers_answer():
                self.stderr.write("no Celery worker answers yet; start one: celery -A logsite worker")
        except tasks.collect.OperationalError as error:
            raise CommandError(f"REDIS_URL: Redis does not answer ({type(error).__name__})") from None
        return tasks.results(queued, stop)

    def _sum_up(self, stop: Stop) -> None:
        done, failed = self.tally.total, self.tally.failed
        if failed:
            self.stdout.write(str(self.tally))
        self.stdout.write(f"{done - len(failed)} of {self.wanted} devices collected")
        if stop.is_set():
            left = f"{self.wanted - done} devices are left; collect them with --resume"
            code = 128 + stop.signal if stop.signal == signal.SIGINT else 1
            raise CommandError(f"interrupted: {left}", returncode=code)
        if failed:
            raise CommandError(
                f"{len(failed)} of {done} devices failed: {', '.join(map(one_line, sorted(failed)))}"
            )

    def _devices(self, names: list[str] | None) -> QuerySet[Device]:
        devices = Device.objects.filter(enabled=True)
        if names is None:
            if not devices.exists():
                raise CommandError("there is no enabled device; add one in the admin", returncode=2)
            return devices
        enabled = dict(Device.objects.filter(name__in=names).values_list("name", "enabled"))
        if wrong := [name for name in names if name not in enabled]:
            raise CommandError(f"--device: not in the inventory: {', '.join(wrong)}", returncode=2)
        if disabled := [name for name, is_enabled in enabled.items() if not is_enabled]:
            raise CommandError(f"--device: not enabled: {', '.join(disabled)}", returncode=2)
        return devices.filter(name__in=names)

    def _print(self, result: Result) -> None:
        name = one_line(result.device.name)
        if result.ok:
            counts = f"{result.interfaces} interfaces, {result.addresses} addresses"
            self.stdout.write(f"{name}: {self.style.SUCCESS('ok')}, {counts}, {result.seconds:.1f} s")
        else:
            self.stdout.write(f"{name}: {self.style.ERROR('failed')}, {result.error}")
