"""Host keys of Docker hosts: an unknown one is refused, too, until somebody has accepted it."""

import paramiko
from django.db import transaction

from logsite.audit import EventType, Severity, current_reader, record
from logsite.ssh import host_keys
from logsite.ssh.host_keys import HostKeyProblem, HostKeyRefused
from prodlogs.errors import HostError
from prodlogs.models import DockerHost, ErrorKind


def verify(host: DockerHost, offered: paramiko.PKey) -> None:
    """Raises HostError unless `offered` is the accepted key; stores it then, for somebody to look at."""
    try:
        host_keys.verify(host, offered)
    except HostKeyRefused as error:
        raise HostError(
            host.name,
            ErrorKind.CONFIGURATION if error.unreadable else ErrorKind.HOST_KEY,
            f"{error}, accept it in the admin or with `manage.py prodlogs accept-key --host {host.name} "
            f"--fingerprint {error.fingerprint}`",
        ) from None


def accept(host: DockerHost, fingerprint: str, user: str, *, via: str = "cli") -> None:
    """Trust the key that the host offered, if it has this fingerprint: what somebody looked at, nothing newer.

    Raises HostError. Who accepted which key instead of which is on record in RemoteCommand.
    """
    try:
        with transaction.atomic():  # no key is trusted without a record of who trusts it
            shown, before = host_keys.accept(host, fingerprint)
            argv = ["accept-key", shown, *(["instead-of", before] if before else [])]
            host.note_command(argv, user=user, via=via, host_key_fingerprint=shown)
            details = {"id": str(host.pk), "argv": argv, "by": user}
            record(
                EventType.SENSITIVE_UPDATE,
                Severity.WARNING,
                current_reader(),
                details,
                what="host key",
                target=host.name,
            )
    except HostKeyProblem as error:
        raise HostError(host.name, ErrorKind.HOST_KEY, str(error)) from None
