"""System checks of container logs: the host of the environment, and how long and how much may be read."""

from collections.abc import Sequence
from operator import le, lt
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.db.models.functions import Length

from logsite.checks import out_of_bounds

# Settings of the environment's host: the id of what is wrong with one, and the hint.
ENVIRONMENT = {
    "PRODLOGS_USER": ("prodlogs.E001", "Give the login name of a user who may read with Docker."),
    "PRODLOGS_SSH_KEY": (
        "prodlogs.E002",
        "Give the private key without a passphrase, or the path of its file.",
    ),
    "PRODLOGS_HOST_KEY": (
        "prodlogs.E003",
        "`ssh-keyscan HOST` prints it; compare its fingerprint on the host itself.",
    ),
    "PRODLOGS_HOST": ("prodlogs.E004", "Give a DNS name or an IP address, and :port where it is not 22."),
}
ABOVE_ZERO = (
    "PRODLOGS_CONNECT_TIMEOUT",
    "PRODLOGS_DEADLINE",
    "PRODLOGS_BYTE_LIMIT",
    "PRODLOGS_ENTRY_LIMIT",
    "PRODLOGS_INTERVAL",
)


@register("prodlogs")
def check_environment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The host that PRODLOGS_HOST defines would be refused by the first reading."""
    from prodlogs.hosts.configured import environment_problems

    found = [(sentence, *ENVIRONMENT[setting]) for setting, sentence in environment_problems()]
    return [Error(sentence, hint=hint, id=number) for sentence, number, hint in found]


@register("prodlogs")
def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With a limit of 0 nothing would ever be read."""
    days = {"RETENTION_DAYS_CONTAINERS": 0, "RETENTION_DAYS_FOLLOW": 0}
    text = "{name}={value} must be above 0"
    return [
        *out_of_bounds(dict.fromkeys(ABOVE_ZERO, 0), le, text, None, id="prodlogs.E005"),
        *out_of_bounds(days, lt, "{name}={value}: give days, or 0 for ever", None, id="prodlogs.E006"),
    ]


@register(Tags.database, "prodlogs")
def check_hosts(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
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
