"""A time limit for reading: the database itself ends a statement that takes longer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from math import inf
from time import monotonic
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections

SQLITE_STEPS = 10_000  # instructions of SQLite's machine between two looks at the clock: about a millisecond
SQLITE_INTERRUPT = 9  # https://www.sqlite.org/rescode.html#interrupt
POSTGRESQL_CANCELED = "57014"  # query_canceled


class TooSlow(Exception):
    """Reading took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"reading took longer than {seconds:g} s")


@contextmanager
def reading_within(seconds: float, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let all statements of the block together take `seconds`. Raises TooSlow.

    The block reads rows and evaluates them within. A block within a block ends with the one that ends first.
    """
    connection: Any = connections[using]
    before: float | None = getattr(connection, "reading_ends", None)
    connection.reading_ends = min(monotonic() + seconds, before or inf)
    limited = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    try:
        with limited(connection, seconds, outermost=before is None):
            yield
    except OperationalError as error:
        if _was_ended(error):
            raise TooSlow(seconds) from None
        raise
    finally:
        connection.reading_ends = before


@contextmanager
def _on_sqlite(connection: Any, seconds: float, *, outermost: bool) -> Iterator[None]:
    """No transaction is opened: on SQLite it would make writers wait."""
    connection.ensure_connection()
    handle = connection.connection
    handle.set_progress_handler(lambda: monotonic() > connection.reading_ends, SQLITE_STEPS)
    try:
        yield
    finally:
        if outermost and connection.connection is handle:
            handle.set_progress_handler(None, SQLITE_STEPS)


@contextmanager
def _on_postgresql(connection: Any, seconds: float, *, outermost: bool) -> Iterator[None]:
    """Within a transaction the block is a savepoint: its end takes the failure along."""
    connection.ensure_connection()
    server, in_transaction = connection.connection, connection.in_atomic_block
    [before] = server.execute("SELECT current_setting('statement_timeout')").fetchone()
    if in_transaction:
        server.execute("SAVEPOINT reading")
    try:
        # A block around this one limits the statements already, by what is left of the shorter time.
        with connection.execute_wrapper(_limited(connection, seconds)) if outermost else nullcontext():
            yield
    except BaseException:
        if in_transaction and not server.closed:
            server.execute("ROLLBACK TO SAVEPOINT reading")
        raise
    finally:
        if not server.closed:
            if in_transaction:
                server.execute("RELEASE SAVEPOINT reading")
            server.execute("SELECT set_config('statement_timeout', %s, false)", [before])


def _limited(connection: Any, seconds: float) -> Callable[..., Any]:
    """Gives each statement what is left of the time; PostgreSQL knows a limit for one statement only."""

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        left = connection.reading_ends - monotonic()
        if left <= 0:
            raise TooSlow(seconds)
        connection.connection.execute(f"SET statement_timeout = {max(1, round(left * 1000))}")
        return run(sql, params, many, context)

    return execute


def _was_ended(error: OperationalError) -> bool:
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", 0) or 0
    return code & 0xFF == SQLITE_INTERRUPT or getattr(cause, "sqlstate", None) == POSTGRESQL_CANCELED
