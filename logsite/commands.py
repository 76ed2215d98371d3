"""The base of all commands."""

from typing import Any, Literal

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

# SQLSTATE of PostgreSQL: undefined table, undefined column.
UNDEFINED = ("42P01", "42703")
NOT_MIGRATED = "the database has no tables for this, or older ones: run `manage.py migrate`"


class SiteCommand(BaseCommand):
    """A command that says in one line that the database failed."""

    # Of the rooms it works in; not of pages, which it does not show.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ["logsite"]

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            raise CommandError(database_failed(error)) from None


def database_failed(error: DatabaseError) -> str:
    """A sentence for what a database raised; its own text may hold the connection string or a row."""
    cause = error.__cause__
    if (
        getattr(cause, "sqlstate", None) in UNDEFINED
        or "no such table" in str(cause)
        or "no such column" in str(cause)
    ):
        return NOT_MIGRATED
    return f"the database failed ({type(error).__name__}); nothing is lost, run again"
