"""`POST /api/v2/logs/ingest` in the OpenAPI schema, which by itself finds the views of the REST framework alone."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from applogs.ingest.bodies import FORM
from logsite.intake.bodies import KINDS

Endpoint = tuple[str, str, str, Callable[..., Any]]
PATH = "/api/v2/logs/ingest"
_ENTRY = {
    "type": "object",
    "additionalProperties": True,
    "description": "An entry; the guide to the ingest has the names that mean a column.",
    "example": {"timestamp": "2026-01-15T10:30:45.123456789Z", "level": "ERROR", "message": "it failed"},
}
_ENTRIES = {"oneOf": [_ENTRY, {"type": "array", "items": _ENTRY}]}
_LINES = {"type": "string", "description": "An object a line."}
_FIELDS = {
    "type": "object",
    "properties": {"msg": {"type": "string"}},
    "required": ["msg"],
    "additionalProperties": {"type": "string"},
    "description": "What Python's HTTPHandler sends.",
}


class IngestErrorSerializer(serializers.Serializer[Any]):
    """A rejected entry. `index` counts from 0. There is no `field` where the whole entry is refused."""

    index = serializers.IntegerField()
    field = serializers.CharField(required=False)
    reason = serializers.CharField()


class IngestAnswerSerializer(serializers.Serializer[Any]):
    """`errors` are of the first 1,000 rejected entries; `repeated` were stored before, by their id."""

    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    repeated = serializers.IntegerField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """With `errors`, a name that a serializer has for itself."""
        return {**super().get_fields(), "errors": IngestErrorSerializer(many=True)}


class IngestReasonSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(required=False)
    reason = serializers.CharField()
    hint = serializers.CharField(required=False)


class IngestRefusalSerializer(serializers.Serializer[Any]):
    """Nothing of the request is stored."""

    error = IngestReasonSerializer()


def _refused(why: str) -> OpenApiResponse:
    return OpenApiResponse(IngestRefusalSerializer, description=why)


class IngestSchema(APIView):
    """Entries of applications: one object, an array, or an object a line.

    A bad entry is rejected with its index, field and reason; its neighbours are stored. After a 429 or 503 send the
    same request again, after `Retry-After` seconds.
    """

    @extend_schema(
        operation_id="logs_ingest",
        auth=[{"ingestToken": []}, {"knoxApiToken": []}],  # type: ignore[list-item]  # of one scheme or the other
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
                OpenApiParameter.HEADER,
                description="A request with the key of an earlier one is answered as that was, and not stored again.",
            ),
            OpenApiParameter("Content-Encoding", str, OpenApiParameter.HEADER, enum=("identity", *KINDS)),
        ],
        request={"application/json": _ENTRIES, "application/x-ndjson": _LINES, FORM: _FIELDS},
        responses={
            202: IngestAnswerSerializer,
            400: _refused("The body or the key cannot be read."),
            401: _refused("Neither an ingest token that is not revoked nor a user's token."),
            403: _refused("The user lacks the permission applogs.add_logentry."),
            413: _refused("The body is too large."),
            415: _refused("A Content-Type or Content-Encoding that is not taken."),
            422: _refused("The key came with another body before."),
            429: _refused("The rate of the token is used up, or the site is busy."),
            503: _refused("The database does not answer."),
        },
    )
    def post(self) -> None:  # never called: the addresses name applogs.ingest.http.ingest
        raise NotImplementedError


def with_ingest(endpoints: list[Endpoint]) -> list[Endpoint]:
    """A hook of drf-spectacular: all `endpoints`, and the ingest."""
    return [*endpoints, (PATH, PATH, "POST", IngestSchema.as_view())]
