"""Session events as log records: what search, live tail and shipping see of them."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet

from logsite.audit import Reader
from logsite.records import (
    LogRecord,
    LogSource,
    Metric,
    Parts,
    Retention,
    SourceView,
    WithheldField,
    line_of_parts,
    to_nanoseconds,
)
from sessionlogs.audit import PERMISSION, note_records
from sessionlogs.event_index import COUNTS, INDEX
from sessionlogs.metrics import metrics
from sessionlogs.models import FAILURES, Session, SessionLog
from sessionlogs.query_fields import ANSWERS, FIELDS, STATUS
from sessionlogs.retention import SessionPurge

# What a device answered, by the name of the field, and the part of the line that it is.
OUTPUTS = {"response": "stdout", "stderr": "stderr"}


def parts_of(event: "SessionLog | EventRow") -> Parts | None:
    """The parts of a command's event; None for other events."""
    if event.step is None:
        return None
    if event.event_type not in ANSWERS:
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

    @property
    def has_stderr(self) -> bool:
        return bool(self.step is not None and self.exit_code is not None and self.error_message)


COLUMNS = EventRow._fields[:-1]
SESSION_ID = COLUMNS.index("session_id")


class SessionView(SourceView):
    """The events of sessions; the response views say who was shown what devices answered."""

    def note(
        self,
        what: str,
        query: str,
        count: int,
        records: Sequence[LogRecord] = (),
        *,
        filters: str = "",
    ) -> None:
        super().note(what, query, count, records, filters=filters)
        responses = sum(any(record.texts.get(name) for name in _outputs(record)) for record in records)
        if not (self.withheld or self.reader.is_site) and (responses or query):
            note_records(self.reader, responses, query)


class SessionSource(LogSource):
    """The source `session`. A record holds what a device answered; readers without the permission for that get the
    record without it."""

    name = "session"
    title = "Device sessions"
    permission = "sessionlogs.view_sessionlog"
    stream = ("session_id",)
    retention = Retention("RETENTION_DAYS", (SessionPurge,))
    fields = FIELDS
    index = INDEX
    minute_counts = COUNTS

    def metrics(self) -> Iterable[Metric]:
        return metrics()

    def view(self, reader: Reader) -> SourceView:
        return SessionView(self, reader)

    def withhold(self, record: LogRecord, names: Iterable[str]) -> LogRecord:
        """Of a command's event the response and stderr. Elsewhere the response is a detail of LogSite's own."""
        held = {name: text for name in _outputs(record) if (text := record.texts.get(name))}
        if record.parts is None or not held:
            return record
        empty: dict[str, Any] = {OUTPUTS[name]: None for name in held}
        parts = record.parts._replace(**empty)
        return replace(
            record,
            message=line_of_parts(parts),
            parts=parts,
            texts={name: text for name, text in record.texts.items() if name not in held},
            withheld={name: WithheldField(len(text.encode()), PERMISSION) for name, text in held.items()},
        )

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
                "status": STATUS.get(row.event_type, "Running"),
                "execution_status": row.execution_status.capitalize(),
            },
            attributes=_attributes(row, session.tags),
            parts=parts_of(row),
            texts={
                "command": row.command,
                "response": row.response,
                "error_message": "" if row.has_stderr else row.error_message,
                "stderr": row.error_message if row.has_stderr else "",
            },
        )


def _outputs(record: LogRecord) -> Iterable[str]:
    """The fields of `record` that hold what a device answered; only a command's do."""
    return OUTPUTS if record.parts else ()


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
