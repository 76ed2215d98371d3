"""Admin pages: destinations to edit; cursors, runs and refused entries to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from logsite.admin import LogModelAdmin, beginning, choice_badge, text_filter, time_range_filter
from logsite.web.readers import reader_of
from shipping.models import Destination, RejectedEntry, RunStatus, ShippingCursor, ShippingRun
from shipping.progress.refused import note_lines, why_withheld

STATUS_BADGES = {RunStatus.SUCCESS: "ok", RunStatus.FAILED: "bad", RunStatus.RUNNING: "busy"}


class DestinationForm(forms.ModelForm):
    """The token can be set and replaced, never read; an empty field keeps it."""

    new_token = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Sent as «Authorization: Bearer …». Leave it empty to keep the one there is.",
    )
    remove_token = forms.BooleanField(required=False)

    class Meta:
        model = Destination
        fields = ("name", "kind", "url", "tenant", "enabled")

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["remove_token"]:
            self.instance.token = ""
        elif self.cleaned_data["new_token"]:
            self.instance.token = self.cleaned_data["new_token"]
        return super().save(commit)


@admin.register(Destination)
class DestinationAdmin(admin.ModelAdmin):
    """Where entries go; made by hand or by the first run to an address."""

    form = DestinationForm
    list_display = ("name", "kind", "url", "tenant", "enabled")
    list_filter = ("kind", "enabled")
    show_facets = admin.ShowFacets.NEVER


@admin.register(ShippingCursor)
class ShippingCursorAdmin(LogModelAdmin):
    """How far each source has got."""

    keyset = ("-updated_at", "-id")
    list_display = ("source", "destination", "xact", "row_id", "shipped", "rejected", "updated_at")
    list_filter = (time_range_filter("updated_at"), "destination", text_filter("source", "source"))
    list_select_related = ("destination",)


@admin.register(ShippingRun)
class ShippingRunAdmin(LogModelAdmin):
    """What each run did, and why it failed."""

    keyset = ("-started", "-id")
    list_display = (
        "started",
        "ended",
        "source",
        "destination",
        "state",
        "shipped",
        "rejected",
        "split",
        "left",
        "error",
    )
    list_filter = (time_range_filter("started"), "status", "destination", text_filter("source", "source"))
    list_select_related = ("destination",)
    state = choice_badge("status", "status", STATUS_BADGES)


@admin.register(RejectedEntry)
class RejectedEntryAdmin(LogModelAdmin):
    """What the destination refused, with its words."""

    list_display = ("timestamp", "source", "row_id", "part", "destination", "short_reason", "rejected_at")
    list_filter = (
        time_range_filter("timestamp"),
        "destination",
        text_filter("source", "source"),
        text_filter("reason", "reason", "icontains"),
    )
    list_select_related = ("destination",)
    fields = (
        "destination",
        "run",
        "source",
        "row_id",
        "part",
        "timestamp",
        "reason",
        "labels",
        "shown_line",
        "rejected_at",
    )
    short_reason = beginning("reason", "reason", 200)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.line_withheld = why_withheld(found.source, reader_of(request))
        return found

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        if obj.line and not obj.line_withheld:
            note_lines(reader_of(request), [obj.source], f"id={obj.pk}")
        return {}

    @admin.display(description="line")
    def shown_line(self, obj: Any) -> str:
        """The line may hold what a device answered."""
        return f"The line is {obj.line_withheld}." if obj.line_withheld else obj.line
