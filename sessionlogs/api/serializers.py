"""Sessions and their events over the API, read-only."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from logsite.records import get_source
from logsite.web.readers import reader_of
from sessionlogs.audit import may_see
from sessionlogs.models import Session, SessionLog
from sessionlogs.viewer import EVENT_COLUMNS, SESSION_COLUMNS


class SessionSerializer(serializers.ModelSerializer[Session]):
    class Meta:
        model = Session
        fields = (*SESSION_COLUMNS, "device_id", "user_id")
        read_only_fields = fields


class SessionLogSerializer(serializers.ModelSerializer[SessionLog]):
    """An event. `timing` is in milliseconds, by part. Without the permission `sessionlogs.view_responses` what
    the device answered is left out: `response` is empty and `response_withheld` true; so are `error_message` and
    `error_message_withheld` where the error is what a host's command wrote to standard error."""

    session_id = serializers.UUIDField(read_only=True)
    response_withheld = serializers.SerializerMethodField()
    error_message_withheld = serializers.SerializerMethodField()

    class Meta:
        model = SessionLog
        fields = (
            *EVENT_COLUMNS,
            "response_withheld",
            "error_message_withheld",
            "timing",
            "execution_status",
        )
        read_only_fields = fields

    def get_response_withheld(self, event: SessionLog) -> bool:
        return bool(event.is_step and event.response) and not self._visible()

    def get_error_message_withheld(self, event: SessionLog) -> bool:
        return event.has_stderr and not self._visible()

    def to_representation(self, instance: SessionLog) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        for name in ("response", "error_message"):
            if shown[f"{name}_withheld"]:
                shown[name] = ""
        return shown

    def _visible(self) -> bool:
        return may_see(self.context["request"].user)


class SessionDetailSerializer(SessionSerializer):
    """A session with its first 1,000 events in order; more of them under /session-logs/?session_id=…

    Needs the permission `sessionlogs.view_sessionlog`, too."""

    events = serializers.SerializerMethodField()

    class Meta(SessionSerializer.Meta):
        fields = (*SessionSerializer.Meta.fields, "events")  # type: ignore[assignment]

    @extend_schema_field(SessionLogSerializer(many=True))
    def get_events(self, session: Session) -> list[dict[str, object]]:
        view = get_source("session").view(reader_of(self.context["request"]))
        events = view.rows().select_related(None).filter(session=session).order_by("id")[:1000]
        return SessionLogSerializer(events, many=True, context=self.context).data  # type: ignore[return-value]
