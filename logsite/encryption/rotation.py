"""Give every encrypted column a new key."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from logsite.encryption.fields import EncryptedTextField, reload_keys, rotate_token
from logsite.encryption.keys import field_keys, field_keys_from_environment, write_private
from logsite.private_files import make_file, make_folder


def encrypted_columns() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Each model with its encrypted columns."""
    for model in apps.get_models():
        columns = [
            str(field.column)
            for field in model._meta.local_concrete_fields
            if isinstance(field, EncryptedTextField)
        ]
        if columns:
            yield model, columns


class RotationRunningError(Exception):
    """Somebody else is rotating the keys."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two rotations at once would each write a key file without the other's new key, and lose what it wrote."""
    path = Path(f"{settings.FIELD_KEYS_PATH}.lock")
    make_folder(path.parent)
    make_file(path)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotationRunningError("another rotate_keys is running") from None
        yield


def add_key() -> bool:
    """Put a new key in front of the key file; False when the keys come from the environment instead.

    The old keys stay behind it, so at no moment is there a value that nobody can read.
    """
    if field_keys_from_environment():
        return False
    keys = field_keys(settings.FIELD_KEYS_PATH)
    write_private(settings.FIELD_KEYS_PATH, "\n".join([Fernet.generate_key().decode(), *keys]) + "\n")
    reload_keys()
    return True


def reencrypt() -> int:
    """Write every encrypted value anew with the newest key; all of them or, on an error, none. The count."""
    with transaction.atomic():
        return sum(_reencrypt_model(model, columns) for model, columns in encrypted_columns())


def _reencrypt_model(model: type[models.Model], columns: list[str]) -> int:
    """By the raw tokens: the ORM would hand out plain text."""
    quote = connection.ops.quote_name
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk.column))
    names = [quote(column) for column in columns]
    changed = 0
    with connection.cursor() as sql:
        lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
        sql.execute(f"SELECT {key}, {', '.join(names)} FROM {table}{lock}")  # noqa: S608  names from the models
        for pk, *tokens in sql.fetchall():
            renewed = [_renew(model, column, token) for column, token in zip(columns, tokens, strict=True)]
            changed += sum(bool(token) for token in renewed)
            assignments = ", ".join(f"{name} = %s" for name in names)
            sql.execute(f"UPDATE {table} SET {assignments} WHERE {key} = %s", [*renewed, pk])  # noqa: S608
    return changed


def _renew(model: type[models.Model], column: str, token: Any) -> Any:
    return rotate_token(token, f"{model._meta.label}.{column}") if token else token


def drop_old_keys() -> int:
    """Keep only the newest key in the key file; returns the number of removed keys."""
    keys = field_keys(settings.FIELD_KEYS_PATH)
    write_private(settings.FIELD_KEYS_PATH, keys[0] + "\n")
    reload_keys()
    return len(keys) - 1
