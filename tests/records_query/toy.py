"""A source with a field of each kind, and thirty rows of it, which the table of queries is about."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.db import models

from logsite.records import LogRecord, to_nanoseconds
from logsite.records.query.fields import Field, Kind
from logsite.tables.nanoseconds import NanosecondsField

PERMISSION = "toys.view_secret"
NOW = datetime(2026, 1, 16, 12, tzinfo=UTC)
SECOND = 1_000_000_000
MORNING = to_nanoseconds(datetime(2026, 1, 15, 10, 30, tzinfo=UTC))


class Toy(models.Model):
    """Made for the tests of this folder; no application has it."""

    message = models.TextField()
    detail = models.TextField(null=True)
    secret = models.TextField(blank=True)
    level = models.CharField(max_length=16, blank=True)
    app = models.CharField(max_length=64)
    status = models.CharField(max_length=16)
    count = models.PositiveIntegerField(null=True)
    duration = models.FloatField(null=True)
    timestamp = NanosecondsField()
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    uid = models.UUIDField(null=True)
    context = models.JSONField(default=dict)
    attributes = models.JSONField(default=dict)

    class Meta:
        app_label = "toys"

    def __str__(self) -> str:
        return self.message


FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "message": Field(Kind.TEXT, "message", "message", searched=True),
    "detail": Field(Kind.TEXT, "detail", "attributes.detail", searched=True),
    "secret": Field(Kind.TEXT, "secret", "attributes.secret", searched=True, permission=PERMISSION),
    "level": Field(Kind.LEVEL, "level", "level", low_cardinality=True),
    "app": Field(Kind.KEYWORD, "app", "labels.app", low_cardinality=True),
    "status": Field(Kind.KEYWORD, "status", "labels.status", values=("Failed", "Running", "Success")),
    "count": Field(Kind.INTEGER, "count", "attributes.count"),
    "duration": Field(Kind.FLOAT, "duration", "attributes.duration"),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp"),
    "seen_at": Field(Kind.TIME, "seen_at", "attributes.seen_at"),
    "address": Field(Kind.IP, "address", "attributes.address"),
    "uid": Field(Kind.UUID, "uid", "attributes.uid"),
    "context": Field(Kind.JSON, "context", "attributes.context"),
    "attributes": Field(Kind.JSON, "attributes", "attributes.attributes"),
}

ROWS: list[dict[str, Any]] = [
    {
        "message": "Connection refused by 10.0.0.1 port 5432",
        "level": "ERROR",
        "app": "auth",
        "status": "Failed",
        "count": 1,
        "duration": 0.5,
        "address": "10.0.0.1",
        "uid": uuid.UUID("06787c15-dded-47cd-a9d5-91f4d8f7687d"),
        "seen_at": datetime(2026, 1, 15, tzinfo=UTC),
        "context": {"user_id": 42, "path": "/health/live"},
        "timestamp": MORNING + 45 * SECOND + 123_456_789,
    },
    {
        "message": "connection reset by peer",
        "level": "WARNING",
        "app": "web-1",
        "count": 2,
        "address": "10.0.0.12",
    },
    {"message": "[error] boom", "level": "ERROR", "app": "web-2", "status": "Failed", "count": 3},
    {"message": '{"a":1}', "app": "web-1", "context": {"a": 1}},
    {"message": '{"a": 1, "b": "x y"}', "context": {"a": "1", "b": "x y"}},
    {"message": "neighbor 2001:db8::1 up", "address": "2001:db8::1", "app": "bgp"},
    {"message": "neighbor 2001:db8::10 down", "level": "WARNING", "address": "2001:db8::10", "app": "bgp"},
    {"message": "fe80::1%eth0 link-local, mac aa:bb:cc:dd:ee:ff", "app": "bgp"},
    {"message": "GET http://x/y?z=1 200 at 12:30:45", "context": {"path": "/health", "status": 200}},
    {
        "message": "GET /api/v2/users 404 NOT FOUND",
        "context": {"path": "/api/v2/users", "status": 404, "http": {"method": "GET"}},
    },
    {"message": "opened C:\\temp\\x.log", "level": "DEBUG", "count": 10, "duration": 1.5},
    {"message": "progress 100% done", "count": 100, "duration": 12.25},
    {"message": "a && b", "level": "DEBUG", "attributes": {"http.method": "GET"}},
    {"message": "(unclosed bracket", "level": "DEBUG", "attributes": {"http": {"method": "PUT"}}},
    {"message": 'key=value user="john doe" id=7', "attributes": {"user_id": "42", "admin": True}},
    {
        "message": "boom\n\tat com.foo.Bar.baz(Bar.java:123)\n\tat com.foo.Main.main(Main.java:5)",
        "level": "ERROR",
        "app": "java",
        "status": "Failed",
        "attributes": {"tags": ["core", "edge", 7], "admin": False},
    },
    {"message": "foo-bar", "app": "web-3"},
    {"message": "foo bar", "app": "Web-1"},
    {"message": "foo_bar foobar", "app": "web_1"},
    {"message": "Größe ÜBERSCHRITTEN Straße ΣΊΣΥΦΟΣ", "context": {"größe": "Müller", "price": 1.5}},
    {"message": "错误 日志 connection", "app": "テスト"},
    {"message": "timeout timeouts TIMEOUT_MS=5", "duration": 1e3, "context": {"price": 10}},
    {"message": "", "level": "", "status": "Running", "context": {"nothing": None, "empty": "", "list": []}},
    {"message": "SELECT * FROM users; it's 50% off? [sic]", "level": "AUDIT", "app": "db"},
    {
        "message": "2026-01-15T10:30:45Z login ok",
        "level": "SECURITY",
        "app": "auth",
        "context": {"user_id": 7},
    },
    {
        "message": "disk full",
        "level": "CRITICAL",
        "app": "db",
        "detail": "No space left on device",
        "status": "Failed",
    },
    {"message": "health check ok", "detail": "connection refused", "secret": "hunter2 Connection"},
    {
        "message": "multi\nline   text",
        "level": "TRACE",
        "seen_at": datetime(2026, 1, 15, 23, 59, 59, 999_999, tzinfo=UTC),
    },
    {
        "message": "std::vector overflow at foo.cpp:42",
        "level": "DEBUG",
        "seen_at": datetime(2026, 2, 1, tzinfo=UTC),
    },
    {
        "message": "--follow -x - done -> end",
        "uid": uuid.UUID("06787c15-0000-47cd-a9d5-91f4d8f7687d"),
        "address": "192.0.2.200",
        "context": {"big": 2**60, "when": "2026-01-15", "deep": {"er": {"est": "x"}}},
    },
]


def rows() -> list[Toy]:
    """A minute apart but for the first; `id` from 1."""
    defaults = {"level": "INFO", "app": "other", "status": "Success"}
    return [
        Toy(**{"id": number, "timestamp": MORNING + number * 60 * SECOND, **defaults, **row})
        for number, row in enumerate(ROWS, 1)
    ]


def record(row: Toy) -> LogRecord:
    attributes = {
        "detail": row.detail,
        "secret": row.secret,
        "count": row.count,
        "duration": row.duration,
        "seen_at": row.seen_at and to_nanoseconds(row.seen_at),
        "address": row.address,
        "uid": row.uid and str(row.uid),
        "context": row.context,
        "attributes": row.attributes,
    }
    return LogRecord(
        id=row.id,
        source="toy",
        timestamp=row.timestamp,
        level=row.level,
        message=row.message,
        labels={"app": row.app, "status": row.status},
        attributes={name: value for name, value in attributes.items() if value is not None},
    )
