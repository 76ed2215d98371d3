"""Netmiko connections that record every command and response.

The mixin extends the class that Netmiko itself takes for a device type: nothing is patched, and every way to send a
command passes through here. Netmiko's own `session_log` mixes both directions in one stream, without timing.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netmiko import BaseConnection
from netmiko.utilities import structured_data_converter

from devices.connectors.executions import Execution
from devices.connectors.failures import classify, describe
from devices.connectors.terminal.connection import PARSING
from devices.connectors.timing import Wire
from sessionlogs.models import ErrorKind, EventType
from sessionlogs.recording.recorder import SessionRecorder

if TYPE_CHECKING:
    Base = BaseConnection
else:
    Base = object


class RecordingMixin(Base):
    """Takes two more arguments than Netmiko's classes: the recorder, and how the platform words a refusal."""

    def __init__(
        self, *args: Any, recorder: SessionRecorder, refusal: Callable[..., str], **kwargs: Any
    ) -> None:
        self._recorder, self._refusal = recorder, refusal
        recorder.refusal = refusal
        self._inside = False  # Netmiko's methods call one another; only the outermost call is a command
        self._established = False
        self._wire = Wire()
        self._login = 0  # nanoseconds of TCP and authentication
        recorder.event(EventType.CONNECTION_START, response=_target(kwargs))
        started = time.perf_counter_ns()
        try:
            super().__init__(*args, **kwargs)
        except Exception as error:
            recorder.fail(
                EventType.CONNECTION_FAILED,
                describe(error),
                classify(error),
                response=kwargs["known_host"].note,
                duration=time.perf_counter_ns() - started,
            )
            raise
        self._established = True
        took = time.perf_counter_ns() - started
        recorder.event(
            EventType.CONNECTION_SUCCESS,
            response=kwargs["known_host"].note,
            duration=took,
            timing=self._connection_timing(took),
        )

    def _connection_timing(self, took: int) -> dict[str, int]:
        if not self._login:
            return {}
        spent = self._wire.split(took - self._login)
        return {
            "login": self._login,
            "preparation": spent.get("first_byte", 0) + spent.get("answer", 0),
            "polling": spent.get("polling", took - self._login),
        }

    def establish_connection(self, *args: Any, **kwargs: Any) -> None:
        started = time.perf_counter_ns()
        super().establish_connection(*args, **kwargs)
        self._login = time.perf_counter_ns() - started
        self._wire.watch(self.remote_conn)

    def write_channel(self, out_data: str) -> None:
        self._wire.wrote()
        super().write_channel(out_data)

    def _record(
        self,
        command: str,
        send: Callable[..., Any],
        /,
        *arguments: Any,
        dialogue: bool = False,
        **options: Any,
    ) -> Any:
        """Call `send`, with the command before it and the answer or the failure after it on record."""
        if self._inside or not self._established:  # session preparation belongs to the connection
            return send(*arguments, **options)
        recorder = self._recorder
        recorder.command_sent(command)
        self._inside = True
        self._wire.begin()
        started = time.perf_counter_ns()
        try:
            output = send(*arguments, **options)
        except Exception as error:
            took = time.perf_counter_ns() - started
            timing = self._wire.split(took)
            said = getattr(error, "said", "")
            recorder.command_failed(command, describe(error), classify(error), took, said, timing)
            raise
        finally:
            self._inside = False
        took = time.perf_counter_ns() - started
        if isinstance(output, Execution):
            recorder.command_executed(command, *output.said, output.exit_code, output.error_kind, took)
            return output
        timing = self._wire.split(took)
        answer = output if isinstance(output, str) else repr(output)
        # A refusal at the head of an answer is found by the writer, off this path.
        if dialogue and (refused := self._refusal(answer, whole=True)):
            recorder.command_failed(command, refused, ErrorKind.DEVICE, took, answer, timing)
        else:
            recorder.command_response(command, answer, took, timing)
        return output

    def _send(self, method: Callable[..., Any], command: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """A command whose raw answer is recorded first; parsing is a step after it and fails on its own."""
        if self._inside or not kwargs:
            return self._record(command, method, command, *args, **kwargs)
        parsing = {name: kwargs.pop(name) for name in PARSING if name in kwargs}
        output = self._record(command, method, command, *args, **kwargs)
        if not any(parsing.values()):
            return output
        return structured_data_converter(
            command=command, raw_data=output, platform=self.device_type, **parsing
        )

    def send_command(self, command_string: str, *args: Any, **kwargs: Any) -> Any:
        return self._send(super().send_command, command_string, args, kwargs)

    def send_command_timing(self, command_string: str, *args: Any, **kwargs: Any) -> Any:
        return self._send(super().send_command_timing, command_string, args, kwargs)

    def send_multiline(self, commands: Any, *args: Any, **kwargs: Any) -> Any:
        commands = list(commands)
        lines = "\n".join(item if isinstance(item, str) else item[0] for item in commands)
        parent: Any = super()
        return self._record(lines, parent.send_multiline, commands, *args, **kwargs)

    def send_multiline_timing(self, commands: Any, *args: Any, **kwargs: Any) -> Any:
        commands = list(commands)
        parent: Any = super()
        return self._record("\n".join(commands), parent.send_multiline_timing, commands, *args, **kwargs)

    def send_config_set(self, config_commands: Any = None, *args: Any, **kwargs: Any) -> Any:
        if config_commands is None:
            return super().send_config_set(None, *args, **kwargs)
        commands = [config_commands] if isinstance(config_commands, str) else list(config_commands)
        parent: Any = super()
        return self._record(
            "\n".join(line.strip("\n") for line in commands),
            parent.send_config_set,
            commands,
            *args,
            **kwargs,
            dialogue=True,
        )

    def enable(self, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super()
        return self._record("enable", parent.enable, *args, **kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super()
        return self._record("commit", parent.commit, *args, **kwargs)

    def save_config(self, *args: Any, **kwargs: Any) -> Any:
        parent: Any = super()
        return self._record("save_config", parent.save_config, *args, **kwargs)

    def disconnect(self) -> None:
        """Netmiko calls this too when a login fails half-way; then there was no connection to end."""
        started = time.perf_counter_ns()
        super().disconnect()
        if self._established:
            self._established = False
            self._recorder.event(EventType.DISCONNECTION, duration=time.perf_counter_ns() - started)


def _target(kwargs: dict[str, Any]) -> str:
    return f"{kwargs.get('username', '')}@{kwargs.get('host', '')}:{kwargs.get('port', 22)}"
