"""Settings from the environment: a value that does not fit is one clear error that names its variable."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from logsite.private_files import make_folder

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
names_read: set[str] = set()  # of settings, by Env and, as a secret, by encryption.keys.read_secret
secrets_read: set[str] = set()
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")


class Env(environ.Env):
    """django-environ, strict: `DEBUG=ture` is no way to say no, and `1e3` is not 13.

    An empty variable counts as one that is not set. Secrets go through logsite.encryption.keys.read_secret, so an
    error here may show the value.
    """

    def get_value(self, var: str, cast: Any = None, default: Any = None, parse_default: bool = False) -> Any:
        names_read.add(var)
        text = self.ENVIRON.get(var, "").strip()
        if not text:
            return default
        if cast is bool:
            if text.lower() not in (*TRUE, *FALSE):
                raise ImproperlyConfigured(f"{var}={text!r}: give true or false")
            return text.lower() in TRUE
        if cast not in (int, float):
            return text
        try:
            number = cast(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ImproperlyConfigured(f"{var}={text!r} is not a {'whole ' if cast is int else ''}number")
        return number

    def log_level(self, var: str, default: str) -> str:
        """A level of Python's logging, in upper or lower case."""
        level: str = self.str(var, default).upper()
        if level not in LOG_LEVELS:
            raise ImproperlyConfigured(f"{var}={level!r} is not a level; give one of {', '.join(LOG_LEVELS)}")
        return level

    def folder(self, var: str, default: Callable[[], Path]) -> Path:
        """A folder, created with mode 700 where it is missing; check logsite.W021 names one that is open."""
        given = self.str(var, "")
        return folder(Path(given) if given else default(), var)


def values_read() -> dict[str, str]:
    """What the environment says now of each setting that Env has read; empty for one that is not set."""
    return {name: os.environ.get(name, "").strip() for name in names_read}


def folder(path: Path, var: str) -> Path:
    """`path`, created with mode 700 where it is missing; `var` is the setting that names it."""
    try:
        make_folder(path)
    except OSError as error:
        raise ImproperlyConfigured(f"{var}: the folder {path} cannot be created: {error.strerror}") from None
    return path


def default_data_dir(checkout: Path | None, user_data: str) -> Path:
    """`var/` of the checkout; of an installed site `logsite/` in the user's data folder, never in site-packages.

    `user_data` is XDG_DATA_HOME. The XDG base directory specification says to ignore a relative path.
    """
    if checkout:
        return checkout / "var"
    if Path(user_data).is_absolute():
        return Path(user_data) / "logsite"
    try:
        return Path.home() / ".local" / "share" / "logsite"
    except RuntimeError:
        raise ImproperlyConfigured("DATA_DIR: this user has no home folder; set DATA_DIR") from None


def database(url: str | None, data_dir: Path) -> dict[str, Any]:
    """Django's settings for DATABASE_URL, or for a file in the data folder. No error shows the address."""
    if not url:  # not by way of an address: a folder's name may hold a `+` or `#`
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(data_dir / "logsite.sqlite3")}
    problem = "give postgres://user:password@host:5432/name or sqlite:////path/to/file"
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in DATABASE_SCHEMES:
        raise ImproperlyConfigured(f"DATABASE_URL: {problem}")
    try:
        found: dict[str, Any] = environ.Env.db_url_config(url)
    except ValueError:
        raise ImproperlyConfigured(f"DATABASE_URL: host or port cannot be read; {problem}") from None
    if found["NAME"] in ("", ":memory:"):
        raise ImproperlyConfigured(f"DATABASE_URL: it names no database; {problem}")
    return found


def audit_database(default: dict[str, Any], data_dir: Path) -> dict[str, Any]:
    """For the alias `audit`: PostgreSQL's own database once more; with SQLite another file in the data folder."""
    if not default["ENGINE"].endswith("sqlite3"):
        return {**default}
    own, test = data_dir / "audit.sqlite3", data_dir / "test-audit.sqlite3"
    return {**default, "NAME": str(own), "TEST": {"NAME": str(test)}}


def public_host(url: str) -> tuple[str, bool]:
    """PUBLIC_URL's host as a Host header has it, and whether it is HTTPS; check logsite.E001 judges the rest."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "127.0.0.1", False
    host = parts.hostname or "127.0.0.1"
    return (f"[{host}]" if ":" in host else host), parts.scheme == "https"
