"""The health of hosts for pages and the API: as stored, or asked now."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Prefetch, prefetch_related_objects

from prodlogs.health.asked import HostHealth, check_hosts, stored_health
from prodlogs.models import Container, DockerHost, HostStatus


class HostState(HostHealth):
    """`status` may also be "unknown": the host was never asked. `checked_at` is when it last was."""

    checked_at: datetime | None


def stored_states(hosts: Sequence[DockerHost]) -> list[HostState]:
    """What the hosts last said, in their order."""
    there = Container.objects.filter(removed_at__isnull=True)
    prefetch_related_objects(list(hosts), Prefetch("containers", there))
    return [_stored(host) for host in hosts]


def _stored(host: DockerHost) -> HostState:
    found = stored_health(host, host.containers.all())
    if host.status == HostStatus.FAILED:
        found |= {"status": "unreachable", "error": host.error_message, "error_kind": host.error_kind}
    elif host.status == HostStatus.NEVER:
        found |= {"status": "unknown"}
    return HostState(**found, checked_at=host.checked_at)


def asked_health(hosts: Sequence[DockerHost], *, user: str, via: str) -> list[HostState]:
    """What the hosts say now, in their order; one that fails does not stop the rest."""
    found = check_hosts(hosts, user=user, via=via)
    checked = dict(
        DockerHost.objects.filter(pk__in=[host.pk for host in hosts]).values_list("name", "checked_at")
    )
    return [HostState(**state, checked_at=checked[state["host"]]) for state in found]
