"""The line to a device: bytes in and out, counted, and read no faster than they are used."""

import time
from typing import Any

from netmiko.channel import Channel, SSHChannel, TelnetChannel
from netmiko.utilities import write_bytes

from devices.connectors.terminal.decoding import decoder
from devices.connectors.terminal.screen import unfinished
from devices.errors import ResponseTooLarge

PIECE = 64 * 1024  # bytes read at a time
PIECES = 16  # at a time for who asks for all there is: a device that never pauses has more
LOOK = 0.02  # seconds between two looks at a line that cannot be waited for


class DeviceChannel(Channel):
    """In place of Netmiko's SSH channel, which drops letters and reads as long as there is something to read.

    What is read has its letters and its escape codes whole. EOFError says that the device has hung up,
    ResponseTooLarge that it sent more than `limit` bytes since `begin()`; its connection is closed then.
    """

    def __init__(self, line: Any, encoding: str, limit: int) -> None:
        self.remote_conn, self.encoding, self.limit = line, encoding, limit
        self._decoder = decoder()
        self._cut = ""  # the head of an escape code
        self._received = 0

    def begin(self) -> None:
        """What comes from now on counts as one answer."""
        self._received = 0

    def write_channel(self, out_data: str) -> None:
        self.remote_conn.sendall(write_bytes(out_data, encoding=self.encoding))

    def read_buffer(self) -> str:
        return self.wait(0.0)

    def read_channel(self) -> str:
        """What has come by now, at most PIECES * PIECE bytes of it."""
        read = ""
        for _ in range(PIECES):
            try:
                data = self._receive(0.0)
            except EOFError:
                if not read:
                    raise
                break
            if not data:
                break
            read += self._text(data)
        return read

    def wait(self, seconds: float) -> str:
        """What comes next, or nothing when nothing has come for `seconds`."""
        while data := self._receive(seconds):
            if text := self._text(data):  # not half a letter
                return text
        return ""

    def rest(self) -> str:
        """What waits for its other half in vain."""
        text, self._cut = self._cut + self._decoder.decode(b"", final=True), ""
        return text

    def _receive(self, seconds: float) -> bytes:
        line = self.remote_conn
        patience = line.gettimeout()
        line.settimeout(seconds)
        try:
            data: bytes = line.recv(PIECE)
        except TimeoutError:
            return b""
        finally:
            line.settimeout(patience)
        if not data:
            raise EOFError
        return data

    def _text(self, data: bytes) -> str:
        self._received += len(data)
        self.check(self._received)
        text = self._cut + self._decoder.decode(data)
        end = unfinished(text)
        self._cut = text[end:]
        return text[:end]

    def check(self, size: int) -> None:
        """Raises ResponseTooLarge, and hangs up, when `size` bytes or characters are too much."""
        if size > self.limit:
            self._hang_up()
            raise ResponseTooLarge(
                f"the device sent more than {self.limit:,} bytes at a time (DEVICE_RESPONSE_LIMIT); "
                "the connection was closed"
            )

    def _hang_up(self) -> None:
        self.remote_conn.get_transport().close()


class TelnetDeviceChannel(DeviceChannel):
    """The same in place of Netmiko's Telnet channel, whose line cannot be waited for."""

    def write_channel(self, out_data: str) -> None:
        self.remote_conn.write(write_bytes(out_data, encoding=self.encoding))

    def _receive(self, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        while True:
            data: bytes = self.remote_conn.read_eager()
            if data or time.monotonic() >= until:
                return data
            time.sleep(LOOK)

    def _hang_up(self) -> None:
        self.remote_conn.close()


def device_channel(channel: Channel, limit: int) -> Channel:
    """Ours in place of Netmiko's `channel`; a serial line's stays."""
    for theirs, ours in ((SSHChannel, DeviceChannel), (TelnetChannel, TelnetDeviceChannel)):
        if isinstance(channel, theirs):
            return ours(channel.remote_conn, channel.encoding, limit)
    return channel
