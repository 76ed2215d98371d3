"""Times to the nanosecond, as text."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from logsite.nanoseconds import rfc3339


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-11-20T14:05:32.847869062Z"})
class NanosecondTime(serializers.Field[int, Any, str, Any]):
    """RFC 3339 in UTC with nine digits; read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: int) -> str:
        return rfc3339(value)
