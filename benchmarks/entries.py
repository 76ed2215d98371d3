"""What looking costs among millions of application entries over 7 days: pages, words, attributes, figures, a purge.

    .venv/bin/python -m benchmarks.entries [ENTRIES]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database, filled by the site's own way of
storing. ENTRIES is 5,000,000 by default, which takes ten minutes and more. Each query runs alone, and again while
another process stores 2,000 entries a second.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ingest import FREQUENT, RARE, batches
from benchmarks.scratch import print_table, scratch_site

BATCH_ENTRIES = 1000
DAYS = 7.0
ROUNDS = 15
PAGE_ROWS = 100
LIVE_ENTRIES = 100  # in a batch of the process beside, twenty times a second


def fill(count: int, days: float, *, seed: int = 1) -> float:
    """Store `count` entries as the site does; the seconds that it took."""
    began = time.perf_counter()
    for body in batches(count, BATCH_ENTRIES, days=days, seed=seed):
        store_body(body)
    return time.perf_counter() - began


def store_body(body: bytes) -> None:
    from applogs.ingest.entries import read_entries
    from applogs.senders import Sender
    from applogs.storing import prepare, store
    from logsite.intake.models import IngestToken
    from logsite.tables.writing import writing

    now = time.time_ns()
    columns = read_entries(body, "application/json", received_at=now).columns
    prepare(columns)
    with writing():
        store(columns, Sender(token=IngestToken(pk=1)), protocol="http", received_at=now)


def store_on_and_on() -> None:
    """Twenty batches a second, until the process is killed."""
    import django

    django.setup()
    number = 0
    due = time.monotonic()
    while True:
        number += 1
        for body in batches(LIVE_ENTRIES, LIVE_ENTRIES, seed=number, before=number * LIVE_ENTRIES):
            store_body(body)
        due += 1 / 20
        time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def stored_beside() -> Iterator[None]:
    words = [sys.executable, "-m", "benchmarks.entries", "--store"]
    process = subprocess.Popen(words, env={**os.environ})
    try:
        time.sleep(3)
        yield
    finally:
        process.kill()
        process.wait()


def median_milliseconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def works() -> dict[str, Callable[[], object]]:
    from logsite.audit import Reader
    from logsite.records import Window
    from logsite.records.search import Search, place_of, views_of

    views = views_of(Reader(None, "", "system"), ["app"])
    now = datetime.now(UTC)
    week, day = Window(now - timedelta(days=DAYS)), Window(now - timedelta(days=1), now)
    newest = Search(views, "", week).page(limit=1).records[0]
    trace, user = newest.attributes["trace_id"], newest.attributes["context"]["user_id"]

    def page(text: str) -> Callable[[], object]:
        return lambda: Search(views, text, week).page(limit=PAGE_ROWS)

    def pages_and_back() -> None:
        search, place = Search(views, FREQUENT, week), None
        for _ in range(50):
            place = place_of(search.page(limit=PAGE_ROWS, before=place).records[-1])
        for _ in range(49):
            found = search.page(limit=PAGE_ROWS, after=place, newest_first=False)
            place = place_of(found.records[-1])

    return {
        "newest of an app at level >= ERROR": page("app:app07 level:(ERROR OR CRITICAL)"),
        f"trace_id:{trace[:8]}…": page(f"trace_id:{trace}"),
        "user_id:…": page(f"user_id:{user}"),
        "word, level and app": page(f"{FREQUENT} level:ERROR app:app07"),
        "a frequent word": page(FREQUENT),
        "a rare word": page(RARE),
        "histogram of 24 h": lambda: Search(views, "", day).histogram(600),
        "page 1 to 50 and back, a page": pages_and_back,
        "facets of a rare word": lambda: Search(views, RARE, week).facets(["level", "app"]),
        "facets of all": lambda: Search(views, "", week).facets(["level", "app"]),
    }


def size_of_database() -> int:
    from django.db import connection

    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        with connection.cursor() as sql:
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return name.stat().st_size
    with connection.cursor() as sql:
        sql.execute("SELECT pg_database_size(current_database())")
        return int(sql.fetchone()[0])


def purge_of_a_day(settings: object) -> tuple[int, float]:
    """How many entries of a whole day went, and the seconds. The day before, which is filled in part, goes first."""
    from applogs.models import LogEntry
    from logsite.housekeeping.purge_runs import Purge

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    gone, took = 0, 0.0
    for days in (int(DAYS) - 1, int(DAYS) - 2):
        settings.RETENTION_DAYS_APPS = days  # type: ignore[attr-defined]
        before, began = LogEntry.objects.count(), time.perf_counter()
        Purge(midnight).run("benchmark")
        took = time.perf_counter() - began
        gone = before - LogEntry.objects.count()
    return gone, took


def main() -> None:
    if sys.argv[1:] == ["--store"]:
        store_on_and_on()
    scratch_site()
    from django.conf import settings
    from django.db import connection

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    empty = size_of_database()
    took = fill(count, DAYS)
    print(
        f"{count:,} entries in {took:.0f} s, {count / took:,.0f} a second, on {connection.vendor}", flush=True
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE" if connection.vendor == "postgresql" else "PRAGMA optimize")
    print(f"{(size_of_database() - empty) / count:.0f} bytes a row", flush=True)
    alone = {name: median_milliseconds(work) / (99 if "50" in name else 1) for name, work in works().items()}
    with stored_beside():
        beside = {
            name: median_milliseconds(work) / (99 if "50" in name else 1) for name, work in works().items()
        }
    rows = [
        (name, f"{alone[name]:.1f}", f"{beside[key]:.1f}", f"{beside[key] / alone[name]:.1f}")
        for name, key in zip(alone, beside, strict=True)
    ]
    print_table(("query", "alone, ms", "beside 2,000 entries/s, ms", "ratio"), rows)
    gone, seconds = purge_of_a_day(settings)
    print(f"\n{gone:,} entries purged in {seconds:.1f} s, {seconds / max(1, gone) * 1e6:.1f} µs a row")


if __name__ == "__main__":
    main()
