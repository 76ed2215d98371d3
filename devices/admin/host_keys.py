"""The host keys of devices in the admin: what is accepted, what was offered, and the page that accepts it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from devices.connectors.host_keys import Actor, accept
from devices.models import Device
from logsite.admin import badge, shown_time
from logsite.ssh.host_keys import HostKeyProblem, shown_fingerprint
from sessionlogs.models import ErrorKind

ACCEPT = "devices.accept_host_key"
# A state: whether a key is accepted, and whether one waits to be.
STATES = {
    "none yet": (False, False),
    "to be accepted": (False, True),
    "changed": (True, True),
    "accepted": (True, False),
}
BADGES = {"none yet": "plain", "to be accepted": "busy", "changed": "bad", "accepted": "ok"}
KEY_LENGTHS = {f"{name}_length": Length(name) for name in ("host_key", "offered_host_key")}


class HostKeyFilter(admin.SimpleListFilter):
    """Devices by how their host key stands: those without one are looked for before DEVICE_HOST_KEYS=strict."""

    title = "host key"
    parameter_name = "host_key"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        stands = STATES.get(self.value() or "", ())
        for column, filled in zip(("host_key", "offered_host_key"), stands, strict=False):
            queryset = queryset.exclude(**{column: ""}) if filled else queryset.filter(**{column: ""})
        return queryset


class HostKeyPages(admin.ModelAdmin):
    """Adds a column, a field, and the page that accepts a key to the admin of Device."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.accept_view)
        return [
            path("<int:device_id>/accept-host-key/", page, name="devices_device_accept"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        return super().get_queryset(request).annotate(**KEY_LENGTHS)

    def may_accept(self, request: HttpRequest) -> bool:
        """Whether the user may accept host keys."""
        return bool(request.user.has_perm(ACCEPT)) and self.has_view_permission(request)

    def accept_view(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """GET: both fingerprints. POST: the key with the fingerprint that was looked at is accepted."""
        if not self.may_accept(request):
            raise PermissionDenied
        device = get_object_or_404(Device.objects.defer(None), pk=min(device_id, 2**63 - 1))
        back = HttpResponseRedirect(reverse("admin:devices_device_change", args=[device.pk]))
        if request.method == "POST":
            try:
                accept(device, request.POST.get("fingerprint", ""), Actor(request.user))  # type: ignore[arg-type]
            except HostKeyProblem as error:
                self.message_user(
                    request, f"The key of {device.name} was not accepted: {error}.", messages.ERROR
                )
            else:
                self.message_user(request, f"The key of {device.name} is accepted.", messages.SUCCESS)
            return back
        if not device.offered_host_key:
            text = f"The device {device.name} has not offered a key that is still to be accepted."
            self.message_user(request, text, messages.INFO)
            return back
        accepted, offered = (shown_fingerprint(text) for text in (device.host_key, device.offered_host_key))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Accept the host key of {device.name}",
            "opts": self.opts,
            "accepted": accepted,
            "offered": offered,
            "device": device,
        }
        return TemplateResponse(request, "admin/devices/accept_host_key.html", context)

    @admin.display(description="host key")
    def host_key_state(self, obj: Any) -> str:
        keys = (bool(obj.host_key_length), bool(obj.offered_host_key_length))
        state = next(state for state, stands in STATES.items() if stands == keys)
        return badge(state, BADGES[state])

    @admin.display(description="host key")
    def host_keys(self, obj: Device) -> str:
        if not obj.pk:
            return "none yet"
        offered = ""
        if obj.offered_host_key:
            offered = format_html(
                "<div><dt>Offered {}</dt><dd><code>{}</code></dd></div>",
                shown_time(obj.offered_at),
                shown_fingerprint(obj.offered_host_key),
            )
        return format_html(
            '<dl class="host-keys"><div><dt>Accepted {}</dt><dd><code>{}</code> {}</dd></div>{}</dl>',
            shown_time(obj.host_key_at),
            shown_fingerprint(obj.host_key) or "none yet",
            obj.host_key_by,
            offered,
        )


def accept_link(device: Device, error_kind: str) -> str:
    """A link to the page that accepts a key, to follow an error about a host key."""
    if error_kind != ErrorKind.HOST_KEY:
        return ""
    return format_html(
        ' (<a href="{}">host key</a>)', reverse("admin:devices_device_accept", args=[device.pk])
    )
