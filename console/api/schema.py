"""What the OpenAPI schema says of the addresses below /api/v2/logs/."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from logsite.records import LEVELS

MAX_FACETS = 12


def _parameter(name: str, text: str, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type=options.pop("type", str), description=text, **options)


SEARCH = [
    _parameter("query", "A query as in Kibana or Grafana, such as `timeout level:>=WARNING`."),
    _parameter(
        "level",
        "One level: that one and above, and SECURITY and AUDIT, which are no severities. Several: these.",
        many=True,
        enum=tuple(LEVELS),
    ),
    _parameter("source", "Only entries of these sources.", many=True),
    _parameter("app", "Only entries of these applications.", many=True),
    _parameter("category", "Only entries of these categories.", many=True),
    _parameter("start_time", "ISO 8601; UTC without a zone.", type=OpenApiTypes.DATETIME),
    _parameter("end_time", "ISO 8601, exclusive.", type=OpenApiTypes.DATETIME),
    _parameter("range", "The last 15m, 2h, 7d, in place of start_time and end_time."),
    *(
        _parameter(name, f"An old name of `{new}`.", deprecated=True)
        for name, new in (
            ("search_query", "query"),
            ("search", "query"),
            ("text", "query"),
            ("since", "start_time"),
            ("until", "end_time"),
        )
    ),
]
PAGE = [
    _parameter("limit", "1 to 1,000.", type=int, default=100),
    _parameter("cursor", "From `next` or `previous` of a page."),
    _parameter("order", "newest or oldest first.", enum=("newest", "oldest"), default="newest"),
]
STEP = _parameter("step", "Seconds of a bucket; without it one that fits the window.", type=int)
FIELD = _parameter("field", f"The fields to count, at most {MAX_FACETS}.", many=True)
CONTEXT = [
    _parameter("before", "Entries before it, 0 to 1,000.", type=int, default=5),
    _parameter("after", "Entries after it, 0 to 1,000.", type=int, default=5),
]


class WithheldSerializer(serializers.Serializer[Any]):
    bytes = serializers.IntegerField()
    permission = serializers.CharField()


class LogEntrySerializer(serializers.Serializer[Any]):
    """An entry of any source; fields that the source does not have are left out."""

    def get_fields(self) -> dict[str, Any]:
        """`source` and `context` are names of the REST framework's own."""
        own = {
            "source": serializers.CharField(),
            "context": serializers.DictField(required=False),
        }
        return super().get_fields() | own

    id = serializers.CharField(help_text="The source and the number: app-4711.")
    timestamp = serializers.CharField(help_text="RFC 3339 with nanoseconds.")
    level = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    category = serializers.CharField(required=False)
    app = serializers.CharField(required=False)
    host = serializers.CharField(required=False)
    logger = serializers.CharField(required=False)
    module = serializers.CharField(required=False)
    function = serializers.CharField(required=False)
    line = serializers.IntegerField(required=False)
    trace_id = serializers.CharField(required=False)
    span_id = serializers.CharField(required=False)
    entry_id = serializers.CharField(required=False, help_text="The sender's own id.")
    metadata = serializers.DictField(required=False)
    performance_data = serializers.DictField(required=False)
    labels = serializers.DictField()
    attributes = serializers.DictField()
    parts = serializers.DictField(
        required=False, help_text="Of a command: step, command, exit_code, stdout, stderr."
    )
    withheld = serializers.DictField(child=WithheldSerializer(), required=False)


class _Late(serializers.Serializer[Any]):
    late_sources = serializers.ListField(child=serializers.CharField())


class EntriesSerializer(_Late):
    results = LogEntrySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    withheld = serializers.IntegerField(help_text="Entries of the page of which something is withheld.")


class ContextSerializer(serializers.Serializer[Any]):
    before = LogEntrySerializer(many=True)
    entry = LogEntrySerializer()
    after = LogEntrySerializer(many=True)
    more_before = serializers.BooleanField()
    more_after = serializers.BooleanField()


class BucketSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="By level.")


class HistogramSerializer(_Late):
    step = serializers.IntegerField()
    buckets = BucketSerializer(many=True)
    exact = serializers.BooleanField(help_text="False: the numbers are estimates from a sample.")


class PatternSerializer(serializers.Serializer[Any]):
    pattern = serializers.CharField()
    count = serializers.IntegerField()
    levels = serializers.DictField(child=serializers.IntegerField())
    first_seen = serializers.CharField()
    last_seen = serializers.CharField()
    sample = serializers.CharField(help_text="The id of the newest entry of the pattern.")
    new = serializers.BooleanField(
        allow_null=True, help_text="Not in the equal window before; null where that is not known."
    )


class PatternsSerializer(_Late):
    patterns = PatternSerializer(many=True)
    looked_at = serializers.IntegerField(help_text="Matches, at most the newest 10,000.")
    complete = serializers.BooleanField(help_text="Whether all matches were looked at.")


class StatsSerializer(_Late):
    """Of the window, the last 24 hours unless told."""

    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    volume = BucketSerializer(many=True)
    step = serializers.IntegerField()
    levels = serializers.DictField(child=serializers.IntegerField())
    apps = serializers.ListField(child=serializers.DictField())
    top_errors = PatternSerializer(many=True)
    ingest = serializers.DictField()
    storage = serializers.ListField(child=serializers.DictField())
    exact = serializers.BooleanField()


FACETS = OpenApiTypes.OBJECT
