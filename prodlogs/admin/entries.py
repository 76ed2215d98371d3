"""Admin pages of entries: the list, errors, and entries as they come."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Value
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html

from logsite.admin import (
    OnePage,
    SourceModelAdmin,
    column,
    entry_texts,
    filters_of,
    page_url,
    time_range_filter,
)
from logsite.records import get_source
from logsite.web.readers import reader_of
from prodlogs.admin import follow_page, showing
from prodlogs.admin.entry_filters import LevelFilter, PlaceFilter
from prodlogs.admin.styled import Styled
from prodlogs.entries.queries import Searched, containing
from prodlogs.models import ContainerLogEntry, Errors, Follow

BEGINNING = 4000  # characters of a message in a list
SEE_ENTRIES = "prodlogs.view_containerlogentry"
ENTRIES = "prodlogs_containerlogentry_changelist"


@admin.register(ContainerLogEntry)
class ContainerLogEntryAdmin(Styled, SourceModelAdmin):
    """What containers wrote, newest first; an entry's page shows what stood around it."""

    list_display = ("time", "place", "level_badge", "stream", "line")
    list_filter = (time_range_filter("timestamp"), PlaceFilter, LevelFilter, "stream")
    linked_lookups = ("timestamp__gte", "timestamp__lte")
    search_fields = ("message",)
    change_form_template = "admin/prodlogs/containerlogentry/change_form.html"
    live_source = "container"
    level_badge = column("level", "level", entry_texts.level_badge)

    def get_entries(self, request: HttpRequest, query: str = "") -> QuerySet[ContainerLogEntry]:
        """A list shows the beginning of messages: a hundred whole ones can be 25 MB."""
        rows = super().get_entries(request, query).defer("message", "raw_line")
        return rows.annotate(beginning=Left("message", Value(BEGINNING)), length=Length("message"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ContainerLogEntry], search_term: str
    ) -> tuple[QuerySet[ContainerLogEntry], bool]:
        found = containing(queryset, search_term.strip())
        request.searched = found  # type: ignore[attr-defined]  # for the text below the field
        return found.rows, False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        searched: Searched | None = getattr(request, "searched", None)
        text = "A part of the message"
        if searched and searched.since:
            whole = searched.since + timedelta(seconds=1, microseconds=-1)  # rounded up: «To» is exclusive
            back = f"{timezone.localtime(whole):%Y-%m-%d %H:%M:%S}"
            text = f"Searched back to {back}; set «To» to this time to search further back."
        found.search_help_text = text
        return found

    def page_context(self, request: HttpRequest, obj: ContainerLogEntry) -> dict[str, Any]:
        view = self.view(request)
        found = follow_page.surroundings(view, obj)
        view.note("entry", "", len(found["around"]), filters=f"id={obj.pk}")
        return {"title": "Entry", **found}

    @admin.display(description="time")
    def time(self, obj: ContainerLogEntry) -> str:
        day, _, clock = entry_texts.moment(obj.timestamp).partition(" ")
        return format_html('<span class="day">{}</span> <span class="clock">{}</span>', day, clock)

    @admin.display(description="container")
    def place(self, obj: ContainerLogEntry) -> str:
        return showing.place(obj.container_name, obj.container.host.name)

    @admin.display(description="message")
    def line(self, obj: Any) -> str:
        return entry_texts.folded(entry_texts.visible(obj.beginning), cut=obj.length > BEGINNING)


@admin.register(Errors)
class ErrorsAdmin(OnePage):
    """The way to the list of entries, with its filter set; a query and other filters go along."""

    permissions = (SEE_ENTRIES,)

    def show(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(page_url(ENTRIES, **{**request.GET.dict(), "level": "errors"}))


@admin.register(Follow)
class FollowAdmin(Styled, OnePage):
    """Entries as they come."""

    permissions = (SEE_ENTRIES,)

    def get_urls(self) -> list[URLPattern]:
        news = self.admin_site.admin_view(follow_page.news)
        return [*super().get_urls(), path("entries/", news, name="prodlogs_follow_entries")]

    def show(self, request: HttpRequest) -> HttpResponse:
        context = follow_page.follow_context(request)
        answer = self.page(request, "admin/prodlogs/follow.html", "Follow live", context)
        if problem := context["problem"]:
            answer.status_code = problem.status
        else:
            get_source("container").view(reader_of(request)).note(
                "follow", request.GET.get("query", ""), 0, filters=filters_of(request)
            )
        return answer
