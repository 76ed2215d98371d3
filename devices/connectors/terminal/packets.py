"""How much a host may send beneath a session: before SSH has begun, in one packet, and beyond what it was allowed.

Paramiko takes whatever comes: a greeting without an end, a packet as large as its head says, and data for which
there is no room left in the channel's window.
"""

from typing import Any

from paramiko import Channel, SSHException, Transport
from paramiko.common import DEFAULT_WINDOW_SIZE, MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA
from paramiko.packet import Packetizer

LONGEST_GREETING = 64 * 1024  # bytes up to the version of SSH; RFC 4253 allows lines of text before it
LARGEST_PACKET = 256 * 1024  # bytes; OpenSSH's own limit
MOST_UNREAD = 2 * DEFAULT_WINDOW_SIZE  # bytes of a channel


class BoundedPacketizer(Packetizer):
    """Raises SSHException for a greeting or a packet that is too large, before it is read."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self._greeting = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if n > LARGEST_PACKET:
            raise SSHException(f"a packet of {n:,} bytes")
        data: bytes = super().read_all(n, check_rekey)
        return data

    def _read_timeout(self, timeout: float) -> bytes:
        data: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._greeting += len(data)
        if self._greeting > LONGEST_GREETING:
            raise SSHException(f"more than {LONGEST_GREETING:,} bytes before its SSH version line")
        return data


def _within_window(feed: Any) -> Any:
    def checked(channel: Channel, message: Any) -> None:
        feed(channel, message)
        if len(channel.in_buffer) + len(channel.in_stderr_buffer) > MOST_UNREAD:
            raise SSHException("more data than the host was allowed to send")

    return checked


class BoundedTransport(Transport):
    """Paramiko's transport with these bounds."""

    _channel_handler_table = {
        **Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_DATA: _within_window(Channel._feed),  # type: ignore[attr-defined]
        MSG_CHANNEL_EXTENDED_DATA: _within_window(Channel._feed_extended),  # type: ignore[attr-defined]
    }

    def __init__(self, sock: Any, **options: Any) -> None:
        super().__init__(sock, packetizer_class=BoundedPacketizer, **options)
