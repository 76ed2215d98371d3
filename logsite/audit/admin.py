"""Audit entries; read-only, and who looks at them is on record."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from logsite.admin import LogModelAdmin, choice_badge, text_filter, time_range_filter
from logsite.audit.event_types import EventType, Severity
from logsite.audit.models import AuditEntry
from logsite.audit.recording import record
from logsite.web.readers import reader_of

BADGES = {Severity.INFO: "plain", Severity.WARNING: "busy", Severity.ERROR: "bad", Severity.CRITICAL: "bad"}
FIELDS = (
    "timestamp",
    "event_type",
    "severity",
    "user",
    "user_id",
    "address",
    "via",
    "what",
    "target",
    "count",
    "details_text",
)


@admin.register(AuditEntry)
class AuditEntryAdmin(LogModelAdmin):
    """Who did what, who saw what, who was denied what."""

    list_display = ("timestamp", "event_type", "user", "what", "target", "count", "grave", "via", "address")
    list_display_links = ("timestamp", "event_type")
    list_filter = (
        time_range_filter("timestamp"),
        text_filter("user", "user"),
        text_filter("target", "target", "icontains"),
        "event_type",
        "severity",
        "via",
    )
    fields = readonly_fields = FIELDS
    grave = choice_badge("severity", "severity", BADGES)

    @admin.display(description="details")
    def details_text(self, obj: AuditEntry) -> str:
        return json.dumps(obj.details, indent=1, ensure_ascii=False)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        found = getattr(answer, "context_data", None) or {}
        if "cl" in found:
            _note(request, len(found["cl"].result_list), {"query": request.META.get("QUERY_STRING", "")})
        return answer

    def page_context(self, request: HttpRequest, obj: AuditEntry) -> dict[str, Any]:
        _note(request, 1, {"id": obj.pk})
        return {}


def _note(request: HttpRequest, count: int, details: dict[str, Any]) -> None:
    """Put on record that the audit was read."""
    record(EventType.SENSITIVE_READ, Severity.INFO, reader_of(request), details, what="audit", count=count)
