"""The parameters and answers of /api/v2/logs/, for the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from console.api.parameters import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_VALUES,
    NAMES,
    ORDERS,
    VALUE_CHARACTERS,
)
from console.statistics import DEFAULT_DAYS, MAX_DAYS
from logsite.records import LEVELS
from logsite.records.search import CONTEXT_ROWS

_TIME = "ISO 8601, UTC without a zone: 2026-01-31T12:00:00Z; or how long ago: 2h."
_AGO = {"type": "string", "pattern": "^[0-9]{1,6}[smhdw]$"}
_MOMENT = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}, _AGO]}


def _whole(
    name: str, low: int, high: int | None, default: int | None, description: str = ""
) -> OpenApiParameter:
    limits = {"minimum": low, "maximum": high, "default": default}
    found = {"type": "integer"} | {key: value for key, value in limits.items() if value is not None}
    return OpenApiParameter(name, found, description=description)


def _repeated(name: str, description: str) -> OpenApiParameter:
    """A parameter that may be given several times."""
    value = {"type": "string", "minLength": 1, "maxLength": VALUE_CHARACTERS}
    found = {"type": "array", "items": value, "maxItems": MAX_VALUES}
    return OpenApiParameter(name, found, description=description)


def _old_names() -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            old,
            str if name == "query" else _MOMENT,
            deprecated=True,
            description=f"The old name of `{name}`.",
        )
        for name, (_, *others) in NAMES.items()
        for old in others
    ]


LIMIT = _whole("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)
SEARCH = [
    OpenApiParameter(
        "level",
        str,
        many=True,
        enum=tuple(LEVELS),
        description="This level or a more severe one; SECURITY and AUDIT pass every minimum, and alone mean "
        "themselves. Several: exactly these.",
    ),
    _repeated("category", "One of these categories."),
    _repeated("app", "Of one of these apps."),
    _repeated("source", "Of these sources; default: all that you may see."),
    OpenApiParameter(
        "query", str, description="A query as in Kibana or Grafana, such as `timeout level:>=WARNING`."
    ),
    OpenApiParameter("start_time", _MOMENT, description=f"From this time on. {_TIME}"),
    OpenApiParameter("end_time", _MOMENT, description=f"Before this time. {_TIME}"),
    OpenApiParameter("range", _AGO, description="The time until now, in place of start_time: 15m, 1h, 7d."),
    *_old_names(),
]
PAGE = [
    LIMIT,
    OpenApiParameter("cursor", str, description="As `next` and `previous` of a page have it."),
    OpenApiParameter("order", str, enum=ORDERS, default=ORDERS[0], description="Which end comes first."),
]
CONTEXT = [_whole(name, 0, CONTEXT_ROWS, 5, f"How many entries {name} it.") for name in ("before", "after")]
STEP = _whole("step", 1, None, None, "Seconds; default: a step that gives at most 120 buckets.")
FIELD = _repeated("field", "Default: level, source, and the fields that have few values.")
DAYS = _whole("days", 1, MAX_DAYS, DEFAULT_DAYS, "Days whose stored rows are counted, today included.")


class LogEntrySerializer(serializers.Serializer[Any]):
    """An entry of any source; what its source does not have is left out. `withheld` names what you may not see."""

    id = serializers.CharField(help_text="source-number")
    source = serializers.CharField(required=True)  # type: ignore[assignment]
    timestamp = serializers.DateTimeField(help_text="To the nanosecond.")
    level = serializers.CharField(help_text="Empty where the entry names none.")
    message = serializers.CharField()
    category = serializers.CharField(required=False)
    app = serializers.CharField(required=False)
    host = serializers.CharField(required=False)
    logger = serializers.CharField(required=False)
    module = serializers.CharField(required=False)
    function = serializers.CharField(required=False)
    line = serializers.IntegerField(required=False)
    trace_id = serializers.CharField(required=False)
    span_id = serializers.CharField(required=False)
    entry_id = serializers.CharField(required=False)
    metadata = serializers.DictField(required=False)
    performance_data = serializers.DictField(required=False)
    labels = serializers.DictField(child=serializers.CharField())
    attributes = serializers.DictField()
    parts = serializers.DictField(
        required=False, help_text="Of a command: step, command, exit_code, stdout, stderr."
    )
    withheld = serializers.DictField(
        required=False, help_text="By field its size in bytes and the permission."
    )

    def get_fields(self) -> dict[str, Any]:
        """With `context`, a name that a serializer has for itself."""
        return {**super().get_fields(), "context": serializers.DictField(required=False)}


class EntryPageSerializer(serializers.Serializer[Any]):
    """`withheld` of the results lack something. The entries of `late_sources` are missing."""

    results = LogEntrySerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    withheld = serializers.IntegerField()
    late_sources = serializers.ListField(child=serializers.CharField())


class ContextSerializer(serializers.Serializer[Any]):
    """All oldest first; `more_…` says that there are others."""

    before = LogEntrySerializer(many=True)
    entry = LogEntrySerializer()
    after = LogEntrySerializer(many=True)
    more_before = serializers.BooleanField()
    more_after = serializers.BooleanField()


class BucketSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="By level.")


class HistogramSerializer(serializers.Serializer[Any]):
    """Where not `exact`, the counts come from a sample, or a source was late."""

    step = serializers.IntegerField(help_text="Seconds.")
    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    buckets = BucketSerializer(many=True)
    exact = serializers.BooleanField()
    late_sources = serializers.ListField(child=serializers.CharField())


class ValueSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer[Any]):
    """Beside `exact` and `late_sources`, for each field its most frequent values, as `level` has them."""

    level = ValueSerializer(many=True, required=False)
    exact = serializers.BooleanField()
    late_sources = serializers.ListField(child=serializers.CharField())


class ErrorPatternSerializer(serializers.Serializer[Any]):
    """`sample` is the id of the newest entry of the pattern."""

    pattern = serializers.CharField()
    count = serializers.IntegerField()
    levels = serializers.DictField(child=serializers.IntegerField())
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    sample = serializers.CharField()


class PatternSerializer(ErrorPatternSerializer):
    new = serializers.BooleanField(allow_null=True, help_text="null where that is not determined.")


class ComparedSerializer(serializers.Serializer[Any]):
    """The range before; `complete` says that all its matches were read."""

    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    complete = serializers.BooleanField()


class PatternsSerializer(serializers.Serializer[Any]):
    """`read` entries were read; not `complete` where there are older matches, or a source was late."""

    patterns = PatternSerializer(many=True)
    read = serializers.IntegerField()
    complete = serializers.BooleanField()
    compared = ComparedSerializer(allow_null=True)
    late_sources = serializers.ListField(child=serializers.CharField())


class SenderSerializer(serializers.Serializer[Any]):
    """An app, or what else says who wrote the entries of the source: `field` names it."""

    source = serializers.CharField()  # type: ignore[assignment]
    field = serializers.CharField()
    value = serializers.CharField()
    count = serializers.IntegerField()


class RateSerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    last_minute = serializers.IntegerField()
    per_second = serializers.FloatField()


class IngestSerializer(serializers.Serializer[Any]):
    """`rejected` is null without the permission intake.view_rejectedinput."""

    rate = RateSerializer(many=True)
    rejected = serializers.IntegerField(allow_null=True)
    dropped = serializers.IntegerField()


class StoredDaySerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    day = serializers.DateField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField(allow_null=True)


class LogStatisticsSerializer(serializers.Serializer[Any]):
    """Of the last hour; `storage` of the last days."""

    start_time = serializers.DateTimeField()
    end_time = serializers.DateTimeField()
    volume = BucketSerializer(many=True)
    levels = ValueSerializer(many=True)
    sources = ValueSerializer(many=True)
    apps = SenderSerializer(many=True)
    error_patterns = ErrorPatternSerializer(many=True)
    ingest = IngestSerializer()
    storage = StoredDaySerializer(many=True)
    exact = serializers.BooleanField()
    late_sources = serializers.ListField(child=serializers.CharField())
