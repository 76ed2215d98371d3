"""GET /api/v2/intake/tokens/ and /api/v2/intake/rejected/."""

import django_filters
from rest_framework.generics import ListAPIView

from logsite.api.filters import between
from logsite.intake.api.serializers import IngestTokenSerializer, RejectedInputSerializer
from logsite.intake.models import IngestToken, RejectedInput


class IngestTokenFilter(django_filters.FilterSet):
    class Meta:
        model = IngestToken
        fields = ("name", "app", "host")


class IngestTokenList(ListAPIView[IngestToken]):
    """Who may send entries, by name, when each last did, and how much of it was rejected."""

    queryset = IngestToken.objects.all()
    serializer_class = IngestTokenSerializer
    filterset_class = IngestTokenFilter
    keyset = ("name", "id")


class RejectedInputFilter(django_filters.FilterSet):
    token = django_filters.CharFilter(field_name="token_name")
    protocol = django_filters.CharFilter()
    reason = django_filters.CharFilter(lookup_expr="icontains")
    start_time, end_time = between("rejected_at")


class RejectedInputList(ListAPIView[RejectedInput]):
    """The last thousand entries and bodies that were refused, newest first, with the reasons."""

    queryset = RejectedInput.objects.all()
    serializer_class = RejectedInputSerializer
    filterset_class = RejectedInputFilter
    keyset = ("-rejected_at", "-id")
