"""Many rows by statements of our own: the ORM builds no expressions.

`insert_rows` and `update_rows` take models and run one statement once a row, which the database reads once: a third
of what `bulk_create` costs and a tenth of `bulk_update`. `insert_new` and `copy_rows` take the values of columns.
Nothing is read back, and the rows' keys stay unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER
from typing import Any

from django.db import connection, models, transaction
from django.db.models.fields import NOT_PROVIDED

ROWS_AT_ONCE = 200  # of a statement of `insert_new`: SQLite takes them in half the time of as many statements
VALUES_AT_ONCE = 2600  # of a statement of `store_values`: SQLite takes a millisecond to read one
Values = tuple[Any, ...]  # of one row, as the database's driver takes them


def insert_rows(rows: Sequence[models.Model], others: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Insert `rows`, which are of one model, in their order. Numbered keys and columns with a default of the
    database's own are left to it. `others` are columns that no model has. Raises what a refused INSERT raises."""
    others = others or {}
    if rows:
        statement, fields = _insert(type(rows[0]), tuple(others))
        _run(statement, rows, fields, others.values())


def update_rows(rows: Sequence[models.Model], columns: Iterable[str]) -> None:
    """Store `columns` (names of fields) of `rows`, which are of one model and are in the database."""
    if rows:
        statement, fields = _update(type(rows[0]), tuple(columns))
        _run(statement, rows, fields)


def insert_new(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Values], unique: Sequence[str]
) -> int:
    """Insert those of `rows` whose `unique` columns, which have a unique constraint, are not stored yet.

    Returns how many were inserted."""
    end = f" ON CONFLICT ({', '.join(map(_quoted, unique))}) DO NOTHING"
    return sum(cursor.rowcount for cursor in _insert_some(model, columns, rows, end))


def insert_new_returning(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Values],
    unique: Sequence[str],
    returning: Sequence[str],
) -> list[Values]:
    """Insert `rows` as `insert_new` does. Returns the columns `returning` of those inserted, in any order."""
    quoted = (", ".join(map(_quoted, names)) for names in (unique, returning))
    end = " ON CONFLICT ({}) DO NOTHING RETURNING {}".format(*quoted)
    return [values for cursor in _insert_some(model, columns, rows, end) for values in cursor.fetchall()]


def insert_new_or_old(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Values],
    unique: Sequence[str],
    *,
    age: str,
    before: Any,
    returning: str,
) -> list[Any]:
    """Insert `rows` as `insert_new` does; a stored row whose column `age` is below `before` is taken over by the new
    one. Returns the column `returning` of the rows inserted and taken over.

    The caller sorts the rows by their key, or two transactions can wait for each other.
    """
    table, name = _quoted(model._meta.db_table), _quoted(age)
    mark = "?" if connection.vendor == "sqlite" else "%s"
    end = (
        f" ON CONFLICT ({', '.join(map(_quoted, unique))}) DO UPDATE SET {name} = excluded.{name}"
        f" WHERE {table}.{name} < {mark} RETURNING {_quoted(returning)}"
    )
    some = _insert_some(model, columns, rows, end, (before,))
    return [value for cursor in some for (value,) in cursor.fetchall()]


def _insert_some(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Values], end: str, more: Values = ()
) -> Iterator[Any]:
    """Run one INSERT for ROWS_AT_ONCE rows after the other; its cursor each time."""
    sqlite = connection.vendor == "sqlite"
    mark = f"({', '.join(['?' if sqlite else '%s'] * len(columns))})"
    start = f"INSERT INTO {_table(model, columns)} VALUES "  # noqa: S608
    with connection.cursor() as sql, connection.wrap_database_errors:
        # Past Django's cursor on SQLite, which would look through each statement for its own marks.
        cursor = sql.connection.cursor() if sqlite else sql
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            cursor.execute(start + ", ".join([mark] * len(some)) + end, [*chain.from_iterable(some), *more])
            yield cursor


def highest_id(model: type[models.Model]) -> int:
    """The highest id that any row had, on SQLite. In a transaction that writes, the ids above it are free."""
    with connection.cursor() as sql:
        sql.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        found = sql.fetchone()
    return int(found[0]) if found else 0


def store_columns(model: type[models.Model], columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows that are given as columns, whose values are as the database's driver takes them: by COPY on
    PostgreSQL, by `store_values` on SQLite."""
    rows = zip(*columns.values(), strict=True)
    table = _table(model, columns)
    if connection.vendor == "sqlite":
        store_values(table, len(columns), rows)
        return
    statement = f"COPY {table} FROM STDIN"
    with connection.cursor() as sql, connection.wrap_database_errors, sql.cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def store_values(table: str, width: int, rows: Iterable[Values]) -> None:
    """Insert rows of `width` values on SQLite; `table` names the columns, too: `"devices" ("name", "address")`.

    A statement takes as many rows as it may. While one runs, other threads do, and the next one waits for them: with
    a statement a row, two requests at once would take longer than one after the other.
    """
    with connection.cursor() as sql, connection.wrap_database_errors:
        cursor, limit = sql.connection.cursor(), sql.connection.getlimit(SQLITE_LIMIT_VARIABLE_NUMBER)
        at_once = min(VALUES_AT_ONCE, limit) // width
        mark, rows = f"({', '.join('?' * width)})", iter(rows)
        while some := list(islice(rows, at_once)):
            statement = f"INSERT INTO {table} VALUES {', '.join([mark] * len(some))}"  # noqa: S608
            cursor.execute(statement, list(chain.from_iterable(some)))


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Sequence[Values]) -> bool:
    """Insert `rows` by PostgreSQL's COPY in half the time of INSERT. False if one of them was stored before: then
    none is inserted."""
    from psycopg.errors import UniqueViolation  # SQLite needs no psycopg

    statement = f"COPY {_table(model, columns)} FROM STDIN"
    try:
        with transaction.atomic(), connection.cursor() as sql, sql.cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except UniqueViolation:
        return False
    return True


Fields = tuple["models.Field[Any, Any]", ...]


def _run(
    statement: str, rows: Sequence[models.Model], fields: Fields, others: Iterable[Sequence[Any]] = ()
) -> None:
    prepare: list[tuple[str, Callable[..., Any]]] = [
        (field.attname, field.get_db_prep_save) for field in fields
    ]
    values = [tuple(ready(getattr(row, name), connection) for name, ready in prepare) for row in rows]
    if others:
        values = [(*row, *more) for row, more in zip(values, zip(*others, strict=True), strict=True)]
    with connection.cursor() as sql:
        sql.executemany(statement, values)


@cache
def _insert(model: type[models.Model], others: tuple[str, ...]) -> tuple[str, Fields]:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if field.db_default is NOT_PROVIDED and not isinstance(field, models.AutoField)
    )
    columns = [*(str(field.column) for field in fields), *others]
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_table(model, columns)} VALUES ({marks})", fields  # noqa: S608


@cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> tuple[str, Fields]:
    found: list[Any] = [model._meta.get_field(name) for name in columns]
    key: Any = model._meta.pk
    changes = ", ".join(f"{_quoted(field.column)} = %s" for field in found)
    table = _quoted(model._meta.db_table)
    return f"UPDATE {table} SET {changes} WHERE {_quoted(key.column)} = %s", (*found, key)  # noqa: S608


def _table(model: type[models.Model], columns: Iterable[str]) -> str:
    """The table and its columns, as in `INSERT INTO "devices" ("name", "address")`."""
    return f"{_quoted(model._meta.db_table)} ({', '.join(map(_quoted, columns))})"


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))
