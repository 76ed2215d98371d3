"""A real Docker engine, and hosts that are reached by a real OpenSSH server on loopback."""

import io
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from prodlogs.models import DockerHost
from prodlogs.ssh.remote import Remote
from tests.conftest import service_address
from tests.devices.openssh import Host, openssh
from tests.factories import DockerHostFactory

IMAGE = "logsite/busybox"
LABEL = "logsite.test"
WITHOUT_RC = "HOME={folder}"  # what the account's rc files do, and how long they take, is no matter of ours
LIMITS = ("--network=none", "--ulimit=nofile=1024:4096")  # what a machine without a bridge can give


class Docker:
    """The engine at `address`, by its command line. What a test ran is removed at its end."""

    def __init__(self, address: str) -> None:
        self.address, self._names = address, list[str]()
        if not self.cli("images", "--quiet", IMAGE):
            self._import_image()

    def cli(self, *argv: str, data: bytes | None = None) -> str:
        """What `docker ARGV` writes to stdout; AssertionError with its stderr where it fails."""
        ended = subprocess.run(
            ["docker", f"--host={self.address}", *argv], input=data, capture_output=True, timeout=120
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode().strip()

    def run(self, name: str, script: str, *options: str) -> str:
        """The id of a new container that runs the shell script. One of an interrupted run goes first."""
        if self.cli("ps", "--all", "--quiet", f"--filter=name=^/{name}$", f"--filter=label={LABEL}"):
            self.remove(name)
        self._names.append(name)
        return self.cli(
            "run",
            "--detach",
            f"--name={name}",
            f"--label={LABEL}",
            *LIMITS,
            *options,
            IMAGE,
            "sh",
            "-c",
            script,
        )

    def wait(self, name: str) -> int:
        """Its exit code, when it has ended."""
        return int(self.cli("wait", name))

    def remove(self, name: str) -> None:
        self.cli("rm", "--force", "--volumes", name)
        if name in self._names:
            self._names.remove(name)

    def clean(self) -> None:
        for name in [*self._names]:
            self.remove(name)

    def _import_image(self) -> None:
        busybox = Path("/bin/busybox").read_bytes()
        applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True)
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w") as image:
            program = tarfile.TarInfo("bin/busybox")
            program.size, program.mode = len(busybox), 0o755
            image.addfile(program, io.BytesIO(busybox))
            for applet in applets.stdout.split():
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                if applet != "busybox":
                    image.addfile(link)
        self.cli("import", "-", IMAGE, data=file.getvalue())


@pytest.fixture
def docker() -> Iterator[Docker]:
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    yield engine
    engine.clean()


@pytest.fixture(scope="session")
def docker_sshd() -> Iterator[Host]:
    """A login by `key`, whose `docker` talks to the engine of the tests."""
    with openssh(
        settings=f"SetEnv {WITHOUT_RC} DOCKER_HOST={service_address('LOGSITE_TEST_DOCKER')}\n"
    ) as server:
        yield server


@pytest.fixture
def ssh_host(db: None) -> Callable[..., DockerHost]:
    """`ssh_host(server, **columns)`: the row of a server on loopback, its key accepted."""

    def make(server: Host, **columns) -> DockerHost:
        wanted = {
            "address": server.host,
            "port": server.port,
            "user": server.username,
            "ssh_key": server.key,
            "host_key": server.host_key,
            **columns,
        }
        return DockerHostFactory(**wanted)

    return make


@pytest.fixture
def docker_host(ssh_host: Callable[..., DockerHost], docker_sshd: Host, docker: Docker) -> DockerHost:
    """The host of `docker`, over SSH."""
    return ssh_host(docker_sshd)


class ScriptedHost:
    """A login whose `docker` is a shell script of the test, for what no engine does on demand."""

    def __init__(self, server: Host, row: DockerHost) -> None:
        self.server, self.row = server, row

    def docker(self, script: str) -> None:
        program = self.server.folder / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


@pytest.fixture
def scripted(ssh_host: Callable[..., DockerHost]) -> Iterator[ScriptedHost]:
    with openssh(settings=f"SetEnv {WITHOUT_RC} PATH={{folder}}:/usr/bin:/bin\nMaxSessions 2\n") as server:
        yield ScriptedHost(server, ssh_host(server))


@pytest.fixture
def remote(docker_host: DockerHost) -> Iterator[Remote]:
    """Reads from the real engine."""
    with Remote(docker_host, user="netops", via="cli") as connection:
        yield connection


@pytest.fixture
def elsewhere(scripted: ScriptedHost) -> Iterator[Remote]:
    """Reads from the host whose docker is a script."""
    with Remote(scripted.row, user="netops", via="cli") as connection:
        yield connection


def send_to_each(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to the processes that have not ended by themselves."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def processes_of(pid: int) -> list[int]:
    """What the process has started, and what that has started; nothing of a process that has ended meanwhile."""
    own: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            own += map(int, (task / "children").read_text().split())
    return own + [each for child in own for each in processes_of(child)]
