"""What the shipping API says, and the parameters of the feed."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from logsite.api.filters import OLD_TIMES, with_new_names
from logsite.audit import SITE
from logsite.records import Cursor, CursorError, LogRecord, LogSource, get_source, sources
from logsite.web.readers import reader_of
from shipping.feed import PAGE, count_left
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from shipping.progress.refused import why_withheld


@extend_schema_serializer(deprecate_fields=list(OLD_TIMES))
class FeedQuerySerializer(serializers.Serializer[Any]):
    """The parameters of the feed."""

    source = serializers.CharField(  # type: ignore[assignment]  # a field here, an argument in DRF's base
        required=False, help_text="Required if there are several sources."
    )
    cursor = serializers.CharField(
        required=False, default="0-0", help_text="`next_cursor` of the previous page; default: the beginning."
    )
    limit = serializers.IntegerField(required=False, default=1000, min_value=1, max_value=PAGE)
    start_time = serializers.DateTimeField(required=False, help_text="Only entries of this time or later.")
    end_time = serializers.DateTimeField(required=False, help_text="Only entries before this time.")
    since = serializers.DateTimeField(required=False, help_text="The old name of `start_time`.")
    until = serializers.DateTimeField(required=False, help_text="The old name of `end_time`.")

    def to_internal_value(self, data: Any) -> Any:
        unknown = {name: ["unknown parameter"] for name in data if name not in self.fields}
        if unknown:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)

    def validate_cursor(self, text: str) -> Cursor:
        try:
            return Cursor.parse(text)
        except CursorError as error:
            raise serializers.ValidationError(str(error)) from None

    def validate_source(self, name: str) -> LogSource:
        try:
            return get_source(name)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = sources()
        if "source" not in attrs:
            if len(known) != 1:
                names = ", ".join(sorted(known))
                raise serializers.ValidationError({"source": f"required; known sources: {names}"})
            attrs["source"] = next(iter(known.values()))
        return with_new_names(attrs)


class FeedPartsSerializer(serializers.Serializer[Any]):
    """A command and what it brought; null where the line has no such part."""

    step = serializers.IntegerField()
    command = serializers.CharField()
    exit_code = serializers.IntegerField(allow_null=True)
    stdout = serializers.CharField(allow_null=True)
    stderr = serializers.CharField(allow_null=True)


class FeedRecordSerializer(serializers.Serializer[Any]):
    """One record of the feed."""

    id = serializers.IntegerField()
    cursor = serializers.CharField(help_text="Reading after this cursor continues behind this record.")
    source = serializers.CharField()  # type: ignore[assignment]
    timestamp = serializers.CharField(help_text="Nanoseconds since 1970-01-01 UTC.")
    level = serializers.CharField()
    message = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField())
    attributes = serializers.DictField()
    parts = FeedPartsSerializer(
        allow_null=True, help_text="Of a command; `message` is the line of all of them."
    )


class FeedPageSerializer(serializers.Serializer[Any]):
    """A page of the feed."""

    source = serializers.CharField()  # type: ignore[assignment]
    results = FeedRecordSerializer(many=True)
    next_cursor = serializers.CharField()
    has_more = serializers.BooleanField()


def record_as_json(cursor: Cursor, record: LogRecord) -> dict[str, Any]:
    """A record as FeedRecordSerializer describes it, without DRF's cost per field."""
    return {
        "id": record.id,
        "cursor": str(cursor),
        "source": record.source,
        "timestamp": str(record.timestamp),
        "level": record.level,
        "message": record.message,
        "labels": dict(record.labels),
        "attributes": dict(record.attributes),
        "parts": record.parts._asdict() if record.parts else None,
    }


class DestinationSerializer(serializers.ModelSerializer[Destination]):
    """A destination, without its token."""

    class Meta:
        model = Destination
        fields = ("id", "name", "kind", "url", "tenant", "enabled")


class ShippingRunSerializer(serializers.ModelSerializer[ShippingRun]):
    """The last run over a source."""

    class Meta:
        model = ShippingRun
        fields = ("id", "started", "ended", "status", "shipped", "rejected", "split", "left", "error")


class ShippingStatusSerializer(serializers.ModelSerializer[ShippingCursor]):
    """How far a source has got at a destination."""

    destination = serializers.CharField(source="destination.name")
    cursor = serializers.CharField(source="place", read_only=True)
    left = serializers.SerializerMethodField(
        help_text="Entries that wait, counted up to 10,001; null where it is not known here."
    )
    last_run = serializers.SerializerMethodField()

    class Meta:
        model = ShippingCursor
        fields = ("destination", "source", "cursor", "shipped", "rejected", "left", "updated_at", "last_run")

    def get_left(self, row: ShippingCursor) -> int | None:
        """Only the live rows here can be counted; a backfill or another LogSite's rows cannot."""
        source = sources().get(row.source)
        try:
            return count_left(source.view(SITE), row.place) if source else None
        except CursorError:
            return None

    @extend_schema_field(ShippingRunSerializer(allow_null=True))
    def get_last_run(self, row: ShippingCursor) -> dict[str, Any] | None:
        run = self.context["last_runs"].get((row.destination_id, row.source))
        return ShippingRunSerializer(run).data if run else None


class RejectedEntrySerializer(serializers.ModelSerializer[RejectedEntry]):
    """An entry that the destination refused. `line` is empty for those who may not see the entry whole in its source;
    `line_withheld` says why."""

    destination = serializers.CharField(source="destination.name")
    line_withheld = serializers.SerializerMethodField()

    class Meta:
        model = RejectedEntry
        fields = (
            "id",
            "destination",
            "source",
            "row_id",
            "part",
            "timestamp",
            "reason",
            "labels",
            "line",
            "line_withheld",
            "run",
            "rejected_at",
        )

    def get_line_withheld(self, entry: RejectedEntry) -> str:
        return why_withheld(entry.source, reader_of(self.context["request"])) if entry.line else ""

    def to_representation(self, instance: RejectedEntry) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return {**shown, "line": "" if shown["line_withheld"] else shown["line"]}
