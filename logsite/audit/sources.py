"""Audit entries as rows that a query can search. They are no registered source: nothing ships or streams them."""

from django.db.models import QuerySet, Value

from logsite.audit.event_types import EventType
from logsite.audit.models import AuditEntry
from logsite.audit.reader import VIAS
from logsite.records import LogRecord, to_nanoseconds
from logsite.records.query import Field, Kind
from logsite.records.stored_rows import StoredRows

FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "source": Field(Kind.KEYWORD, Value("audit"), "source", help="audit: audit entries."),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp", help="A day, a minute, a moment, or now-2h."),
    "level": Field(Kind.LEVEL, "severity", "level", help="The severity."),
    "event_type": Field(
        Kind.KEYWORD, "event_type", "labels.event_type", values=tuple(EventType.values), low_cardinality=True
    ),
    "user": Field(Kind.KEYWORD, "user", "attributes.user", absent="", low_cardinality=True),
    "user_id": Field(Kind.KEYWORD, "user_id", "attributes.user_id", absent=""),
    "address": Field(Kind.IP, "address", "attributes.address", help="An address, or a network."),
    "via": Field(Kind.KEYWORD, "via", "labels.via", values=VIAS, low_cardinality=True),
    "what": Field(Kind.KEYWORD, "what", "labels.what", low_cardinality=True),
    "target": Field(Kind.TEXT, "target", "message", searched=True),
    "count": Field(Kind.INTEGER, "count", "attributes.count"),
    "details": Field(Kind.JSON, "details", "attributes.details", help="Its keys, as details.path:…"),
}


class AuditRows(StoredRows):
    """The entries of the audit; a record's message is the target."""

    name = "audit"
    permission = "audit.view_auditentry"
    fields = FIELDS

    def queryset(self) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.all()

    def to_record(self, row: AuditEntry) -> LogRecord:
        attributes = {
            "user": row.user,
            "user_id": row.user_id,
            "address": row.address,
            "count": row.count,
            "details": row.details,
        }
        return LogRecord(
            id=row.pk,
            source=self.name,
            timestamp=to_nanoseconds(row.timestamp),
            level=row.severity,
            message=row.target,
            labels={"event_type": row.event_type, "via": row.via, "what": row.what},
            attributes={name: value for name, value in attributes.items() if value not in ("", None)},
        )
