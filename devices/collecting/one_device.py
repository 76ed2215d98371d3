"""Collect the interfaces of one device; fleet.py does it for many.

An empty result never counts as success: if a template finds nothing in a response, the collection fails with
the name of the command and the template, and the response is stored. All interfaces of a device are updated in
one transaction, and only those that have changed are written.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from devices.collecting.claims import claim
from devices.connectors import BaseConnector, get_connector
from devices.connectors.limits import Limits, limits_of
from devices.errors import ConnectorError
from devices.interfaces.normalised import FACTS, InterfaceData
from devices.interfaces.parsing import Answer
from devices.logging_switch import is_recorded
from devices.models import Device, Interface, InterfaceAddress, Outcome, Response
from logsite.encryption.fields import DecryptionError
from logsite.tables.bulk import insert_rows, update_rows
from logsite.tables.writing import writing
from sessionlogs.models import ErrorKind
from sessionlogs.recording.writer import SessionLogError

log = logging.getLogger(__name__)
RETRY_PAUSE = 1.0  # seconds before a connection that failed is tried again
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

    @property
    def outcome(self) -> str:
        """A word for sums: success, or the kind of failure."""
        if self.running:
            return "running already"
        return "success" if self.ok else str(self.error_kind)


class Work(Protocol):
    """What is done with a device, and how it failed."""

    device: Device
    error: str
    error_kind: str


@contextmanager
def failures_in(work: Work, doing: str) -> Iterator[None]:
    """Put an error of the block into `work`: one device must not stop the others, nor count as collected."""
    try:
        yield
    except (ConnectorError, SessionLogError, DecryptionError) as error:
        work.error = str(error)
        work.error_kind = error.kind if isinstance(error, ConnectorError) else ErrorKind.INTERNAL
    except Exception as error:
        log.exception("%s %s", doing, work.device.name)
        work.error = f"internal error ({type(error).__name__}); the log of this process has more"
        work.error_kind = ErrorKind.INTERNAL


def connector_for(
    device: Device, user: AbstractBaseUser | None, *, record: bool = True, limits: Limits | None = None
) -> BaseConnector:
    """A connector to `device` with its credential. Raises ConnectorError if its settings allow no connection."""
    credential = device.credential
    if credential is None:
        raise ConnectorError("the device has no credential; choose one in the admin")
    try:
        return get_connector(
            device.platform,
            device.host,
            credential.username,
            str(credential.password),
            device_id=device.pk,
            user_id=user.pk if user else None,
            enable_session_logging=record and is_recorded(device),
            port=device.port,
            enable_secret=str(credential.enable_secret),
            ssh_key=str(credential.ssh_key),
            ssh_key_passphrase=str(credential.ssh_key_passphrase),
            device_name=device.name,
            user_name=user.get_username() if user else "",
            agent_type=device.agent_type,
            tags=[tag.name for tag in device.tags.all()],
            limits=limits,
            device=device,
        )
    except ValueError as error:
        raise ConnectorError(str(error)) from None


def collect_device(
    device: Device,
    user: AbstractBaseUser | None = None,
    *,
    record: bool = True,
    queued: bool = False,
    stop: threading.Event | None = None,
    disconnected: Callable[[], None] = lambda: None,
) -> Result:
    """Connect, read the interfaces, store them. Never raises for what can go wrong with a device.

    With `queued` only if the device waits in the queue. `stop`, once set, allows no further try.
    `disconnected` is called when the device is done with and only storing is left.
    """
    result = Result(device, error="interrupted", error_kind=ErrorKind.INTERNAL)
    started = monotonic()
    ours = claim(device, queued=queued)
    if ours is None:
        result.error = "a collection of this device is running already"
        result.error_kind, result.running = ErrorKind.CONNECTION, True
        return result
    try:
        with failures_in(result, "collecting"), limits_of(device.credential_id, disconnected) as limits:
            _collect(result, user, record, limits, stop or threading.Event())
    finally:
        result.seconds = monotonic() - started
        ours.release(**_outcome(result))
    return result


def _collect(
    result: Result, user: AbstractBaseUser | None, record: bool, limits: Limits, stop: threading.Event
) -> None:
    """Try, and again where no session came about; then store what came."""
    tries = 1 + settings.COLLECT_RETRIES
    while True:
        connector = connector_for(result.device, user, record=record, limits=limits)
        try:
            interfaces = connector.get_interfaces()
            break
        except ConnectorError as error:
            tries -= 1
            again = tries and _worth_another(error, connector) and limits.deadline.left > RETRY_PAUSE
            if not again or stop.wait(RETRY_PAUSE):
                raise
        finally:
            result.session_id = connector.session_id
            store_responses(result.device, connector.redacted_answers(), connector.session_id)
    store_interfaces(result.device, interfaces)
    result.interfaces = len(interfaces)
    result.addresses = sum(len(interface.addresses) for interface in interfaces)
    result.error = result.error_kind = ""


def _worth_another(error: ConnectorError, connector: BaseConnector) -> bool:
    """A refused password tried again locks the account; a command sent again may do its work twice."""
    return error.kind == ErrorKind.CONNECTION and not connector.logged_in


def _outcome(result: Result) -> dict[str, object]:
    changes: dict[str, object] = {
        "outcome": Outcome.SUCCESS if result.ok else Outcome.FAILED,
        "error_message": result.error,
        "error_kind": result.error_kind,
    }
    return changes | ({"collected_at": timezone.now()} if result.ok else {})


def store_responses(device: Device, answers: list[Answer], session_id: uuid.UUID | None) -> None:
    """Keep a collection's answers, whose text is redacted by now; those of the oldest collections go."""
    if not answers:  # it did not come to that
        return
    now = timezone.now()
    rows = [
        Response(
            device=device,
            position=position,
            command=answer.command.command,
            raw=answer.raw,
            template=answer.template,
            template_version=answer.template_version,
            rows=answer.rows,
            error=answer.error,
            session_id=session_id,
            collected_at=now,
        )
        for position, answer in enumerate(answers)
    ]
    with writing():
        insert_rows(rows)
        times = device.responses.order_by("-collected_at").values_list("collected_at", flat=True).distinct()
        if outdated := times[COLLECTIONS_KEPT : COLLECTIONS_KEPT + 1]:
            device.responses.filter(collected_at__lte=outdated[0]).delete()


def store_interfaces(
    device: Device, interfaces: list[InterfaceData], collected_at: datetime | None = None
) -> None:
    """Make the stored interfaces of `device` those of `interfaces`: all of them, or none where it fails."""
    now = collected_at or timezone.now()
    with writing():
        ids = _store_facts(device, interfaces, now)
        _store_addresses(device, ids, interfaces)
        device.interfaces.update(collected_at=now)


def _store_facts(device: Device, interfaces: list[InterfaceData], now: datetime) -> dict[str, int]:
    """The ids of the device's interfaces by name. What is stored as it should be is left as it is: nearly all."""
    columns = ("name", "position", *FACTS)
    stored = {row[1]: row for row in device.interfaces.order_by().values_list("pk", *columns)}
    wanted = [
        (data.name, position, *(column_value(data, column) for column in FACTS))
        for position, data in enumerate(interfaces)
    ]
    if gone := stored.keys() - {facts[0] for facts in wanted}:
        device.interfaces.filter(name__in=gone).delete()
    rows = [
        Interface(
            pk=stored.get(facts[0], (None,))[0],
            device=device,
            collected_at=now,
            **dict(zip(columns, facts, strict=True)),
        )
        for facts in wanted
        if stored.get(facts[0], ())[1:] != facts
    ]
    update_rows([row for row in rows if row.pk], columns)
    new = [row for row in rows if not row.pk]
    insert_rows(new)
    if new:
        return dict(device.interfaces.order_by().values_list("name", "pk"))
    return {name: row[0] for name, row in stored.items()}


def _store_addresses(device: Device, ids: dict[str, int], interfaces: list[InterfaceData]) -> None:
    columns = ("interface_id", "address", "prefix_length", "position")
    rows = InterfaceAddress.objects.filter(interface__device=device).order_by()
    stored = {tuple(row[1:]): row[0] for row in rows.values_list("pk", *columns)}
    wanted = [
        (ids[data.name], str(address.ip), address.prefix_length, position)
        for data in interfaces
        for position, address in enumerate(data.addresses)
    ]
    if gone := stored.keys() - set(wanted):
        InterfaceAddress.objects.filter(pk__in=[stored[row] for row in gone]).delete()
    new = [row for row in wanted if row not in stored]
    insert_rows([InterfaceAddress(**dict(zip(columns, row, strict=True))) for row in new])


LENGTHS = {column: Interface._meta.get_field(column).max_length for column in FACTS}  # type: ignore[union-attr]


def column_value(data: InterfaceData, column: str) -> Any:
    """What is stored of a fact. A description longer than its column is cut: the answer has the whole text."""
    value = getattr(data, column)
    return value[: LENGTHS[column]] if isinstance(value, str) else value
