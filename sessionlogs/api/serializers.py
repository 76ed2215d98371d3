"""Sessions and their events over the API, read-only."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sessionlogs.models import Session, SessionLog


class SessionSerializer(serializers.ModelSerializer[Session]):
    class Meta:
        model = Session
        fields = (
            "session_id", "device", "device_id", "host", "platform", "agent_type", "tags", "user", "user_id",
            "started_at", "ended_at", "status", "error_kind", "error_message", "commands", "failures", "slowest_ms",
        )  # fmt: skip
        read_only_fields = fields


class SessionLogSerializer(serializers.ModelSerializer[SessionLog]):
    session_id = serializers.UUIDField(read_only=True)

    class Meta:
        model = SessionLog
        fields = (
            "id", "session_id", "device", "user", "event_type", "step", "command", "response", "error_message",
            "error_kind", "exit_code", "duration_ms", "execution_status", "timestamp", "truncated_bytes", "withheld",
        )  # fmt: skip
        read_only_fields = fields


class SessionDetailSerializer(SessionSerializer):
    """A session with its first 1,000 events in order; more of them under /session-logs/?session_id=…"""

    events = serializers.SerializerMethodField()

    class Meta(SessionSerializer.Meta):
        fields = (*SessionSerializer.Meta.fields, "events")  # type: ignore[assignment]

    @extend_schema_field(SessionLogSerializer(many=True))
    def get_events(self, session: Session) -> list[dict[str, object]]:
        return SessionLogSerializer(session.events.order_by("id")[:1000], many=True).data  # type: ignore[return-value]
