"""Admin pages of application logs: the entries, and the applications that send them."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Value
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from applogs.activity import apps_of, neighbours
from applogs.models import OBJECTS, App, LogEntry
from applogs.query_fields import TEXTS
from logsite.admin import OnePage, SourceModelAdmin, column, entry_texts, text_filter, time_range_filter
from logsite.records import get_source
from logsite.web.readers import reader_of

BEGINNING = 4000  # characters of a message in a list
SEE_ENTRIES = "applogs.view_logentry"
FACTS = ("level", *TEXTS, "line", "protocol", "token_id", "truncated_bytes")


class Styled:
    """The looks of pages of entries."""

    class Media:
        css = {"all": ("logsite/containers.css",)}


@admin.register(LogEntry)
class LogEntryAdmin(Styled, SourceModelAdmin):
    """What applications sent, newest first; an entry's page shows all that it has, and its neighbours."""

    list_display = ("time", "app", "level_badge", "host", "line_of_text")
    list_filter = (
        time_range_filter("timestamp"),
        text_filter("app", "app", "exact"),
        text_filter("host", "host", "exact"),
        "level",
        text_filter("category", "category", "exact"),
        text_filter("trace_id", "trace", "exact"),
    )
    change_form_template = "admin/applogs/logentry/change_form.html"
    live_source = "app"
    level_badge = column("level", "level", entry_texts.level_badge)

    def get_entries(self, request: HttpRequest, query: str = "") -> QuerySet[LogEntry]:
        """A list shows the beginning of messages: a hundred whole ones can be 100 MB."""
        rows = super().get_entries(request, query).defer("message", *OBJECTS)
        return rows.annotate(beginning=Left("message", Value(BEGINNING)), length=Length("message"))

    def page_context(self, request: HttpRequest, obj: LogEntry) -> dict[str, Any]:
        view = self.view(request)
        found = neighbours(view, obj.pk)
        view.note("entry", "", len(found), filters=f"id={obj.pk}")
        facts = [(name.replace("_", " "), getattr(obj, name)) for name in FACTS]
        objects = [(name.replace("_", " "), getattr(obj, name)) for name in OBJECTS]
        return {
            "title": "Entry",
            "entry": obj,
            "facts": [(name, value) for name, value in facts if value not in ("", None, 0)],
            "objects": [(name, _pretty(value)) for name, value in objects if value],
            "around": found,
        }

    @admin.display(description="time")
    def time(self, obj: LogEntry) -> str:
        day, _, clock = entry_texts.moment(obj.timestamp).partition(" ")
        return format_html('<span class="day">{}</span> <span class="clock">{}</span>', day, clock)

    @admin.display(description="message")
    def line_of_text(self, obj: Any) -> str:
        return entry_texts.folded(entry_texts.visible(obj.beginning), cut=obj.length > BEGINNING)


def _pretty(value: Any) -> str:
    """JSON for people, without characters that a page would not show."""
    return entry_texts.visible(json.dumps(value, indent=2, ensure_ascii=False))


@admin.register(App)
class AppAdmin(Styled, OnePage):
    """The applications of the last 24 hours: how many entries and errors each sent, and when last."""

    permissions = (SEE_ENTRIES,)

    def show(self, request: HttpRequest) -> HttpResponse:
        view = get_source("app").view(reader_of(request))
        found = apps_of(view)
        view.note("apps", "", len(found.apps))
        return self.page(request, "admin/applogs/apps.html", "Applications", {"found": found})
