"""Many rows by one statement, run once a row: the database reads it once, and the ORM builds no expressions.

That is a third of what `bulk_create` costs and a tenth of `bulk_update`. In return nothing is read back, and the
rows' keys stay unknown.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert `rows`, which are of one model, in their order. Numbered keys and columns with a default of the
    database's own are left to it. Raises what a refused INSERT raises."""
    if rows:
        statement, fields = _insert(type(rows[0]))
        _run(statement, rows, fields)


def update_rows(rows: Sequence[models.Model], columns: Iterable[str]) -> None:
    """Store `columns` (names of fields) of `rows`, which are of one model and are in the database."""
    if rows:
        statement, fields = _update(type(rows[0]), tuple(columns))
        _run(statement, rows, fields)


Fields = tuple["models.Field[Any, Any]", ...]


def _run(statement: str, rows: Sequence[models.Model], fields: Fields) -> None:
    prepare: list[tuple[str, Callable[..., Any]]] = [
        (field.attname, field.get_db_prep_save) for field in fields
    ]
    values = [tuple(ready(getattr(row, name), connection) for name, ready in prepare) for row in rows]
    with connection.cursor() as sql:
        sql.executemany(statement, values)


@cache
def _insert(model: type[models.Model]) -> tuple[str, Fields]:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if field.db_default is NOT_PROVIDED and not isinstance(field, models.AutoField)
    )
    columns = ", ".join(_quoted(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({places})", fields  # noqa: S608


@cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> tuple[str, Fields]:
    found: list[Any] = [model._meta.get_field(name) for name in columns]
    key: Any = model._meta.pk
    changes = ", ".join(f"{_quoted(field.column)} = %s" for field in found)
    table = _quoted(model._meta.db_table)
    return f"UPDATE {table} SET {changes} WHERE {_quoted(key.column)} = %s", (*found, key)  # noqa: S608


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))
