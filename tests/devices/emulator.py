"""Devices for tests, over real SSH on loopback.

`Box` is a command line of our own in this process: it answers at once, takes keys, and misbehaves on demand.
`fleet()` is the demo's fleet of FakeNOS devices, whose prompts and answers are those of their vendors.
"""

import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paramiko

from tests.ports import free_port

DROP = "<the connection breaks>"
SILENCE = "<no answer>"
UNTAKEN = "<a host that does not take the command up>"
HOST_KEY = paramiko.ECDSAKey.generate()
ROOT = Path(__file__).parents[2]
USERNAME, PASSWORD = "netops", "Fleet-Pass-4711"


class _Server(paramiko.ServerInterface):
    def __init__(self, box: "Box") -> None:
        self.box, self.asked, self.shell = box, threading.Event(), False

    def get_allowed_auths(self, username):
        return "publickey" if self.box.key and not self.box.password else "password,publickey"

    def check_auth_password(self, username, password):
        good = bool(password) and (username, password) == (self.box.username, self.box.password)
        self.box.logins.append(("password", good))
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        good = self.box.key is not None and key.asbytes() == self.box.key.asbytes()
        self.box.logins.append(("publickey", good))
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_pty_request(self, *args):
        return True

    def check_channel_shell_request(self, channel):
        self.asked.set()
        self.shell = True
        return True

    def check_channel_exec_request(self, channel, command):
        if self.box.answers.get(command.decode()) == UNTAKEN:
            self.box.released.wait(20)
        self.asked.set()
        threading.Thread(target=self._execute, args=(channel, command.decode()), daemon=True).start()
        return True

    def _execute(self, channel, command):
        """A host's answer; a command that it does not know ends with 127."""
        while channel.recv(4096):  # until the client has read our consent, and says that it has no input
            pass
        self.box.received.append(command)
        answer = self.box.answers.get(command)
        if answer == DROP:
            channel.transport.close()
        elif answer != SILENCE:
            with suppress(OSError, EOFError, paramiko.SSHException):  # the client may be gone by now
                if answer is None:
                    channel.sendall_stderr(f"sh: 1: {command.split()[0]}: not found\n".encode())
                else:
                    channel.sendall(answer.encode(errors="surrogateescape"))
                channel.send_exit_status(127 if answer is None else 0)
                channel.close()


class Box:
    """An IOS-like command line. `answers` maps commands to outputs; any other command is refused.

    `received` are the lines it was sent, `logins` how each login ended.
    """

    host = "127.0.0.1"
    command_line: "type[CommandLine]"

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        password=PASSWORD,
        key=None,
        secret="",
        prompt="rtr01",
        on_command=None,
    ) -> None:
        self.answers = {"terminal width 511": "", "terminal length 0": "", **(answers or {})}
        self.username, self.password, self.key, self.secret = USERNAME, password, key, secret
        self.name, self.on_command = prompt, on_command
        self.received: list[str] = []
        self.released = threading.Event()  # ends the wait of an UNTAKEN command
        self.logins: list[tuple[str, bool]] = []
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *error) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(120)
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def transport(self, client: socket.socket) -> paramiko.Transport:
        """Our side of a connection."""
        transport = paramiko.Transport(client)
        transport.add_server_key(HOST_KEY)
        return transport

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            transport = self.transport(client)
            self._transports.append(transport)
            server = _Server(self)
            transport.start_server(server=server)
            channel = transport.accept(20)
            if channel is not None and server.asked.wait(20) and server.shell:
                self.command_line(self, channel).run()
            elif channel is not None:
                transport.join()  # commands in channels of their own, as a Linux host takes them
            transport.close()


class CommandLine:
    """One login's dialogue: echo, modes, answers."""

    def __init__(self, box: Box, channel: paramiko.Channel) -> None:
        self.box, self.channel = box, channel
        self.mode = ">" if box.secret else "#"

    @property
    def prompt(self) -> str:
        return f"{self.box.name}{self.mode}"

    def run(self) -> None:
        self.channel.sendall(self.prompt.encode())
        pending = ""
        while received := self.channel.recv(4096):
            pending += received.decode().replace("\r\n", "\n").replace("\r", "\n")
            while "\n" in pending:
                line, _, pending = pending.partition("\n")
                if not self._line(line):
                    return

    def _say(self, text: str) -> None:
        self.channel.sendall(text.replace("\n", "\r\n").encode())

    def _line(self, line: str) -> bool:
        self.box.received.append(line)
        if self.box.on_command:
            self.box.on_command(line)
        answer = self._answer(line.strip())
        if answer == DROP:
            self._say(f"{line}\nhalf an ans")
            return False
        if answer == SILENCE:
            return True
        if answer is not None:
            self._say(
                f"{line}\n{answer}{'' if not answer or answer.endswith(chr(10)) else chr(10)}{self.prompt}"
            )
        return answer is not None

    def _answer(self, line: str) -> str | None:
        if line == "enable" and self.mode == ">":
            return self._enable()
        if line in ("exit", "quit"):
            return None
        if line in ("configure terminal", "end"):
            self.mode = "(config)#" if line.startswith("conf") else "#"
            return ""
        if not line:
            return ""
        return self.box.answers.get(line, "           ^\n% Invalid input detected at '^' marker.\n")

    def _enable(self) -> str:
        self._say("enable\nPassword: ")
        given = ""
        while "\n" not in given and "\r" not in given:
            given += self.channel.recv(256).decode()
        if given.strip() == self.box.secret:
            self.mode = "#"
            return ""
        return "% Access denied\n"


Box.command_line = CommandLine


@contextmanager
def listening(answer: bytes = b"") -> Iterator[int]:
    """A port that accepts and says nothing, or only `answer`."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    held.append(client)
                    client.sendall(answer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(120)
    for client in held:
        client.close()


def private_key(passphrase: str | None = None) -> tuple[paramiko.PKey, str]:
    """A new key, and its file's text."""
    key, text = paramiko.ECDSAKey.generate(), io.StringIO()
    key.write_private_key(text, password=passphrase)
    return key, text.getvalue()


# --- the demo's fleet ---------------------------------------------------------------------------------------


@contextmanager
def fleet() -> Iterator[dict[str, dict[str, Any]]]:
    """The demo's FakeNOS devices by name, in a process of their own."""
    command = [sys.executable, "-m", "deploy.demo.fleet", "--port-base", str(free_port())]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield {device["name"]: device for device in json.loads(process.stdout.readline())["devices"]}
    finally:
        process.stdin.close()  # it ends with its standard input
        process.stdout.close()
        process.wait(20)
