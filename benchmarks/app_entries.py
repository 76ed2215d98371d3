"""Entries of applications as benchmarks send them: about 570 bytes of JSON each, over 7 days or now."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any

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


def batches(count: int, size: int, *, days: float = 0.0, seed: int = 1) -> Iterator[bytes]:
    """`count` entries in bodies of `size` each, oldest first, spread over the last `days`."""
    chance, now = random.Random(seed), time.time_ns()
    step = int(days * DAY_NANOSECONDS) // max(1, count) or 1000
    for first in range(0, count, size):
        rows = [
            entry(chance, now - (count - number) * step, number)
            for number in range(first, min(count, first + size))
        ]
        yield json.dumps(rows).encode()
