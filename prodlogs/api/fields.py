"""Times to the nanosecond, and texts that are taken as they came."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from logsite.tables.nanoseconds import rfc3339


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-11-20T14:05:32.847869062Z"})
class NanosecondTime(serializers.Field[int, Any, str, Any]):
    """RFC 3339 in UTC with nine digits; read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: int) -> str:
        return rfc3339(value)


@extend_schema_field({"type": "string"})
class AsGiven(serializers.Field[str, Any, str, Any]):
    """A text, whatever is in it: the grammar refuses what it must, and that is on record."""

    default_error_messages = {"invalid": "Not a text."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value
