"""/api/v2/prodlogs/error-summary/ and /health/."""

import re
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logsite.api.entries import filters_of, query_of
from logsite.api.filters import refuse_unknown
from logsite.api.permissions import holding
from logsite.records import to_nanoseconds
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.tables.nanoseconds import rfc3339
from prodlogs.api.serializers import HealthSerializer, SummarySerializer
from prodlogs.entries.listing import LONGEST, entries_seen
from prodlogs.entries.summary import error_summary
from prodlogs.health.asked import worst
from prodlogs.health.states import asked_health, stored_states
from prodlogs.models import DockerHost

SUMMARY_SECONDS = 10.0  # that reading the errors may take
HOURS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?", re.ASCII)
HOST = OpenApiParameter("host", type=str, description="The name of one host; default: all enabled hosts.")


class ErrorSummaryView(APIView):
    """Errors of the last hours by container, the container with the most of them first."""

    permission_classes = (holding("prodlogs.view_containerlogentry"),)  # it shows messages

    @extend_schema(
        parameters=[
            OpenApiParameter("hours", type=float, default=1, description=f"Above 0, up to {LONGEST}."),
            HOST,
            OpenApiParameter("query", type=str, description="As for the list of entries."),
        ],
        responses=SummarySerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"hours", "host", "query"})
        text = request.query_params.get("hours", "1")
        if not HOURS.fullmatch(text) or not 0 < float(text) <= LONGEST:
            raise ValidationError({"hours": [f"a number above 0 and up to {LONGEST}, such as 24 or 0.5"]})
        view = entries_seen()
        query = query_of(request)
        condition = view.condition(query)
        hosts, filters = _hosts(request), filters_of(request)
        try:
            with reading_within(SUMMARY_SECONDS, view.using):
                summary = error_summary(float(text), hosts, query=condition)
        except TooSlow:
            view.note("error summary", query, 0, filters=filters)
            raise
        view.note("error summary", query, summary["total_error_entries"], filters=filters)
        return Response(SummarySerializer(summary).data)


class HealthView(APIView):
    """How hosts and containers are, as they last said; with `live=true` they are asked now."""

    permission_classes = (holding("prodlogs.view_dockerhost", "prodlogs.view_container"),)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "live", type=bool, default=False, description="Needs the permission prodlogs.collect_logs."
            ),
            HOST,
        ],
        responses=HealthSerializer,
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"live", "host"})
        live = request.query_params.get("live", "false")
        if live not in ("true", "false"):
            raise ValidationError({"live": ["true or false"]})
        hosts = _hosts(request)
        if live == "true":
            if not request.user.has_perm("prodlogs.collect_logs"):
                raise PermissionDenied(
                    "live=true logs in to the hosts: it needs the permission prodlogs.collect_logs"
                )
            if off := [host.name for host in hosts if not host.enabled]:
                raise ValidationError({"host": [f"{off[0]} is not enabled: LogSite does not connect to it"]})
            found = asked_health(hosts, user=request.user.get_username(), via="api")
        else:
            found = stored_states(hosts)
        now = rfc3339(to_nanoseconds(timezone.now()))
        return Response(HealthSerializer({"timestamp": now, "status": worst(found), "hosts": found}).data)


def _hosts(request: Request) -> list[DockerHost]:
    """The enabled hosts, or the one asked for, enabled or not."""
    name: Any = request.query_params.get("host")
    if name is None:
        return list(DockerHost.objects.filter(enabled=True))
    if "\0" in name or not (found := list(DockerHost.objects.filter(name=name))):
        raise ValidationError({"host": ["no such Docker host"]})
    return found
