"""SSH private keys from their texts: Ed25519, ECDSA and RSA, as OpenSSH or PEM writes them."""

import io

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CURVES = ("secp256r1", "secp384r1", "secp521r1")
UNSUPPORTED = "the SSH key is of a kind that is not supported: give one of Ed25519, ECDSA or RSA"


class KeyProblem(ValueError):
    """A private key that cannot be used; the text says why and never shows it."""


def load_private_key(text: str, passphrase: str = "") -> paramiko.PKey:
    """The key of `text`, a private key file's content. Raises KeyProblem.

    A passphrase that the key does not need is no error.
    """
    cleaned = text.replace("\r\n", "\n").strip() + "\n"
    if "PRIVATE KEY-----" not in cleaned:
        raise KeyProblem(
            "the SSH key is not a private key: give a file that begins with -----BEGIN … PRIVATE KEY-----"
        )
    key = _parsed(cleaned, passphrase)
    if isinstance(key, rsa.RSAPrivateKey):
        return paramiko.RSAKey(key=key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return paramiko.ECDSAKey(vals=(key, key.public_key()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _ed25519(key)
    raise KeyProblem(UNSUPPORTED)


def _parsed(text: str, passphrase: str) -> object:
    openssh = "BEGIN OPENSSH PRIVATE KEY" in text
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        try:
            return load(text.encode(), None)
        except TypeError:  # it is encrypted
            if not passphrase:
                raise KeyProblem("the SSH key is encrypted: give its passphrase") from None
            return load(text.encode(), passphrase.encode())
    except UnsupportedAlgorithm:
        raise KeyProblem(UNSUPPORTED) from None
    except KeyProblem:
        raise
    except ValueError:
        reason = (
            "the passphrase is wrong, or the key is damaged"
            if passphrase
            else "it is damaged or not a private key"
        )
        raise KeyProblem(f"the SSH key cannot be read: {reason}") from None


def _ed25519(key: ed25519.Ed25519PrivateKey) -> paramiko.PKey:
    """Paramiko takes this kind as text alone."""
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))
