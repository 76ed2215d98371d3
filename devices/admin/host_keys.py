"""The host keys of devices in the admin."""

from django.http import HttpRequest
from django.utils.html import format_html

from devices.connectors.host_keys import Actor, accept
from devices.models import Device
from logsite.admin import HostKeyPages, link, shown_time
from sessionlogs.models import ErrorKind


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
