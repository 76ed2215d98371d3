"""Application log entries as log records: what search, live tail and shipping see of them."""

from typing import Any

from django.db.models import QuerySet, Value

from applogs.models import Category, EntryCount, LogEntry
from logsite.records import LogRecord, LogSource, Retention
from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts
from logsite.records.query import Field, Kind

_TEXTS = (
    "category",
    "app",
    "host",
    "logger",
    "module",
    "function",
    "file",
    "trace_id",
    "span_id",
    "entry_id",
)
_OBJECTS = ("context", "metadata", "performance_data")


def _keyword(name: str, *, few: bool = False, record: str = "") -> Field:
    return Field(Kind.KEYWORD, name, record or f"attributes.{name}", absent="", low_cardinality=few)


FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "source": Field(Kind.KEYWORD, Value("app"), "source", help="app: logs of applications."),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp", help="A day, a minute, a moment, or now-2h."),
    "level": Field(Kind.LEVEL, "level", "level"),
    "message": Field(Kind.TEXT, "message", "message", searched=True),
    "category": Field(
        Kind.KEYWORD,
        "category",
        "labels.category",
        absent="",
        low_cardinality=True,
        help=", ".join(Category.values),
    ),
    "app": _keyword("app", few=True, record="labels.app"),
    "host": _keyword("host", few=True, record="labels.server_id"),
    **{
        name: _keyword(name, few=name in ("logger", "module"))
        for name in _TEXTS
        if name not in ("category", "app", "host")
    },
    "line": Field(Kind.INTEGER, "line", "attributes.line"),
    **{name: Field(Kind.JSON, name, f"attributes.{name}") for name in _OBJECTS},
    "labels": Field(Kind.JSON, "labels", "attributes.labels"),
    "attributes": Field(Kind.JSON, "attributes", "attributes.attributes"),
    "truncated_bytes": Field(Kind.INTEGER, "truncated_bytes", "attributes.truncated_bytes", absent=0),
}

INDEX = SegmentIndex(LogEntry, FIELDS, together=("app", "level"))
COUNTS = MinuteCounts(EntryCount)


class AppSource(LogSource):
    """The source `app`."""

    name = "app"
    title = "Application logs"
    permission = "applogs.view_logentry"
    stream = ("app", "host")
    retention = Retention("RETENTION_DAYS_APPS")
    fields = FIELDS
    index = INDEX
    minute_counts = COUNTS

    def queryset(self) -> QuerySet[LogEntry]:
        return LogEntry.objects.all()

    def to_record(self, row: LogEntry) -> LogRecord:
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


def _attributes(row: LogEntry) -> dict[str, Any]:
    names = ("host", *_TEXTS[3:], "line", *_OBJECTS, "labels", "attributes", "truncated_bytes")
    return {name: value for name in names if (value := getattr(row, name)) not in ("", None, {}, 0)}
