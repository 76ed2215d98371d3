"""How the hosts and their containers are, asked now."""

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from django.utils import timezone

from logsite.nanoseconds import rfc3339
from logsite.records import to_nanoseconds
from prodlogs.containers import read_stats, refresh
from prodlogs.errors import HostError
from prodlogs.models import Container, DockerHost
from prodlogs.parallel import for_each_host
from prodlogs.remote import Remote


class HostHealth(TypedDict):
    """`status` is "healthy", "degraded" (a container has a problem) or "unreachable" (`error` says why)."""

    host: str
    status: str
    error: str
    error_kind: str
    containers: dict[str, int]
    problems: list[str]
    stats: list[dict[str, Any]]


class Health(TypedDict):
    """`status` is the worst of the hosts'."""

    timestamp: str
    status: str
    hosts: list[HostHealth]


WORST_FIRST = ("unreachable", "degraded", "unknown", "healthy")


def check_health(hosts: Sequence[DockerHost], *, user: str = "", via: str = "cli") -> Health:
    """Ask every host for its containers and their use of the machine; one that fails does not stop the rest."""
    found = check_hosts(hosts, user=user, via=via)
    return Health(timestamp=rfc3339(to_nanoseconds(timezone.now())), status=worst(found), hosts=found)


def worst(found: Sequence[HostHealth]) -> str:
    """The worst status of all; healthy where there is no host."""
    return next((word for word in WORST_FIRST if any(host["status"] == word for host in found)), "healthy")


def check_hosts(hosts: Sequence[DockerHost], *, user: str = "", via: str = "cli") -> list[HostHealth]:
    """Each host's health, in the order of `hosts`."""
    return for_each_host(hosts, lambda host: check_host(host, user=user, via=via))


def check_host(host: DockerHost, *, user: str = "", via: str = "cli") -> HostHealth:
    """One host's health; what it said of its containers is stored."""
    try:
        with Remote(host, user=user, via=via) as remote:
            refresh(remote, host)
            read_stats(remote, host)
    except HostError as error:
        return HostHealth(
            host=host.name, status="unreachable", error=str(error), error_kind=str(error.kind), containers={},
            problems=[], stats=[],
        )  # fmt: skip
    return stored_health(host, host.containers.filter(removed_at__isnull=True))


def stored_health(host: DockerHost, containers: Iterable[Container]) -> HostHealth:
    """The health by what is stored of the host's containers."""
    rows = list(containers)
    problems = [problem for row in rows if (problem := _problem(row))]
    return HostHealth(
        host=host.name,
        status="degraded" if problems else "healthy",
        error="",
        error_kind="",
        containers={
            "total": len(rows),
            "running": sum(row.state == "running" for row in rows),
            "problems": len(problems),
        },
        problems=problems,
        stats=[{"container_name": row.name, **row.stats} for row in rows if row.state == "running"],
    )


def _problem(row: Container) -> str:
    """What is wrong with a container, in words; empty when nothing is."""
    if row.health == "unhealthy":
        return f"{row.name}: its health check fails"
    if row.state in ("restarting", "dead"):
        return f"{row.name}: {row.state}, exit code {row.exit_code}, {row.restarts} restarts"
    if row.state == "exited" and row.exit_code:
        return f"{row.name}: exited with code {row.exit_code}"
    return ""
