"""System checks of container logs: the host of the environment, and how long and how much may be read."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.db.models.functions import Length

IDS = {
    "PRODLOGS_USER": "prodlogs.E001",
    "PRODLOGS_SSH_KEY": "prodlogs.E002",
    "PRODLOGS_HOST_KEY": "prodlogs.E003",
    "PRODLOGS_HOST": "prodlogs.E004",
}
HINTS = {
    "PRODLOGS_USER": "Give the login name of a user who may read with Docker.",
    "PRODLOGS_SSH_KEY": "Give the private key without a passphrase, or the path of its file.",
    "PRODLOGS_HOST_KEY": "`ssh-keyscan HOST` prints it; compare its fingerprint on the host itself.",
    "PRODLOGS_HOST": "Give a DNS name or an IP address, and :port where it is not 22.",
}
ABOVE_ZERO = (
    "PRODLOGS_CONNECT_TIMEOUT",
    "PRODLOGS_DEADLINE",
    "PRODLOGS_BYTE_LIMIT",
    "PRODLOGS_ENTRY_LIMIT",
    "PRODLOGS_INTERVAL",
)


@register("prodlogs")
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """The host that PRODLOGS_HOST defines would be refused by the first reading."""
    from prodlogs.hosts.configured import environment_problems

    return [
        Error(sentence, hint=HINTS[setting], id=IDS[setting]) for setting, sentence in environment_problems()
    ]


@register("prodlogs")
def check_limits(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """With a limit of 0 nothing would ever be read."""
    found: list[CheckMessage] = [
        Error(f"{name}={getattr(settings, name)} must be above 0", id="prodlogs.E005")
        for name in ABOVE_ZERO
        if getattr(settings, name) <= 0
    ]
    found += [
        Error(f"{name}={getattr(settings, name)}: give days, or 0 for ever", id="prodlogs.E006")
        for name in ("RETENTION_DAYS_CONTAINERS", "RETENTION_DAYS_FOLLOW")
        if getattr(settings, name) < 0
    ]
    return found


@register(Tags.database, "prodlogs")
def check_hosts(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A host without a key cannot be logged in to."""
    from prodlogs.models import DockerHost

    if not databases:
        return []
    try:
        hosts = DockerHost.objects.filter(enabled=True, from_environment=False)
        keyless = list(
            hosts.annotate(size=Length("ssh_key")).filter(size=0).values_list("name", flat=True)[:20]
        )
    except DatabaseError:  # not migrated yet
        return []
    return [
        Warning(
            f"Docker host {name} has no SSH key",
            hint="Add a key in the admin, or disable the host.",
            id="prodlogs.W001",
        )
        for name in keyless
    ]
