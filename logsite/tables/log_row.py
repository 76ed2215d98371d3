"""The base of every table whose rows are shipped: each row knows the transaction that wrote it."""

from typing import Any

from django.db import models


class CurrentTransaction(models.Func):
    """The id of the running PostgreSQL transaction; 0 on SQLite, which has one writer at a time."""

    arity = 0
    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        return "pg_current_xact_id()::text::bigint", []

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[str | int, ...]]:
        return "0", ()


class LogRow(models.Model):
    """The base of every table that a `LogSource` offers."""

    id = models.BigAutoField(primary_key=True)
    xact = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)

    class Meta:
        abstract = True
