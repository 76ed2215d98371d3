"""What a search over session events costs: a rare word, a frequent one, none; with and without the index.

    .venv/bin/python -m benchmarks.fulltext [ROWS]

on SQLite, or on the PostgreSQL that DATABASE_URL names: a throw-away database, for it is filled.
"""

import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from benchmarks.scratch import print_table, scratch_site

ROUNDS = 5
RARE, FREQUENT, ABSENT = "FTX1840ABCD", "GigabitEthernet", "no-such-words-here"


def fill(count):
    """`count` answers of about 1 kB, a second apart; five of them hold the rare word."""
    from sessionlogs.models import Session, SessionLog

    random.seed(7)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    session = Session.objects.create(session_id=uuid4(), device="rtr01", started_at=start)
    rare = set(random.sample(range(count), 5))
    for first in range(0, count, 2000):
        rows = [
            SessionLog(
                session=session,
                device=f"rtr{n % 300:03d}",
                event_type="command_response",
                step=1,
                command="show interfaces",
                timestamp=start + timedelta(seconds=n),
                response=answer() + (RARE if n in rare else ""),
            )
            for n in range(first, min(count, first + 2000))
        ]
        SessionLog.objects.bulk_create(rows)


def answer():
    lines = (
        f"GigabitEthernet0/{n} is up, address {random.randbytes(6).hex()}, {random.randrange(10**9)} packets"
        for n in range(15)
    )
    return "\n".join(lines)


def page(search, text):
    """Milliseconds, at the median, for what a change list does: the newest hundred, and the capped count."""
    from sessionlogs.models import SessionLog

    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        rows = search(SessionLog.objects.defer("response"), text)
        list(rows.order_by("-timestamp", "-id")[:101])
        rows.order_by()[:10_001].count()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def plain(rows, text):
    """What Django's own search box does."""
    from django.db.models import Q

    return rows.filter(
        Q(command__icontains=text) | Q(response__icontains=text) | Q(error_message__icontains=text)
    )


def main():
    scratch_site()
    from django.db import connection

    from sessionlogs import fulltext

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    postgres = connection.vendor == "postgresql"
    started = time.perf_counter()
    fill(count)
    print(f"{count:,} rows in {time.perf_counter() - started:.0f} s on {connection.vendor}", flush=True)
    ours = lambda rows, text: fulltext.search(rows, text, fulltext.EVERYTHING)  # noqa: E731
    ways = [("plain icontains", plain), ("LogSite", ours)]
    table = []
    for with_index in (True, False) if postgres else (False,):
        with connection.cursor() as sql:
            if postgres and not with_index:
                sql.execute(f"DROP INDEX {fulltext.INDEX}")
            sql.execute("VACUUM ANALYZE session_logs" if postgres else "ANALYZE")
        for name, search in ways:
            figures = [f"{page(search, text):.0f} ms" for text in (RARE, FREQUENT, ABSENT)]
            table.append((f"{name}, {'with' if with_index else 'without'} index", *figures))
    print_table(("newest 100 and count", "rare word (5 rows)", "word in every row", "word in none"), table)


if __name__ == "__main__":
    main()
