"""A device of whose host keys, SSH algorithms and manners the test is the master."""

import io
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import paramiko

from logsite.ssh.host_keys import fingerprint_of, key_text
from tests.devices.conftest import ROUTER
from tests.devices.emulator import Box
from tests.prodlogs.keys import private_key

LOGIN_MESSAGES = {5, *range(50, 80)}  # service request and user authentication, RFC 4250, 4.1.2

CHANNEL_OPEN = 90


@cache
def host_key(kind: str = "ecdsa", number: int = 0) -> paramiko.PKey:
    """A key of the kind, another one for each number; made once a process."""
    if kind == "rsa":
        return paramiko.RSAKey.generate(2048)
    if kind == "ed25519":
        return paramiko.Ed25519Key.from_private_key(io.StringIO(private_key()))
    return paramiko.ECDSAKey.generate(bits={"ecdsa": 256, "ecdsa384": 384, "ecdsa521": 521}[kind])


def text(*keys: paramiko.PKey) -> str:
    return "\n".join(map(key_text, keys))


def shown(*keys: paramiko.PKey) -> str:
    return " or ".join(map(fingerprint_of, keys))


class KeyedBox(Box):
    """`keys` are those it has, `heard` the numbers of all messages about a login that it got, `exchanges` how many
    connections there were. `algorithms` limits what it speaks, as Paramiko's security options; `on_exchange` is
    called with the number of each connection before its key exchange; those in `breaks` end behind the login.
    """

    def __init__(
        self,
        *keys: paramiko.PKey,
        answers: Mapping[str, str] = ROUTER,
        algorithms: Mapping[str, Sequence[str]] | None = None,
        on_exchange: Callable[["KeyedBox", int], None] = lambda box, number: None,
        **options: Any,
    ) -> None:
        self.keys, self.algorithms, self.on_exchange = keys or (host_key(),), algorithms or {}, on_exchange
        self.heard: list[int] = []
        self.exchanges = 0
        self.breaks: set[int] = set()
        super().__init__(answers, **options)

    def transport(self, client: socket.socket) -> paramiko.Transport:
        self.exchanges += 1
        number_of_connection = self.exchanges
        self.on_exchange(self, self.exchanges)
        transport = paramiko.Transport(client)
        for key in self.keys:
            transport.add_server_key(key)
        options = transport.get_security_options()
        for name, values in self.algorithms.items():
            setattr(options, name, values)
        read = transport.packetizer.read_message

        def listening() -> tuple[int, Any]:
            number, message = read()
            if number in LOGIN_MESSAGES:
                self.heard.append(number)
            if number == CHANNEL_OPEN and number_of_connection in self.breaks:
                raise EOFError
            return number, message

        transport.packetizer.read_message = listening  # type: ignore[method-assign]
        return transport
