"""A real OpenSSH server on loopback, for the user who runs the tests."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.devices.emulator import private_key
from tests.ports import free_port

PASSPHRASE = "Key-Phrase-4711"


class Host:
    """Where the server listens, and keys: `key` is let in, as is `locked_key` with PASSPHRASE, `stranger` is not.

    `public_key` belongs to `key`; `host_key` is the public one, as in known_hosts. `settings` are more lines of
    sshd_config; `{folder}` in them is the server's folder.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, program: str, username: str, settings: str = "") -> None:
        self.port, self.username, self.folder = free_port(), username, folder
        own = username == getpass.getuser()
        self.stranger = private_key()[1]
        public, self.key = private_key()
        self.public_key = f"{public.get_name()} {public.get_base64()}"
        locked, self.locked_key = private_key(PASSPHRASE)
        keys = folder / "authorized_keys"
        keys.write_text("".join(f"{key.get_name()} {key.get_base64()}\n" for key in (public, locked)))
        shown, secret = private_key()
        self.host_key = f"{shown.get_name()} {shown.get_base64()}"
        (folder / "host_key").write_text(secret)
        (folder / "host_key").chmod(0o600)
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {keys}\nStrictModes no\nUsePAM {'no' if own else 'yes'}\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
            f"{settings.format(folder=folder)}"
        )
        self._process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "Server listening" in line:
                return
        raise RuntimeError("sshd did not start")

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> str:
        """End the server; the rest of its log. A second time does nothing."""
        if self._process.stderr is None or self._process.stderr.closed:
            return ""
        self._process.terminate()
        with self._process.stderr as log:
            text = log.read()
        self._process.wait(120)
        return text


@contextmanager
def openssh(username: str = "", settings: str = "") -> Iterator[Host]:
    """A running server; skips with the reason where none is installed, and fails in CI."""
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        reason = "sshd is not installed (the package openssh-server)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd as root does not start without it
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        host = Host(Path(folder), program, username or getpass.getuser(), settings)
        try:
            yield host
        finally:
            host.stop()
