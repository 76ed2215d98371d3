"""Inventory pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Case, Count, QuerySet, Value, When
from django.db.models.functions import Length
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from devices.fleet import collect_devices
from devices.models import SECRETS, Credential, Device, Interface, InterfaceAddress, Outcome, Tag
from logsite.admin import badge, list_url, text_filter
from logsite.fields import DecryptionError

COLLECT_AT_ONCE = 50  # more would keep the browser waiting for minutes
OUTCOME_BADGES = {Outcome.SUCCESS: "ok", Outcome.FAILED: "bad", Outcome.NEVER: "plain"}
STATE_BADGES = {"up": "ok", "down": "bad"}


class CredentialForm(forms.ModelForm):
    """Secrets go in and never come out: a field left empty keeps what is stored."""

    class Meta:
        model = Credential
        fields = ("name", "username", *SECRETS)
        widgets = {
            "password": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            "enable_secret": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            "ssh_key_passphrase": forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            "ssh_key": forms.Textarea(attrs={"rows": 6, "cols": 70, "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = self.instance.stored()
        for name in SECRETS:
            self.initial[name] = ""
            self.fields[name].strip = name == "ssh_key"  # type: ignore[attr-defined]
            if name in self.stored:
                self.fields[name].help_text = "Stored. Leave empty to keep it."
                self.fields[f"clear_{name}"] = forms.BooleanField(
                    required=False, label=f"Remove the stored {self.fields[name].label}"
                )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.stored:
            if not cleaned.get(name) and not cleaned.get(f"clear_{name}"):
                cleaned[name] = self._kept(name)
        if not (cleaned.get("password") or cleaned.get("ssh_key")):
            raise forms.ValidationError("Give a password or an SSH key.")
        if cleaned.get("ssh_key") and "PRIVATE KEY-----" not in str(cleaned["ssh_key"]):
            self.add_error(
                "ssh_key", "Not a private key: paste the file that begins with -----BEGIN … PRIVATE KEY-----."
            )
        return cleaned

    def _kept(self, name: str) -> Any:
        try:
            return getattr(Credential.objects.get(pk=self.instance.pk), name)
        except DecryptionError:
            self.add_error(
                name, "What is stored was written with a key that is gone: give it anew or remove it."
            )
            return ""


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
        url = list_url(reverse("admin:devices_device_changelist"), credential__id__exact=obj.pk)
        return format_html('<a href="{}">{}</a>', url, obj.device_number)


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    search_fields = ("name",)


class InterfaceInline(admin.TabularInline):
    """What the device last said of itself; nothing here is typed by hand."""

    model = Interface
    fields = readonly_fields = (
        "name", "state_badge", "address_list", "zone", "vlan", "vsys", "vrf", "description", "mtu", "speed",
    )  # fmt: skip
    extra = 0
    can_delete = False
    verbose_name_plural = "Interfaces"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interface]:
        return super().get_queryset(request).prefetch_related("addresses")

    @admin.display(description="state")
    def state_badge(self, obj: Interface) -> str:
        return state_badge(obj)

    @admin.display(description="addresses")
    def address_list(self, obj: Interface) -> str:
        return address_list(obj)


def state_badge(interface: Interface) -> str:
    text = "admin down" if interface.enabled is False else interface.state
    return badge(text, STATE_BADGES.get(interface.state, "plain"))


def address_list(interface: Interface) -> SafeString:
    return format_html_join(
        "\n", "<code>{}</code><br>", ((str(address),) for address in interface.addresses.all())
    )


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
class DeviceAdmin(admin.ModelAdmin):
    """Failures stand first: they are why anybody looks."""

    list_display = (
        "name", "platform", "host", "agent_type", "outcome_badge", "interface_count", "attempted_at", "error",
        "enabled",
    )  # fmt: skip
    list_filter = ("outcome", "enabled", "agent_type", PlatformFilter, "tags", "error_kind")
    search_fields = ("name", "host", "interfaces__addresses__address", "tags__name")
    search_help_text = "Name, host, tag, or an address of one of its interfaces"
    filter_horizontal = ("tags",)
    readonly_fields = ("last_collection", "sessions")
    fields = (
        "name",
        "host",
        "port",
        "platform",
        "agent_type",
        "credential",
        "tags",
        "enabled",
        *readonly_fields,
    )
    inlines = (InterfaceInline,)
    actions = ("collect",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        failed_first = Case(When(outcome=Outcome.FAILED, then=Value(0)), default=Value(1))
        rows = Device.objects.annotate(interface_number=Count("interfaces", distinct=True))
        return rows.annotate(failed_first=failed_first).order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("failed_first", "name")

    @admin.display(description="outcome", ordering="outcome")
    def outcome_badge(self, obj: Device) -> str:
        return badge(obj.get_outcome_display(), OUTCOME_BADGES[Outcome(obj.outcome)])

    @admin.display(description="interfaces", ordering="interface_number")
    def interface_count(self, obj: Any) -> str:
        url = list_url(reverse("admin:devices_interface_changelist"), device__id__exact=obj.pk)
        return format_html('<a href="{}">{}</a>', url, obj.interface_number)

    @admin.display(description="error")
    def error(self, obj: Device) -> str:
        return obj.error_message[:120]

    @admin.display(description="last collection")
    def last_collection(self, obj: Device) -> str:
        if not obj.pk or not obj.attempted_at:
            return "never"
        return format_html(
            "{} {} {}", self.outcome_badge(obj), obj.attempted_at.isoformat(" ", "seconds"), obj.error_message
        )

    @admin.display(description="sessions")
    def sessions(self, obj: Device) -> str:
        if not obj.pk:
            return "none yet"
        url = list_url(reverse("admin:sessionlogs_session_changelist"), device=obj.name)
        return format_html('<a href="{}">Sessions of {}</a>', url, obj.name)

    def has_collect_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("devices.change_device"))

    @admin.action(description="Collect interfaces", permissions=["collect"])
    def collect(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        chosen = Device.objects.filter(pk__in=queryset.values("pk")).prefetch_related("tags")
        devices = list(chosen)
        if len(devices) > COLLECT_AT_ONCE:
            text = f"{len(devices)} devices are too many for a page: run manage.py collect_interfaces --all"
            self.message_user(request, text, messages.ERROR)
            return
        disabled = [device.name for device in devices if not device.enabled]
        if disabled:
            self.message_user(request, f"Not enabled, passed over: {', '.join(disabled)}", messages.WARNING)
        wanted = [device for device in devices if device.enabled]
        for result in collect_devices(wanted, request.user, workers=settings.COLLECT_WORKERS):  # type: ignore[arg-type]
            text = (
                f"{result.interfaces} interfaces, {result.addresses} addresses" if result.ok else result.error
            )
            level = messages.SUCCESS if result.ok else messages.ERROR
            self.message_user(
                request,
                format_html("{}: {}{}", result.device.name, text, session_link(result.session_id)),
                level,
            )


def session_link(session_id: Any) -> str:
    if not session_id:
        return ""
    return format_html(
        ' (<a href="{}">session</a>)', reverse("admin:sessionlogs_session_change", args=[session_id])
    )


class AddressInline(admin.TabularInline):
    model = InterfaceAddress
    fields = readonly_fields = ("address", "prefix_length")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Interface)
class InterfaceAdmin(admin.ModelAdmin):
    """Collected interfaces, read-only."""

    list_display = (
        "name", "device", "state_badge", "address_list", "zone", "vlan", "vsys", "vrf", "description",
        "collected_at",
    )  # fmt: skip
    list_filter = ("state", "enabled", text_filter("device__name", "device"), "zone", "vrf")
    list_select_related = ("device",)
    search_fields = ("name", "description", "device__name", "addresses__address", "mac_address")
    search_help_text = "Name, device, description, address or MAC address"
    inlines = (AddressInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interface]:
        return super().get_queryset(request).prefetch_related("addresses")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="state", ordering="state")
    def state_badge(self, obj: Interface) -> str:
        return state_badge(obj)

    @admin.display(description="addresses")
    def address_list(self, obj: Interface) -> str:
        return address_list(obj)
