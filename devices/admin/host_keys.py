"""The host keys of devices in the admin."""

from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html

from devices.connectors.host_keys import Actor, accept
from devices.models import Device
from logsite.admin import HostKeyPages, choice_filter, link, shown_time
from sessionlogs.models import ErrorKind

ACCEPTED, OFFERED = ~Q(host_key=""), ~Q(offered_host_key="")
# Devices without a key are looked for before DEVICE_HOST_KEYS=strict.
HostKeyFilter = choice_filter(
    "host_key",
    "host key",
    {
        "none yet": ("none yet", ~ACCEPTED & ~OFFERED),
        "to be accepted": ("to be accepted", ~ACCEPTED & OFFERED),
        "changed": ("changed", ACCEPTED & OFFERED),
        "accepted": ("accepted", ACCEPTED & ~OFFERED),
    },
)


class DeviceKeyPages(HostKeyPages):
    """Devices say who accepted their key."""

    def accept_key(self, request: HttpRequest, host: Device, fingerprint: str) -> None:
        accept(host, fingerprint, Actor(request.user))  # type: ignore[arg-type]

    def accepted_by(self, host: Device) -> tuple[str, str]:
        return shown_time(host.host_key_at), host.host_key_by


def accept_link(device: Device, error_kind: str) -> str:
    """A link to the page that accepts a key, to follow an error about a host key."""
    if error_kind != ErrorKind.HOST_KEY:
        return ""
    return format_html(" ({})", link("host key", "devices_device_accept", device.pk))
