"""SSH keys for tests: made by Python when they are imported, or by ssh-keygen, each once a process."""

import base64
import hashlib
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def private_key(passphrase: str = "") -> str:
    """A new Ed25519 key as ssh-keygen writes it."""
    lock = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock).decode()


def host_key() -> str:
    """A new host key: type and base64."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def fingerprint_of(key: str) -> str:
    """As `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


class Generated(NamedTuple):
    private: str
    public: str  # type, base64 and comment, as in the .pub file
    fingerprint: str  # as `ssh-keygen -l` prints it


@cache
def generated(*kind: str, form: str = "", passphrase: str = "") -> Generated:
    """The key that `ssh-keygen -t KIND…` makes. In another form, or encrypted, it is the same key.

    It takes up to a second to find the primes of an RSA key.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        if form or passphrase:
            plain = generated(*kind)
            path.write_text(plain.private)
            path.chmod(0o600)
            wanted = ("-m", form) if form else ()
            _ssh_keygen("-q", "-p", "-P", "", "-N", passphrase, *wanted, "-f", str(path))
            return plain._replace(private=path.read_text())
        _ssh_keygen("-q", "-N", "", "-f", str(path), "-t", *kind)
        shown = _ssh_keygen("-lf", f"{path}.pub").split()[1]
        return Generated(path.read_text(), path.with_suffix(".pub").read_text(), shown)


def _ssh_keygen(*words: str) -> str:
    return subprocess.run(["ssh-keygen", *words], check=True, capture_output=True, text=True).stdout


PRIVATE_KEY = private_key()
HOST_KEY, OTHER_HOST_KEY = host_key(), host_key()
HOST_KEY_FINGERPRINT, OTHER_FINGERPRINT = fingerprint_of(HOST_KEY), fingerprint_of(OTHER_HOST_KEY)
