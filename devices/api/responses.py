"""/api/v2/device-responses/."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response as HttpResponse

from devices.api.serializers import ResponseDetailSerializer, ResponseSerializer
from devices.collecting.stored_responses import note_stored
from devices.models import Response
from logsite.api.filters import TrueOrFalse, between
from sessionlogs.audit import Via


class ResponseFilter(django_filters.FilterSet):
    device = django_filters.CharFilter(field_name="device__name")
    command = django_filters.CharFilter(lookup_expr="icontains")
    template = django_filters.CharFilter(lookup_expr="icontains")
    failed = TrueOrFalse(
        field_name="error",
        method="_failed",
        label="true: responses that could not be parsed; false: responses that were parsed.",
    )
    session_id = django_filters.UUIDFilter()
    start_time, end_time = between("collected_at")

    def _failed(self, rows: QuerySet[Response], name: str, failed: bool) -> QuerySet[Response]:
        return rows.exclude(error="") if failed else rows.filter(error="")


class ResponseViewSet(viewsets.ReadOnlyModelViewSet[Response]):
    """What devices answered to the commands of their last collections, newest first. One answer has its text in
    `raw`, lists leave it out. Without `sessionlogs.view_responses` it is left out there too; who sees it is on
    record."""

    queryset = Response.objects.select_related("device").defer("raw")
    filterset_class = ResponseFilter
    keyset = ("-collected_at", "-id")

    def get_serializer_class(self) -> type[ResponseSerializer]:
        return ResponseSerializer if self.action == "list" else ResponseDetailSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        stored = self.get_object()
        answer = self.get_serializer(stored).data
        if answer["raw"]:
            note_stored(request, stored, via=Via.API)
        return HttpResponse(answer)
