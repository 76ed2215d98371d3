"""The body of an export, for the API's schema; `options.py` reads it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from console.export.options import FORMATS
from logsite.records import LEVELS


def _text(help_text: str) -> serializers.CharField:
    return serializers.CharField(required=False, min_length=1, help_text=help_text)


_NAME = {"type": "string", "minLength": 1}


@extend_schema_field({"oneOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]})
class SourcesField(serializers.Field[Any, Any, Any, Any]):
    """Names of sources in a list, or one as a text."""


class ExportSerializer(serializers.Serializer[None]):
    """All fields may be left out. `search_query`, `since` and `until` are aliases."""

    format = serializers.ChoiceField(FORMATS, default="json")
    level = serializers.ChoiceField(list(LEVELS), required=False, help_text="The least level.")
    query = serializers.CharField(required=False, help_text="A query as in Kibana or Grafana.")
    source = SourcesField(required=False, help_text="Default: all that you may see.")  # type: ignore[assignment]  # the metaclass takes it out of the class
    category = _text("Exactly this value.")
    app = _text("Exactly this value.")
    start_time = _text("ISO 8601, or an age such as 2h.")
    end_time = _text("Entries before this time.")
    escape_formulas = serializers.BooleanField(
        default=True, help_text="CSV: an apostrophe before texts that a spreadsheet takes for formulas."
    )
