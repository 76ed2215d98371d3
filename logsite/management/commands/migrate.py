"""Bring the tables up to date: Django's own `migrate`, one at a time, of the site's database and the audit's."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections

from logsite.audit.routing import ALIAS, APP_LABEL, has_own_database
from logsite.commands import SiteCommand
from logsite.locks.held import holding

KEY = (0x4C6F6753, -1)  # «LogS», as all our locks; hosts have numbers above 0
FOREVER = float("inf")


class Command(SiteCommand, migrate.Command):
    """Two at once would each make the same table, and the second one fail half-way.

    Without `--database` both databases are migrated; on PostgreSQL they are one.
    """

    requires_system_checks = []  # Django's checks the databases, after it has connected

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def handle(self, *args: Any, **options: Any) -> None:
        runs = list(_runs(options["database"], options["app_label"]))
        with holding(
            connections[DEFAULT_DB_ALIAS], "migrate.lock", KEY, patience=FOREVER, waiting=self._say_wait
        ):
            for run in runs:
                super().handle(*args, **{**options, **run})

    def _say_wait(self) -> None:
        self.stderr.write("another migrate is running: waiting for its end")
        self.stderr.flush()


def _runs(database: str | None, app_label: str | None) -> Iterator[dict[str, Any]]:
    """The options of each run of Django's command. The audit's file has the tables of one app."""
    if not has_own_database():
        yield {"database": DEFAULT_DB_ALIAS if database in (None, ALIAS) else database}
        return
    if database == ALIAS and app_label not in (None, APP_LABEL):
        raise CommandError(f"--database {ALIAS} has the tables of the app {APP_LABEL} alone", returncode=2)
    if database != ALIAS:
        yield {"database": database or DEFAULT_DB_ALIAS}
    if database in (None, ALIAS) and app_label in (None, APP_LABEL):
        yield {"database": ALIAS, "app_label": APP_LABEL, "run_syncdb": False}
