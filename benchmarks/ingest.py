"""What taking entries in over HTTP costs, beside decoding alone and beside the bare statement of the database.

    .venv/bin/python -m benchmarks.ingest [ENTRIES [SENDERS]]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database. One daphne process, 1,000 entries a
POST, every index on. The bare operation inserts the same columns into a table without indexes in the same run, by
executemany or COPY, one commit a batch.
"""

import http.client
import os
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

from benchmarks.app_entries import batches
from benchmarks.scratch import print_table, scratch_site

BATCH_ENTRIES = 1000
BODIES = 40  # made before the clock starts, and sent again and again: ids and times do not matter here
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def daphne() -> Iterator[tuple[int, str]]:
    """The site under daphne on the benchmark's database: its process id and address."""
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "0", "logsite.asgi:application"]
    environment = {**os.environ, "LOG_LEVEL": "INFO"}  # daphne says there where it listens
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)
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


def bare(bodies: list[dict[str, list[Any]]], count: int) -> Callable[[], None]:
    """Inserts `count` batches of the same columns into a table that has no index."""
    from django.db import connection, transaction

    names = list(bodies[0])
    with connection.cursor() as sql:
        sql.execute(f"CREATE TABLE bare_entries ({', '.join(f'{name} text' for name in names)})")
    rows = [list(zip(*columns.values(), strict=True)) for columns in bodies]

    def run() -> None:
        for batch in islice(cycle(rows), count):
            with transaction.atomic(), connection.cursor() as sql:
                if connection.vendor == "sqlite":
                    marks = ", ".join("?" * len(names))
                    sql.connection.cursor().executemany(f"INSERT INTO bare_entries VALUES ({marks})", batch)
                else:
                    with sql.cursor.copy(f"COPY bare_entries ({', '.join(names)}) FROM STDIN") as copy:
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
    results.append(("bare statement", *timed(bare(columns, count))))
    results.append(("decoded only", *timed(lambda: decoded(list(islice(cycle(bodies), count))))))
    with daphne() as (pid, address):
        over_http(address, token, bodies, 5, senders)
        before = processor_seconds(pid)
        seconds = over_http(address, token, bodies, count, senders)
        results.append(("over HTTP, stored", seconds, processor_seconds(pid) - before))
    base = results[0][1]
    print_table(
        ("what", "entries/s", "to the bare statement", "µs of the processor an entry"),
        [
            (name, f"{number / wall:,.0f}", f"{base / wall:.2f}", f"{cpu / number * 1e6:.1f}")
            for name, wall, cpu in results
        ],
    )


if __name__ == "__main__":
    main()
