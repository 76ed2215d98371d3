"""Secrets at rest: the keys, the encrypted column, the rotation of keys."""

from logsite.encryption.fields import EncryptedTextField

__all__ = ["EncryptedTextField"]
