"""The emulated fleet of the demo: network devices over real SSH on loopback, by FakeNOS.

    python -m deploy.demo.fleet [--port-base 2201]

prints one line of JSON when every device accepts connections, and runs until SIGTERM, SIGINT or the end of
its standard input: whoever starts it holds the other end of a pipe, so that it cannot outlive its parent.
In tests:

    with Fleet() as fleet:
        fleet.devices  # name, host, port, platform, agent_type, username, password, enable_secret, tags, secrets
"""

import argparse
import errno
import json
import logging
import os
import signal
import socket
import sys
import threading
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

from fakenos.core.nos import Nos
from fakenos.plugins.servers.ssh_server_paramiko import ParamikoSshServer
from fakenos.plugins.shell.cmd_shell import CMDShell
from paramiko import SSHException

HERE = Path(__file__).parent
HOST = "127.0.0.1"
PUBLIC = ("name", "platform", "agent_type", "username", "password", "tags")  # of an inventory entry, as it is
ASK = "Password: "
log = logging.getLogger(__name__)


@cache
def inventory() -> list[dict[str, Any]]:
    """The devices as inventory.toml describes them."""
    entries: list[dict[str, Any]] = tomllib.loads((HERE / "inventory.toml").read_text("utf-8"))["devices"]
    return entries


class Shell(CMDShell):
    """FakeNOS's command line, which by itself would ask for the enable secret until it is right."""

    prompt: str

    def default(self, line: str) -> bool:
        if self.prompt == ASK and line not in self.commands:
            self.prompt = self.nos.initial_prompt
            self.writeline("% Bad secrets")
            return False
        return bool(super().default(line))


class Device(ParamikoSshServer):
    """One emulated device. Starts on the port asked for, or on a free one where that is taken."""

    def __init__(self, entry: dict[str, Any], port: int = 0) -> None:
        super().__init__(
            shell=Shell,
            nos=Nos(name=entry["name"], commands=commands(entry), initial_prompt=entry["prompt"]),
            nos_inventory_config={},
            port=port,
            username=entry["username"],
            address=HOST,
            password=entry.get("emulated_password", entry["password"]),
            ssh_banner=entry.get("banner", ""),
            shell_configuration={"base_prompt": entry["name"], "intro": ""},
            watchdog_interval=0.2,
        )
        self.entry = entry
        self.port: int
        self.timeout = 0.2  # how often the listener looks whether it is to stop

    def describe(self) -> dict[str, Any]:
        """What an inventory needs to know of it, and the secrets that must not appear anywhere."""
        entry = self.entry
        return {
            **{name: entry[name] for name in PUBLIC},
            "host": HOST,
            "port": self.port,
            "enable_secret": entry.get("enable_secret", ""),
            "secrets": entry.get("secrets", []),
        }

    def _bind_sockets(self) -> None:
        """Without FakeNOS's SO_REUSEPORT, with which two fleets would share a port and take turns."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.settimeout(self.timeout)
        try:
            self._socket.bind((self.address, self.port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            self._socket.bind((self.address, 0))
        self.port = self._socket.getsockname()[1]
        self._socket.listen()  # from here on a connection waits instead of being refused

    def _listen(self) -> None:
        """FakeNOS's listener fails when it is stopped before its thread has begun."""
        try:
            super()._listen()
        except OSError:
            if self._is_running.is_set():
                raise

    def connection_function(self, client: socket.socket, is_running: threading.Event) -> None:
        """A client that leaves before it has a shell is no error: a refused password, a look at the port."""
        try:
            super().connection_function(client, is_running)
        except (AttributeError, EOFError, OSError, SSHException) as error:
            log.debug("%s: %r", self.entry["name"], error)
        finally:
            client.close()

    def release(self) -> None:
        """Wake the threads whose client has gone: FakeNOS lets them wait for a shell request for ever."""
        with self._active_sessions_lock:
            gone = [session for session in self._active_sessions if not session.is_alive()]
        for session in gone:
            with session.lock:
                session.server_accept_cv.notify_all()


def commands(entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A device's commands as FakeNOS takes them."""
    user, privileged = entry["prompt"], entry.get("enable_prompt")
    prompts = [user, privileged] if privileged else [user]
    found: dict[str, dict[str, Any]] = {"_default_": {"output": entry["unknown"]}}
    for command, answer in entry["commands"].items():
        enable = isinstance(answer, dict) and answer.get("enable", False)
        found[command] = {"output": _text(answer), "prompt": [privileged] if enable else prompts}
    if privileged:
        found |= {
            "enable": {"output": None, "prompt": user, "new_prompt": ASK},
            entry["enable_secret"]: {"output": None, "prompt": ASK, "new_prompt": privileged},
            "disable": {"output": None, "prompt": privileged, "new_prompt": user},
        }
    return found


def _text(answer: str | dict[str, Any]) -> str | None:
    if isinstance(answer, dict):
        return (HERE / "outputs" / answer["file"]).read_text("utf-8")
    return answer or None


class Fleet:
    """All devices, running while the context lasts. `port_base` None takes free ports."""

    def __init__(self, port_base: int | None = None, names: Sequence[str] = ()) -> None:
        entries = [entry for entry in inventory() if not names or entry["name"] in names]
        self._servers = [
            Device(entry, port_base + index if port_base else 0) for index, entry in enumerate(entries)
        ]
        self._stopped = threading.Event()

    @property
    def devices(self) -> list[dict[str, Any]]:
        return [server.describe() for server in self._servers]

    def start(self) -> None:
        quiet()
        for server in self._servers:
            server.start()
        threading.Thread(target=self._release, daemon=True).start()

    def stop(self) -> None:
        """Stop all at the same time, because each waits for its threads."""
        stoppers = [threading.Thread(target=server.stop) for server in self._servers]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
        self._stopped.set()

    def _release(self) -> None:
        while not self._stopped.wait(0.1):
            for server in self._servers:
                server.release()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# FakeNOS and Paramiko's server side report as errors what clients do every day: leave, mistype, look at a port.
EVERYDAY = ("not active", "not alive", "not found", "not matching", "write error", "Connection reset")


def _is_news(record: logging.LogRecord) -> bool:
    return not any(text in record.getMessage() for text in EVERYDAY)


def quiet() -> None:
    """Keep the everyday out of the log. Paramiko's server has one logger with its clients: it is left alone."""
    for name in ("servers.ssh_server_paramiko", "shell.cmd_shell"):
        plugin = logging.getLogger(f"fakenos.plugins.{name}")
        if _is_news not in plugin.filters:
            plugin.addFilter(_is_news)


def main() -> int:
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.fleet", description=summary)
    parser.add_argument("--port-base", type=int, default=2201, help="port of the first device (2201)")
    port_base = parser.parse_args().port_base
    if not 1 <= port_base <= 65535 - len(inventory()):
        parser.error("--port-base: a port number")
    logging.basicConfig(level=logging.WARNING, format="fleet: %(name)s: %(message)s")
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # here it serves nobody but the fleet
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_watch_parent, args=(stop,), daemon=True).start()
    with Fleet(port_base) as fleet:
        print(json.dumps({"ready": True, "devices": fleet.devices}), flush=True)
        stop.wait()
    return 0


def _watch_parent(stop: threading.Event) -> None:
    """Standard input ends when the parent does, however it ended."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
