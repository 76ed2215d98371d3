"""/api/v2/logs/export: entries as a file."""

import logging
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from console.asking import NAMES, OLD_NAMES, SEVERAL, asked
from console.export.formats import NAMES as FORMATS
from console.export.formats import form_of
from console.export.running import Export, ExportFailed
from logsite.web.answers import ParameterError
from logsite.web.readers import reader_of

log = logging.getLogger(__name__)


class ExportSerializer(serializers.Serializer[Any]):
    """What is exported; the keys mean what the parameters of the list of entries mean."""

    format = serializers.ChoiceField(choices=FORMATS)
    csv_plain = serializers.BooleanField(
        required=False,
        help_text="Leave out the apostrophe in front of what a spreadsheet takes for a formula.",
    )
    query = serializers.CharField(required=False)
    level = serializers.ListField(child=serializers.CharField(), required=False, help_text="Or one text.")
    app = serializers.ListField(child=serializers.CharField(), required=False, help_text="Or one text.")
    category = serializers.ListField(child=serializers.CharField(), required=False, help_text="Or one text.")
    start_time = serializers.DateTimeField(required=False)
    end_time = serializers.DateTimeField(required=False)
    range = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """`source` is a name of the REST framework's own."""
        source = serializers.ListField(
            child=serializers.CharField(), required=False, help_text="Or one text."
        )
        return super().get_fields() | {"source": source}


class ExportView(APIView):
    """Entries as one file of any size, oldest first. A file that was cut lacks its end: JSON its bracket, csv and txt
    the line that counts."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        request=ExportSerializer,
        responses={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        try:
            export = export_of(request)
        except ParameterError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        pieces = opened(export)
        plain = request._request
        content: Any = in_thread(pieces) if isinstance(plain, ASGIRequest) else map(str.encode, pieces)
        answer = StreamingHttpResponse(content, content_type=export.form.content_type)
        name = f"logs_{timezone.now():%Y%m%d_%H%M%S}.{export.name}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Cache-Control"] = "no-store"
        answer["X-Accel-Buffering"] = "no"
        return answer


def export_of(request: Request) -> Export:
    """The export that the body asks for. Raises ParameterError, QueryError, PermissionMissing."""
    body = request.data
    if not isinstance(body, dict):
        raise ParameterError("body", "expected an object with the key format")
    if unknown := sorted(set(body) - NAMES - {"format", "csv_plain"}):
        known = ", ".join(sorted({"format", "csv_plain", *NAMES} - set(OLD_NAMES)))
        raise ParameterError(unknown[0], f"unknown key; known keys: {known}")
    name, plain = body.get("format"), body.get("csv_plain", False)
    if name not in FORMATS:
        raise ParameterError("format", f"expected {', '.join(FORMATS)}")
    if not isinstance(plain, bool):
        raise ParameterError("csv_plain", "expected true or false")
    given = {key: _texts(key, body[key]) for key in NAMES & set(body) if body[key] is not None}
    return Export(asked(given, reader_of(request, "export")), form_of(name, csv_plain=plain), name)


def _texts(key: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) and key in SEVERAL else [value]
    if not all(isinstance(each, str) for each in values):
        raise ParameterError(key, "expected a text" + (" or a list of texts" if key in SEVERAL else ""))
    return values


def opened(export: Export) -> Generator[str, None, None]:
    """The pieces of `export`, of which the first is there: what refuses the export is an answer, no broken file.

    Raises ExportFailed and TooSlow at once.
    """
    pieces = export.pieces()
    first = next(pieces)
    return _after(first, pieces, export)


def _after(first: str, pieces: Iterator[str], export: Export) -> Generator[str, None, None]:
    try:
        yield first
        yield from pieces
    except ExportFailed as error:
        log.warning("export: ends after %s entries: %s", export.number, error)
        raise  # the server breaks the connection off: the reader sees that the file is not whole


async def in_thread(pieces: Generator[str, None, None]) -> AsyncIterator[bytes]:
    """`pieces`, each made in the request's own thread. Where the client goes away, no further one is made."""

    def following() -> str | None:
        return next(pieces, None)

    try:
        while (piece := await sync_to_async(following)()) is not None:
            yield piece.encode()
    finally:
        await sync_to_async(pieces.close)()
