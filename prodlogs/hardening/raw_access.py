"""Whatever a client could ask of an SSH server with our key, past the grammar: for `selftest` alone."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from paramiko import Channel, ChannelException, Message, SSHException, Transport
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST

LONGEST_ANSWER = 4 * 1024**2  # bytes of each stream that are kept, and waited for
WINDOW, PACKET = 16 * 1024**2, 32 * 1024  # bytes; the window takes both streams without a reader
PROHIBITED = 1  # RFC 4254, 5.1: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED


@dataclass(frozen=True)
class Answer:
    """What the host made of a request: whether it was granted, and what the program behind it said.

    `exit_code` is None where no program ended in time, `lost` says that there was no answer at all.
    """

    granted: bool
    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    reason: str = ""
    code: int | None = None  # of a channel that was not opened
    lost: bool = False


class RawAccess(Protocol):
    """Each call is one request on a channel of its own, closed at its end."""

    def exec(self, raw: str, environment: Mapping[str, str] | None = None) -> Answer: ...
    def request(self, kind: str, *fields: str | int | bool, program: bool = False) -> Answer: ...
    def open_channel(self, kind: str, *fields: str | int) -> Answer: ...
    def listen(self) -> Answer: ...


class TransportAccess:
    """RawAccess over a connection that is logged in. No request takes longer than `timeout` seconds."""

    def __init__(self, transport: Transport, timeout: float = 30.0) -> None:
        self._transport: Any = transport  # paramiko's types do not have what a raw channel needs
        self._timeout = timeout

    def exec(self, raw: str, environment: Mapping[str, str] | None = None) -> Answer:
        """Send the text as it is, in the environment as far as the host takes it."""
        return self._session(
            ("exec", raw.encode("utf-8", "surrogateescape")), environment or {}, program=True
        )

    def request(self, kind: str, *fields: str | int | bool, program: bool = False) -> Answer:
        """A request on a session («pty-req»); `program`: one that starts something, which is waited for."""
        return self._session((kind, *fields), {}, program=program)

    def open_channel(self, kind: str, *fields: str | int) -> Answer:
        """A channel to somewhere else («direct-tcpip»), closed as soon as it is open."""

        def ask() -> Answer:
            self._opened(kind, *fields).close()
            return Answer(granted=True)

        return self._guarded(ask)

    def listen(self) -> Answer:
        """A port of the host that would be forwarded to us; given back at once."""

        def ask() -> Answer:
            port = self._transport.request_port_forward("127.0.0.1", 0)
            self._transport.cancel_port_forward("127.0.0.1", port)
            return Answer(granted=True)

        return self._guarded(ask)

    def _guarded(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except ChannelException as error:
            return Answer(granted=False, reason=error.text, code=error.code)
        except (SSHException, EOFError, OSError) as error:
            lost = not self._transport.is_active() or isinstance(error, TimeoutError)
            return Answer(granted=False, reason=str(error) or type(error).__name__, lost=lost)

    def _session(self, request: tuple[Any, ...], environment: Mapping[str, str], *, program: bool) -> Answer:
        def ask() -> Answer:
            channel = self._opened("session")
            try:
                for name, value in environment.items():
                    channel.set_environment_variable(name, value)
                if not self._granted(channel, *request):
                    return Answer(granted=False, reason="the request was refused")
                return self._ended(channel) if program else Answer(granted=True)
            finally:
                channel.close()

        return self._guarded(ask)

    def _granted(self, channel: Any, kind: str, *fields: str | bytes | int | bool) -> bool:
        """Paramiko asks for some of these without wanting an answer, and waits for the others without an end."""
        message = _message(cMSG_CHANNEL_REQUEST, channel.remote_chanid, kind, True, *fields)
        channel._event_pending()
        self._transport._send_user_message(message)
        if not channel.event.wait(self._timeout):
            raise TimeoutError(f"no answer to {kind} within {self._timeout:g} s")
        if not self._transport.is_active():
            raise EOFError("the host closed the connection")
        return bool(channel.event_ready)

    def _ended(self, channel: Channel) -> Answer:
        channel.shutdown_write()
        deadline = monotonic() + self._timeout
        stdout, stderr = (
            _drain(channel, channel.recv, deadline),
            _drain(channel, channel.recv_stderr, deadline),
        )
        ended = channel.status_event.wait(max(deadline - monotonic(), 0.0)) and channel.exit_status >= 0
        return Answer(
            granted=True,
            exit_code=channel.exit_status if ended else None,
            stdout=stdout,
            stderr=stderr,
            reason="" if ended else f"no end within {self._timeout:g} s",
            lost=not self._transport.is_active(),
        )

    def _opened(self, kind: str, *fields: str | int) -> Any:
        """As Transport.open_channel, which writes the fields of four kinds only. Raises ChannelException."""
        transport = self._transport
        with transport.lock:
            number, opened = transport._next_channel(), threading.Event()
            channel: Any = Channel(number)
            transport._channels.put(number, channel)
            transport.channel_events[number] = opened
            transport.channels_seen[number] = True
            channel._set_transport(transport)
            channel._set_window(WINDOW, PACKET)
        transport._send_user_message(_message(cMSG_CHANNEL_OPEN, kind, number, WINDOW, PACKET, *fields))
        deadline = monotonic() + self._timeout
        while not opened.wait(0.1):  # no event tells that the connection broke
            if not transport.is_active():
                raise EOFError("the host closed the connection")
            if monotonic() >= deadline:
                raise TimeoutError(f"no answer to {kind} within {self._timeout:g} s")
        if transport._channels.get(number) is None:
            raise transport.get_exception() or EOFError("the host closed the connection")
        return channel


def _message(first: bytes, *fields: str | bytes | int | bool) -> Message:
    message = Message()
    message.add_byte(first)
    for field in fields:
        if isinstance(field, bool):
            message.add_boolean(field)
        elif isinstance(field, int):
            message.add_int(field)
        else:
            message.add_string(field)
    return message


def _drain(channel: Channel, receive: Callable[[int], bytes], deadline: float) -> bytes:
    """All of one stream, or what came of it until the deadline."""
    found = bytearray()
    while len(found) < LONGEST_ANSWER and (left := deadline - monotonic()) > 0:
        channel.settimeout(left)
        try:
            data = receive(65_536)
        except TimeoutError:
            break
        if not data:
            break
        found += data
    return bytes(found)
