"""The body of an export, for the API's schema; `options.py` reads it."""

from rest_framework import serializers

from console.export.options import FORMATS
from logsite.records import LEVELS


class ExportSerializer(serializers.Serializer[None]):
    """All fields may be left out. `search_query`, `since` and `until` are aliases."""

    format = serializers.ChoiceField(FORMATS, default="json")
    level = serializers.ChoiceField(list(LEVELS), required=False, help_text="The least level.")
    query = serializers.CharField(required=False, help_text="A query as in Kibana or Grafana.")
    source = serializers.ListField(  # type: ignore[assignment]  # the metaclass takes it out of the class
        child=serializers.CharField(), required=False, help_text="Names of sources, or one as a text."
    )
    category = serializers.CharField(required=False)
    app = serializers.CharField(required=False)
    start_time = serializers.CharField(required=False, help_text="ISO 8601, or an age such as 2h.")
    end_time = serializers.CharField(required=False, help_text="Entries before this time.")
    escape_formulas = serializers.BooleanField(
        default=True, help_text="CSV: an apostrophe before texts that a spreadsheet takes for formulas."
    )
