"""Show LogSite at work: an emulated fleet, collected, and the site to look at it."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections

from demo import running
from logsite.commands import SiteCommand


class Command(SiteCommand):
    help = (
        "Create an administrator, start emulated devices, collect them, serve the site until Ctrl-C, with an "
        "application that logs to it. "
        "Touches only devices tagged demo."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument("--no-serve", action="store_true", help="stop after collecting")

    def handle(self, *, host: str, port: int, no_serve: bool, **_: Any) -> None:
        if not 1 <= port <= 65535:
            raise CommandError("--port must be a whole number from 1 to 65535", returncode=2)
        try:
            running.check_parts()
            if not no_serve:
                running.check_port(host, port)
            with running.until_stopped():
                admin = self._admin()
                with running.running_fleet() as entries:
                    self._collect(entries)
                    if no_serve:
                        self._say(_login(admin))
                    else:
                        self._serve(host, port, admin)
        except running.DemoError as error:
            raise CommandError(str(error)) from None
        self._say("The demo has stopped.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # into a file, too, the line is there when it is true

    def _admin(self) -> running.Administrator:
        path = settings.DATA_DIR / "admin-password"
        admin = running.ensure_admin(path)
        if admin.created:
            self._say(f"Created the user {admin.username}; its password is kept in {path}.")
        return admin

    def _collect(self, entries: list[dict[str, Any]]) -> None:
        devices, foreign = running.seed(entries)
        for name in foreign:
            self._say(
                f"{name}: skipped, the inventory has a device of that name that is not tagged {running.TAG}"
            )
        if not devices:
            return
        self._say("Collecting the emulated devices; sw02.demo refuses its password, to show a failed login.")
        names = [device.name for device in devices]
        try:
            call_command(
                "collect_interfaces",
                "--local",
                "--device",
                *names,
                "--user",
                running.ADMIN,
                stdout=self.stdout,
            )
        except CommandError as error:
            self._say(f"collect_interfaces: {error}")

    def _serve(self, host: str, port: int, admin: running.Administrator) -> None:
        connections.close_all()
        with running.running_site(host, port) as site:
            line = f"LogSite: {running.site_url(host, port)}  {_login(admin)}  (Ctrl-C stops everything)"
            with running.running_application(running.site_url(host, port)):
                self._say(self.style.SUCCESS(line))
                code = site.wait()
            if code:
                raise running.DemoError(f"the site ended by itself with exit code {code}; see above")


def _login(admin: running.Administrator) -> str:
    password = admin.password or f"set by hand; manage.py changepassword {admin.username} sets another"
    return f"user: {admin.username}  password: {password}"
