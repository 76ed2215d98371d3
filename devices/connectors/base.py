"""One connection to one device, on Netmiko, recorded."""

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, ClassVar, Self

import paramiko
from django.conf import settings
from netmiko import BaseConnection
from netmiko.ssh_dispatcher import CLASS_MAPPER

from devices.connectors.connections import attentive, recording
from devices.connectors.executions import Execution
from devices.connectors.failures import classify, describe, wrap
from devices.connectors.host_keys import KnownHost
from devices.connectors.limits import Limits
from devices.errors import ERRORS, AuthenticationFailed, CommandRefused, ConnectorError
from devices.interfaces.normalised import InterfaceData
from devices.interfaces.parsing import Answer, interfaces_of
from devices.models import Device
from devices.platforms import InterfaceCommand, Platform, get_platform, sha1_platforms
from logsite.redaction import Redactor, register_secrets
from logsite.ssh.algorithms import SHA1
from logsite.ssh.host_keys import parse_host_keys
from logsite.ssh.private_keys import KeyProblem, load_private_key
from sessionlogs.models import ErrorKind, EventType
from sessionlogs.recording.recorder import SessionRecorder


class BaseConnector:
    """Connects, sends commands, reads interfaces. Use it as a context manager, or call `get_interfaces()`.

    Arguments beside host and login: `device_id` and `user_id` say in the record which device and user this
    is (an id of the inventory, or a name where there is none); `device_name`, `user_name`, `agent_type` and
    `tags` describe them further; `limits` bound it from outside. `device` is its row in the inventory, whose host
    key it must show, or `host_key` the key itself, type and base64; without either the row that has its address
    counts. Times out after
    settings.DEVICE_CONNECT_TIMEOUT and DEVICE_READ_TIMEOUT seconds. Raises ConnectorError and its kinds, nothing
    of Netmiko's.
    """

    platform_name: ClassVar[str] = ""
    has_enable_mode: ClassVar[bool] = True
    outlives_timeouts: ClassVar[bool] = False  # a late answer would be taken for the next command's

    def __init__(
        self,
        host: str,
        username: str,
        password: str,
        *,
        device_id: Any = None,
        user_id: Any = None,
        enable_session_logging: bool = True,
        platform: str = "",
        port: int = 22,
        enable_secret: str = "",
        ssh_key: str = "",
        ssh_key_passphrase: str = "",
        device_name: str = "",
        user_name: str = "",
        agent_type: str = "network",
        tags: Sequence[str] = (),
        limits: Limits | None = None,
        device: Device | None = None,
        host_key: str = "",
    ) -> None:
        self.platform: Platform = get_platform(platform or self.platform_name)
        self.host, self.port, self.username = host, port, username
        self.enable_session_logging = enable_session_logging
        secrets = {
            "password": password,
            "enable-secret": enable_secret,
            "private-key": ssh_key,
            "passphrase": ssh_key_passphrase,
        }
        self._secrets = {kind: str(value) for kind, value in secrets.items() if value}
        self._redactor = Redactor(self._secrets)
        self._identity: dict[str, Any] = {
            "device": device_name or (str(device_id) if _is_name(device_id) else host),
            "device_id": "" if device_id is None else str(device_id),
            "user": user_name or (str(user_id) if _is_name(user_id) else ""),
            "user_id": "" if user_id is None else str(user_id),
            "host": host,
            "platform": self.platform.name,
            "agent_type": agent_type,
            "tags": tags,
        }
        self.limits, self._device = limits, device
        self._host_keys = parse_host_keys(host_key)
        self.logged_in = False
        self.connection: BaseConnection | None = None
        self.recorder: SessionRecorder | None = None
        self._started = False
        self._answers: list[Answer] = []
        self._cleanup = ExitStack()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.platform.name} {self.username}@{self.host}:{self.port}>"

    @property
    def session_id(self) -> uuid.UUID | None:
        """The id of the latest connection's record; None without recording or before the first one."""
        return self.recorder.session_id if self.recorder else None

    @property
    def out_of_time(self) -> bool:
        """Whether the device's deadline has closed the connection."""
        return self.limits is not None and self.limits.deadline.expired

    # --- the connection ---

    def open(self) -> None:
        """Log in. Raises AuthenticationFailed, ConnectionFailed, CommandTimeout."""
        self._start_recording()
        connection_class = attentive(self.connection_class())
        try:
            arguments = self._arguments()
        except ConnectorError as error:
            self._fail(EventType.CONNECTION_FAILED, error)
            raise
        try:
            if self.limits:
                self.limits.begin()
            if self.recorder:
                arguments |= {"recorder": self.recorder, "refusal": self.platform.failure}
                connection_class = recording(connection_class)
            self.connection = connection_class(**arguments)
            self.logged_in = True
            if "enable-secret" in self._secrets and self.has_enable_mode:
                self.connection.enable()
        except Exception as error:  # noqa: BLE001
            raise self._clean(error) from None
        finally:
            if self.limits:
                self.limits.logged_in()

    def close(self, *, failed: bool = False) -> None:
        """Log out; returns when the session's events are stored. Raises SessionLogError when they are not."""
        if self.recorder:
            self.recorder.finish(failed=failed)
        try:
            if self.connection is not None:
                self.connection.disconnect()
        finally:
            self.connection, self._started = None, False
            self._cleanup.close()
            if self.limits and self.logged_in:
                self.limits.disconnected()
            if self.recorder:
                self.recorder.close()

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=error is not None)

    def connection_class(self) -> type[BaseConnection]:
        """Netmiko's class for the platform."""
        found: type[BaseConnection] = CLASS_MAPPER[self.platform.netmiko]
        return found

    def _start_recording(self) -> None:
        """One record a connection: a connector that is used again begins another."""
        if self._started:
            return
        self._started = True
        self._cleanup.enter_context(register_secrets(self._secrets))
        if self.enable_session_logging:
            self.recorder = SessionRecorder(**self._identity, secrets=self._secrets)

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "device_type": self.platform.netmiko,
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "password": self._secrets.get("password", ""),
            "secret": self._secrets.get("enable-secret", ""),
            "conn_timeout": settings.DEVICE_CONNECT_TIMEOUT,
            "auth_timeout": settings.DEVICE_CONNECT_TIMEOUT,
            "banner_timeout": settings.DEVICE_CONNECT_TIMEOUT,
            "read_timeout_override": settings.DEVICE_READ_TIMEOUT,
            "limits": self.limits,
            "known_host": KnownHost(
                self.host,
                self.port,
                device=self._device,
                device_id=self._identity["device_id"],
                user_id=self._identity["user_id"],
                given=self._host_keys,
            ),
            "disabled_algorithms": {} if self.platform.name in sha1_platforms() else {**SHA1},
        }
        if "private-key" in self._secrets:
            # Without `use_keys`, which wants a file and tries the keys of our own account as well.
            arguments["pkey"] = self._private_key()
        return arguments

    def _private_key(self) -> paramiko.PKey:
        try:
            return load_private_key(self._secrets["private-key"], self._secrets.get("passphrase", ""))
        except KeyProblem as error:
            raise AuthenticationFailed(str(error)) from None

    # --- commands ---

    def run(self, command: str) -> str:
        """The device's answer. Raises CommandRefused when it is the device's own error, CommandTimeout, …"""
        execution = self.execute(command)
        if execution.ok:
            return execution.stdout
        raise ERRORS[execution.error_kind](self.redact(f"{command!r}: {execution.reason}"))

    def execute(self, command: str) -> Execution:
        """What came of a command, a refusal by the device included. Raises CommandTimeout, ConnectionFailed."""
        assert self.connection is not None, "open() first"
        try:
            output: Any = self.connection.send_command(command)
        except Exception as error:  # noqa: BLE001
            raise self._clean(error) from None
        if isinstance(output, Execution):
            return output
        refused = self.platform.failure(output)
        return Execution(output, refused, error_kind=ErrorKind.DEVICE if refused else "")

    def redact(self, text: str) -> str:
        """`text` as it may be shown: without this connection's credentials and what looks like one."""
        return self._redactor.redact(text)

    def get_interfaces(self) -> list[InterfaceData]:
        """Connect, run the platform's interface commands, parse, disconnect."""
        self._answers = []
        self._start_recording()
        self._event(EventType.INTERFACE_COLLECTION_START)
        try:
            try:
                interfaces = self._collect()
            except Exception as error:  # noqa: BLE001
                self._fail(EventType.INTERFACE_COLLECTION_FAILED, error)
                raise self._clean(error) from None
            if self.recorder:
                self.recorder.succeed(EventType.INTERFACE_COLLECTION_SUCCESS, summary(interfaces))
            return interfaces
        finally:
            self.close(failed=True)  # unless it has succeeded by now

    def _collect(self) -> list[InterfaceData]:
        commands = self.platform.interface_commands
        if not commands:
            raise ConnectorError(f"no interface command is known for platform {self.platform.name}")
        self.open()
        planned = ", ".join(command.command for command in commands)
        self._event(EventType.INTERFACE_COMMANDS_PLANNED, command=f"Commands to execute: {planned}")
        raw = [(command, self._ask(command)) for command in commands]
        self._answers = [Answer(command, answer) for command, answer in raw if answer is not None]
        interfaces = interfaces_of(self.platform, self._answers)
        for interface in interfaces:  # people write communities and passwords into descriptions
            interface.description = self.redact(interface.description)
        return interfaces

    def redacted_answers(self) -> list[Answer]:
        """The answers of the last `get_interfaces()` without secrets; none where it did not get them all."""
        clean = ((self.redact(answer.raw), self.redact(answer.error)) for answer in self._answers)
        return [
            replace(answer, raw=raw.replace("\0", ""), error=error)
            for answer, (raw, error) in zip(self._answers, clean, strict=True)
        ]

    def _ask(self, command: InterfaceCommand) -> str | None:
        """The answer; None when an optional command is not known to this device."""
        try:
            return self.run(command.command)
        except CommandRefused:
            if command.optional:
                return None
            raise

    # --- the record ---

    def _event(self, event_type: EventType, **content: Any) -> None:
        if self.recorder:
            self.recorder.event(event_type, **content)

    def _fail(self, event_type: EventType, error: Exception) -> None:
        if self.recorder:
            self.recorder.fail(event_type, describe(error), classify(error))

    def _clean(self, error: Exception) -> ConnectorError:
        """The error as ours, with every known secret taken out of its text."""
        wrapped = wrap(error)
        wrapped.args = (self.redact(str(wrapped)),)
        return wrapped


def summary(interfaces: Sequence[InterfaceData]) -> str:
    """How many interfaces have an address, and their names in the device's order."""
    names = [interface.name for interface in interfaces if interface.addresses]
    return f"Found {len(names)} interfaces with IP addresses" + (f": {', '.join(names)}" if names else "")


def _is_name(value: Any) -> bool:
    """A number is an id of the inventory; any other text says who or what by itself."""
    return value is not None and not str(value).isdecimal()
