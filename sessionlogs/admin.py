"""Sessions as timelines, and the events of all of them; read-only."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from logsite.admin import LogModelAdmin, badge, text_filter, time_range_filter
from sessionlogs import counters
from sessionlogs.models import (
    FAILURES,
    ErrorKind,
    EventType,
    PurgeRun,
    Session,
    SessionLog,
    SessionStatus,
    Statistics,
)
from sessionlogs.statistics import RangeError, TimeRange, may_see, statistics

STATUS_BADGES = {SessionStatus.SUCCESS: "ok", SessionStatus.FAILED: "bad", SessionStatus.RUNNING: "busy"}
EVENT_BADGES = {
    **dict.fromkeys(EventType, "plain"),
    **dict.fromkeys(FAILURES, "bad"),
    EventType.CONNECTION_SUCCESS: "ok",
    EventType.COMMAND_RESPONSE: "ok",
    EventType.INTERFACE_COLLECTION_SUCCESS: "ok",
}
EVENTS_SHOWN = 2000


class SlowFilter(admin.SimpleListFilter):
    """Commands that took long; a subclass names the column."""

    title = "slow commands"
    parameter_name = "slow"
    column = "duration_ms"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1000", "1 s and more"), ("5000", "5 s and more"), ("30000", "30 s and more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(**{f"{self.column}__gte": float(str(chosen))})


class SlowSessionFilter(SlowFilter):
    column = "slowest_ms"


class SlowEventFilter(SlowFilter):
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        queryset = super().queryset(request, queryset)
        return queryset.filter(step__isnull=False) if self.value() else queryset


class AuthenticationFilter(admin.SimpleListFilter):
    title = "authentication failures"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Only these")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(error_kind=ErrorKind.AUTHENTICATION) if self.value() == "1" else queryset


@admin.register(Session)
class SessionAdmin(LogModelAdmin):
    """Newest first; a session's page is its timeline."""

    keyset = ("-started_at", "-session_id")
    list_display = (
        "started_at", "device", "user", "platform", "status_badge", "commands", "failures", "slowest", "error",
    )  # fmt: skip
    list_display_links = ("started_at", "device")
    list_filter = (
        time_range_filter("started_at"), text_filter("device", "device"), text_filter("user", "user"),
        "status", SlowSessionFilter, AuthenticationFilter,
    )  # fmt: skip
    search_fields = ("device", "host", "user", "=session_id")
    search_help_text = "Device, host, user, or a session's id"
    change_form_template = "admin/sessionlogs/session/timeline.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "live_source": "session"})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        session = self.get_object(request, object_id)
        events: Sequence[SessionLog] = []
        if session is not None:
            events = list(session.events.order_by("id")[: EVENTS_SHOWN + 1])
        context = {
            **(extra_context or {}),
            "events": [(event, EVENT_BADGES[EventType(event.event_type)]) for event in events[:EVENTS_SHOWN]],
            "more_events": len(events) > EVENTS_SHOWN,
            "status_badge": self.status_badge(session) if session else "",
            "title": "Session",
        }
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="status")
    def status_badge(self, obj: Session) -> str:
        return badge(obj.get_status_display(), STATUS_BADGES[SessionStatus(obj.status)])

    @admin.display(description="slowest")
    def slowest(self, obj: Session) -> str:
        return "" if obj.slowest_ms is None else duration(obj.slowest_ms)

    @admin.display(description="error")
    def error(self, obj: Session) -> str:
        return obj.error_message[:120]


@admin.register(SessionLog)
class SessionLogAdmin(LogModelAdmin):
    """The events of all sessions."""

    list_display = ("timestamp", "device", "user", "event", "command_line", "took", "error", "session_link")
    list_filter = (
        time_range_filter("timestamp"), text_filter("device", "device"), text_filter("user", "user"),
        "event_type", SlowEventFilter, AuthenticationFilter,
    )  # fmt: skip
    search_fields = ("command", "error_message", "response")
    search_help_text = "A part of a command, an answer or an error"
    fields = readonly_fields = (
        "session_link", "timestamp", "device", "user", "event_type", "step", "command", "answer", "error_message",
        "error_kind", "exit_code", "took", "execution_status", "truncated_bytes", "withheld",
    )  # fmt: skip

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "live_source": "session"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[SessionLog]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        return (
            rows.defer("response")
            if match and match.url_name == "sessionlogs_sessionlog_changelist"
            else rows
        )

    @admin.display(description="event")
    def event(self, obj: SessionLog) -> str:
        return badge(obj.event_type, EVENT_BADGES[EventType(obj.event_type)])

    @admin.display(description="command")
    def command_line(self, obj: SessionLog) -> str:
        return obj.command[:100]

    @admin.display(description="duration")
    def took(self, obj: SessionLog) -> str:
        return "" if obj.duration_ms is None else duration(obj.duration_ms)

    @admin.display(description="error")
    def error(self, obj: SessionLog) -> str:
        return obj.error_message[:120]

    @admin.display(description="response")
    def answer(self, obj: SessionLog) -> str:
        return format_html('<pre class="response">{}</pre>', obj.response)

    @admin.display(description="session")
    def session_link(self, obj: SessionLog) -> str:
        url = reverse("admin:sessionlogs_session_change", args=[obj.session_id])
        return format_html('<a href="{}">{}</a>', url, str(obj.session_id)[:8])


@admin.register(PurgeRun)
class PurgeRunAdmin(LogModelAdmin):
    """Who removed what, and by which rules."""

    keyset = ("-started", "-id")
    list_display = ("started", "user", "status", "counts", "even_unshipped", "ended", "error")
    list_filter = (time_range_filter("started"), "status")


@admin.register(Statistics)
class StatisticsAdmin(admin.ModelAdmin):
    """One page, no list; what it shows is made by statistics.py."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see(request.user)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.changelist_view)
        return [path("", page, name="sessionlogs_statistics_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        problem = ""
        try:
            when = TimeRange.parse(request.GET.get("since"), request.GET.get("until"))
        except RangeError as error:
            problem, when = f"{error.field}: {error}", TimeRange.parse(None, None)
        context = {
            **self.admin_site.each_context(request),
            "title": "Statistics",
            "opts": self.opts,
            "problem": problem,
            "when": when,
            **statistics(when),
            "recording": [
                (counters.NAMES.get(name, name), number) for name, number in counters.read().items()
            ],
        }
        return TemplateResponse(request, "admin/sessionlogs/statistics.html", context)


def duration(milliseconds: float) -> str:
    """`0.3 ms`, `12 ms`, `3.4 s`."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
