"""The classes our connections are made of: Netmiko's own for a device type, with mixins in front."""

from typing import TYPE_CHECKING, Any

from netmiko import BaseConnection

from devices.connectors.recording import RecordingMixin

if TYPE_CHECKING:
    Base = BaseConnection
else:
    Base = object


class AttentiveMixin(Base):
    """Says at once that the device has hung up; Netmiko would go on reading until its timeout."""

    def read_channel(self) -> str:
        output: str = super().read_channel()
        channel: Any = self.remote_conn
        if not output and channel is not None and (channel.closed or channel.eof_received):
            if channel.recv_ready():  # what it said last has arrived between the two looks
                return str(super().read_channel())
            raise EOFError
        return output


_classes: dict[tuple[type, type], type[BaseConnection]] = {}


def _mixed(mixin: type, connection_class: type[BaseConnection]) -> type[BaseConnection]:
    key = (mixin, connection_class)
    if key not in _classes:
        bases: Any = key
        name = mixin.__name__.removesuffix("Mixin") + connection_class.__name__
        _classes[key] = type(name, bases, {})
    return _classes[key]


def attentive(connection_class: type[BaseConnection]) -> type[BaseConnection]:
    """`connection_class`, noticing a broken connection."""
    return _mixed(AttentiveMixin, connection_class)


def recording(connection_class: type[BaseConnection]) -> type[BaseConnection]:
    """`connection_class` with recording in front of it."""
    return _mixed(RecordingMixin, connection_class)
