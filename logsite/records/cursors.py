"""Reading by cursor, which is safe against transactions that commit late.

On PostgreSQL a row carries the id of the transaction that wrote it (`xact`), and only rows whose transaction is
older than every transaction still running (`pg_snapshot_xmin`) are handed out, in the order (xact, id); a lower `id`
that commits later has a transaction that was running, so it is still to come. SQLite has one writer, so ids commit in
order and `xact` is 0.
"""

from typing import Any

from django.db import connections, models

from logsite.records.plain import Cursor, CursorError


def committed(rows: models.QuerySet[Any], cursor: Cursor) -> models.QuerySet[Any]:
    """Those of `rows` after `cursor` that no transaction still running can precede."""
    connection = connections[rows.db]
    if connection.vendor != "postgresql":
        if cursor.xact or cursor.id > _last_id(connection, rows.model):
            raise _ahead(cursor)
        return rows.filter(id__gt=cursor.id)
    with connection.cursor() as sql:
        # Read before the rows: what is older than this xmin has ended, so the later SELECT sees all of it.
        sql.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() AS s"
        )
        oldest_running, next_transaction = sql.fetchone()
    if cursor.xact >= next_transaction:
        raise _ahead(cursor)
    return rows.filter(xact__gte=cursor.xact, xact__lt=oldest_running).exclude(
        xact=cursor.xact, id__lte=cursor.id
    )


def after(cursor: Cursor) -> models.Q:
    """The rows after `cursor`, in the order of shipping, whether committed or not."""
    return models.Q(xact__gt=cursor.xact) | models.Q(xact=cursor.xact, id__gt=cursor.id)


def _last_id(connection: Any, model: type[models.Model]) -> int:
    """The highest id SQLite ever gave in this database, whether its row is still there or not."""
    with connection.cursor() as sql:
        sql.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        return int((sql.fetchone() or [0])[0])


def _ahead(cursor: Cursor) -> CursorError:
    return CursorError(
        f"cursor {cursor} is ahead of the database, which was restored or replaced; "
        "see «After a restore» in docs/shipping.md"
    )
