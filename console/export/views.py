"""POST /api/v2/logs/export."""

from collections.abc import Callable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from console.api.schema import LogEntrySerializer
from console.export.options import OptionErrors, read_options
from console.export.pages import Incomplete
from console.export.responses import streamed
from console.export.running import Export
from console.export.serializers import ExportSerializer
from logsite.api.filters import refuse_unknown
from logsite.logins.sessions import user_of_session
from logsite.records import sources
from logsite.web.bodies import JSONParser
from logsite.web.readers import reader_of


class SeesASource(BasePermission):
    """For users who may see one source at least."""

    def has_permission(self, request: Request, view: Any) -> bool:
        reader = reader_of(request, "export")
        return any(reader.holds(source.permission) for source in sources().values())


class NotAvailable(APIException):
    """A source does not answer; nothing was exported."""

    status_code = 503


class LogExport(APIView):
    """All entries that a selection finds, oldest first, as one file: JSON, CSV or text.

    The file is as large as it needs to be. Where the export fails on the way, the connection is broken off, and the
    file has no end: no `]`, no line that counts.
    """

    permission_classes = [IsAuthenticated, SeesASource]
    parser_classes = [JSONParser]

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """`format` says what is wanted; errors are JSON whatever `Accept` says."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="logs_export",
        request=ExportSerializer,
        responses={
            (200, "application/json"): LogEntrySerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "text/plain"): OpenApiTypes.STR,
        },
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        refuse_unknown(request, ())
        now = timezone.now()
        try:
            options = read_options(request.data, now)
            export = Export(reader_of(request, "export"), options, is_logged_in=_login_of(request))
        except OptionErrors as error:
            raise ValidationError({name: [why] for name, why in error.fields.items()}) from None
        blocks = export.blocks()
        try:
            first = next(blocks)  # the first entries are on record, and a source that fails now is a 503
        except Incomplete as error:
            raise NotAvailable({"detail": f"{error}; narrow the time range, or try again"}) from None
        name = f"logs_{now:%Y%m%d_%H%M%S}.{options.format}"
        response = streamed(request._request, first, blocks, content_type=export.content_type)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response


def _login_of(request: Request) -> Callable[[], bool] | None:
    """Asks the database whether the token or session of `request` is still there."""
    if isinstance(request.auth, AuthToken):
        token = request.auth.pk
        return lambda: AuthToken.objects.filter(pk=token).exists()
    if isinstance(request.successful_authenticator, SessionAuthentication):
        key, user = request._request.session.session_key, request.user.pk
        return lambda: bool(user_of_session(key).pk == user)
    return None
