"""Collect interfaces: from one device, and from many at a time."""

import logging
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from devices.connectors import BaseConnector, get_connector
from devices.errors import ConnectorError
from devices.interfaces import InterfaceData
from devices.logging_switch import is_recorded
from devices.models import Device, Interface, InterfaceAddress, Outcome, Response
from devices.parsing import Answer
from logsite.fields import DecryptionError
from sessionlogs.models import ErrorKind
from sessionlogs.writer import SessionLogError

log = logging.getLogger(__name__)
CLAIM = timedelta(minutes=15)  # longer than any collection; after it the claim of a killed process is void
DATA_COLUMNS = [
    "enabled", "state", "description", "mac_address", "mtu", "speed", "vlan", "zone", "vsys", "vrf",
]  # fmt: skip
COLLECTIONS_KEPT = 10  # of a device's raw answers; the sessions' records have the older ones


@dataclass
class Result:
    """How one device's collection ended; `seconds` is wall time."""

    device: Device
    interfaces: int = 0
    addresses: int = 0
    session_id: uuid.UUID | None = None
    error: str = ""
    error_kind: str = ""
    seconds: float = 0.0
    running: bool = False

    @property
    def ok(self) -> bool:
        return not self.error


def connector_for(device: Device, user: AbstractBaseUser | None, *, record: bool = True) -> BaseConnector:
    """The connector to `device` with its credential. Raises ConnectorError when it cannot be reached at all."""
    credential = device.credential
    if credential is None:
        raise ConnectorError("the device has no credential; choose one in the admin")
    try:
        return get_connector(
            device.platform, device.host, credential.username, str(credential.password),
            device_id=device.pk, user_id=user.pk if user else None,
            enable_session_logging=record and is_recorded(device),
            port=device.port, enable_secret=str(credential.enable_secret), ssh_key=str(credential.ssh_key),
            ssh_key_passphrase=str(credential.ssh_key_passphrase), device_name=device.name,
            user_name=user.get_username() if user else "", agent_type=device.agent_type,
            tags=[tag.name for tag in device.tags.all()],
        )  # fmt: skip
    except ValueError as error:
        raise ConnectorError(str(error)) from None


def collect_device(device: Device, user: AbstractBaseUser | None = None, *, record: bool = True) -> Result:
    """Connect, read the interfaces, store them. Never raises for what can go wrong with a device."""
    result = Result(device, error="interrupted")
    started = monotonic()
    if not (claim := _claim(device)):
        result.error, result.error_kind = (
            "a collection of this device is running already",
            ErrorKind.CONNECTION,
        )
        result.running = True
        return result
    connector: BaseConnector | None = None
    try:
        connector = connector_for(device, user, record=record)
        try:
            interfaces = connector.get_interfaces()
        finally:
            store_responses(device, connector.redacted_answers(), connector.session_id)
        store_interfaces(device, interfaces)
        result.interfaces = len(interfaces)
        result.addresses = sum(len(interface.addresses) for interface in interfaces)
        result.error = ""
    except ConnectorError as error:
        result.error, result.error_kind = str(error), error.kind
    except (SessionLogError, DecryptionError) as error:
        result.error, result.error_kind = str(error), ErrorKind.INTERNAL
    except Exception as error:  # one device must not stop the others, nor pass for collected
        log.exception("collecting %s", device.name)
        result.error = f"could not be collected: {type(error).__name__}; the process's log says more"
        result.error_kind = ErrorKind.INTERNAL
    finally:
        result.session_id = connector.session_id if connector else None
        result.seconds = monotonic() - started
        _release(device, claim, result)
    return result


def collect_devices(
    devices: Iterable[Device], user: AbstractBaseUser | None = None, *, workers: int = 0, record: bool = True
) -> Iterator[Result]:
    """The results in the order in which the devices finish; at most `workers` logins at a time."""
    with ThreadPoolExecutor(workers or settings.COLLECT_WORKERS, thread_name_prefix="collect") as pool:
        futures = [pool.submit(_collect_in_thread, device, user, record) for device in devices]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _collect_in_thread(device: Device, user: AbstractBaseUser | None, record: bool) -> Result:
    close_old_connections()
    try:
        return collect_device(device, user, record=record)
    finally:
        connection.close()  # a connection belongs to its thread, and the thread may not come back


def _claim(device: Device) -> datetime | None:
    """The end of our claim on the device; None when somebody else holds one."""
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    claimed = Device.objects.filter(free, pk=device.pk).update(claimed_until=now + CLAIM, attempted_at=now)
    return now + CLAIM if claimed else None


def _release(device: Device, claim: datetime, result: Result) -> None:
    """Store the outcome; a claim that has run out and is somebody else's by now stays theirs."""
    outcome = Outcome.SUCCESS if result.ok else Outcome.FAILED
    changes: dict[str, object] = {
        "outcome": outcome,
        "error_message": result.error,
        "error_kind": result.error_kind,
    }
    if result.ok:
        changes["collected_at"] = timezone.now()
    Device.objects.filter(pk=device.pk, claimed_until=claim).update(claimed_until=None, **changes)


def store_responses(device: Device, answers: list[Answer], session_id: uuid.UUID | None) -> None:
    """Keep a collection's answers, whose text is redacted by now; those of the oldest collections go."""
    if not answers:  # it did not come to that
        return
    now = timezone.now()
    with transaction.atomic():
        Response.objects.bulk_create(
            Response(
                device=device, position=position, command=answer.command.command, raw=answer.raw,
                template=answer.template, template_version=answer.template_version, rows=answer.rows,
                error=answer.error, session_id=session_id, collected_at=now,
            )
            for position, answer in enumerate(answers)
        )  # fmt: skip
        times = device.responses.order_by("-collected_at").values_list("collected_at", flat=True).distinct()
        oldest = list(times[:COLLECTIONS_KEPT])[-1]
        device.responses.filter(collected_at__lt=oldest).delete()


def store_interfaces(
    device: Device, interfaces: list[InterfaceData], collected_at: datetime | None = None
) -> None:
    """Make the stored interfaces of `device` those of `interfaces`: all of them, or none where it fails."""
    now = collected_at or timezone.now()
    rows = [
        Interface(
            device=device,
            name=data.name,
            position=position,
            collected_at=now,
            **{column: column_value(data, column) for column in DATA_COLUMNS},
        )
        for position, data in enumerate(interfaces)
    ]
    with transaction.atomic():
        device.interfaces.exclude(name__in=[data.name for data in interfaces]).delete()
        Interface.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["device", "name"],
            update_fields=[*DATA_COLUMNS, "position", "collected_at"],
        )  # fmt: skip
        ids = dict(device.interfaces.values_list("name", "pk"))
        InterfaceAddress.objects.filter(interface__device=device).delete()
        InterfaceAddress.objects.bulk_create(
            InterfaceAddress(
                interface_id=ids[data.name],
                address=str(address.ip),
                prefix_length=address.prefix_length,
                position=position,
            )
            for data in interfaces
            for position, address in enumerate(data.addresses)
        )


def column_value(data: InterfaceData, column: str) -> Any:
    """What is stored of a fact. A description longer than its column is cut: the answer has the whole text."""
    value = getattr(data, column)
    if not isinstance(value, str):
        return value
    length = Interface._meta.get_field(column).max_length  # type: ignore[union-attr]
    return value[:length]
