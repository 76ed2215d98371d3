"""Inventory pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.html import format_html

from devices.admin.commands import CommandPages
from devices.admin.host_keys import DeviceKeyPages, accept_link
from devices.admin.interfaces import InterfaceInline
from devices.collecting.fleet import collect_devices
from devices.credential_use import reserved_fields
from devices.logging_switch import switch
from devices.models import (
    SECRETS,
    Credential,
    Device,
    Interface,
    Outcome,
    PlatformLogging,
    Response,
    Tag,
)
from logsite.admin import HostKeyFilter, badge, beginning, choice_badge, link, shown_time
from sessionlogs.models import Session, SessionStatus

SESSIONS_SHOWN = 10
COLLECT_AT_ONCE = 50  # more would keep the browser waiting for minutes
OUTCOME_BADGES = {Outcome.SUCCESS: "ok", Outcome.FAILED: "bad", Outcome.NEVER: "plain"}


def secret_field(label: str, **options: Any) -> forms.CharField:
    options.setdefault("widget", forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    return forms.CharField(label=label, required=False, strip=False, **options)


class CredentialForm(forms.ModelForm):
    """Secrets go in and never come out: a field left empty keeps what is stored, which nobody reads for that."""

    password = secret_field("Password")
    enable_secret = secret_field("Enable secret")
    ssh_key = secret_field(
        "SSH private key", widget=forms.Textarea(attrs={"rows": 6, "cols": 70, "spellcheck": "false"})
    )
    ssh_key_passphrase = secret_field("SSH key passphrase")

    class Meta:
        model = Credential
        fields = ("name", "username")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = self.instance.stored()
        for name in self.stored:
            if name not in self.fields:  # a page that only shows
                continue
            self.fields[name].help_text = "A value is stored. Leave this field empty to keep it."
            label = f"Remove the stored {self.fields[name].label}"
            self.fields[f"clear_{name}"] = forms.BooleanField(required=False, label=label)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = {name: cleaned[name] for name in SECRETS if cleaned.get(name)}
        cleared = {name: "" for name in self.stored if cleaned.get(f"clear_{name}")}
        if not {"password", "ssh_key"} & (set(self.stored) - set(cleared) | set(given)):
            raise forms.ValidationError("Give a password or an SSH key.")
        if "PRIVATE KEY-----" not in given.get("ssh_key", "PRIVATE KEY-----"):
            self.add_error(
                "ssh_key", "Not a private key: paste the file that begins with -----BEGIN … PRIVATE KEY-----."
            )
        for name, value in {**cleared, **given}.items():
            setattr(self.instance, name, value)
        return cleaned


@admin.register(Credential)
class CredentialAdmin(admin.ModelAdmin):
    form = CredentialForm
    list_display = ("name", "username", "holds", "device_count")
    search_fields = ("name", "username")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        lengths = {f"{name}_length": Length(name) for name in SECRETS}
        return super().get_queryset(request).annotate(device_number=Count("devices"), **lengths)

    def get_fields(self, request: HttpRequest, obj: Credential | None = None) -> Any:
        if not self.has_change_permission(request, obj):
            return ["name", "username", "holds"]  # a page that only shows must not show these
        stored = obj.stored() if obj else []
        kinds = [(name, f"clear_{name}") if name in stored else (name,) for name in SECRETS]
        return ["name", "username", *(field for kind in kinds for field in kind)]

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> tuple[str, ...]:
        return () if self.has_change_permission(request, obj) else ("holds",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if self.has_change_permission(request, obj):
            kwargs["fields"] = None  # the `clear_…` fields are the form's own
        return super().get_form(request, obj, change, **kwargs)

    @admin.display(description="holds")
    def holds(self, obj: Credential) -> str:
        stored = (name for name in SECRETS if getattr(obj, f"{name}_length"))
        return ", ".join(str(Credential._meta.get_field(name).verbose_name) for name in stored) or "nothing"  # type: ignore[union-attr]

    @admin.display(description="devices", ordering="device_number")
    def device_count(self, obj: Any) -> str:
        return link(obj.device_number, "devices_device_changelist", credential__id__exact=obj.pk)


@admin.register(PlatformLogging)
class PlatformLoggingAdmin(admin.ModelAdmin):
    """Recording, on or off, for all devices of a platform."""

    list_display = ("platform", "record")


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    search_fields = ("name",)


class PlatformFilter(admin.SimpleListFilter):
    """The platforms that some device has; Netmiko knows a hundred and fifty."""

    title = "platform"
    parameter_name = "platform"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (name, name)
            for name in Device.objects.order_by("platform").values_list("platform", flat=True).distinct()
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        return queryset.filter(platform=self.value()) if self.value() else queryset


@admin.register(Device)
class DeviceAdmin(CommandPages, DeviceKeyPages):
    """Failures stand first: they are why anybody looks."""

    list_display = (
        "name",
        "platform",
        "host",
        "agent_type",
        "outcome_badge",
        "interface_count",
        "attempted_at",
        "error",
        "host_key_state",
        "enabled",
    )
    list_filter = (
        "outcome",
        "enabled",
        "session_logging",
        "agent_type",
        PlatformFilter,
        HostKeyFilter,
        "tags",
        "error_kind",
    )
    linked_lookups = ("credential__id__exact",)
    ordering = (Case(When(outcome=Outcome.FAILED, then=Value(0)), default=Value(1)), "name")
    search_fields = ("name", "host", "interfaces__addresses__address", "tags__name")
    search_help_text = "Name, host, tag, or an address of one of its interfaces"
    filter_horizontal = ("tags",)
    readonly_fields = ("recording", "last_collection", "host_keys", "sessions", "stored_answers")
    fields = (
        "name",
        "host",
        "port",
        "platform",
        "agent_type",
        "credential",
        "tags",
        "enabled",
        "session_logging",
        *readonly_fields,
    )
    inlines = (InterfaceInline,)
    actions = ("collect", "run_commands")
    change_form_template = "admin/devices/device/change_form.html"
    outcome_badge = choice_badge("outcome", "outcome", OUTCOME_BADGES, ordering="outcome")
    error = beginning("error", "error_message", 120)

    def page_context(self, request: HttpRequest, obj: Device) -> dict[str, Any]:
        may = request.user.has_perm("sessionlogs.view_session")
        return {"newest_sessions": newest_sessions(obj)} if may else {}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        devices = super().get_queryset(request)
        if request.method in (
            "GET",
            "HEAD",
        ):  # the page shows the host keys; a form that is saved must not write them
            devices = devices.defer(None)
        rows = devices.annotate(interface_number=Count("interfaces", distinct=True))
        return rows.order_by(*self.ordering)

    def get_readonly_fields(self, request: HttpRequest, obj: Device | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *reserved_fields(obj, request.user))

    @admin.display(description="interfaces", ordering="interface_number")
    def interface_count(self, obj: Any) -> str:
        return link(obj.interface_number, "devices_interface_changelist", device__id__exact=obj.pk)

    @admin.display(description="last collection")
    def last_collection(self, obj: Device) -> str:
        if not obj.pk or not obj.attempted_at:
            return "never"
        return format_html(
            "{} {} {}", self.outcome_badge(obj), shown_time(obj.attempted_at), obj.error_message
        )

    @admin.display(description="recording")
    def recording(self, obj: Device) -> str:
        if not obj.pk:
            return ""
        on, why = switch(obj)
        return format_html(
            "{} {}", badge("on", "ok") if on else badge("off: no session is recorded", "bad"), why
        )

    @admin.display(description="sessions")
    def sessions(self, obj: Device) -> str:
        if not obj.pk:
            return "none yet"
        return link(f"Sessions of {obj.name}", "sessionlogs_session_changelist", device=obj.name)

    @admin.display(description="stored responses")
    def stored_answers(self, obj: Device) -> str:
        if not obj.pk:
            return "none yet"
        return link(f"Stored responses of {obj.name}", "devices_response_changelist", device__name=obj.name)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What was collected goes with its device, though nobody removes it by itself."""
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        collected = {str(model._meta.verbose_name) for model in (Interface, Response)}
        return listed, counts, needed - collected, protected

    def has_collect_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("devices.change_device"))

    @admin.action(description="Collect interfaces", permissions=["collect"])
    def collect(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        chosen = Device.objects.filter(pk__in=queryset.values("pk")).prefetch_related("tags")
        devices = list(chosen)
        if len(devices) > COLLECT_AT_ONCE:
            text = f"{len(devices)} devices are too many for one page: run manage.py collect_interfaces --all"
            self.message_user(request, text, messages.ERROR)
            return
        disabled = [device.name for device in devices if not device.enabled]
        if disabled:
            self.message_user(
                request, f"Skipped, because they are not enabled: {', '.join(disabled)}", messages.WARNING
            )
        wanted = [device for device in devices if device.enabled]
        for result in collect_devices(wanted, request.user, workers=settings.COLLECT_WORKERS):  # type: ignore[arg-type]
            text = (
                f"{result.interfaces} interfaces, {result.addresses} addresses" if result.ok else result.error
            )
            level = messages.SUCCESS if result.ok else messages.ERROR
            links = (_session_link(result.session_id), accept_link(result.device, result.error_kind))
            self.message_user(request, format_html("{}: {}{}{}", result.device.name, text, *links), level)


def newest_sessions(device: Device) -> list[Session]:
    """The device's newest sessions, the failed ones first."""
    rows = Session.objects.filter(device=device.name).order_by("-started_at", "-session_id")
    return sorted(rows[:SESSIONS_SHOWN], key=lambda session: session.status != SessionStatus.FAILED)


def _session_link(session_id: Any) -> str:
    """A link behind a sentence; nothing where there was no session."""
    if not session_id:
        return ""
    return format_html(" ({})", link("session", "sessionlogs_session_change", session_id))
