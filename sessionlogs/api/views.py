"""/api/v2/sessions/ and /api/v2/session-logs/."""

import django_filters
from rest_framework import viewsets

from sessionlogs.api.serializers import SessionDetailSerializer, SessionLogSerializer, SessionSerializer
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus


class SessionFilter(django_filters.FilterSet):
    device = django_filters.CharFilter()
    user = django_filters.CharFilter()
    platform = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=SessionStatus)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    start_time = django_filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="gte")
    end_time = django_filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lt")
    slow_ms = django_filters.NumberFilter(field_name="slowest_ms", lookup_expr="gte", min_value=0)


class SessionViewSet(viewsets.ReadOnlyModelViewSet[Session]):
    """Sessions, newest first. `slow_ms` keeps those with a command that took at least so many milliseconds."""

    queryset = Session.objects.all()
    filterset_class = SessionFilter
    keyset = ("-started_at", "-session_id")
    lookup_value_converter = "uuid"

    def get_serializer_class(self) -> type[SessionSerializer]:
        return SessionSerializer if self.action == "list" else SessionDetailSerializer


class SessionLogFilter(django_filters.FilterSet):
    session_id = django_filters.UUIDFilter(field_name="session_id")
    device = django_filters.CharFilter()
    user = django_filters.CharFilter()
    event_type = django_filters.MultipleChoiceFilter(choices=EventType)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    command = django_filters.CharFilter(lookup_expr="icontains")
    start_time = django_filters.IsoDateTimeFilter(field_name="timestamp", lookup_expr="gte")
    end_time = django_filters.IsoDateTimeFilter(field_name="timestamp", lookup_expr="lt")
    slow_ms = django_filters.NumberFilter(field_name="duration_ms", lookup_expr="gte", min_value=0)


class SessionLogViewSet(viewsets.ReadOnlyModelViewSet[SessionLog]):
    """Events, newest first."""

    queryset = SessionLog.objects.all()
    serializer_class = SessionLogSerializer
    filterset_class = SessionLogFilter
    keyset = ("-timestamp", "-id")
