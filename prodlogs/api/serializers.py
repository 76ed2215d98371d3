"""Docker hosts, containers, what was read and what was sent, over the API."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from logsite.api.filters import with_new_names
from logsite.api.host_keys import PinnedHostSerializer
from logsite.ssh.private_keys import load_private_key
from prodlogs.admin.host_form import FROM_ENVIRONMENT
from prodlogs.api.fields import AsGiven, NanosecondTime
from prodlogs.models import Container, ContainerLogEntry, DockerHost, LogSnapshot, RemoteCommand, Stream

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class HostSerializer(PinnedHostSerializer):
    """A Docker host. Its key and passphrase go in and never come out; left out, they stay as they are."""

    ssh_key = serializers.CharField(write_only=True, required=False, trim_whitespace=False)
    ssh_key_passphrase = serializers.CharField(
        write_only=True, required=False, allow_blank=True, trim_whitespace=False
    )

    class Meta:
        model = DockerHost
        read_only_fields = (
            "from_environment",
            "offered_at",
            "status",
            "error_kind",
            "error_message",
            "checked_at",
            "answered_at",
        )
        fields = (
            "id",
            "name",
            "address",
            "port",
            "user",
            "ssh_key",
            "ssh_key_passphrase",
            "enabled",
            "host_key_fingerprint",
            "offered_host_key_fingerprint",
            *read_only_fields,
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance and self.instance.from_environment and set(attrs) - {"enabled"}:
            raise serializers.ValidationError(
                {name: [FROM_ENVIRONMENT] for name in attrs if name != "enabled"}
            )
        if not self.instance and not attrs.get("ssh_key"):
            raise serializers.ValidationError({"ssh_key": ["This field is required."]})
        if key := attrs.get("ssh_key"):
            attrs.setdefault("ssh_key_passphrase", "")  # the old key's is not the new one's
            try:
                load_private_key(key, attrs["ssh_key_passphrase"])
            except ValueError as error:
                raise serializers.ValidationError({"ssh_key": [str(error)]}) from None
        return attrs


class ContainerSerializer(serializers.ModelSerializer[Container]):
    """A container as Docker last described it; `covered_from` null: nothing of its log is stored yet."""

    host: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)
    covered_from = NanosecondTime(allow_null=True)
    stats = serializers.DictField(read_only=True)

    class Meta:
        model = Container
        fields = (
            "id",
            "host",
            "container_id",
            "name",
            "image",
            "state",
            "health",
            "exit_code",
            "restarts",
            "tty",
            "log_driver",
            "created_at",
            "started_at",
            "finished_at",
            "seen_at",
            "removed_at",
            "stats",
            "stats_at",
            "covered_from",
        )
        read_only_fields = fields


class EntrySerializer(serializers.ModelSerializer[ContainerLogEntry]):
    """An entry; `level` is null where the line says none, `container_id` is Docker's."""

    timestamp = NanosecondTime()
    level = serializers.SerializerMethodField()
    raw_line = serializers.CharField(source="raw", read_only=True)
    stream = serializers.ChoiceField(choices=Stream.choices, read_only=True)
    host = serializers.CharField(source="container.host.name", read_only=True)
    container_id = serializers.CharField(source="container.container_id", read_only=True)

    class Meta:
        model = ContainerLogEntry
        fields = (
            "id",
            "container_name",
            "timestamp",
            "level",
            "message",
            "raw_line",
            "stream",
            "host",
            "container_id",
            "level_rule",
            "sequence",
            "truncated_bytes",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_level(self, entry: ContainerLogEntry) -> str | None:
        return entry.level or None


class GapSerializer(serializers.Serializer[Any]):
    """What was lost of a stream: between the line `after` and the line `before`."""

    stream = serializers.CharField()
    after = serializers.CharField(allow_null=True)
    before = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class SnapshotSerializer(serializers.ModelSerializer[LogSnapshot]):
    """One reading of one container's log."""

    host = serializers.CharField(source="host_name", read_only=True)
    first = NanosecondTime(allow_null=True)
    last = NanosecondTime(allow_null=True)
    gaps = GapSerializer(many=True, read_only=True)

    class Meta:
        model = LogSnapshot
        fields = (
            "id",
            "host",
            "container_name",
            "kind",
            "status",
            "since",
            "until",
            "first",
            "last",
            "started_at",
            "ended_at",
            "lines",
            "entries",
            "duplicates",
            "truncated",
            "bytes",
            "gaps",
            "error_kind",
            "error_message",
            "started_by",
        )
        read_only_fields = fields


class CommandSerializer(serializers.ModelSerializer[RemoteCommand]):
    """Something that was sent to a host; `denied`: not sent, or refused by the host."""

    host = serializers.CharField(source="host_name", read_only=True)
    argv = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = RemoteCommand
        fields = (
            "id",
            "sent_at",
            "user",
            "via",
            "host",
            "host_key_fingerprint",
            "key_fingerprint",
            "argv",
            "denied",
            "exit_code",
            "stdout_bytes",
            "stderr_bytes",
            "duration_ms",
            "error_kind",
            "error_message",
        )
        read_only_fields = fields


# --- What is asked for, and its results ------------------------------------------------------------------------


@extend_schema_serializer(deprecate_fields=["since"])
class CollectSerializer(serializers.Serializer[Any]):
    """All containers unless named; `start_time` reaches back for what lies before the stored part of the logs."""

    containers = serializers.ListField(child=AsGiven(), required=False)
    start_time = serializers.DateTimeField(required=False)
    since = serializers.DateTimeField(required=False, help_text="The old name of `start_time`.")

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """A mistyped field must not read everything."""
        if unknown := set(self.initial_data) - set(self.fields):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"unknown field; known fields: {known}"] for name in sorted(unknown)}
            )
        return with_new_names(wanted)

    def validate_start_time(self, since: datetime) -> datetime:
        """A container that is read for the first time counts as read from then on."""
        if not EARLIEST <= since <= timezone.now():
            raise serializers.ValidationError("A time from 1970 until now.")
        return since

    validate_since = validate_start_time


class FingerprintSerializer(serializers.Serializer[Any]):
    """Which key is meant: that of the host may have changed since somebody looked."""

    fingerprint = serializers.CharField(
        max_length=100, help_text="The fingerprint of the offered key, `SHA256:…`."
    )


class DetailSerializer(serializers.Serializer[Any]):
    """Why nothing was done, in a sentence."""

    detail = serializers.CharField()


class ReadingSerializer(serializers.Serializer[Any]):
    """How the reading of one container's log ended."""

    container = serializers.CharField()
    snapshot = serializers.UUIDField(source="snapshot.pk")
    status = serializers.CharField()
    lines = serializers.IntegerField()
    entries = serializers.IntegerField()
    gaps = GapSerializer(many=True)
    error = serializers.CharField(allow_blank=True)
    error_kind = serializers.CharField(allow_blank=True)


class CollectedSerializer(serializers.Serializer[Any]):
    """How the collection of a host ended; `error` is the host's, each reading has its own. `missing` are
    containers that were asked for and that the host does not have."""

    host = serializers.CharField()
    readings = ReadingSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(allow_blank=True)
    error_kind = serializers.CharField(allow_blank=True)


class HostHealthSerializer(serializers.Serializer[Any]):
    """`status`: healthy, degraded (a container has a problem), unreachable (`error` says why) or unknown
    (never asked); `checked_at` is when it was last asked."""

    host = serializers.CharField()
    status = serializers.CharField()
    error = serializers.CharField(allow_blank=True)
    error_kind = serializers.CharField(allow_blank=True)
    containers = serializers.DictField(child=serializers.IntegerField())
    problems = serializers.ListField(child=serializers.CharField())
    stats = serializers.ListField(child=serializers.DictField())
    checked_at = serializers.DateTimeField(allow_null=True)


class HealthSerializer(serializers.Serializer[Any]):
    """`status` is the worst of the hosts'."""

    timestamp = serializers.CharField()
    status = serializers.CharField()
    hosts = HostHealthSerializer(many=True)


class SummaryEntrySerializer(serializers.Serializer[Any]):
    """An entry in the form of `prodlogs save`; `timestamp` has nine digits."""

    container_name = serializers.CharField()
    timestamp = serializers.CharField()
    level = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    raw_line = serializers.CharField()


class BreakdownSerializer(serializers.Serializer[Any]):
    """The errors of one container: all are counted, the newest are shown."""

    error_count = serializers.IntegerField()
    recent_errors = SummaryEntrySerializer(many=True)


class IssueSerializer(serializers.Serializer[Any]):
    """`severity` is critical where the entry calls itself so, high for what stops a service anyway."""

    container = serializers.CharField()
    timestamp = serializers.CharField()
    message = serializers.CharField()
    severity = serializers.CharField()


class SummarySerializer(serializers.Serializer[Any]):
    """Entries of the levels ERROR and CRITICAL, by container."""

    timestamp = serializers.CharField()
    analysis_period_hours = serializers.FloatField()
    total_containers = serializers.IntegerField()
    containers_with_errors = serializers.IntegerField()
    total_error_entries = serializers.IntegerField()
    error_breakdown = serializers.DictField(child=BreakdownSerializer())
    critical_issues = IssueSerializer(many=True)
