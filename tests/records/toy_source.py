"""A log app of the tests' own: one table, and a source that is registered by one call."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import CharField, DateTimeField, QuerySet, TextField, Value

from logsite.records import LogRecord, LogRow, LogSource, Retention, to_nanoseconds
from logsite.records.query import Field, Kind

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = "sessionlogs.view_responses"


class Tick(LogRow):
    """Made for the tests of this folder; no application has it."""

    timestamp = DateTimeField()
    level = CharField(max_length=16)
    message = TextField()
    room = CharField(max_length=16)
    secret = TextField(blank=True)

    class Meta:
        app_label = "toys"
        db_table = "ticks"

    def __str__(self) -> str:
        return self.message


class TickSource(LogSource):
    name = "toy"
    title = "Toys"
    permission = "sessionlogs.view_sessionlog"
    retention = Retention("RETENTION_DAYS_TOYS")
    stream = ("room",)
    fields = {
        "id": Field(Kind.INTEGER, "id", "id"),
        "source": Field(Kind.KEYWORD, Value("toy"), "source"),
        "timestamp": Field(Kind.TIME, "timestamp", "timestamp"),
        "level": Field(Kind.LEVEL, "level", "level", low_cardinality=True),
        "message": Field(Kind.TEXT, "message", "message", searched=True),
        "room": Field(Kind.KEYWORD, "room", "labels.room", low_cardinality=True),
        "secret": Field(
            Kind.KEYWORD, "secret", "attributes.secret", absent="", searched=False, permission=SECRET
        ),
    }

    def queryset(self) -> QuerySet[Tick]:
        return Tick.objects.all()

    def to_record(self, row: Tick) -> LogRecord:
        return LogRecord(
            id=row.id,
            source=self.name,
            timestamp=to_nanoseconds(row.timestamp),
            level=row.level,
            message=row.message,
            labels={"room": row.room},
            attributes={"secret": row.secret} if row.secret else {},
        )


def ticks(**fields: Any) -> list[Tick]:
    """Ten rows, a second apart, in the rooms a and b in turn; the even ones are errors with a secret."""
    return [
        Tick.objects.create(
            **{
                "timestamp": START + timedelta(seconds=number),
                "level": "INFO" if number % 2 else "ERROR",
                "message": f"tick {number}",
                "room": "ab"[number % 2],
                "secret": "" if number % 2 else "s3same",
                **fields,
            }
        )
        for number in range(10)
    ]


settings.RETENTION_DAYS_TOYS = 30
