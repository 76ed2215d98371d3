"""System checks of the inventory, the platform files and the times a collection may take."""

import re
from collections.abc import Sequence
from operator import lt
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from devices.platforms import (
    TEMPLATES,
    UnknownPlatform,
    file_names,
    get_platform,
    platform_names,
    sha1_platforms,
)
from devices.read_only import check_list
from logsite.checks import out_of_bounds

SMALLEST_LIMIT = 64 * 1024  # bytes


@register("devices")
def check_platform_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A platform's file that cannot be used would be found out by the first collection."""
    found: list[CheckMessage] = []
    for name in file_names():
        try:
            platform = get_platform(name)
            platform.failure("")
            check_list(platform)
        except (UnknownPlatform, TypeError, re.error) as error:
            problem = str(error)
        else:
            own = [command.template for command in platform.interface_commands if command.template]
            problem = ", ".join(template for template in own if not (TEMPLATES / template).is_file())
            problem = f"no such template: {problem}" if problem else ""
        if problem:
            hint = "devices/platforms/__init__.py describes the format."
            found.append(Error(f"devices/platforms/{name}.toml: {problem}", hint=hint, id="devices.E001"))
    return found


def _claim_seconds() -> float:
    from devices.collecting.claims import CLAIM

    return CLAIM.total_seconds()


def _claim_warning(longest: float, name: str, problem: str, *, id: str) -> list[CheckMessage]:
    """A warning where a collection of `longest` seconds outlasts its claim: a second one may start then."""
    if longest < _claim_seconds():
        return []
    return [Warning(f"{name}={getattr(settings, name)}: {problem}", hint=f"Lower {name}.", id=id)]


@register("devices")
def check_claim(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The login and the commands of one platform: all within the claim."""
    commands = max(len(get_platform(name).interface_commands) for name in file_names())
    longest = settings.DEVICE_CONNECT_TIMEOUT + commands * settings.DEVICE_READ_TIMEOUT
    claim = f"the claim of {_claim_seconds():.0f} s that a collection has on its device"
    problem = f"{commands} such commands outlast {claim}"
    return _claim_warning(longest, "DEVICE_READ_TIMEOUT", problem, id="devices.W001")


@register("devices")
def check_deadline(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Waiting for a login, the collection and storing its record: all within the claim."""
    longest = 2 * settings.COLLECT_DEADLINE + settings.SESSION_LOG_STORE_TIMEOUT
    problem = f"a collection may outlast its claim of {_claim_seconds():.0f} s on the device"
    return _claim_warning(longest, "COLLECT_DEADLINE", problem, id="devices.W003")


@register("devices")
def check_host_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without host keys a device's password goes to whoever answers at its address."""
    from devices.connectors.host_keys import Mode

    if settings.DEVICE_HOST_KEYS == Mode.OFF:
        return [
            Warning(
                "DEVICE_HOST_KEYS=off: LogSite logs in to devices without checking their host keys",
                hint="Set DEVICE_HOST_KEYS=pin; the first key of each device is kept, and any other one refused.",
                id="devices.W010",
            )
        ]
    if settings.DEVICE_HOST_KEYS in list(Mode):
        return []
    hint = f"Give one of {', '.join(Mode)}. Until then unknown host keys are refused."
    return [
        Error(f"DEVICE_HOST_KEYS={settings.DEVICE_HOST_KEYS!r} is not known", hint=hint, id="devices.E010")
    ]


@register("devices")
def check_sha1_platforms(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A platform that is misspelt would not get what its name is there for."""
    unknown = sorted(sha1_platforms() - {*platform_names()})
    if not unknown:
        return []
    hint = "Give the names of platforms, separated by blanks, or the word none."
    return [
        Error(f"DEVICE_SHA1_PLATFORMS: unknown platforms: {', '.join(unknown)}", hint=hint, id="devices.E011")
    ]


@register("devices")
def check_response_limit(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """DEVICE_RESPONSE_LIMIT must leave room for banner, login dialogue and prompt."""
    text = "{name}={value} must be at least {bound} bytes"
    hint = "Unset the variable for 16 MiB; docs/configuration.md says what the limit bounds."
    return out_of_bounds({"DEVICE_RESPONSE_LIMIT": SMALLEST_LIMIT}, lt, text, hint, id="devices.E004")


@register(Tags.database, "devices")
def check_platforms_known(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A device cannot be collected if Netmiko has dropped its platform."""
    from devices.models import Device

    if not databases:
        return []
    try:
        unknown = list(
            Device.objects.exclude(platform__in=platform_names()).values_list("name", "platform")[:20]
        )
    except DatabaseError:  # not migrated yet
        return []
    return [
        Warning(
            f"device {name}: platform {platform!r} is not known",
            hint="Choose another platform for it in the admin.",
            id="devices.W002",
        )
        for name, platform in unknown
    ]
