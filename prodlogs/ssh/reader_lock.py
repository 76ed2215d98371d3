"""One reader a host: two would fetch everything twice. A reader that is killed holds nothing up.

The kernel or PostgreSQL frees the lock when its process ends, so a reader that starts after a `kill -9`
continues at once. `status` and `health` take no lock; updating the list of containers locks the host's row.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from logsite.locks.held import holding
from prodlogs.models import DockerHost

NAMESPACE = 0x4C6F6753  # of our locks among those of the database: «LogS»
PATIENCE = (
    30.0  # seconds that somebody who asks for logs waits for a reader that is at it, as one who follows
)


@contextmanager
def reading(host: DockerHost, *, patience: float = 0.0) -> Iterator[bool]:
    """Whether the caller may read `host` now; False where others do, and still do after `patience` seconds."""
    key = (NAMESPACE, host.pk)
    with holding(connection, f"docker-host-{host.pk}.lock", key, patience=patience) as free:
        yield free
