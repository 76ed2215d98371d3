"""Session events as log records: what search, live tail and shipping see of them."""

from typing import Any

from django.db.models import QuerySet

from logsite.records import LogRecord, LogSource, to_nanoseconds
from sessionlogs.models import EventType, SessionLog

_STATUS = {
    EventType.CONNECTION_FAILED: "failed",
    EventType.COMMAND_FAILED: "failed",
    EventType.INTERFACE_COLLECTION_FAILED: "failed",
    EventType.CONNECTION_SUCCESS: "success",
    EventType.COMMAND_RESPONSE: "success",
    EventType.INTERFACE_COLLECTION_SUCCESS: "success",
    EventType.DISCONNECTION: "success",
}
_ANSWERS = (EventType.COMMAND_RESPONSE, EventType.COMMAND_FAILED)


def message_of(event: SessionLog) -> str:
    """The line of an event: `STEP: … | COMMAND: …` for a command, `EVENT: … | DEVICE: …` for the rest."""
    if event.step is None:
        parts = [f"EVENT: {event.event_type}", f"DEVICE: {event.device}"]
        parts += [f"COMMAND: {event.command}"] if event.command else []
        parts += [f"DETAIL: {event.response}"] if event.response else []
        parts += [f"ERROR: {event.error_message}"] if event.error_message else []
        return " | ".join(parts)
    parts = [f"STEP: {event.step}", f"COMMAND: {event.command}"]
    if event.event_type in _ANSWERS:
        parts += [
            f"EXIT_CODE: {int(event.failed)}",
            f"STDOUT: {event.response}",
            f"STDERR: {event.error_message}",
        ]
    return " | ".join(parts)


class SessionSource(LogSource):
    """The source `session`."""

    name = "session"
    permission = "sessionlogs.view_sessionlog"

    def queryset(self) -> QuerySet[SessionLog]:
        return SessionLog.objects.select_related("session")

    def to_record(self, row: SessionLog) -> LogRecord:
        session = row.session
        return LogRecord(
            id=row.id,
            source=self.name,
            timestamp=to_nanoseconds(row.timestamp),
            level="ERROR" if row.failed else "INFO",
            message=message_of(row),
            labels={
                "server_id": session.device_id or session.device,
                "server_tag": session.device,
                "agent_type": session.agent_type,
                "status": _STATUS.get(EventType(row.event_type), "running"),
                "execution_status": row.execution_status,
            },
            attributes=_attributes(row),
        )


def _attributes(row: SessionLog) -> dict[str, Any]:
    found = {
        "session_id": str(row.session_id),
        "event_type": row.event_type,
        "user": row.user,
        "tags": ",".join(row.session.tags),
        "duration_ms": row.duration_ms,
        "error_kind": row.error_kind,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}
