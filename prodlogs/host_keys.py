"""Host keys: their fingerprints, what is accepted, and how another one gets accepted."""

import base64
import binascii
import hashlib

import paramiko
from django.db import transaction
from django.utils import timezone
from paramiko.pkey import UnknownKeyType

from prodlogs.errors import ConfigurationError, HostError
from prodlogs.models import DockerHost, ErrorKind, RemoteCommand

RSA = ("rsa-sha2-512", "rsa-sha2-256")  # the algorithms of an ssh-rsa key; SHA-1 signatures are refused


def parse_host_key(text: str) -> paramiko.PKey:
    """The key of `ssh-ed25519 AAAA… [comment]`. Raises ConfigurationError for anything else."""
    words = text.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
        key = paramiko.PKey.from_type_string(words[0], blob)
    except (IndexError, ValueError, binascii.Error, paramiko.SSHException, UnknownKeyType):
        raise ConfigurationError(
            "no host key: give its type and base64, as `ssh-keyscan HOST` prints them after the name"
        ) from None
    return key


def key_text(key: paramiko.PKey) -> str:
    """Type and base64, as in known_hosts and authorized_keys."""
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint_of(key: paramiko.PKey) -> str:
    """`SHA256:…`, as ssh and ssh-keygen show it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def fingerprint(text: str) -> str:
    """The fingerprint of a key's text; empty for an empty text. Raises ConfigurationError."""
    return fingerprint_of(parse_host_key(text)) if text.strip() else ""


def algorithms_of(text: str) -> tuple[str, ...]:
    """What a host with this accepted key is asked for first, or a host of several keys would look changed."""
    name = text.split()[0] if text.strip() else ""
    return RSA if name == "ssh-rsa" else (name,) if name else ()


def verify(host: DockerHost, offered: paramiko.PKey) -> None:
    """Raises HostError unless `offered` is the accepted key; stores it then, for somebody to look at."""
    if host.host_key.strip():
        accepted = _accepted(host)
        if accepted.asbytes() == offered.asbytes():
            _withdraw(host)
            return
        problem = (
            f"its host key has CHANGED: accepted is {fingerprint_of(accepted)}, it shows {fingerprint_of(offered)}. "
            "Somebody may be listening in. If the key was changed on purpose"
        )
    else:
        problem = (
            f"its host key {fingerprint_of(offered)} is not known. After comparing it on the host itself"
        )
    _offer(host, offered)
    raise HostError(
        host.name, ErrorKind.HOST_KEY,
        f"{problem}, accept it in the admin or with `manage.py prodlogs accept-key --host {host.name} "
        f"--fingerprint {fingerprint_of(offered)}`",
    )  # fmt: skip


def _accepted(host: DockerHost) -> paramiko.PKey:
    try:
        return parse_host_key(host.host_key)
    except ConfigurationError as error:
        raise HostError(host.name, ErrorKind.CONFIGURATION, f"its accepted host key is {error}") from None


def _offer(host: DockerHost, key: paramiko.PKey) -> None:
    host.offered_host_key, host.offered_at = key_text(key), timezone.now()
    DockerHost.objects.filter(pk=host.pk).update(
        offered_host_key=host.offered_host_key, offered_at=host.offered_at
    )


def _withdraw(host: DockerHost) -> None:
    """The host shows its accepted key again: what it showed in between is not to be accepted any more."""
    if host.offered_host_key:
        host.offered_host_key, host.offered_at = "", None
        DockerHost.objects.filter(pk=host.pk).update(offered_host_key="", offered_at=None)


def accept(host: DockerHost, fingerprint: str, user: str, *, via: str = "cli") -> None:
    """Trust the key that the host offered, if it has this fingerprint: what somebody looked at, nothing newer.

    Raises HostError. Who accepted which key instead of which is on record in RemoteCommand.
    """
    offered, before = DockerHost.objects.values_list("offered_host_key", "host_key").get(pk=host.pk)
    if not offered:
        raise HostError(host.name, ErrorKind.HOST_KEY, "it has offered no key that waits to be accepted")
    shown = fingerprint_of(parse_host_key(offered))
    given = fingerprint.strip().rstrip("=")
    instead = ["instead-of", _shown(before)] if before.strip() else []
    with transaction.atomic():  # no key is trusted without a record of who trusts it
        moved = given == shown and DockerHost.objects.filter(pk=host.pk, offered_host_key=offered).update(
            host_key=offered, offered_host_key="", offered_at=None
        )
        if not moved:
            raise HostError(
                host.name,
                ErrorKind.HOST_KEY,
                f"it does not offer {given[:60]!r}: look again, it may have changed",
            )
        RemoteCommand.objects.create(
            sent_at=timezone.now(), user=user, via=via, host=host, host_name=host.name,
            host_key_fingerprint=shown, argv=["accept-key", shown, *instead],
        )  # fmt: skip
    host.host_key, host.offered_host_key, host.offered_at = offered, "", None


def _shown(text: str) -> str:
    try:
        return fingerprint(text)
    except ConfigurationError:
        return "a text that was no key"
