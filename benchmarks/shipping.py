"""How fast session events go from the database to Loki, as a ratio to pushing the same bodies bare.

    python benchmarks/shipping.py [--rows 20000] [--batch-size 1000] [--rounds 3]

Works on a database of its own in a temporary folder (DATABASE_URL names another, which must be empty). Pushes
to a stand-in in a process of its own, or to the Loki at LOKI_TEST_URL; that one's default limits (4 MB/s, and
3 MB/s a stream) are lower than what is measured here, so raise them.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-least", type=float, default=0.0, help="Exit 1 when the ratio is below this.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "logsite.settings"
        import django

        django.setup()
        fill(asked.rows)
        url, stop = sink()
        try:
            ratio = measure(url, asked.rows, asked.batch_size, asked.rounds)
        finally:
            stop()
    return int(ratio < asked.at_least)


def fill(rows: int) -> None:
    """`rows` answered commands of ten sessions, of about 500 bytes each."""
    from datetime import timedelta

    from django.core.management import call_command
    from django.utils import timezone

    from sessionlogs.models import EventType, Session, SessionLog

    call_command("migrate", verbosity=0)
    start = timezone.now() - timedelta(minutes=30)
    sessions = [
        Session.objects.create(device=f"fw{number}", device_id=str(number), started_at=start, user="netops")
        for number in range(10)
    ]
    response = "ethernet1/1   up   10.0.0.1/24   untrust   1500   vr:default\n" * 6
    SessionLog.objects.bulk_create(
        (
            SessionLog(
                session=sessions[n % 10],
                device=sessions[n % 10].device,
                user="netops",
                step=n // 10 + 1,
                event_type=EventType.COMMAND_RESPONSE,
                command="show interface all",
                response=response,
                duration_ms=12.5,
                timestamp=start + timedelta(milliseconds=n),
            )
            for n in range(rows)
        ),
        batch_size=1000,
    )


def sink() -> tuple[str, Callable[[], None]]:
    """Where to push to, and how to end it."""
    if url := os.environ.get("LOKI_TEST_URL"):
        return url, lambda: None
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    return here.recv(), lambda: (here.send("end"), process.join())[0]


def serve(pipe: Connection) -> None:
    """The stand-in, until somebody says so."""
    from tests.shipping.loki_stand_in import LokiStandIn

    with LokiStandIn() as loki:
        pipe.send(loki.url)
        pipe.recv()


def measure(url: str, rows: int, batch_size: int, rounds: int) -> float:
    """Print the rates of `rounds` interleaved runs, in rows per second, and return the median ratio."""
    bare, shipped = [], []
    for _ in range(rounds):
        stamp = time.time_ns()
        bare.append(rows / push_bare(url, bodies(f"bare-{stamp}", batch_size)))
        shipped.append(rows / ship(url, f"ship-{stamp}", batch_size, rows))
    ratio = statistics.median(one / other for one, other in zip(shipped, bare, strict=True))
    print(f"rows {rows:,}, {batch_size:,} a push, {rounds} rounds, to {url}")
    print(f"bare push          {statistics.median(bare):>10,.0f} rows/s")
    print(f"database to Loki   {statistics.median(shipped):>10,.0f} rows/s")
    print(f"ratio              {ratio:>10.2f}")
    return ratio


def loki_receiver(url: str, job: str) -> Any:
    """A receiver as the command makes one."""
    from shipping.receivers.loki.client import LokiClient
    from shipping.receivers.loki.encoding import Encoder
    from shipping.receivers.loki.receiver import LokiReceiver
    from shipping.retry import Retry

    client = LokiClient(url, Retry(0, 1), timeout=30, request_bytes=2 * 1024**2)
    return LokiReceiver(client, Encoder(job, 262_144))


def bodies(job: str, batch_size: int) -> list[bytes]:
    """The requests that shipping everything makes."""
    from logsite.records import Cursor, get_source
    from shipping.engine import plan
    from shipping.receivers.loki.client import body_of

    source, cursor, found = get_source("session"), Cursor(), []
    receiver = loki_receiver("", job)
    while page := source.committed_after(cursor, batch_size):
        found += [body_of(push.items) for push in plan(page, receiver)]
        cursor = page[-1][0]
    return found


def push_bare(url: str, found: Sequence[bytes]) -> float:
    """Seconds to push ready-made bodies."""
    import requests

    with requests.Session() as session:
        start = time.perf_counter()
        for body in found:
            answer = session.post(
                f"{url}/loki/api/v1/push", data=body, headers={"Content-Type": "application/json"}, timeout=30
            )
            assert answer.status_code == 204, answer.text[:200]
        return time.perf_counter() - start


def ship(url: str, job: str, batch_size: int, rows: int) -> float:
    """Seconds to ship everything, from the first query to the last commit."""
    from logsite.records import get_source
    from shipping.engine import Shipper
    from shipping.feed import LocalFeed
    from shipping.models import Destination

    receiver = loki_receiver(url, job)
    destination = Destination.objects.create(name=job, url=url)
    shipper = Shipper(destination, receiver, LocalFeed(get_source("session")), batch_size=batch_size)
    start = time.perf_counter()
    with shipper:
        while shipper.step():
            pass
    took = time.perf_counter() - start
    receiver.close()
    assert (shipper.totals.shipped, shipper.left) == (rows, 0)
    return took


if __name__ == "__main__":
    sys.exit(main())
