"""Reading by cursor, which is safe against transactions that commit late.

On PostgreSQL a row carries the id of the transaction that wrote it (`xact`), and only rows whose transaction is
older than every transaction of this database still running are handed out, in the order (xact, id); a lower `id`
that commits later has a transaction that was running, so it is still to come. SQLite has one writer, so ids commit in
order and `xact` is 0.

A snapshot lists the running transactions of all databases of the server. Those of the others cannot write here. A
transaction that runs holds a lock on its own id, by which `pg_locks` and `pg_stat_activity` tell its database. One
whose database they do not tell (it has ended meanwhile, or was prepared) counts as one of ours.
"""

from typing import Any

from django.db import connection, connections, models

from logsite.records.plain import Cursor, CursorError

OLDEST_RUNNING = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s
"""
OLDEST_RUNNING_HERE = """
SELECT coalesce((
    SELECT min(running::text::bigint) FROM pg_snapshot_xip(pg_current_snapshot()) AS running
    WHERE NOT EXISTS (
        SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted
        AND transactionid = running::xid AND datname <> current_database()
    )
), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
"""


def committed(rows: models.QuerySet[Any], cursor: Cursor) -> models.QuerySet[Any]:
    """Those of `rows` after `cursor` that no transaction still running can precede."""
    connection = connections[rows.db]
    if connection.vendor != "postgresql":
        if cursor.xact or cursor.id > _last_id(connection, rows.model):
            raise _ahead(cursor)
        return rows.filter(id__gt=cursor.id)
    with connection.cursor() as sql:
        # Read before the rows: a transaction below this horizon has ended, so the later SELECT sees all of it.
        sql.execute(OLDEST_RUNNING)
        oldest_running, next_transaction = sql.fetchone()
        if oldest_running < next_transaction:
            sql.execute(OLDEST_RUNNING_HERE)
            [oldest_running] = sql.fetchone()
    if cursor.xact >= next_transaction:
        raise _ahead(cursor)
    return rows.filter(xact__gte=cursor.xact, xact__lt=oldest_running).exclude(
        xact=cursor.xact, id__lte=cursor.id
    )


def oldest_running() -> int:
    """The oldest transaction of PostgreSQL's server that has not ended: rows of lower ones are all there."""
    with connection.cursor() as sql:
        sql.execute(OLDEST_RUNNING)
        return int(sql.fetchone()[0])


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
