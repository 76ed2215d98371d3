"""GET /api/v2/audit/."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import django_filters

from logsite.api.entries import EntryListViewSet
from logsite.api.filters import QueryFilter, between
from logsite.audit.api.serializers import AuditEntrySerializer
from logsite.audit.event_types import EventType, Severity
from logsite.audit.models import AuditEntry
from logsite.audit.reader import VIAS
from logsite.audit.recording import record
from logsite.audit.sources import AuditRows
from logsite.records import SourceView
from logsite.web.readers import reader_of


class AuditEntryFilter(django_filters.FilterSet):
    query = QueryFilter()
    event_type = django_filters.MultipleChoiceFilter(choices=EventType)
    severity = django_filters.MultipleChoiceFilter(choices=Severity)
    user = django_filters.CharFilter()
    via = django_filters.ChoiceFilter(choices=[(name, name) for name in VIAS])
    what = django_filters.CharFilter()
    target = django_filters.CharFilter(lookup_expr="icontains")
    start_time, end_time = between("timestamp")


class AuditEntryList(EntryListViewSet):
    """Who did what, who saw what, who was denied what; newest first. Reading it is itself on record.

    Needs the permission `audit.view_auditentry`, which is for auditors only: entries show what others searched for.
    """

    queryset = AuditEntry.objects.none()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditEntryFilter
    keyset = ("-timestamp", "-id")

    @cached_property
    def seen(self) -> SourceView:
        return SourceView(AuditRows(), reader_of(self.request))

    def note_list(self, entries: Sequence[dict[str, Any]]) -> None:
        details = {"query": self.request.query_params.urlencode()}
        reader, count = reader_of(self.request), len(entries)
        record(EventType.SENSITIVE_READ, Severity.INFO, reader, details, what="audit", count=count)
