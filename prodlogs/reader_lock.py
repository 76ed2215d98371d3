"""One reader a host: two would fetch everything twice. A reader that is killed holds nothing up.

The lock is freed by the kernel (SQLite: a locked file in DATA_DIR, which all processes share) or by the server
(PostgreSQL: a lock of the session), so whoever starts after a `kill -9` goes on at once.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from django.conf import settings
from django.db import connection

from prodlogs.models import DockerHost

NAMESPACE = 0x4C6F6753  # of our locks among those of the database: «LogS»


PATIENCE = (
    30.0  # seconds that somebody who asks for logs waits for a reader that is at it, as one who follows
)
LOOK = 0.1  # seconds between two tries


@contextmanager
def reading(host: DockerHost, *, patience: float = 0.0) -> Iterator[bool]:
    """Whether the caller may read `host` now; False where others do, and still do after `patience` seconds."""
    lock = _database_lock if connection.vendor == "postgresql" else _file_lock
    with lock(host.pk, monotonic() + patience) as free:
        yield free


@contextmanager
def _file_lock(number: int, until: float) -> Iterator[bool]:
    path = Path(settings.DATA_DIR) / f"docker-host-{number}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield _taken(take, until)
    finally:
        os.close(file)


@contextmanager
def _database_lock(number: int, until: float) -> Iterator[bool]:
    def take() -> bool:
        with connection.cursor() as sql:
            sql.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, number])
            return bool(sql.fetchone()[0])

    free = _taken(take, until)
    try:
        yield free
    finally:
        if free and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as sql:
                sql.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, number])


def _taken(take: Callable[[], bool], until: float) -> bool:
    while not take():
        if monotonic() >= until:
            return False
        sleep(LOOK)
    return True
