"""What an export costs beside reading the same rows bare: rate, processor time a row, memory.

    .venv/bin/python -m benchmarks.export [ROWS]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database, for it is filled. ROWS is of two
sources together, 100,000 by default. «bare» selects the same columns of both tables, in pages by key. Memory is
measured in a run of its own, for measuring it takes time.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable

from benchmarks.scratch import print_table, scratch_site
from benchmarks.search import fill

FORMATS = ("json", "csv", "txt")
PAGE_ROWS = 1000
BARE = {
    "session_logs": (
        "id, timestamp, session_id, device, event_type, command, response, error_message, duration_ms, step, "
        "execution_status, exit_code, truncated_bytes"
    ),
    "container_log_entries": "id, timestamp, container_id, container_name, stream, sequence, level, message",
}


def bare() -> int:
    """The rows of both tables, oldest first, as the driver gives them."""
    from django.db import connection

    rows = 0
    with connection.cursor() as sql:
        for table, columns in BARE.items():
            page = f"SELECT {columns} FROM {table} {{}} ORDER BY timestamp, id LIMIT {PAGE_ROWS}"
            sql.execute(page.format(""))
            while found := sql.fetchall():
                rows += len(found)
                last, moment = found[-1][:2]
                sql.execute(page.format("WHERE (timestamp, id) > (%s, %s)"), [moment, last])
    return rows


def export(name: str) -> int:
    from console.export.options import Options
    from console.export.running import Export
    from logsite.audit import SITE

    work = Export(SITE, Options(format=name, sources=("container", "session")))
    for _ in work.blocks():
        pass
    return work.count


def measured(work: Callable[[], int]) -> tuple[int, float, float]:
    """Rows, seconds, seconds of the processor."""
    started, busy = time.perf_counter(), time.process_time()
    rows = work()
    return rows, time.perf_counter() - started, time.process_time() - busy


def peak(work: Callable[[], int]) -> float:
    """The most MiB that Python held."""
    tracemalloc.start()
    work()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / 1024**2


def main() -> None:
    scratch_site()
    from django.db import connection

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    fill(count // 2)
    print(f"{count:,} rows of two sources on {connection.vendor}", flush=True)
    works: list[tuple[str, Callable[[], int]]] = [("bare", bare)]
    works += [(name, lambda name=name: export(name)) for name in FORMATS]  # type: ignore[misc]
    table, base = [], 0.0
    for name, work in works:
        work()
        rows, took, cpu = measured(work)
        base = base or took
        memory = peak(work)
        table.append(
            (
                name,
                f"{rows:,}",
                f"{rows / took:,.0f}",
                f"{cpu / rows * 1e6:.1f}",
                f"{memory:.1f}",
                f"{took / base:.1f}",
            )
        )
        print(*table[-1], sep=" | ", flush=True)
    print_table(("what", "rows", "rows a second", "µs of the processor a row", "peak MiB", "to bare"), table)


if __name__ == "__main__":
    main()
