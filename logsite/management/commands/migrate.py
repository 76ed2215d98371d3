"""Bring the tables up to date: Django's own `migrate`, one at a time."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from logsite.commands import SiteCommand
from logsite.locks.held import holding

KEY = (0x4C6F6753, -1)  # «LogS», as all our locks; hosts have numbers above 0
FOREVER = float("inf")


class Command(SiteCommand, migrate.Command):
    """Two at once would each make the same table, and the second one fail half-way."""

    requires_system_checks = []  # Django's checks the databases, after it has connected

    def handle(self, *args: Any, **options: Any) -> None:
        with holding(
            connections[options["database"]], "migrate.lock", KEY, patience=FOREVER, waiting=self._say_wait
        ):
            super().handle(*args, **options)

    def _say_wait(self) -> None:
        self.stderr.write("another migrate is running: waiting for its end")
        self.stderr.flush()
