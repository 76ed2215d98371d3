"""How the hosts and their containers are, asked now."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from django.utils import timezone

from logsite.records import to_nanoseconds
from logsite.tables.nanoseconds import rfc3339
from prodlogs.errors import HostError
from prodlogs.models import Container, DockerHost, ErrorKind
from prodlogs.reading.containers import read_stats, refresh
from prodlogs.reading.parallel import for_each_host
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)


class HostHealth(TypedDict):
    """`status` is "healthy", "degraded" (there are problems) or "unreachable" (`error` says why)."""

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

    def one(host: DockerHost) -> HostHealth:
        try:
            return check_host(host, user=user, via=via)
        except Exception as error:  # the other hosts are asked all the same
            log.error("checking %s failed", host.name, exc_info=error)
            reason = f"internal error ({type(error).__name__}); the log of this process has more"
            return _unreachable(HostError(host.name, ErrorKind.INTERNAL, reason))

    return for_each_host(hosts, one)


def check_host(host: DockerHost, *, user: str = "", via: str = "cli") -> HostHealth:
    """One host's health; what it said of its containers is stored."""
    try:
        with Remote(host, user=user, via=via) as remote:
            refresh(remote, host)
            misfits = read_stats(remote, host).misfits
    except HostError as error:
        return _unreachable(error)
    found = stored_health(host, host.containers.filter(removed_at__isnull=True))
    if misfits:
        found |= {"status": "degraded", "problems": [*found["problems"], *misfits]}
    return found


def _unreachable(error: HostError) -> HostHealth:
    return HostHealth(
        host=error.host,
        status="unreachable",
        error=str(error),
        error_kind=str(error.kind),
        containers={},
        problems=[],
        stats=[],
    )


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
