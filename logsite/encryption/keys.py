"""Secrets from the environment, from files, or generated once into the data folder."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from logsite.environment import secrets_read
from logsite.private_files import make_folder, written_whole


def read_secret(name: str) -> str | None:
    """The value of the environment variable `name`, or the content of the file that `name`_FILE points to.

    None where neither is set. Raises ImproperlyConfigured for a file that cannot be read or is empty.
    """
    secrets_read.add(name)
    if value := os.environ.get(name):
        return value
    if not (path := os.environ.get(f"{name}_FILE")):
        return None
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE={path}: not UTF-8 text") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE={path}: the file is empty")
    return value


def write_private(path: Path, content: str) -> None:
    """Write `content` to `path` with mode 600; readers see the old file or the new one, never a half."""
    make_folder(path.parent)
    with written_whole(path) as file:
        file.write(content)


def create_once(path: Path, content: str) -> str:
    """Give the content of `path`, creating it with `content` first; of two processes that race, one wins."""
    try:
        if not path.exists():
            make_folder(path.parent)
            # On the disk before anything is encrypted with the key: no token may outlive its key. A process that was
            # faster keeps its key.
            with suppress(FileExistsError), written_whole(path, once=True) as file:
                file.write(content)
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be created: {error.strerror}") from None
    return _read_key_file(path)


def _read_key_file(path: Path) -> str:
    try:
        content = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}") from None
    if not content:
        raise ImproperlyConfigured(f"{path} is empty; restore it from a backup")
    return content


def secret_key(data_dir: Path) -> str:
    """SECRET_KEY or SECRET_KEY_FILE, else `secret.key` in the data folder, made on first start."""
    return read_secret("SECRET_KEY") or create_once(data_dir / "secret.key", secrets.token_urlsafe(64))


def field_keys_from_environment() -> list[str] | None:
    """FIELD_ENCRYPTION_KEYS or …_FILE: Fernet keys, newest first, separated by commas or white space."""
    value = read_secret("FIELD_ENCRYPTION_KEYS")
    return value.replace(",", " ").split() if value else None


def field_keys(path: Path) -> list[str]:
    """The Fernet keys for encrypted columns, newest first: from the environment, else from `path`, made once."""
    keys = field_keys_from_environment() or create_once(path, Fernet.generate_key().decode()).split()
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEYS or {path}: a key is not 32 url-safe base64-encoded bytes; make one with "
                "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            ) from None
    return keys
