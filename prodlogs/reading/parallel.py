"""The same work on several hosts at a time: one that hangs must not keep the others waiting."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from prodlogs.models import DockerHost

MOST_AT_ONCE = 16  # hosts
Found = TypeVar("Found")


def for_each_host(hosts: Sequence[DockerHost], work: Callable[[DockerHost], Found]) -> list[Found]:
    """What `work` gives for each host, in their order; each in a thread of its own where there are several."""
    if len(hosts) < 2:
        return [work(host) for host in hosts]

    def one(host: DockerHost) -> Found:
        try:
            return work(host)
        finally:
            connection.close()  # this thread's own

    with ThreadPoolExecutor(min(len(hosts), MOST_AT_ONCE), thread_name_prefix="docker-host") as pool:
        return list(pool.map(one, hosts))
