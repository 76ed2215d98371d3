"""Run commands on devices: what only reads for everybody who may, anything with a permission of its own."""

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from django.contrib.auth.models import AbstractBaseUser

from devices.collecting.one_device import connector_for, failures_in
from devices.collecting.pool import Place, on_devices
from devices.connectors import BaseConnector
from devices.connectors.limits import limits_of
from devices.errors import ConnectorError
from devices.models import Device
from devices.platforms import UnknownPlatform, get_platform
from devices.read_only import Refused, read_only, single_line
from logsite.audit import EventType, Reader, Severity, current_reader, record
from sessionlogs.models import ErrorKind

log = logging.getLogger(__name__)
RUN, RUN_ANY = "devices.run_commands", "devices.run_any_command"
MOST_COMMANDS = 50  # in one session
NOT_RUN = "not run: a command before it left the session unusable"


@dataclass
class Answer:
    """What came of one command, redacted. `exit_code` is None where there was none; `seconds` is wall time.

    `refused`: it was not sent, and `error` says why.
    """

    command: str
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    error: str = ""
    error_kind: str = ""
    seconds: float = 0.0
    refused: bool = False

    @property
    def ok(self) -> bool:
        return not self.error


@dataclass
class Run:
    """One device's session: an answer a command, in their order; `error` says why there was no session."""

    device: Device
    answers: list[Answer] = field(default_factory=list)
    session_id: uuid.UUID | None = None
    error: str = ""
    error_kind: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.error and all(answer.ok for answer in self.answers)

    @property
    def failures(self) -> list[str]:
        """One line for each thing that went wrong."""
        failed = [f"{answer.command!r}: {answer.error}" for answer in self.answers if not answer.ok]
        return [self.error] if self.error else failed


def may(user: object, permission: str) -> bool:
    """Whether `user`, None for nobody, has RUN or RUN_ANY."""
    return user is not None and bool(user.has_perm(permission))  # type: ignore[attr-defined]


def permitted(device: Device, command: str, *, any_command: bool) -> str:
    """The text to send to `device`. Raises Refused."""
    text = single_line(command)
    try:
        platform = get_platform(device.platform)
    except UnknownPlatform as error:
        raise Refused(str(error)) from None
    return text if any_command else read_only(platform, text)


def refusals(
    devices: Iterable[Device], commands: Sequence[str], *, any_command: bool
) -> list[tuple[Device, Answer]]:
    """Which of `commands` would not be sent to which device, and why."""
    found = ((device, _prepared(device, command, any_command)) for device in devices for command in commands)
    return [(device, answer) for device, answer in found if answer.refused]


def record_refusals(refused: Iterable[tuple[Device, Answer]], user: AbstractBaseUser | None) -> None:
    """Put into the audit what `user` asked for and may not run: one entry a device."""
    now, by_device = current_reader(), dict[Device, list[dict[str, str]]]()
    for device, answer in refused:
        by_device.setdefault(device, []).append({"command": answer.command, "reason": answer.error})
    reader = Reader(user or now.user, now.address, now.via)  # type: ignore[arg-type]
    for device, commands in by_device.items():
        details = {"id": str(device.pk), "commands": commands, "permission": RUN_ANY}
        record(EventType.AUTHZ_FAIL, Severity.WARNING, reader, details, what="command", target=device.name)


def run_on_device(
    device: Device,
    commands: Sequence[str],
    user: AbstractBaseUser | None,
    *,
    any_command: bool,
    disconnected: Callable[[], None] = lambda: None,
) -> Run:
    """Send the permitted ones of `commands`, in one session. Never raises for what can go wrong with a device.

    `any_command` is for a user who has RUN_ANY; the caller has asked. `disconnected` is called when the device
    is done with and only storing is left.
    """
    run = Run(device, [_prepared(device, command, any_command) for command in commands])
    wanted = [answer for answer in run.answers if not answer.refused]
    for answer in run.answers:
        if answer.refused:
            log.warning("%s: refused %r of %s: %s", device.name, answer.command, user, answer.error)
    started = monotonic()
    if wanted:
        _run(run, wanted, user, disconnected)
    run.seconds = monotonic() - started
    return run


def run_on_devices(
    devices: Sequence[Device],
    commands: Sequence[str],
    user: AbstractBaseUser | None,
    *,
    any_command: bool,
    workers: int = 0,
) -> Iterator[Run]:
    """The runs in the order in which the devices finish; at most `workers` devices at a time."""

    def work(device: Device, place: Place) -> Run:
        return run_on_device(device, commands, user, any_command=any_command, disconnected=place)

    return on_devices(devices, work, workers=workers, name="run")


def _prepared(device: Device, command: str, any_command: bool) -> Answer:
    try:
        return Answer(permitted(device, command, any_command=any_command))
    except Refused as error:
        return Answer(command, error=str(error), refused=True)


def _run(
    run: Run, wanted: list[Answer], user: AbstractBaseUser | None, disconnected: Callable[[], None]
) -> None:
    """One recorded session; what ends it early goes into `run.error`."""
    connector: BaseConnector | None = None
    try:
        with (
            failures_in(run, "running commands on"),
            limits_of(run.device.credential_id, disconnected) as limits,
        ):
            connector = connector_for(run.device, user, limits=limits)
            _session(connector, wanted)
    finally:
        run.session_id = connector.session_id if connector else None


def _session(connector: BaseConnector, wanted: list[Answer]) -> None:
    try:
        connector.open()
        _send(connector, wanted)
    except BaseException:
        connector.close(failed=True)
        raise
    connector.close(failed=not all(answer.ok for answer in wanted))


def _send(connector: BaseConnector, wanted: list[Answer]) -> None:
    """Fill in the answers. After a failure that leaves the connection in doubt the rest is not sent."""
    for number, answer in enumerate(wanted):
        if not _answered(connector, answer):
            for rest in wanted[number + 1 :]:
                rest.error, rest.error_kind = NOT_RUN, answer.error_kind
            return


def _answered(connector: BaseConnector, answer: Answer) -> bool:
    """Send one command; False when no other can follow it."""
    started = monotonic()
    try:
        execution = connector.execute(answer.command)
    except ConnectorError as error:
        answer.error, answer.error_kind = str(error), error.kind
        return error.kind == ErrorKind.TIMEOUT and connector.outlives_timeouts and not connector.out_of_time
    finally:
        answer.seconds = monotonic() - started
        answer.command = connector.redact(answer.command)
    answer.stdout, answer.stderr = connector.redact(execution.stdout), connector.redact(execution.stderr)
    answer.exit_code, answer.error_kind = execution.exit_code, execution.error_kind
    if not execution.ok:
        answer.error = connector.redact(execution.reason)
    cut_off = execution.error_kind == ErrorKind.TIMEOUT and connector.out_of_time
    return not cut_off and execution.error_kind != ErrorKind.CONNECTION
