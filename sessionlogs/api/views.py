"""/api/v2/sessions/ and /api/v2/session-logs/."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from logsite.api.entries import EntryViewSet, filters_of, query_of, refuse_filters
from logsite.api.filters import OldText, QueryFilter, between
from logsite.records import get_source
from logsite.web.readers import reader_of
from sessionlogs import fulltext
from sessionlogs.api.serializers import SessionDetailSerializer, SessionLogSerializer, SessionSerializer
from sessionlogs.audit import Via, What, may_see, note, note_sessions
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus


class SessionFilter(django_filters.FilterSet):
    device = django_filters.CharFilter()
    user = django_filters.CharFilter()
    platform = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=SessionStatus)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    start_time, end_time = between("started_at")
    slow_ms = django_filters.NumberFilter(field_name="slowest_ms", lookup_expr="gte", min_value=0)


class SessionViewSet(viewsets.ReadOnlyModelViewSet[Session]):
    """Sessions, newest first. `slow_ms` keeps those with a command that took at least so many milliseconds."""

    queryset = Session.objects.all()
    filterset_class = SessionFilter
    keyset = ("-started_at", "-session_id")
    lookup_value_converter = "uuid"

    def get_serializer_class(self) -> type[SessionSerializer]:
        return SessionSerializer if self.action == "list" else SessionDetailSerializer

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().list(request, *args, **kwargs)
        note_sessions(reader_of(request), len(answer.data["results"]), filters_of(request))
        return answer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_filters(request, self.filterset_class)
        answer = super().retrieve(request, *args, **kwargs)
        events = answer.data["events"]
        if count := answers(events):
            key = UUID(answer.data["session_id"])
            note(request, What.SESSION, count, via=Via.API, session_id=key)
        else:
            view = get_source("session").view(reader_of(request))
            view.note("session", "", len(events), filters=f"session_id={answer.data['session_id']}")
        return answer


class SessionLogFilter(django_filters.FilterSet):
    query = QueryFilter()
    session_id = django_filters.UUIDFilter(field_name="session_id")
    device = django_filters.CharFilter()
    user = django_filters.CharFilter()
    event_type = django_filters.MultipleChoiceFilter(choices=EventType)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    command = django_filters.CharFilter(lookup_expr="icontains")
    start_time, end_time = between("timestamp")
    slow_ms = django_filters.NumberFilter(field_name="duration_ms", lookup_expr="gte", min_value=0)
    # The last: it looks among what the others leave.
    search = OldText(
        method="_search",
        label="Use `query`. Parts of words in commands, errors and, with the permission "
        "sessionlogs.view_responses, responses.",
    )

    def _search(self, rows: QuerySet[SessionLog], name: str, text: str) -> QuerySet[SessionLog]:
        visible = self.request is not None and may_see(self.request.user)
        return fulltext.search(rows, text, fulltext.EVERYTHING if visible else fulltext.COMMANDS)


def answers(events: Sequence[dict[str, Any]]) -> int:
    """How many of `events`, as they are answered, hold what a device answered."""
    return sum(event["step"] is not None and bool(event["response"] or _stderr(event)) for event in events)


def _stderr(event: dict[str, Any]) -> str:
    return "" if event["exit_code"] is None else event["error_message"]


class SessionLogViewSet(EntryViewSet):
    """Events, newest first. What devices answered is left out without `sessionlogs.view_responses`; who sees
    it is on record."""

    source = "session"
    queryset = SessionLog.objects.none()
    serializer_class = SessionLogSerializer
    filterset_class = SessionLogFilter
    keyset = ("-timestamp", "-id")

    def get_queryset(self) -> QuerySet[SessionLog]:
        return super().get_queryset().select_related(None)

    def note_list(self, entries: Sequence[dict[str, Any]]) -> None:
        """Of responses that are shown or searched the response view says so; it takes the list's place."""
        parameters, count = self.request.query_params, answers(entries)
        searched = may_see(self.request.user) and any(parameters.get(name) for name in ("query", "search"))
        if not count and not searched:
            super().note_list(entries)
            return
        what = What.SEARCH if searched else What.LIST
        note(self.request, what, count, via=Via.API, query=self._asked())

    def _asked(self) -> str:
        """The parameters for the record. What was searched for is at the beginning, and so is never cut."""
        query, filters = query_of(self.request), filters_of(self.request)
        others = sorted(filters.split("&"), key=lambda parameter: not parameter.startswith("search="))
        return "&".join(filter(None, [query and f"query={query}", *others]))

    def note_entry(self, entry: dict[str, Any] | None) -> None:
        if entry is None or not answers([entry]):
            super().note_entry(entry)
            return
        key = UUID(entry["session_id"])
        note(self.request, What.EVENT, 1, via=Via.API, session_id=key, event_id=entry["id"])
