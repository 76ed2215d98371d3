"""The classes our connections are made of: Netmiko's own for a device type, with mixins in front."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from netmiko import BaseConnection

from devices.connectors.executions import Execution
from devices.connectors.host_keys import KnownHost
from devices.connectors.limits import Deadline, Limits
from devices.connectors.recording import RecordingMixin
from devices.connectors.terminal.connection import PROMPT, TerminalConnection
from sessionlogs.models import ErrorKind

if TYPE_CHECKING:
    Base = BaseConnection
else:
    Base = object


class AttentiveMixin(Base):
    """Reports a passed deadline, and checks the host's key before the login. Takes two more arguments than
    Netmiko's classes.
    """

    def __init__(
        self, *args: Any, known_host: KnownHost, limits: Limits | None = None, **kwargs: Any
    ) -> None:
        self._known_host = known_host
        self._limits = limits or Limits(Deadline(math.inf))
        self._deadline = self._limits.deadline
        with self._blaming_deadline():
            super().__init__(*args, **kwargs)

    @contextmanager
    def _blaming_deadline(self) -> Iterator[None]:
        """What fails because the deadline closed the connection fails for the deadline."""
        try:
            yield
        except Exception:
            if self._deadline.expired:
                raise self._deadline.error() from None
            raise

    def _connect_params_dict(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._connect_params_dict()
        factory = partial(self._deadline.transport, known_host=self._known_host)
        return {**parameters, "transport_factory": factory}

    def establish_connection(self, *args: Any, **kwargs: Any) -> None:
        if self.protocol != "ssh":
            self._known_host.without_key()
        super().establish_connection(*args, **kwargs)
        self._limits.logged_in()

    def send_command(self, *args: Any, **kwargs: Any) -> Any:
        """What a host, which is asked over no shell, has said before the deadline stays."""
        with self._blaming_deadline():
            output: Any = super().send_command(*args, **kwargs)
        broke = isinstance(output, Execution) and output.error_kind == ErrorKind.CONNECTION
        if broke and self._deadline.expired:
            return replace(output, failure=str(self._deadline.error()), error_kind=ErrorKind.TIMEOUT)
        return output

    def write_channel(self, out_data: str) -> None:
        with self._blaming_deadline():
            super().write_channel(out_data)

    def read_channel(self) -> str:
        with self._blaming_deadline():
            return str(super().read_channel())

    def _prompt_handler(self, auto_find_prompt: bool) -> str:
        """In place of the vendors' own patterns."""
        return PROMPT


_classes: dict[tuple[type, ...], type[BaseConnection]] = {}


def _mixed(*bases: Any) -> type[BaseConnection]:
    if bases not in _classes:
        name = bases[0].__name__.removesuffix("Mixin") + bases[1].__name__
        _classes[bases] = type(name, bases, {})
    return _classes[bases]


def attentive(connection_class: type[BaseConnection]) -> type[BaseConnection]:
    """`connection_class`, noticing that its time is over, and reading as TerminalConnection does."""
    return _mixed(AttentiveMixin, connection_class, TerminalConnection)


def recording(connection_class: type[BaseConnection]) -> type[BaseConnection]:
    """`connection_class` with recording in front of it."""
    return _mixed(RecordingMixin, connection_class)
