"""Sessions as timelines, and the events of all of them; read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from logsite.admin import (
    LogModelAdmin,
    OnePage,
    SourceModelAdmin,
    badge,
    beginning,
    choice_badge,
    choice_filter,
    column,
    filters_of,
    link,
    text_filter,
    time_range_filter,
)
from logsite.admin.source_list import SourceChangeList
from logsite.housekeeping import counters
from logsite.records.query.parse import MAX_CHARACTERS
from logsite.text.cutting import shortened
from logsite.text.durations import duration
from logsite.web.answers import ParameterError
from logsite.web.readers import reader_of
from sessionlogs import fulltext
from sessionlogs.admin import session_page
from sessionlogs.audit import WITHHELD, What, may_see, note, note_sessions
from sessionlogs.models import (
    FAILURES,
    ErrorKind,
    EventType,
    ResponseView,
    Session,
    SessionLog,
    SessionStatus,
    Statistics,
)
from sessionlogs.statistics import PERMISSIONS, TimeRange, statistics

STATUS_BADGES = {SessionStatus.SUCCESS: "ok", SessionStatus.FAILED: "bad", SessionStatus.RUNNING: "busy"}
EVENT_BADGES = {
    **dict.fromkeys(EventType, "plain"),
    **dict.fromkeys(FAILURES, "bad"),
    EventType.CONNECTION_SUCCESS: "ok",
    EventType.COMMAND_RESPONSE: "ok",
    EventType.INTERFACE_COLLECTION_SUCCESS: "ok",
}


def slow_filter(milliseconds: str, **also: Any) -> type[admin.SimpleListFilter]:
    """Commands that took long, by the column of their `milliseconds`."""
    choices = {
        f"{seconds}000": (f"{seconds} s and more", Q(**{f"{milliseconds}__gte": seconds * 1000}, **also))
        for seconds in (1, 5, 30)
    }
    return choice_filter("slow", "slow commands", choices)


AuthenticationFilter = choice_filter(
    "refused",
    "authentication failures",
    {"1": ("Only these", Q(error_kind=ErrorKind.AUTHENTICATION))},
)


@admin.register(Session)
class SessionAdmin(LogModelAdmin):
    """Newest first; a session's page is its timeline."""

    keyset = ("-started_at", "-session_id")
    list_display = (
        "started_at",
        "device",
        "user",
        "platform",
        "status_badge",
        "commands",
        "failures",
        "slowest",
        "error",
    )
    list_display_links = ("started_at", "device")
    list_filter = (
        time_range_filter("started_at"),
        text_filter("device", "device"),
        text_filter("user", "user"),
        "status",
        slow_filter("slowest_ms"),
        AuthenticationFilter,
    )
    search_fields = ("device", "host", "user", "=session_id")
    search_help_text = "Device, host, user, or a session's id"
    change_form_template = "admin/sessionlogs/session/timeline.html"
    live_source = "session"
    status_badge = choice_badge("status", "status", STATUS_BADGES)
    slowest = column("slowest", "slowest_ms", duration)
    error = beginning("error", "error_message", 120)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        found = (getattr(answer, "context_data", None) or {}).get("cl")
        if found is not None and answer.status_code == 200:
            note_sessions(reader_of(request), len(found.result_list), filters_of(request))
        return answer

    def page_context(self, request: HttpRequest, obj: Session) -> dict[str, Any]:
        return {"title": "Session", **session_page.session_context(request, obj)}

    def get_urls(self) -> list[URLPattern]:
        news = self.admin_site.admin_view(session_page.session_news)
        return [
            path("<uuid:session_id>/events/", news, name="sessionlogs_session_events"),
            *super().get_urls(),
        ]


@admin.register(SessionLog)
class SessionLogAdmin(SourceModelAdmin):
    """The events of all sessions."""

    list_display = ("timestamp", "device", "user", "event", "command_line", "took", "error", "session_link")
    list_filter = (
        time_range_filter("timestamp"),
        text_filter("device", "device"),
        text_filter("user", "user"),
        "event_type",
        slow_filter("duration_ms", step__isnull=False),
        AuthenticationFilter,
    )
    search_fields = fulltext.EVERYTHING
    fields = readonly_fields = (
        "session_link",
        "timestamp",
        "device",
        "user",
        "event_type",
        "step",
        "command",
        "answer",
        "error_message",
        "error_kind",
        "exit_code",
        "took",
        "execution_status",
        "truncated_bytes",
        "withheld",
    )
    live_source = "session"
    event = column("event", "event_type", lambda event_type: badge(event_type, EVENT_BADGES[event_type]))
    command_line = beginning("command", "command", 100)
    took = column("duration", "duration_ms", duration)
    session_link = column("session", "session_id", session_page.session_link)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:event_id>/diff/", view(session_page.diff), name="sessionlogs_sessionlog_diff"),
            path(
                "<int:event_id>/response/",
                view(session_page.response),
                name="sessionlogs_sessionlog_response",
            ),
            *super().get_urls(),
        ]

    def note_list(self, request: HttpRequest, found: SourceChangeList) -> None:
        """A search for a part of a text looks into responses; its row among the response views says so."""
        if not (found.query and may_see(request.user)):
            super().note_list(request, found)
            return
        words = shortened(found.query, MAX_CHARACTERS)
        words += f" query={found.query_text}" if found.query_text else ""
        note(request, What.SEARCH, len(found.result_list), query=words)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[SessionLog], search_term: str
    ) -> tuple[QuerySet[SessionLog], bool]:
        columns = fulltext.EVERYTHING if may_see(request.user) else fulltext.COMMANDS
        return fulltext.search(queryset, search_term, columns), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        seen = (
            "a command, a response or an error"
            if may_see(request.user)
            else f"a command or an error; responses are {WITHHELD}"
        )
        found.search_help_text = f"A part of {seen}"
        return found

    def get_entries(self, request: HttpRequest, query: str = "") -> QuerySet[SessionLog]:
        """Lists do not show responses, and a page that does fetches it when it knows that it may."""
        return super().get_entries(request, query).select_related(None).defer("response")

    def page_context(self, request: HttpRequest, obj: SessionLog) -> dict[str, Any]:
        if may_see(request.user) and obj.is_step and (obj.response or obj.has_stderr):
            note(request, What.EVENT, 1, session_id=obj.session_id, event_id=obj.pk)
        else:
            session_page.note_read(request, "entry", 1, f"id={obj.pk}")
        return {}

    def get_fields(self, request: HttpRequest, obj: SessionLog | None = None) -> tuple[str, ...]:
        if obj is None or not obj.is_step or may_see(request.user):
            return self.fields
        instead = {"answer": "left_out"} | ({"error_message": "stderr_left_out"} if obj.has_stderr else {})
        return tuple(instead.get(name, name) for name in self.fields)

    def get_readonly_fields(self, request: HttpRequest, obj: SessionLog | None = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    @admin.display(description="response")
    def answer(self, obj: SessionLog) -> str:
        return format_html('{}<pre class="response">{}</pre>', self._links(obj), obj.response)

    @admin.display(description="response")
    def left_out(self, obj: SessionLog) -> str:
        return f"The response is {WITHHELD}." if obj.response else ""

    @admin.display(description="error message")
    def stderr_left_out(self, obj: SessionLog) -> str:
        return f"The standard error is {WITHHELD}."

    @admin.display(description="error")
    def error(self, obj: SessionLog) -> str:
        """A host's standard error is an answer, and stands on the event's page alone."""
        if not obj.has_stderr:
            return obj.error_message[:120]
        return f"exit code {obj.exit_code}" if obj.failed else ""

    def _links(self, obj: SessionLog) -> SafeString:
        if not (obj.is_step and obj.response):
            return SafeString("")
        raw = link("Raw", "sessionlogs_sessionlog_response", obj.pk)
        compared = link("Compare with the previous run", "sessionlogs_sessionlog_diff", obj.pk)
        return format_html("{} · {}", raw, compared)


@admin.register(Statistics)
class StatisticsAdmin(OnePage):
    """One page, no list; what it shows is made by statistics.py."""

    permissions = PERMISSIONS

    def show(self, request: HttpRequest) -> HttpResponse:
        problem = ""
        try:
            when = TimeRange.parse(request.GET.get("since"), request.GET.get("until"))
        except ParameterError as error:
            problem, when = f"{error.field}: {error}", TimeRange.parse(None, None)
        view = session_page.session_view(request)
        tables = statistics(when, view.rows())
        view.note("statistics", "", sum(map(len, tables.values())), filters=filters_of(request))
        context = {
            "problem": problem,
            "when": when,
            **tables,
            "recording": [
                (counters.NAMES.get(name, name), number) for name, number in counters.read().items()
            ],
        }
        return self.page(request, "admin/sessionlogs/statistics.html", "Statistics", context)


@admin.register(ResponseView)
class ResponseViewAdmin(LogModelAdmin):
    """Who saw what devices answered; nobody changes it."""

    keyset = ("-viewed_at", "-id")
    list_display = ("viewed_at", "user", "via", "what", "count", "subject", "asked", "address")
    list_filter = (time_range_filter("viewed_at"), text_filter("user", "user"), "via", "what")
    search_fields = ("user", "query", "=session_id", "=event_id", "=stored_id")
    search_help_text = "User, search, or the id of a session, an event or a stored response"
    asked = beginning("query", "query", 1000)

    @admin.display(description="of")
    def subject(self, obj: ResponseView) -> str:
        if obj.event_id:
            return link(f"event {obj.event_id}", "sessionlogs_sessionlog_change", obj.event_id)
        if obj.stored_id:  # devices' own; this app knows no page of it
            return f"stored response {obj.stored_id}"
        return session_page.session_link(obj.session_id)
