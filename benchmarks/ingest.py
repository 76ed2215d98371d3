"""What taking entries in over HTTP costs, beside decoding alone and beside the bare statement of the database.

    .venv/bin/python -m benchmarks.ingest [ENTRIES [SENDERS]]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database. One daphne process, 1,000 entries a
POST, every index on. The bare operations insert the same columns in the same run, by executemany or COPY, one commit
a batch: into a table without indexes, and into one with the two B-trees that entries have, but no index of tokens.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.scratch import print_table, scratch_site

BATCH_ENTRIES = 1000
BODIES = 40  # made before the clock starts, and sent again and again: ids and times do not matter here
TICKS = os.sysconf("SC_CLK_TCK")


# Entries of applications of about 570 bytes of JSON each.
APPS = tuple(f"app{number:02d}" for number in range(20))
LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "INFO", "INFO", "INFO", "WARNING", "ERROR", "CRITICAL")
WORDS = (
    "request order customer payment stored cache session worker queue timeout retry connection database user "
    "article price basket invoice shipment address email template render index search result page token"
).split()
DAY_NANOSECONDS = 86_400 * 10**9
FREQUENT, RARE = "request", "needle"  # in every third message; in one of 50,000


def entry(chance: random.Random, timestamp: int, number: int) -> dict[str, Any]:
    """An entry of the time `timestamp`, in nanoseconds."""
    app = chance.choice(APPS)
    words = chance.choices(WORDS[1:], k=9)
    if number % 3 == 0:
        words[0] = FREQUENT
    if number % 50_000 == 7:
        words[1] = RARE
    seconds, nanoseconds = divmod(timestamp, 10**9)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return {
        "timestamp": f"{clock}.{nanoseconds:09d}Z",
        "level": chance.choice(LEVELS),
        "category": "api",
        "app": app,
        "host": f"web{chance.randint(1, 8):02d}",
        "logger": f"{app}.orders",
        "module": "orders",
        "function": "handle_request",
        "line": chance.randint(1, 500),
        "message": f"{' '.join(words)} {number} took {chance.randint(1, 900)} ms",
        "trace_id": f"{chance.getrandbits(128):032x}",
        "context": {"request_id": f"req_{number}", "user_id": f"user_{chance.randint(1, 100_000)}"},
        "metadata": {"auth_method": "password", "region": "eu-central-1", "deployment": "blue"},
        "performance_data": {"response_time": chance.random(), "memory_usage": 128.5},
    }


def batches(count: int, size: int, *, days: float = 0.0, seed: int = 1, before: int = 0) -> Iterator[bytes]:
    """`count` entries in bodies of `size` each, oldest first, over the last `days`; the first is number `before`."""
    chance, now = random.Random(seed), time.time_ns()
    step = int(days * DAY_NANOSECONDS) // max(1, count) or 1000
    for first in range(0, count, size):
        rows = [
            entry(chance, now - (count - number) * step, before + number)
            for number in range(first, min(count, first + size))
        ]
        yield json.dumps(rows).encode()


@contextmanager
def daphne() -> Iterator[tuple[int, str]]:
    """The site under daphne on the benchmark's database: its process id and address."""
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "0", "logsite.asgi:application"]
    environment = {**os.environ, "LOG_LEVEL": "INFO"}  # daphne says there where it listens
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Listening on TCP address" in line:
                address = line.split("TCP address", 1)[1].strip()
                break
        else:
            raise SystemExit("daphne did not start")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process.pid, f"http://{address}"
    finally:
        process.kill()
        process.wait()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def over_http(address: str, token: str, bodies: list[bytes], count: int, senders: int) -> float:
    """The seconds that `senders` connections take to have `count` bodies acknowledged."""
    work, lock = iter(islice(cycle(bodies), count)), threading.Lock()

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        while True:
            with lock:
                body = next(work, None)
            if body is None:
                return
            headers = {"Authorization": token, "Content-Type": "application/json"}
            connection.request("POST", "/api/v2/logs/ingest", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 202:
                raise SystemExit(f"{answer.status}: {said[:300]!r}")

    threads = [threading.Thread(target=send) for _ in range(senders)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def user_token() -> str:
    """The Authorization header of a user who may send for every application."""
    from django.contrib.auth import get_user_model
    from knox.models import AuthToken

    user = get_user_model().objects.create_superuser("benchmark")
    return f"Token {AuthToken.objects.create(user)[1]}"


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """The seconds, and those of the processor."""
    started, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - busy


def decoded(bodies: list[bytes]) -> list[dict[str, list[Any]]]:
    from applogs.ingest.entries import read_entries

    now = time.time_ns()
    return [read_entries(body, "application/json", received_at=now).columns for body in bodies]


def bare(bodies: list[dict[str, list[Any]]], count: int, *, indexed: bool = False) -> Callable[[], None]:
    """Inserts `count` batches of the same columns into a table of its own, with the B-trees of entries or without."""
    from django.db import connection, transaction

    names, table = list(bodies[0]), "bare_indexed" if indexed else "bare_entries"
    with connection.cursor() as sql:
        columns = ", ".join(f"{name} {'bigint' if name == 'timestamp' else 'text'}" for name in names)
        key = "integer PRIMARY KEY" if connection.vendor == "sqlite" else "bigserial PRIMARY KEY"
        before = f"id {key}, xact bigint DEFAULT 0, " if indexed else ""
        sql.execute(f"CREATE TABLE {table} ({before}{columns})")
        for column in ("xact", "timestamp") if indexed else ():
            sql.execute(f"CREATE INDEX {table}_{column} ON {table} ({column}, id)")
    rows = [list(zip(*columns.values(), strict=True)) for columns in bodies]
    columns = ", ".join(names)

    def run() -> None:
        for batch in islice(cycle(rows), count):
            with transaction.atomic(), connection.cursor() as sql:
                if connection.vendor == "sqlite":
                    marks = ", ".join("?" * len(names))
                    sql.connection.cursor().executemany(
                        f"INSERT INTO {table} ({columns}) VALUES ({marks})", batch
                    )
                else:
                    with sql.cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                        for row in batch:
                            copy.write_row(row)

    return run


def main() -> None:
    scratch_site()
    from django.db import connection

    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    senders = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    count = max(1, entries // BATCH_ENTRIES)
    number = count * BATCH_ENTRIES
    bodies = list(batches(BODIES * BATCH_ENTRIES, BATCH_ENTRIES))
    size = sum(map(len, bodies)) / (BODIES * BATCH_ENTRIES)
    token = user_token()
    print(f"{number:,} entries of {size:.0f} bytes on {connection.vendor}, {senders} senders", flush=True)
    columns = decoded(bodies)
    results: list[tuple[str, float, float]] = []
    results.append(("bare statement, no index", *timed(bare(columns, count))))
    results.append(("bare statement, the same B-trees", *timed(bare(columns, count, indexed=True))))
    results.append(("decoded only", *timed(lambda: decoded(list(islice(cycle(bodies), count))))))
    with daphne() as (pid, address):
        over_http(address, token, bodies, 5, senders)
        before = processor_seconds(pid)
        seconds = over_http(address, token, bodies, count, senders)
        results.append(("over HTTP, stored", seconds, processor_seconds(pid) - before))
    bases = [wall for _, wall, _ in results[:2]]
    print_table(
        ("what", "entries/s", "to the first", "to the second", "µs of the processor an entry"),
        [
            (
                name,
                f"{number / wall:,.0f}",
                *(f"{base / wall:.2f}" for base in bases),
                f"{cpu / number * 1e6:.1f}",
            )
            for name, wall, cpu in results
        ],
    )


if __name__ == "__main__":
    main()
