"""What a command says while it runs: both streams together, within a deadline and a limit of bytes."""

import threading
from collections.abc import Iterator
from time import monotonic

from paramiko import Channel

from logsite.ssh.channels import terminate
from prodlogs.docker.errors import failure
from prodlogs.errors import HostError
from prodlogs.models import ErrorKind

PIECE = 256 * 1024  # bytes of a chunk at most
GATHER = 0.002  # seconds in which more may come, once a command says much: Docker writes line by line
TAIL = 16 * 1024  # bytes of stderr that are kept to tell why a command failed


class Execution:
    """One command in its channel. Nothing is read ahead of the consumer but the channel's window."""

    def __init__(self, host: str, channel: Channel, timeout: float, deadline: float, byte_limit: int) -> None:
        self._host, self._channel = host, channel
        self._timeout, self._deadline, self._limit = timeout, deadline, byte_limit
        self._fed = threading.Event()
        # Both set it; a buffer that is emptied clears it, so that it is waited for only when both are empty.
        channel.in_buffer.set_event(self._fed)
        channel.in_stderr_buffer.set_event(self._fed)
        self._errors = b""
        self.bytes = {"stdout": 0, "stderr": 0}
        self.exit_code: int | None = None
        self.ended = False

    def chunks(self) -> Iterator[tuple[str, bytes]]:
        """("stdout" | "stderr", up to PIECE bytes), as they come. Raises HostError after the last one."""
        channel = self._channel
        streams = (
            ("stdout", channel.recv_ready, channel.recv),
            ("stderr", channel.recv_stderr_ready, channel.recv_stderr),
        )
        while True:
            ended = (
                channel.eof_received or channel.closed
            )  # before looking: what came earlier is there by now
            found = False
            for name, ready, receive in streams:
                if ready():
                    found = True
                    chunk = receive(min(PIECE, self._room()))
                    self._count(name, chunk)
                    yield name, chunk
            if not found and ended:
                break
            remaining = self._deadline - monotonic()
            if remaining <= 0:
                raise self._error(ErrorKind.TIMEOUT, f"the command did not end within {self._timeout:g} s")
            if not found:
                self._fed.wait(remaining)
                if sum(self.bytes.values()) > PIECE:
                    channel.status_event.wait(GATHER)
        self._finish()

    def close(self) -> None:
        """Ends the command, if it has not ended by itself."""
        if not self.ended:
            terminate(self._channel)
        self._channel.close()

    def _room(self) -> int:
        room = self._limit - sum(self.bytes.values())
        if room <= 0:
            raise self._error(ErrorKind.LIMIT, f"the command wrote more than {self._limit:,} bytes")
        return room

    def _count(self, name: str, chunk: bytes) -> None:
        self.bytes[name] += len(chunk)
        if name == "stderr":
            self._errors = (self._errors + chunk)[-TAIL:]

    def _finish(self) -> None:
        channel = self._channel
        if not channel.status_event.wait(max(self._deadline - monotonic(), 0.1)):
            raise self._error(ErrorKind.TIMEOUT, f"the command did not end within {self._timeout:g} s")
        if channel.exit_status < 0:
            if not channel.eof_received:
                raise self._error(ErrorKind.CONNECTION, "the connection broke while the command ran")
            raise self._error(ErrorKind.CONNECTION, "the command ended without an exit code, as by a signal")
        self.ended, self.exit_code = True, channel.exit_status
        if self.exit_code:
            cut = self.bytes["stderr"] > len(self._errors)
            raise failure(self._host, self.exit_code, self._errors, cut=cut)

    def _error(self, kind: ErrorKind, reason: str) -> HostError:
        return HostError(self._host, kind, reason)
