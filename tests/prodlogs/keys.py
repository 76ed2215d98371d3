"""SSH keys for tests, made when they are imported."""

import base64
import hashlib

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


PRIVATE_KEY = private_key()
HOST_KEY, OTHER_HOST_KEY = host_key(), host_key()
HOST_KEY_FINGERPRINT, OTHER_FINGERPRINT = fingerprint_of(HOST_KEY), fingerprint_of(OTHER_HOST_KEY)
