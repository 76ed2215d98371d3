"""A small writer of entries for tests: rows, their tokens and their counts in one transaction."""

import json
import random
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from applogs.entry_index import COUNTS, INDEX
from applogs.models import LogEntry
from logsite.records.indexes.minute_counts import MINUTE
from logsite.tables.segments import DAY

JSON = ("context", "metadata", "performance_data", "labels", "attributes")
TEXTS = ("level", "category", "app", "host", "logger", "module", "function", "file", "message", "trace_id")
HOSTILE = (
    "错误 日志",
    "Größe überschritten",
    "foo-bar_baz",
    "a" * 300,
    "50% off? [sic] *",
    "İstanbul ſ K ß",
    "",
)


def store(rows: list[LogEntry]) -> list[LogEntry]:
    """Store `rows` as one batch, as a writer of the site does; with their ids."""
    times = [row.timestamp for row in rows]
    if connection.vendor == "postgresql":
        INDEX.prepare(times)
    columns: dict[str, list[Any]] = {
        field.name: [getattr(row, field.name) for row in rows] for field in LogEntry._meta.fields
    }
    columns |= {
        name: [None if value is None else json.dumps(value) for value in columns[name]] for name in JSON
    }
    with transaction.atomic():
        LogEntry.objects.bulk_create(rows)
        COUNTS.append(times, columns["level"], columns["app"])
        ids, tokens = [row.id for row in rows], INDEX.tokens_of_rows(columns)
        if connection.vendor == "sqlite":
            INDEX.add(ids, times, tokens)
            return rows
        with connection.cursor() as sql:
            pairs = [(found, row_id) for found, row_id in zip(tokens, ids, strict=True)]
            sql.executemany("UPDATE app_log_entries SET tokens = %s::int4[] WHERE id = %s", pairs)
    return rows


def entry(timestamp: int, **values: Any) -> LogEntry:
    return LogEntry(**{"timestamp": timestamp, "received_at": timestamp, "protocol": "http", **values})


def random_entries(seeded: random.Random, number: int, now: int) -> Iterator[LogEntry]:
    """Over five days before `now`, many at the same moment, and at the edges of days and minutes; some of 1970, of
    2099, and from before 1970."""
    moments = [now - seeded.randrange(5 * DAY) for _ in range(number // 4)]
    moments += [edge - 1 + seeded.randrange(2) for edge in edges(now)]
    far = [5, -7 * DAY, 4_080_000_000_000_000_000, now - 399 * DAY]
    for _ in range(number):
        timestamp = seeded.choice(far) if seeded.random() < 0.05 else seeded.choice(moments)
        yield entry(timestamp, **random_values(seeded))


def edges(now: int) -> list[int]:
    """Of days, and of minutes within the newest hour; in nanoseconds."""
    return [(now // DAY - each) * DAY for each in range(5)] + [
        (now // MINUTE - each) * MINUTE for each in range(0, 60, 10)
    ]


def random_values(seeded: random.Random) -> dict[str, Any]:
    user = seeded.choice(
        [seeded.randrange(12), str(seeded.randrange(12)), 4.0, 2**60, 1.5, True, None, "x y"]
    )
    message = f"{seeded.choice(MESSAGES)} {seeded.choice(HOSTILE) if seeded.random() < 0.2 else ''}".strip()
    return {
        "message": message,
        "level": seeded.choice(["DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR", "AUDIT", ""]),
        "app": seeded.choice(["auth", "web-1", "Web-1", "db", ""]),
        "host": seeded.choice(["h1", "h2", ""]),
        "category": seeded.choice(["api", "database", ""]),
        "logger": seeded.choice(["a.b", ""]),
        "trace_id": seeded.choice(["", f"{seeded.randrange(30):032x}"]),
        "line": seeded.choice([None, 5, 42]),
        "context": {"user_id": user, "path": seeded.choice(["/health/live", "/api"])},
        "metadata": seeded.choice(
            [None, {"http": {"method": "GET"}}, {"http.method": "GET"}, {"größe": "M"}]
        ),
        "labels": seeded.choice([None, {"tags": ["core", 7, None, ["deep"], {"a": 1}]}, {"ok": False}]),
        "attributes": seeded.choice([None, {}, {"app": "db", "user_id": "3", "price": 1.5, "big": 1e18}]),
    }


MESSAGES = (
    "Connection refused by 10.0.0.1 port 5432",
    "connection reset by peer",
    "[error] boom",
    '{"a": 1, "b": "x y"}',
    "neighbor 2001:db8::1 up",
    "GET /api/v2/users 404 NOT FOUND",
    "timeout timeouts TIMEOUT_MS=5",
    "disk full",
    "multi\nline   text",
)
LEAVES = (
    "connection",
    '"connection refused"',
    "conn*",
    "*o*",
    "t?me*",
    "10.0.0.1",
    "错",
    "größe",
    "foo-bar_baz",
    "boom",
    "nowhere",
    "level:ERROR",
    "level:>=WARNING",
    "level:<INFO",
    "NOT level:*",
    "app:web-1",
    "app:web*",
    "app:(auth OR db)",
    "app:[a TO e}",
    "host:h2",
    "category:api",
    "source:app",
    "source:other",
    "logger:a.b",
    "line:42",
    "line:>5",
    "timestamp:<2020",
    "user_id:4",
    "user_id:4.0",
    "user_id:1152921504606846976",
    "user_id:true",
    'user_id:"x y"',
    "user_id:>5",
    "user_id:*",
    "context.user_id:3",
    "attributes.user_id:3",
    "path:/health*",
    "path:/api",
    "http.method:GET",
    "metadata.http.method:GET",
    "größe:M",
    "tags:core",
    "tags:7",
    "tags:deep",
    "ok:false",
    "price:1.50",
    "big:1000000000000000000",
    "nothing:here",
    *(f"trace_id:{number:032x}" for number in range(6)),
    "message:disk",
    "message:*",
)


def random_query(seeded: random.Random, depth: int = 3) -> str:
    if depth == 0 or seeded.random() < 0.4:
        return seeded.choice(LEAVES)
    parts = [random_query(seeded, depth - 1) for _ in range(seeded.randrange(1, 4))]
    return seeded.choice(("", "", "", "NOT ")) + f"({seeded.choice((' ', ' AND ', ' OR ')).join(parts)})"
