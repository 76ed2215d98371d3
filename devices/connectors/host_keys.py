"""Which host key a device must show, and what becomes of the one it shows: before it is told who logs in.

DEVICE_HOST_KEYS says what is done about a device whose key is not known: `pin` keeps the first one, `strict`
refuses it, `off` checks nothing.
"""

import logging
import os
import shlex
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import paramiko
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from devices.connectors.terminal.packets import BoundedTransport
from devices.errors import HostKeyFailed
from devices.models import Device
from logsite.audit import EventType, Reader, Severity, current_reader
from logsite.audit import record as audit
from logsite.commands.stopping import account
from logsite.ssh import host_keys
from logsite.ssh.host_keys import HostKeyRefused, fingerprint_of, is_among, preferring
from logsite.tables.writing import writing

log = logging.getLogger(__name__)


class Mode(StrEnum):
    """What DEVICE_HOST_KEYS may say."""

    PIN = "pin"
    STRICT = "strict"
    OFF = "off"


def mode() -> Mode:
    """The mode; `strict` where the setting says nothing that is known (check devices.E010)."""
    known = settings.DEVICE_HOST_KEYS in list(Mode)
    return Mode(settings.DEVICE_HOST_KEYS) if known else Mode.STRICT


@dataclass(frozen=True)
class Actor:
    """Who pins or accepts a key: a user of the site, or the process of a command without one."""

    user: AbstractBaseUser | None = None

    @classmethod
    def of(cls, user_id: Any) -> Self:
        """The user with this id, or of this name."""
        users, text = get_user_model().objects, str(user_id or "")
        known = {"pk": text} if text.isdecimal() and len(text) < 19 else {"username": text}
        return cls(users.filter(**known).first() if text else None)

    def __str__(self) -> str:
        if self.user is not None:
            return f"user {self.user.get_username()}"
        return f"account {account()} on {socket.gethostname()}, process {os.getpid()}"


def record(device: Device, actor: Actor, what: str) -> None:
    """Put it into the process's log, into the audit and, where there is a user, into the device's history."""
    log.warning("%s: %s, by %s", device.name, what, actor)
    now = current_reader()
    reader = Reader(actor.user or now.user, now.address, now.via)  # type: ignore[arg-type]
    details = {"id": str(device.pk), "done": what, "by": str(actor)}
    audit(EventType.SENSITIVE_UPDATE, Severity.WARNING, reader, details, what="host key", target=device.name)
    if actor.user is not None:
        LogEntry.objects.log_actions(
            actor.user.pk, [device], CHANGE, change_message=f"{what[0].upper()}{what[1:]}", single_object=True
        )


def signed(how: str, actor: Actor) -> dict[str, Any]:
    """The columns that say since when a key is accepted, and by whom."""
    return {"host_key_at": timezone.now(), "host_key_by": f"{how} by {actor}"[:255]}


def accept(device: Device, given: str, actor: Actor) -> str:
    """Trust the key that the device offered, if its fingerprint is `given`; on record. Raises HostKeyProblem.

    Returns the fingerprint.
    """
    with writing():  # no key is trusted without a record of who trusts it
        shown, before = host_keys.accept(device, given, **signed("accepted", actor))
        instead = f" instead of {before}" if before else ""
        record(device, actor, f"accepted the host key {shown}{instead}")
    return shown


class KnownHost:
    """The host at the other end of one connection. `note` is what the session's record says of its key.

    With `device` its row must have this address; else the row of the inventory with it is looked for, the one that
    `device_id` names first. `given` are keys to check instead of a row's.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        device: Device | None = None,
        device_id: Any = None,
        user_id: Any = None,
        given: Sequence[paramiko.PKey] = (),
    ) -> None:
        self._host, self._port = host, port
        self._device, self._device_id, self._user_id = device, device_id, user_id
        self._given = given
        self._row: Device | None = None
        self.note = ""

    def preferred(self, key_types: tuple[str, ...]) -> tuple[str, ...]:
        """The key types to ask for, before the key exchange; those of the key that is known first."""
        if self._given:
            return preferring(key_types, "\n".join(map(host_keys.key_text, self._given)))
        self._row = None if mode() is Mode.OFF else self._find()
        return preferring(key_types, self._row.host_key if self._row else "")

    def check(self, key: paramiko.PKey) -> None:
        """Raises HostKeyFailed unless `key` is what the host may show."""
        self.note = f"host key {key.get_name()} {fingerprint_of(key)}"
        if self._given:
            self._check_given(key)
        elif mode() is Mode.OFF:
            self.note += ", not checked: DEVICE_HOST_KEYS=off"
        elif self._row is not None:
            self._check_row(self._row, key)
        else:
            self._unknown(f"its host key {fingerprint_of(key)} is not known")
            self.note += ", not checked: no device of the inventory has this address"

    def without_key(self) -> None:
        """The connection is not SSH. Raises HostKeyFailed where the host's key must be known."""
        if self._given:
            raise HostKeyFailed("`host_key=` is given, but this connection is not SSH and has no host key")
        if mode() is not Mode.OFF:
            self._unknown("the connection is not SSH, so the device shows no host key")

    def _unknown(self, problem: str) -> None:
        if mode() is Mode.STRICT:
            raise HostKeyFailed(
                f"{problem}, and no device of the inventory has its address: add one, or give `host_key=` "
                "(DEVICE_HOST_KEYS=strict)"
            )

    def _check_given(self, key: paramiko.PKey) -> None:
        if not is_among(key, self._given):
            wanted = " or ".join(map(fingerprint_of, self._given))
            raise HostKeyFailed(
                f"it shows the host key {fingerprint_of(key)}, and `host_key=` says {wanted}. Somebody may be "
                "listening in"
            )
        self.note += ", as given"

    def _check_row(self, row: Device, key: paramiko.PKey) -> None:
        if mode() is Mode.PIN and not row.host_key.strip():
            if self._pin(row, key):
                self.note += ", the first one: pinned"
                return
            row = self._find() or row  # another connection pinned a key meanwhile
        try:
            host_keys.verify(row, key)
        except HostKeyRefused as error:
            self._carry(row)
            log.warning("%s: %s", row.name, error)
            raise HostKeyFailed(
                f"{error}, accept it in the admin or with `manage.py accept_host_key --device "
                f"{shlex.quote(row.name)} --fingerprint {error.fingerprint}`"
            ) from None
        self.note += ", accepted"

    def _pin(self, row: Device, key: paramiko.PKey) -> bool:
        actor = Actor.of(self._user_id)
        with writing():
            pinned = host_keys.pin(row, key, **signed("pinned at first sight", actor))
            if pinned:
                record(row, actor, f"pinned its first host key {fingerprint_of(key)}")
        self._carry(row)
        return pinned

    def _find(self) -> Device | None:
        rows = Device.objects.defer(None)
        if self._device is not None:
            row = rows.filter(pk=self._device.pk).first()
            if row is None or not row.is_at(self._host, self._port):
                raise HostKeyFailed(
                    "the device's host or port was changed in the inventory meanwhile; connect again"
                )
            return row
        text = str(self._device_id or "")
        named = {"pk": text} if text.isdecimal() and len(text) < 19 else {"name": text}
        row = rows.filter(**named).first()
        if row is not None and row.is_at(self._host, self._port):
            return row
        there = rows.filter(host__iexact=self._host, port=self._port).order_by("name")
        return there.exclude(host_key="").first() or there.first()

    def _carry(self, row: Device) -> None:
        """The device in hand says what is stored: saving it later undoes nothing."""
        if self._device is not None and "host_key" in self._device.__dict__:
            for name in Device.no_key:
                setattr(self._device, name, getattr(row, name))


class CheckedTransport(BoundedTransport):
    """Checks the host's key as soon as the key exchange is done, before any login."""

    def __init__(self, sock: socket.socket, known_host: KnownHost, **options: Any) -> None:
        super().__init__(sock, **options)
        self._known_host = known_host

    def start_client(self, event: Any = None, timeout: float | None = None) -> None:
        assert event is None, "a check that nobody waits for would come after the login"
        try:
            options = self.get_security_options()
            options.key_types = self._known_host.preferred(tuple(options.key_types))
            super().start_client(timeout=timeout)
            self._known_host.check(self.get_remote_server_key())
        except BaseException:
            self.close()
            self.sock.close()  # Paramiko leaves it open where the exchange has not begun
            raise

    def stop_thread(self) -> None:
        """The host is to see the end now. Closed by itself, the socket stays open while the thread waits at it,
        up to a tenth of a second, in which the next login of the credential begins.
        """
        with suppress(OSError):  # the host was first
            self.sock.shutdown(socket.SHUT_RDWR)
        super().stop_thread()
