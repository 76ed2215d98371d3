"""System checks of the project's own settings."""

import shlex
from collections.abc import Callable, Mapping
from operator import gt, le, lt
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from logsite.encryption.keys import field_keys
from logsite.private_files import OTHERS_MAY_WRITE, open_to_others


@register("logsite")
def check_public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """PUBLIC_URL is what allowed hosts, CSRF origins and secure cookies derive from."""
    if _is_site_address(settings.PUBLIC_URL):
        return []
    shown = settings.PUBLIC_URL.rpartition("@")[2]  # what stands before an @ may be a password
    return [
        Error(
            f"PUBLIC_URL={shown!r} is not an address such as https://logs.example.com",
            hint="Give scheme and host, and the port where it is not the scheme's own; no path.",
            id="logsite.E001",
        )
    ]


def _is_site_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        extras = parts.username or parts.query or parts.fragment or parts.path.strip("/") or parts.port == 0
    except ValueError:  # a port that is no number, a bracket too many
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not extras


def out_of_bounds(
    bounds: Mapping[str, float],
    wrong: Callable[[float, float], bool],
    text: str,
    hint: str | None,
    *,
    id: str,
) -> list[CheckMessage]:
    """An error for each setting that is `wrong` against its bound; texts may name {name}, {value} and {bound}."""
    found: list[CheckMessage] = []
    for name, bound in bounds.items():
        facts = {"name": name, "value": getattr(settings, name), "bound": bound}
        if wrong(facts["value"], bound):
            found.append(Error(text.format(**facts), hint=hint and hint.format(**facts), id=id))
    return found


@register("logsite")
def check_numbers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Settings that count or time something must be above zero."""
    names = (
        "TOKEN_HOURS",
        "LOGIN_WINDOW_MINUTES",
        "LOGIN_ADDRESS_LIMIT",
        "LOGIN_NAME_LIMIT",
        "SESSION_IDLE_MINUTES",
        "COLLECT_WORKERS",
        "COLLECT_LOGINS_PER_CREDENTIAL",
        "COLLECT_DEADLINE",
        "DEVICE_CONNECT_TIMEOUT",
        "DEVICE_READ_TIMEOUT",
        "SESSION_LOG_STORE_TIMEOUT",
        "SHIPPING_TIMEOUT",
        "SHIPPING_BACKOFF",
    )
    text = "{name}={value} must be above 0"
    return out_of_bounds(dict.fromkeys(names, 0), le, text, "Set {name}.", id="logsite.E002")


@register("logsite")
def check_login_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A window of days would lock people out; so would a name that one address can use up."""
    highest = {
        "LOGIN_WINDOW_MINUTES": 1440,
        "LOGIN_ADDRESS_LIMIT": 1_000_000,
        "LOGIN_NAME_LIMIT": 1_000_000,
        "SESSION_IDLE_MINUTES": 20_160,
    }
    text = "{name}={value} is above {bound}"
    found = out_of_bounds(highest, gt, text, "Set {name} lower.", id="logsite.E020")
    if 0 < settings.LOGIN_NAME_LIMIT <= settings.LOGIN_ADDRESS_LIMIT:
        found.append(
            Warning(
                f"LOGIN_NAME_LIMIT={settings.LOGIN_NAME_LIMIT} is not above "
                f"LOGIN_ADDRESS_LIMIT={settings.LOGIN_ADDRESS_LIMIT}: one address can lock a name out",
                hint="Set LOGIN_NAME_LIMIT higher than LOGIN_ADDRESS_LIMIT.",
                id="logsite.W020",
            )
        )
    return found


@register("logsite")
def check_field_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A key that is none would only show when somebody saves a password."""
    try:
        field_keys(settings.FIELD_KEYS_PATH)
    except ImproperlyConfigured as error:
        hint = "Restore the key that the stored credentials were encrypted with."
        return [Error(str(error), hint=hint, id="logsite.E003")]
    return []


@register("logsite")
def check_redis_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """REDIS_URL may carry a password, so its value is not shown."""
    if not settings.REDIS_URL or settings.REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
        return []
    hint = "Give redis://:password@host:6379/0, rediss://… for TLS, or unix:///path/to/socket."
    return [Error("REDIS_URL is not the address of a Redis server", hint=hint, id="logsite.E004")]


@register("logsite")
def check_disk_bound(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Below zero no disk would ever be full."""
    hint = "Set {name} to 0 or more; 0 keeps /readyz ready until the last byte."
    return out_of_bounds({"DISK_FREE_BYTES": 0}, lt, "{name}={value} is below 0", hint, id="logsite.E021")


@register("files")
def check_open_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What others on this machine can read: the record, credentials, and the keys that they are encrypted with."""
    folder, public = Path(settings.DATA_DIR), Path(settings.STATIC_ROOT)
    paths = {folder, *(folder.iterdir() if folder.is_dir() else ())} - {public}
    for database in settings.DATABASES.values():
        if database["ENGINE"].endswith("sqlite3"):
            paths |= {Path(f"{database['NAME']}{end}") for end in ("", "-wal", "-shm", "-journal")}
    found = [*open_to_others(sorted(paths)), *open_to_others([public], OTHERS_MAY_WRITE)]
    return [
        Warning(
            f"{path} is open to others than its owner: its mode is {mode:o}",
            hint=f"Run `chmod {closed:o} {shlex.quote(str(path))}`, unless a group shares it on purpose.",
            id="logsite.W021",
        )
        for path, mode, closed in found
    ]


@register(deploy=True)
def check_plain_http(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A site that others reach over plain HTTP sends their passwords in clear."""
    if not _is_site_address(settings.PUBLIC_URL):
        return []  # logsite.E001 says so
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return []
    return [
        Warning(
            f"PUBLIC_URL={settings.PUBLIC_URL} is plain HTTP: passwords and tokens cross the network in clear",
            hint="Put a TLS proxy in front, set PUBLIC_URL=https://… and TRUST_PROXY_HEADERS=true.",
            id="logsite.W001",
        )
    ]
