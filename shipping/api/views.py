"""GET /api/monitoring/logs, the feed other shippers read, and /api/v2/shipping/."""

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import Max
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logsite.api.entries import filters_of
from logsite.api.filters import between
from logsite.records import CursorError, LogSource, SourceView, Window
from logsite.web.readers import reader_of
from shipping.api.serializers import (
    DestinationSerializer,
    FeedPageSerializer,
    FeedQuerySerializer,
    RejectedEntrySerializer,
    ShippingStatusSerializer,
    record_as_json,
)
from shipping.feed import Page, read_page
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from shipping.progress.refused import note_lines


class FeedView(APIView):
    """The committed records of one source, oldest commit first.

    Start without `cursor`, and go on with `next_cursor`; it stays valid, so keep the last one and ask again
    for what came since. A page of long records has fewer than `limit`: `has_more` says whether it was the last.
    Needs the permission to view the source's rows, and for `session` the one to see what
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
        view = source.view(reader_of(request, "feed"))
        if view.withheld:
            # Whoever ships a record without a field would make two different records of one row.
            raise PermissionDenied(f"you may not read {', '.join(view.withheld)} of the source {source.name}")
        page, more = self._read(view, asked)
        records, filters = [record for _, record in page], request.query_params.urlencode()
        view.note("feed", "", len(page), records, filters=filters)
        return Response(
            {
                "source": source.name,
                "results": [record_as_json(cursor, record) for cursor, record in page],
                "next_cursor": str(page[-1][0] if page else asked["cursor"]),
                "has_more": more,
            }
        )

    def _read(self, view: SourceView, asked: dict[str, Any]) -> tuple[Page, bool]:
        """The page, and whether there are more records."""
        window = Window(asked.get("start_time"), asked.get("end_time"))
        page_bytes = settings.SHIPPING_PAGE_BYTES
        try:
            return read_page(view, asked["cursor"], asked["limit"], window, page_bytes=page_bytes)
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
    """Entries a destination refused for good, newest first. Who is shown lines of them is on record."""

    queryset = RejectedEntry.objects.select_related("destination").defer("destination__token")
    serializer_class = RejectedEntrySerializer
    filterset_class = RejectedFilter
    keyset = ("-timestamp", "-id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer = super().list(request, *args, **kwargs)
        shown = [entry["source"] for entry in answer.data["results"] if entry["line"]]
        note_lines(reader_of(request), shown, filters_of(request))
        return answer
