"""GET /metrics. Apart from metrics_text.py, which every process imports: DRF would cost each command 20 MB."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from logsite.api.metrics_text import exposition

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsView(APIView):
    """What the caller may see of all rooms; Prometheus logs in with a token."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        text = exposition(request.user.has_perm)
        if text is None:
            raise PermissionDenied
        return HttpResponse(text, content_type=CONTENT_TYPE)
