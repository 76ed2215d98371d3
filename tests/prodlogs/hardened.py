"""A real OpenSSH server where one key has the line of `prodlogs harden`, and another has none."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

from logsite.ssh.private_keys import load_private_key
from prodlogs.hardening.wrapper import authorized_keys_line
from tests.devices.emulator import private_key
from tests.devices.openssh import Host, openssh

# What an administrator may well have left on: the key's line alone has to close it.
OPEN_HANDED = (
    "AcceptEnv LANG LC_* DOCKER_* XYZ\nAllowTcpForwarding yes\nAllowStreamLocalForwarding yes\n"
    "AllowAgentForwarding yes\nX11Forwarding yes\nPermitTTY yes\nSubsystem sftp internal-sftp\n"
)


class HardenedHost:
    """`key` is only let in to the wrapper at `script`, `open_key` to everything."""

    def __init__(self, server: Host, script: Path) -> None:
        self.server, self.script = server, script
        self.host, self.port, self.username = server.host, server.port, server.username
        self.host_key = server.host_key
        self.open_key = server.key
        public, self.key = private_key()
        keys = server.folder / "authorized_keys"
        line = authorized_keys_line(f"{public.get_name()} {public.get_base64()}", str(script))
        keys.write_text(f"{line}\n{keys.read_text()}")

    def connect(self, key: str) -> paramiko.Transport:
        """A connection that is logged in with this private key."""
        sock = socket.create_connection((self.host, self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # 40 ms less for each command
        transport = paramiko.Transport(sock)
        transport.connect(username=self.username, pkey=load_private_key(key))
        return transport

    @contextmanager
    def forwarded(self, key: str, path: str) -> Iterator[Path]:
        """`ssh -N -L socket:PATH` with OpenSSH's own client: the socket on this side, as long as it stands."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "key").write_text(key)
            (folder / "key").chmod(0o600)
            (folder / "known_hosts").write_text(f"[{self.host}]:{self.port} {self.host_key}\n")
            ssh = [
                "ssh", "-F", "none", "-S", f"{folder}/control", "-p", str(self.port), "-i", f"{folder}/key",
                "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
                "-o", f"UserKnownHostsFile={folder}/known_hosts", "-o", "GlobalKnownHostsFile=none",
                "-o", "ExitOnForwardFailure=yes", f"{self.username}@{self.host}",
            ]  # fmt: skip
            tunnel = ["-f", "-N", "-M", "-L", f"{folder}/socket:{path}"]  # -f: returns when it stands
            with (folder / "errors").open("w") as errors:
                subprocess.run([*ssh[:-1], *tunnel, ssh[-1]], check=True, timeout=30, stderr=errors)
            try:
                yield folder / "socket"
            finally:
                subprocess.run(
                    [*ssh[:-1], "-O", "exit", ssh[-1]], check=True, timeout=30, capture_output=True
                )


@contextmanager
def hardened(script: Path, **environment: str) -> Iterator[HardenedHost]:
    """`environment` is what the server itself gives to each session. HOME: what the rc files of the account that
    runs the tests do, and how long they take, is no matter of ours."""
    variables = {"HOME": str(script.parent), **environment}
    setting = " ".join(f"{name}={value}" for name, value in variables.items())
    with openssh(settings=f"{OPEN_HANDED}SetEnv {setting}\n") as server:
        yield HardenedHost(server, script)
