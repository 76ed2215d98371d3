"""A lock that the kernel or the database server frees when its holder dies, however it dies.

On SQLite a locked file in DATA_DIR, which all processes share; on PostgreSQL a lock of the session.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

LOOK_SECONDS = 0.1  # between two tries; waiting in the server would hold up whoever makes an index there


@contextmanager
def holding(
    connection: BaseDatabaseWrapper,
    file_name: str,
    key: tuple[int, int],
    *,
    patience: float = 0.0,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[bool]:
    """Whether the caller has the lock now: `file_name`, or `key` on PostgreSQL.

    False where others have it, and still do after `patience` seconds; `waiting` is called once before those.
    """
    lock = _database_lock(connection, key) if connection.vendor == "postgresql" else _file_lock(file_name)
    with lock as take:
        yield _taken(take, monotonic() + patience, waiting)


@contextmanager
def _file_lock(name: str) -> Iterator[Callable[[], bool]]:
    path = Path(settings.DATA_DIR) / name
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield take
    finally:
        os.close(file)


@contextmanager
def _database_lock(connection: BaseDatabaseWrapper, key: tuple[int, int]) -> Iterator[Callable[[], bool]]:
    taken = False

    def take() -> bool:
        nonlocal taken
        with connection.cursor() as sql:
            sql.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
            taken = bool(sql.fetchone()[0])
        return taken

    try:
        yield take
    finally:
        if taken and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as sql:
                sql.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _taken(take: Callable[[], bool], until: float, waiting: Callable[[], None]) -> bool:
    if take():
        return True
    if monotonic() < until:
        waiting()
    while monotonic() < until:
        sleep(LOOK_SECONDS)
        if take():
            return True
    return False
