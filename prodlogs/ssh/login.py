"""A login on a Docker host: by key alone, to a host whose key is known, within a time by the clock."""

import queue
import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Any, Self, cast

import paramiko
from django.conf import settings

from logsite.ssh.algorithms import SHA1
from logsite.ssh.channels import start
from logsite.ssh.host_keys import fingerprint_of, preferring
from prodlogs.errors import HostError
from prodlogs.hosts.configured import private_key
from prodlogs.hosts.host_keys import verify
from prodlogs.models import DockerHost, ErrorKind

KEEPALIVE = 15  # seconds without a word, after which we say one
SILENCE = (
    60_000  # milliseconds that what we said may stay unacknowledged before the connection counts as broken
)
WINDOW = 2 * 1024**2  # bytes on the way and unread, both streams of a command together
PACKET = 32 * 1024  # bytes
AHEAD = 256 * 1024  # bytes
QUICK = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
)  # half the work of what Paramiko would take first
WEAK = {
    **SHA1,
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],  # some hosts have no better one than hmac-sha1
}


class HostConnection:
    """A login that stands. `host_key_fingerprint` and `key_fingerprint` say who talks to whom."""

    def __init__(self, host: DockerHost, transport: paramiko.Transport, key: paramiko.PKey) -> None:
        self._name, self._transport = host.name, transport
        self.host_key_fingerprint = fingerprint_of(transport.get_remote_server_key())
        self.key_fingerprint = fingerprint_of(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._name}>"

    @property
    def active(self) -> bool:
        return self._transport.is_active()

    @property
    def transport(self) -> paramiko.Transport:
        """For `selftest`, which asks for what no command of ours asks for."""
        return self._transport

    def close(self) -> None:
        self._transport.close()

    def start(self, line: str, timeout: float) -> paramiko.Channel:
        """The channel of a command that the host has taken up within `timeout` seconds. Raises HostError."""
        deadline = monotonic() + timeout
        try:
            channel = self._transport.open_session(WINDOW, PACKET, timeout)
            start(channel, line, max(deadline - monotonic(), 0.1))
        except paramiko.ChannelException as error:
            raise HostError(self._name, ErrorKind.REFUSED, _channel_refused(error)) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._not_started(error, timed_out=monotonic() >= deadline, timeout=timeout) from None
        return channel

    def _not_started(self, error: Exception, *, timed_out: bool, timeout: float) -> HostError:
        if timed_out:
            return HostError(
                self._name, ErrorKind.TIMEOUT, f"the host did not start the command within {timeout:g} s"
            )
        if not self.active:
            return HostError(self._name, ErrorKind.CONNECTION, "the connection broke")
        return HostError(self._name, ErrorKind.REFUSED, "the host does not run commands for this key")


def _channel_refused(error: paramiko.ChannelException) -> str:
    if error.code == 1:
        return "the host forbids sessions to this user or key"
    return (
        "the host opens no more sessions on one connection: MaxSessions in its sshd_config, or processes of earlier "
        "commands that have not ended"
    )


def connect(host: DockerHost, timeout: float | None = None) -> HostConnection:
    """Log in within `timeout` seconds (PRODLOGS_CONNECT_TIMEOUT), name lookup and key exchange included.

    The host's key is checked before anything is said about the user. Raises HostError: CONFIGURATION, CONNECTION,
    TIMEOUT, HOST_KEY or AUTHENTICATION.
    """
    seconds = settings.PRODLOGS_CONNECT_TIMEOUT if timeout is None else timeout
    return _Login(host, seconds).connection()


class _Login:
    def __init__(self, host: DockerHost, seconds: float) -> None:
        self.host, self.seconds, self.deadline = host, seconds, monotonic() + seconds

    def connection(self) -> HostConnection:
        key = private_key(self.host)
        sock = self._socket()
        try:
            transport = paramiko.Transport(cast(socket.socket, ReadAhead(sock)), disabled_algorithms=WEAK)
        except BaseException:
            sock.close()
            raise
        try:
            self._exchange_keys(transport)
            verify(self.host, transport.get_remote_server_key())
            self._log_in(transport, key)
            transport.set_keepalive(KEEPALIVE)
            return HostConnection(self.host, transport, key)
        except BaseException:
            transport.close()
            raise

    @property
    def _left(self) -> float:
        return max(self.deadline - monotonic(), 0.0)

    def _error(self, kind: ErrorKind, reason: str) -> HostError:
        return HostError(self.host.name, kind, reason)

    @property
    def _where(self) -> str:
        return f"{self.host.address} port {self.host.port}"

    def _socket(self) -> socket.socket:
        addresses = self._addresses()
        kind, problem = ErrorKind.CONNECTION, "it has no address"
        for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                return _connected(family, address, self._left / left)
            except TimeoutError:
                kind, problem = ErrorKind.TIMEOUT, f"no answer within {self.seconds:g} s"
            except OSError as error:
                kind, problem = ErrorKind.CONNECTION, error.strerror or str(error)
        raise self._error(kind, f"no connection to {self._where}: {problem}")

    def _addresses(self) -> list[tuple[int, Any]]:
        """Asked for in a thread: nothing else ends a lookup that hangs."""
        answers: queue.SimpleQueue[list[tuple[int, Any]] | OSError] = queue.SimpleQueue()
        threading.Thread(
            target=_look_up, args=(self.host.address, self.host.port, answers), daemon=True
        ).start()
        try:
            found = answers.get(timeout=self._left)
        except queue.Empty:
            raise self._error(
                ErrorKind.TIMEOUT, f"the lookup of {self.host.address} did not end within {self.seconds:g} s"
            ) from None
        if isinstance(found, OSError):
            reason = found.strerror or "no such name"
            raise self._error(ErrorKind.CONNECTION, f"{self.host.address} cannot be found: {reason}")
        return found

    def _exchange_keys(self, transport: paramiko.Transport) -> None:
        options = transport.get_security_options()
        options.key_types = preferring(options.key_types, self.host.host_key)
        quick = [name for name in QUICK if name in options.ciphers]
        options.ciphers = (*quick, *(name for name in options.ciphers if name not in quick))
        done = threading.Event()
        transport.start_client(event=done)
        if not done.wait(self._left):
            raise self._error(
                ErrorKind.TIMEOUT,
                f"{self._where} takes connections, but was not done with the SSH key exchange within "
                f"{self.seconds:g} s: the host hangs, or another service listens there",
            )
        if not transport.is_active():
            reason = _reason(transport.get_exception())
            raise self._error(ErrorKind.CONNECTION, f"no SSH with {self._where}: {reason}")

    def _log_in(self, transport: paramiko.Transport, key: paramiko.PKey) -> None:
        done = threading.Event()
        with suppress(paramiko.SSHException):  # broken by now: told below
            transport.auth_publickey(self.host.user, key, done)
            if not done.wait(self._left):
                raise self._error(
                    ErrorKind.TIMEOUT, f"{self._where} did not answer the login within {self.seconds:g} s"
                )
        if transport.is_authenticated():
            return
        error = transport.get_exception()
        if isinstance(error, paramiko.AuthenticationException) or (error is None and transport.is_active()):
            raise self._error(
                ErrorKind.AUTHENTICATION,
                f"the host refused the key {fingerprint_of(key)} for user {self.host.user!r}: add its public key "
                "to ~/.ssh/authorized_keys of that user (`manage.py prodlogs harden` prints the line)",
            )
        raise self._error(ErrorKind.CONNECTION, f"the connection broke during the login: {_reason(error)}")


class ReadAhead:
    """A socket that asks the kernel for much at a time.

    Paramiko asks twice for each packet, and lets go of the interpreter each time; while another thread works on
    the lines, it waits until that one lets go.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = memoryview(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int) -> bytes:
        if not self._ahead:
            self._ahead = memoryview(self._sock.recv(AHEAD))
        found, self._ahead = self._ahead[:size], self._ahead[size:]
        return found.tobytes()


def _look_up(address: str, port: int, answers: "queue.SimpleQueue[Any]") -> None:
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except OSError as error:
        answers.put(error)
    except UnicodeError:  # a label over 63 characters
        answers.put(OSError(0, "not a valid name"))
    else:
        answers.put([(family, address) for family, _, _, _, address in found])


def _connected(family: int, address: Any, timeout: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(max(timeout, 0.001))
        sock.connect(address)
        sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # or each command waits for acknowledgements
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(error: BaseException | None) -> str:
    if error is None or isinstance(error, EOFError):
        return "it hung up"
    return str(error) or type(error).__name__
