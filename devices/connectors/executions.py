"""One command in an exec channel of its own: exit code, stdout and stderr apart, within a deadline."""

import selectors
from dataclasses import dataclass, field
from time import monotonic

from django.conf import settings
from paramiko import Channel, Transport

from devices.connectors.terminal.decoding import decoded
from logsite.ssh.channels import start, terminate
from sessionlogs.models import ErrorKind

PIECE = 256 * 1024  # bytes read at a time


@dataclass(frozen=True)
class Execution:
    """What came of a command. A network device gives no exit code and says all on one stream.

    `error_kind` is empty when the command ended well; `failure` says why there is no exit code.
    """

    stdout: str
    stderr: str = ""
    exit_code: int | None = None
    failure: str = ""
    error_kind: str = ""

    @property
    def ok(self) -> bool:
        return not self.error_kind

    @property
    def said(self) -> tuple[str, str]:
        """Output and error for the record. Without an exit code the error is ours, and may be shown to those who may
        not see what devices answered; so stderr stands behind stdout there."""
        if self.exit_code is not None:
            return self.stdout, self.stderr
        return "\n".join(filter(None, (self.stdout, self.stderr))), self.failure

    @property
    def reason(self) -> str:
        """One line for everybody: nothing of a host's stderr, but the line with which a network device refused."""
        if self.exit_code is not None:
            return f"exit code {self.exit_code}"
        return self.failure or self.stderr.strip().rpartition("\n")[2]


@dataclass
class _Streams:
    """Both streams as they come: reading them one after the other stalls as soon as one window is full."""

    channel: Channel
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    def drain(self) -> None:
        while self.channel.recv_ready() and not self.too_large:
            self.stdout += self.channel.recv(PIECE)
        while self.channel.recv_stderr_ready() and not self.too_large:
            self.stderr += self.channel.recv_stderr(PIECE)

    @property
    def too_large(self) -> bool:
        return max(len(self.stdout), len(self.stderr)) > settings.DEVICE_RESPONSE_LIMIT

    def execution(self, exit_code: int | None, failure: str, error_kind: str) -> Execution:
        return Execution(_text(self.stdout), _text(self.stderr), exit_code, failure, error_kind)


def _text(stream: bytearray) -> str:
    return decoded(stream).rstrip("\n")


def execute(transport: Transport, command: str, timeout: float) -> Execution:
    """Run `command` and wait for its end, at most `timeout` seconds by the clock.

    Raises SSHException, EOFError or OSError when it could not even be started.
    """
    deadline = monotonic() + timeout
    channel = transport.open_session(timeout=timeout)
    try:
        start(channel, command, timeout)
        streams = _Streams(channel)
        ended = _read(streams, deadline)
        return _outcome(streams, transport, deadline, timeout, ended=ended)
    finally:
        channel.close()


def _read(streams: _Streams, deadline: float) -> bool:
    """Read until both streams end; False when time or room ran out before."""
    channel = streams.channel
    with selectors.DefaultSelector() as selector:  # `select` itself cannot take a file number above 1,023
        selector.register(channel, selectors.EVENT_READ)
        while not streams.too_large:
            ended = (
                channel.eof_received or channel.closed
            )  # before draining: what came earlier is there by now
            streams.drain()
            if ended:
                return not streams.too_large
            remaining = deadline - monotonic()
            if remaining <= 0:
                return False
            selector.select(remaining)
    return False


def _outcome(
    streams: _Streams, transport: Transport, deadline: float, timeout: float, *, ended: bool
) -> Execution:
    channel = streams.channel
    if streams.too_large:
        terminate(channel)
        limit = f"{settings.DEVICE_RESPONSE_LIMIT:,} bytes of output (DEVICE_RESPONSE_LIMIT)"
        return streams.execution(None, f"the command was ended after {limit}", ErrorKind.TOO_LARGE)
    if not ended or not channel.status_event.wait(max(deadline - monotonic(), 0.1)):
        terminate(channel)
        return streams.execution(None, f"the command did not end within {timeout:g} s", ErrorKind.TIMEOUT)
    if channel.exit_status >= 0:
        kind = ErrorKind.DEVICE if channel.exit_status else ""
        return streams.execution(channel.exit_status, "", kind)
    if not (channel.eof_received and transport.is_active()):
        return streams.execution(None, "the connection broke", ErrorKind.CONNECTION)
    return streams.execution(None, "the command ended without an exit code, as by a signal", ErrorKind.DEVICE)
