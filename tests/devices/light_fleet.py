"""Hundreds of emulated devices over real SSH, in a process of their own: one thread a login, answers at once.

    python -m tests.devices.light_fleet < plan.json

The first line of standard input is the plan: {"devices": [{"name", "platform", "behaviour", "username"}, …],
"latency": seconds that a login and each answer take}. The first line of output is {name: port}. Each further
line of input is answered by one with the counts so far; the process ends with its input.
"""

import contextlib
import json
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko

ROOT = Path(__file__).parents[2]
OUTPUTS = ROOT / "deploy" / "demo" / "outputs"
PASSWORD = "Light-Fleet-4711"
HOST_KEY = paramiko.ECDSAKey.generate()


def _output(name: str) -> str:
    return (OUTPUTS / name).read_text(encoding="utf-8")


# Of each platform: its prompt, its answers, how it words an error.
PLATFORMS: dict[str, tuple[str, dict[str, str], str]] = {
    "cisco_ios": (
        "{name}#",
        {
            "terminal width 511": "",
            "terminal length 0": "",
            "show interfaces": _output("rtr01_show_interfaces.txt"),
            "show ip interface": _output("rtr01_show_ip_interface.txt"),
            "show ipv6 interface": _output("rtr01_show_ipv6_interface.txt"),
        },
        "           ^\n% Invalid input detected at '^' marker.\n",
    ),
    "arista_eos": (
        "{name}#",
        {
            "terminal width 511": "Width set to 511 columns.\n",
            "terminal length 0": "Pagination disabled.\n",
            "show interfaces": _output("sw01_show_interfaces.txt"),
            "show ip interface brief": _output("sw01_show_ip_interface_brief.txt"),
        },
        "% Invalid input\n",
    ),
    "paloalto_panos": (
        "netops@{name}>",
        {
            "set cli scripting-mode on": "",
            "set cli terminal width 500": "",
            "set cli pager off": "",
            "show system info": _output("fw01_show_system_info.txt"),
            "show interface all": _output("fw01_show_interface_all.txt"),
        },
        "Unknown command: show interface all\n",
    ),
}
SHOW = ("show interfaces", "show interface all")  # where a device that misbehaves does


class Counts:
    """What the devices have seen, for the whole fleet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.logins: dict[str, set[Login]] = defaultdict(set)  # under way now, by username
        self.most_logins: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()  # by device: connections accepted
        self.shown: Counter[str] = Counter()  # by device: interface commands received
        self.connections = 0  # open now

    def begins(self, login: "Login") -> None:
        username = login.device["username"]
        with self.lock:
            self.connections += 1
            self.attempts[login.device["name"]] += 1
            self.logins[username].add(login)
            self.most_logins[username] = max(self.most_logins[username], len(self.logins[username]))

    def ends(self, login: "Login") -> None:
        with self.lock:
            self.logins[login.device["username"]].discard(login)

    def line(self) -> str:
        with self.lock:
            return json.dumps(
                {
                    "most_logins": self.most_logins,
                    "attempts": self.attempts,
                    "shown": self.shown,
                    "connections": self.connections,
                }
            )


class Server(paramiko.ServerInterface):
    def __init__(self, login: "Login") -> None:
        self.login = login

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        time.sleep(self.login.latency)
        good = password == PASSWORD and self.login.device["behaviour"] != "refuse"
        self.login.counts.ends(self.login)  # before the client knows it, who then may begin another one
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *args: Any) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return True


class Login:
    """One connection to one device, on a thread of its own."""

    def __init__(self, device: dict[str, Any], client: socket.socket, counts: Counts, latency: float) -> None:
        self.device, self.client, self.counts, self.latency = device, client, counts, latency
        prompt, self.answers, self.error = PLATFORMS[device["platform"]]
        self.prompt = prompt.format(name=device["name"])
        counts.begins(self)

    def run(self) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self._serve()
        finally:
            self.counts.ends(self)
            self.client.close()
            with self.counts.lock:
                self.counts.connections -= 1

    def _serve(self) -> None:
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(self.client)
        transport.add_server_key(HOST_KEY)
        transport.start_server(server=Server(self))
        try:
            if channel := transport.accept(30):
                self._talk(channel)
        finally:
            transport.close()
            transport.join(120)

    def _talk(self, channel: paramiko.Channel) -> None:
        channel.sendall(self.prompt.encode())
        pending = ""
        while received := channel.recv(4096):
            pending += received.decode().replace("\r\n", "\n").replace("\r", "\n")
            while "\n" in pending:
                line, _, pending = pending.partition("\n")
                if not self._line(channel, line.strip()):
                    return

    def _line(self, channel: paramiko.Channel, line: str) -> bool:
        if line in ("exit", "quit"):
            return False
        answer = self.answers.get(line, "" if not line else self.error)
        if line in SHOW:
            with self.counts.lock:
                self.counts.shown[self.device["name"]] += 1
            match self.device["behaviour"]:
                case "hang":
                    return self._hang(channel)
                case "trickle":
                    return self._trickle(channel)
                case "drop":
                    self._say(channel, f"{line}\n{answer[:200]}")
                    return False
                case "error":
                    answer = self.error
        time.sleep(self.latency)
        end = "" if not answer or answer.endswith("\n") else "\n"
        self._say(channel, f"{line}\n{answer}{end}{self.prompt}")
        return True

    def _hang(self, channel: paramiko.Channel) -> bool:
        while channel.recv(4096):  # it answers nothing any more, not even an empty line
            pass
        return False

    def _trickle(self, channel: paramiko.Channel) -> bool:
        while True:  # until the other end closes: sendall raises then
            channel.sendall(b".")
            time.sleep(0.1)

    def _say(self, channel: paramiko.Channel, text: str) -> None:
        channel.sendall(text.replace("\n", "\r\n").encode())


def accept(listeners: selectors.BaseSelector, counts: Counts, latency: float) -> None:
    while True:
        for key, _ in listeners.select():
            client, _ = key.fileobj.accept()  # type: ignore[union-attr]
            login = Login(key.data, client, counts, latency)
            threading.Thread(target=login.run, daemon=True).start()


def main() -> None:
    plan, counts, ports = json.loads(sys.stdin.readline()), Counts(), {}
    with selectors.DefaultSelector() as listeners:
        for device in plan["devices"]:
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            listeners.register(listener, selectors.EVENT_READ, device)
            ports[device["name"]] = listener.getsockname()[1]
        threading.Thread(target=accept, args=(listeners, counts, plan["latency"]), daemon=True).start()
        print(json.dumps(ports), flush=True)
        for _ in sys.stdin:
            print(counts.line(), flush=True)


class LightFleet:
    """The running fleet, from the outside. `ports` by device name; `counts()` as Counts.line has them."""

    def __init__(
        self, process: "subprocess.Popen[str]", devices: list[dict[str, Any]], latency: float
    ) -> None:
        self.process, self.devices = process, devices
        self.ports: dict[str, int] = json.loads(self._ask({"devices": devices, "latency": latency}))

    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._ask({}))
        return found

    def _ask(self, what: dict[str, Any]) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextlib.contextmanager
def light_fleet(devices: list[dict[str, Any]], latency: float = 0.0) -> Iterator[LightFleet]:
    """Start the fleet; each device has name, platform, behaviour, username."""
    command = [sys.executable, "-m", "tests.devices.light_fleet"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield LightFleet(process, devices, latency)
    finally:
        process.communicate(timeout=120)  # it ends with its standard input


def plan(number: int, *, healthy: bool = False, credentials: int = 3) -> list[dict[str, Any]]:
    """`number` devices of mixed platforms; of every twenty one refuses, hangs, drops and answers with an error."""
    odd = {3: "refuse", 8: "hang", 13: "drop", 18: "error"}
    names = list(PLATFORMS)
    devices = []
    for index in range(number):
        behaviour = "well" if healthy else odd.get(index % 20, "well")
        if behaviour == "hang" and index % 40 == 28:
            behaviour = "trickle"
        devices.append(
            {
                "name": f"dev{index:04d}",
                "platform": names[index % len(names)],
                "behaviour": behaviour,
                "username": f"netops{index % credentials}",
            }
        )
    return devices


if __name__ == "__main__":
    main()
