"""Application log entries as log records: what search, live tail and shipping see of them."""

from typing import Any, NamedTuple

from django.db.models import QuerySet

from applogs.entry_index import COUNTS, INDEX
from applogs.models import OBJECTS, LogEntry
from applogs.query_fields import FIELDS, TEXTS
from applogs.retention import AppPurge
from logsite.records import LogRecord, LogSource, Retention


class EntryRow(NamedTuple):
    """The columns of an entry that a record needs. Reading them takes a third less time than a model, and shipping
    reads every entry there is."""

    id: int
    xact: int
    timestamp: int
    level: str
    category: str
    app: str
    host: str
    logger: str
    module: str
    function: str
    file: str
    line: int | None
    message: str
    trace_id: str
    span_id: str
    entry_id: str
    context: dict[str, Any] | None
    metadata: dict[str, Any] | None
    performance_data: dict[str, Any] | None
    labels: dict[str, str] | None
    attributes: dict[str, Any] | None
    truncated_bytes: int


class AppSource(LogSource):
    """The source `app`."""

    name = "app"
    title = "Application logs"
    permission = "applogs.view_logentry"
    stream = ("app", "host")
    retention = Retention("RETENTION_DAYS_APPS", (AppPurge,))
    fields = FIELDS
    index = INDEX
    minute_counts = COUNTS

    def queryset(self) -> QuerySet[LogEntry]:
        return LogEntry.objects.all()

    def fetch(self, rows: QuerySet[LogEntry]) -> list[EntryRow]:
        return list(map(EntryRow._make, rows.values_list(*EntryRow._fields)))

    def to_record(self, row: LogEntry | EntryRow) -> LogRecord:
        labels = {
            "server_id": row.host,
            "server_tag": row.host,
            "agent_type": "general",
            "app": row.app,
            "category": row.category,
            "level": row.level,
        }
        return LogRecord(
            id=row.id,
            source=self.name,
            timestamp=row.timestamp,
            level=row.level,
            message=row.message,
            labels={name: value for name, value in labels.items() if value},
            attributes=_attributes(row),
        )


def _attributes(row: LogEntry | EntryRow) -> dict[str, Any]:
    names = ("host", *TEXTS[3:], "line", *OBJECTS, "truncated_bytes")
    return {name: value for name in names if (value := getattr(row, name)) not in ("", None, {}, 0)}
