"""Collected interfaces: as rows below their device, and as a list of all."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from devices.models import Interface, InterfaceAddress
from logsite.admin import ReadOnly, badge, text_filter

STATE_BADGES = {"up": "ok", "down": "bad"}
SHOWN = ("state_badge", "address_list", "zone", "vlan", "vsys", "vrf", "description")


class InterfaceColumns:
    """The columns of an interface, below its device and in the list of all."""

    @admin.display(description="state", ordering="state")
    def state_badge(self, obj: Interface) -> str:
        text = "admin down" if obj.enabled is False else obj.state
        return badge(text, STATE_BADGES.get(obj.state, "plain"))

    @admin.display(description="addresses")
    def address_list(self, obj: Interface) -> str:
        addresses = ((str(address),) for address in obj.addresses.all())
        return format_html_join("\n", "<code>{}</code><br>", addresses)


class InterfaceInline(InterfaceColumns, ReadOnly, admin.TabularInline):
    """What the device last said of itself; nothing here is typed by hand."""

    model = Interface
    fields = readonly_fields = ("name", *SHOWN, "mtu", "speed")
    extra = 0
    verbose_name_plural = "Interfaces"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interface]:
        return super().get_queryset(request).select_related("device").prefetch_related("addresses")


class AddressInline(ReadOnly, admin.TabularInline):
    model = InterfaceAddress
    fields = readonly_fields = ("address", "prefix_length")
    extra = 0


@admin.register(Interface)
class InterfaceAdmin(InterfaceColumns, ReadOnly, admin.ModelAdmin):
    """Collected interfaces, read-only."""

    list_display = ("name", "device", *SHOWN, "collected_at")
    list_filter = ("state", "enabled", text_filter("device__name", "device"), "zone", "vrf")
    linked_lookups = ("device__id__exact",)
    list_select_related = ("device",)
    search_fields = ("name", "description", "device__name", "addresses__address", "mac_address")
    search_help_text = "Name, device, description, address or MAC address"
    inlines = (AddressInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interface]:
        return super().get_queryset(request).prefetch_related("addresses")
