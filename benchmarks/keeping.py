"""What statistics and a purge cost over many events.

    .venv/bin/python -m benchmarks.keeping [EVENTS]          DATABASE_URL=postgres://… for PostgreSQL

The bare operation beside the statistics is one index scan over the same range; beside the purge, one DELETE.
"""

import random
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from benchmarks.scratch import print_table, scratch_site

EVENTS_A_SESSION = 10
RESPONSE = "interface is up, line protocol is up\n" * 60


def fill(events: int) -> None:
    """`events` events of 500 devices over the last 40 days; one session in ten failed."""
    from django.utils import timezone

    from sessionlogs.models import EventType, Session, SessionLog

    now, generator = timezone.now(), random.Random(1)
    for _ in range(events // EVENTS_A_SESSION // 500):
        sessions, rows = [], []
        for number in range(500):
            failed = generator.random() < 0.1
            session = Session(
                session_id=uuid.uuid4(),
                device=f"rtr{number:04d}",
                user=f"user{number % 20}",
                started_at=now - timedelta(seconds=generator.randrange(40 * 86400)),
                status="failed" if failed else "success",
                error_message="timed out" if failed else "",
                error_kind=generator.choice(["authentication", "timeout"]) if failed else "",
            )
            sessions.append(session)
            for step in range(1, EVENTS_A_SESSION // 2 + 1):
                common = {
                    "session": session,
                    "device": session.device,
                    "user": session.user,
                    "step": step,
                    "command": f"show thing {step}",
                    "timestamp": session.started_at,
                }
                rows += [
                    SessionLog(event_type=EventType.COMMAND_SENT, **common),
                    SessionLog(
                        event_type=EventType.COMMAND_RESPONSE,
                        response=RESPONSE,
                        duration_ms=generator.expovariate(0.01),
                        **common,
                    ),
                ]
        Session.objects.bulk_create(sessions)
        SessionLog.objects.bulk_create(rows)


def milliseconds(work: Callable[[], object], rounds: int = 5) -> float:
    """The median."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)[rounds // 2]


def main() -> None:
    scratch_site()
    from django.db import connection
    from django.utils import timezone

    from logsite.housekeeping.purge_runs import Purge
    from sessionlogs import statistics
    from sessionlogs.models import SessionLog

    fill(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute("ANALYZE")
    now, rows = timezone.now(), []
    for days in (7, 40):
        when = statistics.TimeRange(now - timedelta(days=days), now)
        found = when.of(SessionLog.objects.filter(duration_ms__gt=0), "timestamp")
        bare = milliseconds(found.count)
        rows += [
            [f"{days} days: {name}", f"{milliseconds(partial(table, when)):.1f}", f"{bare:.1f}"]
            for name, table in statistics.TABLES.items()
        ]
    print_table(["statistics", "ms", "ms to count the answers of the range"], rows)
    start = time.perf_counter()
    run = Purge(now=now + timedelta(days=345)).run()
    took = time.perf_counter() - start
    gone = sum(counts.get("events", 0) for counts in run.counts.values())
    print(f"\n{connection.vendor}: purge of {gone:,} events: {took:.1f} s, {gone / took:,.0f} events/s")


if __name__ == "__main__":
    main()
