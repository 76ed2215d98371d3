"""What looking costs where each of two sources has many rows: a page, a histogram, facets, a context.

    .venv/bin/python -m benchmarks.search [ROWS]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database, for it is filled. ROWS is of each
source, 1,000,000 by default. Beside each figure stands a bare statement that reads as many rows as the page shows, in
their order, from both tables. The rows have no tokens and are not counted, as those from before there was an index.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from benchmarks.scratch import print_table, scratch_site

ROUNDS = 15
PAGE_ROWS = 100
START = datetime(2026, 1, 1, tzinfo=UTC)


# The numbers from 0 on, on either engine.
NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < {last})"
EVENTS = """
INSERT INTO session_logs (session_id, device, "user", event_type, command, response, error_message, timestamp, step,
                          error_kind, execution_status, truncated_bytes, withheld, timing)
{numbers}
SELECT session_id, device, 'netops', CASE WHEN x % 50 = 0 THEN 'command_failed' ELSE 'command_response' END,
       'show interfaces', 'GigabitEthernet0/0 is up, line protocol is up, 1500 bytes MTU, 42 packets', '', {time},
       x % 9 + 1, '', 'running', 0, '', '{{}}'
FROM n JOIN (SELECT session_id, device, row_number() OVER (ORDER BY started_at) AS number FROM sessions) AS session
ON number = x * 1000 / {count} + 1 ORDER BY x
"""
ENTRIES = """
INSERT INTO container_log_entries (container_id, container_name, stream, timestamp, sequence, level, level_rule,
                                   message, truncated_bytes)
{numbers}
SELECT container.id, container.name, 'stdout', {first} + CAST(x AS bigint) * 1000000000 + 500, 0,
       CASE WHEN x % 10 < 6 THEN 'INFO' WHEN x % 10 = 6 THEN 'DEBUG' WHEN x % 10 = 7 THEN 'WARNING'
            WHEN x % 10 = 8 THEN '' ELSE 'ERROR' END, '',
       'request ' || x || ' of customer ' || x % 997 || ' took ' || x % 313 || ' ms, stored in shop.orders', 0
FROM n JOIN (SELECT id, name, row_number() OVER (ORDER BY id) AS number FROM prodlogs_container) AS container
ON number = x % 10 + 1 ORDER BY x
"""
TIMES = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', {first} + x, 'unixepoch')",
    "postgresql": "to_timestamp({first} + x)",
}


def fill(count: int) -> None:
    """Of each source `count` rows, a second apart: a thousand sessions, ten containers."""
    from django.db import connection

    from logsite.records.indexes.unindexed import mark_days
    from prodlogs.models import Container, ContainerLogEntry, DockerHost, UnindexedContainerDay
    from sessionlogs.models import Session, SessionLog, UnindexedSessionDay

    sessions = [
        Session(session_id=uuid4(), device=f"rtr{n % 300:03d}", started_at=START + timedelta(seconds=n))
        for n in range(1000)
    ]
    Session.objects.bulk_create(sessions)
    host = DockerHost.objects.create(name="docker01", address="192.0.2.1", user="reader")
    for n in range(10):
        Container.objects.create(host=host, container_id=f"{n:064x}", name=f"web-{n}")
    first, numbers = int(START.timestamp()), NUMBERS.format(last=count - 1)
    moment = TIMES[connection.vendor].format(first=first)
    rows = SessionLog.objects.all(), ContainerLogEntry.objects.all()
    with connection.cursor() as sql:
        sql.execute(EVENTS.format(numbers=numbers, time=moment, count=count))
        sql.execute(ENTRIES.format(numbers=numbers, first=first * 10**9))
        sql.execute("ANALYZE")
    for each, marks in zip(rows, (UnindexedSessionDay, UnindexedContainerDay), strict=True):
        mark_days(each, marks)


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """The median time, and that of the processor."""
    took, cpu = [], []
    for _ in range(ROUNDS):
        started, busy = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - started) * 1000)
        cpu.append((time.process_time() - busy) * 1000)
    return statistics.median(took), statistics.median(cpu)


def bare() -> int:
    """The newest rows of both tables, by their indexes, as the driver gives them."""
    from django.db import connection

    found = []
    with connection.cursor() as sql:
        for table in ("session_logs", "container_log_entries"):
            sql.execute(f"SELECT * FROM {table} ORDER BY timestamp DESC, id DESC LIMIT {PAGE_ROWS + 1}")
            found += sql.fetchall()
    return len(found)


def works(count: int) -> list[tuple[str, Callable[[], object]]]:
    from logsite.audit import Reader
    from logsite.records import Place, Window
    from logsite.records.search import Search, context, views_of

    views = views_of(Reader(None, "", "system"), ["session", "container"])
    middle = Place((int(START.timestamp()) + count // 2) * 10**9, "session", count // 2)
    day = Window(START + timedelta(seconds=count) - timedelta(days=1), START + timedelta(seconds=count))
    return [
        ("first page", lambda: Search(views).page(limit=PAGE_ROWS)),
        ("a page in the middle", lambda: Search(views).page(limit=PAGE_ROWS, before=middle)),
        ("oldest first", lambda: Search(views).page(limit=PAGE_ROWS, newest_first=False)),
        ("level:ERROR", lambda: Search(views, "level:ERROR").page(limit=PAGE_ROWS)),
        ("device:rtr007 (one of 300)", lambda: Search(views, "device:rtr007").page(limit=PAGE_ROWS)),
        ("a frequent word", lambda: Search(views, "stored").page(limit=PAGE_ROWS)),
        ("context of an entry", lambda: context(views[1], count // 2, before=5, after=5)),
        ("histogram of a day", lambda: Search(views, "", day).histogram(960)),
        ("facets of a day", lambda: Search(views, "", day).facets(["level", "source", "container"])),
        ("histogram of all rows", lambda: Search(views).histogram(86_400)),
    ]


def main() -> None:
    scratch_site()
    from django.db import connection

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    started = time.perf_counter()
    fill(count)
    took = time.perf_counter() - started
    print(f"twice {count:,} rows in {took:.0f} s on {connection.vendor}", flush=True)
    base, cpu = milliseconds(bare)
    table = [("a bare statement on each table", f"{base:.1f}", f"{cpu:.1f}", "1.0")]
    for name, work in works(count):
        wall, cpu = milliseconds(work)
        table.append((name, f"{wall:.1f}", f"{cpu:.1f}", f"{wall / base:.1f}"))
        print(*table[-1], sep=" | ", flush=True)
    print_table(("what", "ms (median)", "ms of the processor", "to the bare statements"), table)


if __name__ == "__main__":
    main()
