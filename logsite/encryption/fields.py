"""A column whose text is encrypted at rest, with key rotation."""

import os
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Length
from django.utils.encoding import force_str

from logsite.encryption.keys import field_keys


class DecryptionError(Exception):
    """A stored value fits none of the keys at hand; the text names the column, never the value."""


_reload_lock = threading.Lock()
# How a fixture marks a stored token, so that loading it does not encrypt the token once more.
_DUMPED = re.compile(r"encrypted:(gAAAA[\w-]{50,}={0,2})", re.ASCII)


def cipher() -> MultiFernet:
    """Encrypts with the newest key, decrypts with any of them.

    The key file is looked at each time: what a process wrote with a key that another one has just rotated
    out would be lost with `rotate_keys --drop-old`.
    """
    try:
        found = os.stat(settings.FIELD_KEYS_PATH)
    except FileNotFoundError:
        return _cipher(str(settings.FIELD_KEYS_PATH), 0, 0)
    return _cipher(str(settings.FIELD_KEYS_PATH), found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=1)
def _cipher(path: str, inode: int, modified: int) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in field_keys(settings.FIELD_KEYS_PATH)])


def reload_keys() -> MultiFernet:
    """Read the keys anew, wherever they come from: they may have been rotated since this process started."""
    with _reload_lock:
        _cipher.cache_clear()
        return cipher()


def encrypt(plain: str) -> str:
    return cipher().encrypt(plain.encode()).decode("ascii")


def decrypt(token: str, column: str = "value") -> str:
    """The plain text of `token`; DecryptionError where no key fits, even after reading the keys anew."""
    try:
        return cipher().decrypt(token.encode("ascii", "replace")).decode()
    except InvalidToken:
        pass
    try:
        return reload_keys().decrypt(token.encode("ascii", "replace")).decode()
    except InvalidToken:
        raise DecryptionError(
            f"{column}: no field-encryption key fits; restore the key it was written with into "
            f"FIELD_ENCRYPTION_KEYS or {settings.FIELD_KEYS_PATH}"
        ) from None


def rotate_token(token: str, column: str = "value") -> str:
    """`token` encrypted anew with the newest key."""
    return encrypt(decrypt(token, column))


class Secret(str):
    """A string that does not show itself: repr() and logging's %r give stars. Its value is `str(secret)`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'" if self else "''"


class EncryptedTextField(models.TextField):
    """Text stored as a Fernet token; Python sees a `Secret`. An empty string is stored as it is."""

    description = "Encrypted text"

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return encrypt(force_str(value)) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        return Secret(decrypt(value, str(self))) if value else (None if value is None else Secret(""))

    def get_lookup(self, lookup_name: str) -> Any:
        """Equal texts have different tokens: only `isnull` can be asked of the database."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        """Fixtures and dumpdata carry the token, never the plain text."""
        value = self.value_from_object(obj)
        return f"encrypted:{encrypt(str(value))}" if value else ""

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Secret):
            return value
        if not (dumped := _DUMPED.fullmatch(str(value))):
            return Secret(value)
        try:
            return Secret(decrypt(dumped[1], str(self)))
        except DecryptionError as error:
            raise ValidationError(str(error)) from None


def filled_columns(row: models.Model, columns: Sequence[str]) -> list[str]:
    """Those of the encrypted `columns` that hold something, found without decrypting any."""
    if row.pk is None:
        return []
    rows = type(row)._base_manager.filter(pk=row.pk)
    lengths = rows.values_list(*(Length(name) for name in columns)).first()
    return [name for name, length in zip(columns, lengths or (), strict=False) if length]
