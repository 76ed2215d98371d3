"""/api/v2/sessions/statistics/."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logsite.api.entries import filters_of
from logsite.api.filters import refuse_unknown
from logsite.api.permissions import holding
from logsite.housekeeping import counters
from logsite.records import get_source
from logsite.web.answers import ParameterError
from logsite.web.readers import reader_of
from sessionlogs.statistics import PERMISSIONS, TimeRange, statistics

PARAMETERS = ("start_time", "end_time")


class SlowCommandSerializer(serializers.Serializer[Any]):
    device = serializers.CharField()
    command = serializers.CharField()
    count = serializers.IntegerField()
    p95_ms = serializers.FloatField()
    max_ms = serializers.FloatField()


class FailingDeviceSerializer(serializers.Serializer[Any]):
    device = serializers.CharField()
    failures = serializers.IntegerField()
    last_failure = serializers.DateTimeField()
    since = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    error_kind = serializers.CharField()


class RefusedLoginSerializer(serializers.Serializer[Any]):
    user = serializers.CharField()
    device = serializers.CharField()
    count = serializers.IntegerField()
    last = serializers.DateTimeField()


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    success = serializers.IntegerField()
    failed = serializers.IntegerField()
    running = serializers.IntegerField()


class StatisticsSerializer(serializers.Serializer[Any]):
    """Figures of a time range; `recording` counts over all time what could not be kept as it was."""

    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    slowest_commands = SlowCommandSerializer(many=True)
    failing_devices = FailingDeviceSerializer(many=True)
    refused_logins = RefusedLoginSerializer(many=True)
    sessions_by_day = DaySerializer(many=True)
    recording = serializers.DictField(child=serializers.IntegerField())


class StatisticsView(APIView):
    """Slowest commands, failing devices, refused logins, sessions a day; of the last seven days unless told."""

    permission_classes = (holding(*PERMISSIONS),)

    @extend_schema(
        parameters=[OpenApiParameter(name, type=str, description="ISO 8601") for name in PARAMETERS],
        responses=StatisticsSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, PARAMETERS)
        try:
            when = TimeRange.parse(*(request.query_params.get(name) for name in PARAMETERS))
        except ParameterError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        view = get_source("session").view(reader_of(request))
        tables = {name: [asdict(row) for row in rows] for name, rows in statistics(when, view.rows()).items()}
        view.note("statistics", "", sum(map(len, tables.values())), filters=filters_of(request))
        found = {"start_time": when.start, "end_time": when.end, **tables, "recording": counters.read()}
        return Response(StatisticsSerializer(found).data)
