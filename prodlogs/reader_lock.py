"""One reader a host: two would fetch everything twice. A reader that is killed holds nothing up.

The lock is freed by the kernel (SQLite: a locked file in DATA_DIR, which all processes share) or by the server
(PostgreSQL: a lock of the session), so whoever starts after a `kill -9` goes on at once.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from prodlogs.models import DockerHost

NAMESPACE = 0x4C6F6753  # of our locks among those of the database: «LogS»


@contextmanager
def reading(host: DockerHost) -> Iterator[bool]:
    """Whether the caller may read `host` now; False while another process or thread does."""
    held = _database_lock(host.pk) if connection.vendor == "postgresql" else _file_lock(host.pk)
    with held as free:
        yield free


@contextmanager
def _file_lock(number: int) -> Iterator[bool]:
    path = Path(settings.DATA_DIR) / f"docker-host-{number}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(file)


@contextmanager
def _database_lock(number: int) -> Iterator[bool]:
    with connection.cursor() as sql:
        sql.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, number])
        [free] = sql.fetchone()
    try:
        yield free
    finally:
        if free and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as sql:
                sql.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, number])
