"""Accepting a host's key, on record in the admin's history of the host."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry

from prodlogs.hosts.host_keys import accept
from prodlogs.models import DockerHost


def accept_host_key(host: DockerHost, fingerprint: str, user: Any, *, via: str) -> None:
    """Trust the key with this fingerprint, if the host still offers it. Raises HostError."""
    accept(host, fingerprint, user.get_username(), via=via)
    LogEntry.objects.log_actions(
        user.pk,
        [host],
        CHANGE,
        change_message=f"Accepted the host key {fingerprint.strip()}",
        single_object=True,
    )
