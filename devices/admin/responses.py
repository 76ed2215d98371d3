"""What devices answered to the commands of their collections, as stored; read-only."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from devices.collecting.stored_responses import note_stored
from devices.models import Response
from logsite.admin import (
    LogModelAdmin,
    badge,
    beginning,
    choice_filter,
    column,
    text_filter,
    time_range_filter,
)
from sessionlogs.admin.session_page import session_link
from sessionlogs.audit import WITHHELD, may_see

OPEN = 4000  # characters; a longer answer is folded, as on the session page


ParsingFilter = choice_filter(
    "read", "parsing", {"failed": ("Failed", ~Q(error="")), "ok": ("Succeeded", Q(error=""))}
)


@admin.register(Response)
class ResponseAdmin(LogModelAdmin):
    """Newest first. The raw text has a page of its own, and who opens that is on record."""

    keyset = ("-collected_at", "-id")
    list_display = (
        "collected_at",
        "device",
        "command",
        "reading",
        "rows",
        "template",
        "problem",
        "session_link",
    )
    list_display_links = ("collected_at", "command")
    list_filter = (
        time_range_filter("collected_at"),
        text_filter("device__name", "device"),
        text_filter("command", "command"),
        text_filter("template", "template", "icontains"),
        ParsingFilter,
    )
    search_fields = ("device__name", "command", "template", "error", "=session_id")
    search_help_text = "Device, command, template, error, or a session's id"
    change_form_template = "admin/devices/response/change_form.html"
    fields = ("device", "command")
    reading = column(
        "reading", "error", lambda error: badge("failed", "bad") if error else badge("read", "ok")
    )
    problem = beginning("error", "error", 120)
    session_link = column("session", "session_id", session_link)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        """A page that shows an answer fetches it when it knows that it may."""
        return super().get_queryset(request).select_related("device").defer("raw")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(raw_text)
        return [path("<int:response_id>/raw/", view, name="devices_response_raw"), *super().get_urls()]

    def page_context(self, request: HttpRequest, obj: Response) -> dict[str, Any]:
        return {"title": "Stored response", **self._shown(request, obj)}

    def _shown(self, request: HttpRequest, stored: Response) -> dict[str, Any]:
        """What the page needs beside the row; an answer in it is noted as seen."""
        facts = {"reading": self.reading(stored), "session": self.session_link(stored)}
        if not may_see(request.user):
            return {**facts, "withheld": WITHHELD}
        note_stored(request, stored)
        return {**facts, "raw": stored.raw, "open": len(stored.raw) < OPEN}


def raw_text(request: HttpRequest, response_id: int) -> HttpResponse:
    """A stored answer whole, as plain text."""
    if not (request.user.has_perm("devices.view_response") and may_see(request.user)):
        raise PermissionDenied(f"The response is {WITHHELD}.")
    stored = get_object_or_404(Response, pk=min(response_id, 2**63 - 1))
    note_stored(request, stored)
    return HttpResponse(stored.raw, content_type="text/plain; charset=utf-8")
