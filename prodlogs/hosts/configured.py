"""Which Docker hosts there are: those of the admin, and the one that the environment defines."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import paramiko
from django.conf import settings
from django.core.exceptions import ValidationError

from logsite.audit import EventType, Reader, Severity, record
from logsite.encryption.fields import DecryptionError
from logsite.ssh.host_keys import (
    HostKeyProblem,
    address_validator,
    key_text,
    parse_host_key,
    shown_fingerprint,
)
from logsite.ssh.private_keys import KeyProblem, load_private_key
from prodlogs.errors import ConfigurationError, HostError
from prodlogs.models import DockerHost, ErrorKind, user_validator

DEFAULT = "default"
LONGEST_PATH = 4096
Found = TypeVar("Found")
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::(\d{1,5}))?", re.ASCII)


def get_hosts(name: str | None = None) -> list[DockerHost]:
    """The enabled hosts, or the one called `name`. Never empty.

    Where PRODLOGS_HOST is set, the row `default` is made or brought up to date first.
    Raises ConfigurationError: none is defined, the name is unknown or not enabled, PRODLOGS_* is half set.
    """
    environment = _from_environment() if settings.PRODLOGS_HOST else None
    hosts = DockerHost.objects.filter(enabled=True)
    if environment is None:
        hosts = hosts.filter(from_environment=False)
    if name is not None:
        hosts = hosts.filter(name=name)
    if found := list(hosts):
        return found
    raise ConfigurationError(_absent(name))


def notice_environment() -> None:
    """Bring the row of PRODLOGS_HOST up to date, for whoever lists hosts. What is wrong with it the checks say."""
    if settings.PRODLOGS_HOST:
        with suppress(ConfigurationError):
            _from_environment()


def _absent(name: str | None) -> str:
    if name is None:
        return (
            "no Docker host is defined: add one in the admin under Container logs, or set PRODLOGS_HOST, "
            "PRODLOGS_USER and PRODLOGS_SSH_KEY"
        )
    host = DockerHost.objects.filter(name=name).first()
    if host is None:
        known = ", ".join(DockerHost.objects.filter(enabled=True).values_list("name", flat=True)[:20])
        return f"no such Docker host: {name!r}; known hosts: {known or 'none'}"
    if not host.enabled:
        return f"the Docker host {name!r} is not enabled: enable it in the admin"
    return f"the Docker host {name!r} was defined by PRODLOGS_HOST, which is not set any more"


def _from_environment() -> DockerHost:
    problems = [problem for _, problem in environment_problems()]
    if problems:
        raise ConfigurationError(problems[0])
    address, port = split_address(settings.PRODLOGS_HOST)
    wanted = {"address": address, "port": port, "user": settings.PRODLOGS_USER, "from_environment": True}
    if settings.PRODLOGS_HOST_KEY:
        wanted["host_key"] = key_text(parse_host_key(settings.PRODLOGS_HOST_KEY))
    host, _ = DockerHost.objects.get_or_create(name=DEFAULT, defaults=wanted)
    if not host.from_environment:
        raise ConfigurationError(
            f"PRODLOGS_HOST defines the Docker host {DEFAULT!r}, but the admin has one of that name: rename it there"
        )
    changed = {name: value for name, value in wanted.items() if getattr(host, name) != value}
    if changed:
        _record_change(host, changed)
        # Another address clears the host key, which is given again then.
        changed |= {name: wanted[name] for name in ("host_key",) if name in wanted}
        DockerHost.objects.filter(pk=host.pk).update(**changed)
        host.refresh_from_db(fields=[*changed, *DockerHost.no_key])
    return host


def _record_change(host: DockerHost, changed: Mapping[str, Any]) -> None:
    """Put into the audit what the environment changes; a host key is named by its fingerprint."""
    values = {name: [getattr(host, name), new] for name, new in changed.items()}
    if "host_key" in values:
        values["host_key"] = [shown_fingerprint(text) for text in values["host_key"]]
    details = {"id": str(host.pk), "changed": values, "by": "PRODLOGS_* of the environment"}
    event, site = EventType.SENSITIVE_UPDATE, Reader(None, "", "system")
    record(event, Severity.INFO, site, details, what="prodlogs.dockerhost", target=host.name)


def environment_problems() -> list[tuple[str, str]]:
    """What is wrong with the settings of the default host: (setting, sentence), without secrets."""
    if not settings.PRODLOGS_HOST:
        return []
    absent = [name for name in ("PRODLOGS_USER", "PRODLOGS_SSH_KEY") if not getattr(settings, name)]
    found = [(name, f"{name} is not set, but PRODLOGS_HOST is: the host needs both") for name in absent]
    for name, check in _CHECKS.items():
        if not (value := getattr(settings, name)):
            continue
        try:
            check(value)
        except ValidationError as error:
            found.append((name, f"{name}: {error.messages[0]}"))
        except (ConfigurationError, HostKeyProblem, KeyProblem) as error:
            found.append((name, f"{name}: {error}"))
    return found


def split_address(text: str) -> tuple[str, int]:
    """Address and port of `host`, `host:port`, `[v6]:port` or a bare IPv6 address. Raises ConfigurationError."""
    text = text.strip()
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    match = _ADDRESS.fullmatch(text)
    if match is None or not 1 <= int(match[3] or 22) <= 65535:
        raise ConfigurationError(
            f"{text[:60]!r} is not an address: give a DNS name or an IP address, and :port where it is not 22"
        )
    return match[1] or match[2], int(match[3] or 22)


def private_key(host: DockerHost) -> paramiko.PKey:
    """The key to log in with, the environment's for the host defined there. Raises HostError."""
    return _of_key(host, load_private_key)


def secrets(host: DockerHost) -> tuple[str, str]:
    """The text of the key to log in with, and its passphrase: what must be in no log. Raises HostError."""
    return _of_key(host, lambda key, passphrase="": (key, passphrase))


def _of_key(host: DockerHost, use: Callable[..., Found]) -> Found:
    try:
        if host.from_environment:
            if not settings.PRODLOGS_SSH_KEY:
                raise KeyProblem(
                    "not set, but this host is defined by PRODLOGS_HOST: set it, or disable the host"
                )
            return use(_key_text(settings.PRODLOGS_SSH_KEY))
        return use(str(host.ssh_key), str(host.ssh_key_passphrase))
    except (KeyProblem, DecryptionError) as error:
        where = "PRODLOGS_SSH_KEY: " if host.from_environment else ""
        raise HostError(host.name, ErrorKind.CONFIGURATION, f"{where}{error}") from None


def _key_text(setting: str) -> str:
    """The setting holds the key itself, or the path of its file. Raises KeyProblem."""
    if "-----BEGIN" in setting:
        return setting
    if "\n" in setting or len(setting) > LONGEST_PATH:
        raise KeyProblem("neither a private key nor the path of one")
    try:
        return Path(setting).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KeyProblem(f"{setting}: not a text, so not a private key") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of somebody unknown
        reason = error.strerror if isinstance(error, OSError) else "no such user"
        raise KeyProblem(f"{setting}: {reason}") from None


_CHECKS: dict[str, Callable[[str], object]] = {
    "PRODLOGS_HOST": lambda value: address_validator(split_address(value)[0]),
    "PRODLOGS_USER": user_validator,
    "PRODLOGS_SSH_KEY": lambda value: load_private_key(_key_text(value)),
    "PRODLOGS_HOST_KEY": parse_host_key,
}
