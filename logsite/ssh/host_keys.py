"""Host keys: their texts and fingerprints, which one is accepted, and how another one gets accepted.

The transport of a connection asks for the check between key exchange and login, so that no login goes around it. A
key belongs to an address: the model drops the row's keys when host or port change, by `save()` or by `update()`.

An accepted text has one key a line, type and base64 as in known_hosts: a host may have several, and any of them
will do. Nothing here puts on record who accepted a key: callers do, in the transaction of the change.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, ClassVar, TypeVar

import paramiko
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from paramiko.pkey import UnknownKeyType

address_validator = RegexValidator(
    r"\A[0-9A-Za-z]([0-9A-Za-z._:-]{0,252}[0-9A-Za-z])?\Z",
    "Give a DNS name or an IP address, without user, port or spaces.",
)
RSA = ("rsa-sha2-512", "rsa-sha2-256")  # the algorithms of an ssh-rsa key; SHA-1 signatures are refused
Host = TypeVar("Host", bound="PinnedHost")


class HostKeyProblem(ValueError):
    """A text that is not a host key, or a key that cannot be accepted: a sentence that goes on behind a name."""


class HostKeyRefused(Exception):
    """The host showed a key that is not accepted. The text ends where the sentence goes on with «, accept it by …».

    `unreadable`: what is stored as the accepted key is not one.
    """

    def __init__(self, problem: str, offered: paramiko.PKey, *, unreadable: bool = False) -> None:
        super().__init__(problem)
        self.fingerprint, self.unreadable = fingerprint_of(offered), unreadable


# --- Texts --------------------------------------------------------------------------------------------------


def parse_host_key(text: str) -> paramiko.PKey:
    """The key of `ssh-ed25519 AAAA… [comment]`. Raises HostKeyProblem for anything else."""
    words = text.split()
    try:
        blob = base64.b64decode(words[1], validate=True)
        key = paramiko.PKey.from_type_string(words[0], blob)
        if key.asbytes() != blob:  # cut off: Paramiko fills it up with zeros
            raise ValueError
        return key
    except (
        IndexError,
        TypeError,
        ValueError,
        ArithmeticError,
        binascii.Error,
        paramiko.SSHException,
        UnknownKeyType,
    ):
        raise HostKeyProblem(
            "no host key: give its type and base64, as `ssh-keyscan HOST` prints them after the name"
        ) from None


def parse_host_keys(text: str) -> list[paramiko.PKey]:
    """The keys of an accepted text. Raises HostKeyProblem when one of its lines is not a key."""
    return [parse_host_key(line) for line in text.splitlines() if line.strip()]


def key_text(key: paramiko.PKey) -> str:
    """Type and base64, as in known_hosts and authorized_keys."""
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint_of(key: paramiko.PKey) -> str:
    """`SHA256:…`, as ssh and ssh-keygen show it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def fingerprint(text: str) -> str:
    """The fingerprint of a text's key, of several with «or» between them; empty for an empty text.

    Raises HostKeyProblem.
    """
    return " or ".join(map(fingerprint_of, parse_host_keys(text)))


def shown_fingerprint(text: str) -> str:
    """The fingerprint, or what is wrong with the text: for pages and answers, which show a damaged row too."""
    try:
        return fingerprint(text)
    except HostKeyProblem as error:
        return str(error)


def algorithms_of(text: str) -> tuple[str, ...]:
    """What a host with this accepted text is asked for first, or a host of several keys would look changed."""
    names = [line.split()[0] for line in text.splitlines() if line.strip()]
    return tuple(each for name in names for each in (RSA if name == "ssh-rsa" else (name,)))


def preferring(key_types: Sequence[str], text: str) -> tuple[str, ...]:
    """`key_types`, those of the accepted text's keys before all others."""
    known = {*algorithms_of(text)}
    if known & {*RSA}:
        known.add("ssh-rsa")  # left out by `disabled_algorithms` where SHA-1 is not offered
    return tuple(sorted(key_types, key=lambda name: name not in known))


def is_among(key: paramiko.PKey, keys: Iterable[paramiko.PKey]) -> bool:
    """Whether `key` is one of `keys`."""
    return key.asbytes() in {each.asbytes() for each in keys}


# --- Rows ---------------------------------------------------------------------------------------------------


def canonical(host: str) -> str:
    """A DNS name or an IP address in the one way to write it."""
    with suppress(ValueError):
        return str(ip_address(host))
    return host.lower()


class PinnedHostQuerySet(models.QuerySet[Host]):
    """Rows that forget their host key when an `update` gives them another address."""

    def update(self, **columns: Any) -> int:
        moved = {name: columns[name] for name in self.model.address_columns if name in columns}
        if moved and "host_key" not in columns:
            for name, empty in self.model.no_key.items():
                field: Any = self.model._meta.get_field(name)
                kept = When(Q(**moved), then=F(name))
                columns[name] = Case(kept, default=Value(empty, field), output_field=field)
        return super().update(**columns)

    def bulk_create(self, objs: Iterable[Host], *args: Any, **options: Any) -> list[Host]:
        if options.get("update_conflicts") and {*options["update_fields"]} & {*self.model.address_columns}:
            options["update_fields"] = [*{*options["update_fields"], *self.model.no_key}]
        return super().bulk_create(objs, *args, **options)


class PinnedHost(models.Model):
    """A row whose host is known by its key. The key belongs to an address, and goes when that changes."""

    address_columns: ClassVar[tuple[str, str]] = ("host", "port")
    no_key: ClassVar[dict[str, Any]] = {"host_key": "", "offered_host_key": "", "offered_at": None}

    port = models.PositiveIntegerField(
        default=22, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    host_key = models.TextField(
        blank=True, help_text="The accepted host key: type and base64, as in known_hosts. Empty: none yet."
    )
    offered_host_key = models.TextField(
        blank=True, editable=False, help_text="What the host showed instead, and waits to be accepted."
    )
    offered_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding and self._moved(options.get("update_fields")):
            for name, empty in self.no_key.items():
                setattr(self, name, empty)
            if options.get("update_fields") is not None:
                options["update_fields"] = {*options["update_fields"], *self.no_key}
        super().save(*args, **options)

    def _moved(self, saved: Iterable[str] | None) -> bool:
        """Whether this would save another address and leave the key of the old one."""
        if saved is not None and not {*saved} & {*self.address_columns}:
            return False
        row = _rows(self).values_list(*self.address_columns, "host_key").first()
        if row is None or self.is_at(*row[:2]):
            return False
        return bool(self.__dict__.get("host_key", row[2]) == row[2])  # else somebody gives the new one along

    def is_at(self, host: str, port: int) -> bool:
        """Whether the row's address is this one."""
        own_host, own_port = (getattr(self, name) for name in self.address_columns)
        return (canonical(own_host), str(own_port)) == (canonical(host), str(port))


def _rows(host: PinnedHost) -> "models.QuerySet[Any]":
    return type(host)._base_manager.filter(pk=host.pk)


def _address(host: PinnedHost) -> dict[str, Any]:
    return {name: getattr(host, name) for name in host.address_columns}


def pin(host: PinnedHost, key: paramiko.PKey, **columns: Any) -> bool:
    """Keep `key` as the accepted one; False where the row has got another key or address meanwhile."""
    unchanged = _rows(host).filter(host_key=host.host_key, **_address(host))
    columns = {**host.no_key, "host_key": key_text(key), **columns}
    if not unchanged.update(**columns):
        return False
    _carry(host, columns)
    return True


def verify(host: PinnedHost, offered: paramiko.PKey) -> None:
    """Raises HostKeyRefused unless `offered` is an accepted key; stores it then, for somebody to look at."""
    shown, unreadable = fingerprint_of(offered), False
    try:
        accepted = parse_host_keys(host.host_key)
    except HostKeyProblem as error:
        unreadable = True
        problem = (
            f"its accepted host key is {error}. It shows {shown}. After comparing that on the host itself"
        )
    else:
        if is_among(offered, accepted):
            _withdraw(host)
            return
        problem = f"its host key {shown} is not known. After comparing it on the host itself"
        if accepted:
            problem = (
                f"its host key has CHANGED: accepted is {fingerprint(host.host_key)}, it shows {shown}. "
                "Somebody may be listening in. If the key was changed on purpose"
            )
    _set(host, offered_host_key=key_text(offered), offered_at=timezone.now())
    raise HostKeyRefused(problem, offered, unreadable=unreadable)


def _withdraw(host: PinnedHost) -> None:
    """The host shows its accepted key again: what it showed in between is not to be accepted any more."""
    if host.offered_host_key:
        _set(host, offered_host_key="", offered_at=None)


def accept(host: PinnedHost, given: str, **columns: Any) -> tuple[str, str]:
    """Trust the key that the host offered, if its fingerprint is `given`: what somebody looked at, nothing newer.

    Returns its fingerprint, and the one of the key that was accepted before; `columns` are stored along. Raises
    HostKeyProblem.
    """
    row = _rows(host).values_list("offered_host_key", "host_key").first()
    if row is None or not row[0]:
        raise HostKeyProblem("the host has not offered a key that is still to be accepted")
    offered, before = row
    try:
        shown = fingerprint(offered)
    except HostKeyProblem as error:
        raise HostKeyProblem(f"the key that the host offered is {error}. Connect to the host again") from None
    columns = {**host.no_key, "host_key": offered, **columns}
    same = given.strip().rstrip("=") == shown
    if not (same and _rows(host).filter(offered_host_key=offered).update(**columns)):
        raise HostKeyProblem(
            f"the host does not offer the key {given.strip()[:60]!r}: load the offered key again, it may have changed"
        )
    _carry(host, columns)
    return shown, _before(before)


def _before(text: str) -> str:
    try:
        return fingerprint(text)
    except HostKeyProblem:
        return "a text that was not a key"


def _set(host: PinnedHost, **columns: Any) -> None:
    if _rows(host).filter(**_address(host)).update(**columns):
        _carry(host, columns)


def _carry(host: PinnedHost, columns: dict[str, Any]) -> None:
    """What is stored now is what the object in hand says: saving it later changes nothing back."""
    for name, value in columns.items():
        setattr(host, name, value)
