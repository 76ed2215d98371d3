"""Session events as log records: what search, live tail and shipping see of them."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from logsite.records import LogRecord, LogSource, Parts, line_of_parts, to_nanoseconds
from sessionlogs.audit import Via, What, may_see, note
from sessionlogs.models import FAILURES, EventType, Session, SessionLog

# The labels' words; the API says them in lower case.
_STATUS: dict[str, str] = {
    EventType.CONNECTION_FAILED: "Failed",
    EventType.COMMAND_FAILED: "Failed",
    EventType.INTERFACE_COLLECTION_FAILED: "Failed",
    EventType.CONNECTION_SUCCESS: "Success",
    EventType.COMMAND_RESPONSE: "Success",
    EventType.INTERFACE_COLLECTION_SUCCESS: "Success",
    EventType.DISCONNECTION: "Success",
}
_ANSWERS = (EventType.COMMAND_RESPONSE, EventType.COMMAND_FAILED)


def parts_of(event: "SessionLog | EventRow") -> Parts | None:
    """The parts of a command's event; None for other events."""
    if event.step is None:
        return None
    if event.event_type not in _ANSWERS:
        return Parts(event.step, event.command)
    silent = event.failed and not event.error_message.strip()
    return Parts(
        event.step,
        event.command,
        int(event.failed) if event.exit_code is None else event.exit_code,
        event.response,
        None if silent else event.error_message,
    )


def message_of(event: "SessionLog | EventRow") -> str:
    """The line of an event: `STEP: … | COMMAND: …` for a command, `EVENT: … | DEVICE: …` for the rest."""
    if parts := parts_of(event):
        return line_of_parts(parts)
    words = [f"EVENT: {event.event_type}", f"DEVICE: {event.device}"]
    words += [f"COMMAND: {event.command}"] if event.command else []
    words += [f"DETAIL: {event.response}"] if event.response else []
    words += [f"ERROR: {event.error_message}"] if event.error_message else []
    return " | ".join(words)


class EventRow(NamedTuple):
    """The columns of a SessionLog that a record needs. Reading it takes a quarter of a model's time, and
    shipping reads every row there is."""

    id: int
    xact: int
    session_id: uuid.UUID
    device: str
    user: str
    event_type: str
    command: str
    response: str
    error_message: str
    error_kind: str
    duration_ms: float | None
    timestamp: datetime
    step: int | None
    execution_status: str
    exit_code: int | None
    truncated_bytes: int
    session: Session

    @property
    def failed(self) -> bool:
        return self.event_type in FAILURES


COLUMNS = EventRow._fields[:-1]
SESSION_ID = COLUMNS.index("session_id")


class SessionSource(LogSource):
    """The source `session`. Its records hold what devices answered, so reading them needs the permission to
    see that as well: leaving it out would make two different records of one row, and shipping keeps one."""

    name = "session"
    permission = "sessionlogs.view_sessionlog"

    def may_read(self, user: Any) -> bool:
        return super().may_read(user) and may_see(user)

    def handed_out(self, request: Any, records: list[LogRecord]) -> None:
        count = sum(bool(record.parts and record.parts.stdout) for record in records)
        note(request, What.LIST, count, via=Via.FEED, query=request.query_params.urlencode())

    def queryset(self) -> QuerySet[SessionLog]:
        return SessionLog.objects.select_related("session")

    def fetch(self, rows: QuerySet[SessionLog]) -> list[EventRow]:
        found = list(rows.select_related(None).values_list(*COLUMNS))
        sessions = Session.objects.in_bulk({values[SESSION_ID] for values in found})
        return [
            EventRow._make((*values, session))
            for values in found
            if (session := sessions.get(values[SESSION_ID]))  # purged between the two queries, rows and all
        ]

    def to_record(self, row: SessionLog | EventRow) -> LogRecord:
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
                "status": _STATUS.get(row.event_type, "Running"),
                "execution_status": row.execution_status.capitalize(),
            },
            attributes=_attributes(row, session.tags),
            parts=parts_of(row),
        )


def _attributes(row: SessionLog | EventRow, tags: list[str]) -> dict[str, Any]:
    found = {
        "session_id": str(row.session_id),
        "event_type": row.event_type,
        "user": row.user,
        "tags": ",".join(tags),
        "duration_ms": row.duration_ms,
        "error_kind": row.error_kind,
        "truncated_bytes": row.truncated_bytes or None,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}
