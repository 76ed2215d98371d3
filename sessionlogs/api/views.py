"""/api/v2/sessions/ and /api/v2/session-logs/."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from logsite.api.filters import between
from sessionlogs import fulltext
from sessionlogs.api.serializers import SessionDetailSerializer, SessionLogSerializer, SessionSerializer
from sessionlogs.audit import Via, What, may_see, note
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

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().retrieve(request, *args, **kwargs)
        key = UUID(answer.data["session_id"])
        note(request, What.SESSION, answers(answer.data["events"]), via=Via.API, session_id=key)
        return answer


class SessionLogFilter(django_filters.FilterSet):
    session_id = django_filters.UUIDFilter(field_name="session_id")
    device = django_filters.CharFilter()
    user = django_filters.CharFilter()
    event_type = django_filters.MultipleChoiceFilter(choices=EventType)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    command = django_filters.CharFilter(lookup_expr="icontains")
    start_time, end_time = between("timestamp")
    slow_ms = django_filters.NumberFilter(field_name="duration_ms", lookup_expr="gte", min_value=0)
    # The last: it looks among what the others leave.
    search = django_filters.CharFilter(
        method="_search",
        label="Parts of words in commands, errors and, with the permission sessionlogs.view_responses, responses.",
    )

    def _search(self, rows: QuerySet[SessionLog], name: str, text: str) -> QuerySet[SessionLog]:
        visible = self.request is not None and may_see(self.request.user)
        return fulltext.search(rows, text, fulltext.EVERYTHING if visible else fulltext.COMMANDS)


def answers(events: list[dict[str, Any]]) -> int:
    """How many of `events`, as they are answered, hold what a device answered."""
    return sum(event["step"] is not None and bool(event["response"]) for event in events)


class SessionLogViewSet(viewsets.ReadOnlyModelViewSet[SessionLog]):
    """Events, newest first. What devices answered is left out without `sessionlogs.view_responses`; who sees
    it is on record."""

    queryset = SessionLog.objects.all()
    serializer_class = SessionLogSerializer
    filterset_class = SessionLogFilter
    keyset = ("-timestamp", "-id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().list(request, *args, **kwargs)
        searched = bool(request.query_params.get("search")) and may_see(request.user)
        what = What.SEARCH if searched else What.LIST
        count = answers(answer.data["results"])
        note(request, what, count, via=Via.API, query=request.query_params.urlencode())
        return answer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().retrieve(request, *args, **kwargs)
        event = answer.data
        key = UUID(event["session_id"])
        note(request, What.EVENT, answers([event]), via=Via.API, session_id=key, event_id=event["id"])
        return answer
