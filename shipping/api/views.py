"""GET /api/monitoring/logs, the feed other shippers read, and /api/v2/shipping/."""

from typing import Any

import django_filters
from django.db.models import Max
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logsite.api.filters import between
from logsite.records import Cursor, CursorError, LogRecord, LogSource
from shipping.api.serializers import (
    DestinationSerializer,
    FeedPageSerializer,
    FeedQuerySerializer,
    RejectedEntrySerializer,
    ShippingStatusSerializer,
    record_as_json,
)
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun


class FeedView(APIView):
    """The committed records of one source, oldest commit first.

    Start without `cursor`, and go on with `next_cursor`; it stays valid, so keep the last one and ask again
    for what came since. Needs the permission to view the source's rows, and for `session` the one to see what
    devices answered (`sessionlogs.view_responses`).
    """

    permission_classes = [IsAuthenticated]  # and the source's own permission, below

    @extend_schema(
        operation_id="monitoring_logs", parameters=[FeedQuerySerializer], responses=FeedPageSerializer
    )
    def get(self, request: Request) -> Response:
        query = FeedQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        source: LogSource = asked["source"]
        if not source.may_read(request.user):
            raise PermissionDenied(f"you may not read the source {source.name}")
        found = self._read(source, asked)
        page = found[: asked["limit"]]
        source.handed_out(request, [record for _, record in page])
        return Response(
            {
                "source": source.name,
                "results": [record_as_json(cursor, record) for cursor, record in page],
                "next_cursor": str(page[-1][0] if page else asked["cursor"]),
                "has_more": len(found) > len(page),
            }
        )

    def _read(self, source: LogSource, asked: dict[str, Any]) -> list[tuple[Cursor, LogRecord]]:
        """The page, and one record more where there is one."""
        try:
            return source.committed_after(
                asked["cursor"], asked["limit"] + 1, since=asked.get("since"), until=asked.get("until")
            )
        except CursorError as error:
            raise ValidationError({"cursor": [str(error)]}) from None


class DestinationList(ListAPIView[Destination]):
    """Where entries are shipped to."""

    queryset = Destination.objects.defer("token")
    serializer_class = DestinationSerializer
    keyset = ("name",)


class StatusList(ListAPIView[ShippingCursor]):
    """How far each source has got at each destination, what waits, and how the last run ended."""

    queryset = ShippingCursor.objects.select_related("destination").defer("destination__token")
    serializer_class = ShippingStatusSerializer
    keyset = ("id",)

    def get_serializer_context(self) -> dict[str, Any]:
        of_each = ShippingRun.objects.order_by().values("destination_id", "source").annotate(newest=Max("id"))
        runs = ShippingRun.objects.filter(id__in=of_each.values("newest")) if self.request else ()
        last_runs = {(run.destination_id, run.source): run for run in runs}
        return {**super().get_serializer_context(), "last_runs": last_runs}


class RejectedFilter(django_filters.FilterSet):
    """`destination` is the name; times are the entries' own."""

    destination = django_filters.CharFilter(field_name="destination__name")
    source = django_filters.CharFilter()
    reason = django_filters.CharFilter(lookup_expr="icontains")
    start_time, end_time = between("timestamp")


class RejectedList(ListAPIView[RejectedEntry]):
    """Entries a destination refused for good, newest first."""

    queryset = RejectedEntry.objects.select_related("destination").defer("destination__token")
    serializer_class = RejectedEntrySerializer
    filterset_class = RejectedFilter
    keyset = ("-timestamp", "-id")
