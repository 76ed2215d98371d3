"""A shop that logs to the site over HTTP, as `make run` starts it: a day's entries at once, then some each second.

    LOGSITE_TOKEN=lsi_… python -m demo.application http://127.0.0.1:8000/

It needs nothing but Python. It ends with its parent's signal; a site that does not answer is tried again.
"""

import gzip
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

DAY_SECONDS = 86_400
PAST_ENTRIES = 2000
BATCH_ENTRIES = 500
APPS = ("checkout", "auth_service", "catalog")
HOST = "shop01.demo"
PATHS = ("/api/v1/orders", "/api/v1/cart", "/api/v1/users/me", "/health")
ERRORS = (
    ("ERROR", "database", "Connection to the database lost: timeout after {ms} ms"),
    ("ERROR", "api", "Payment of order {order} refused by the bank: code 51"),
    ("CRITICAL", "system", "Worker {ms} ran out of memory and was restarted"),
)
USUAL = (
    ("INFO", "api", "GET {path} answered 200 in {ms} ms"),
    ("INFO", "api", "POST {path} answered 201 in {ms} ms"),
    ("INFO", "user", "User {user} authenticated successfully"),
    ("DEBUG", "database", "SELECT of {order} rows took {ms} ms"),
    ("WARNING", "performance", "GET {path} took {ms} ms, more than 500 ms"),
    ("AUDIT", "audit", "User {user} changed the price of article {order}"),
    ("SECURITY", "security", "Failed login of user {user}"),
)
Entry = dict[str, Any]


def entry_at(moment: float, chance: random.Random) -> Entry:
    """An entry of the time `moment`, in seconds since 1970; about one in fifteen is an error."""
    level, category, text = chance.choice(ERRORS if chance.random() < 0.07 else USUAL)
    user, ms, path = f"user_{chance.randint(1, 400)}", chance.randint(2, 900), chance.choice(PATHS)
    app = chance.choice(APPS)
    return {
        "timestamp": datetime.fromtimestamp(moment, UTC).isoformat(),
        "level": level,
        "category": category,
        "app": app,
        "host": HOST,
        "logger": f"{app}.{category}",
        "module": app,
        "function": "handle",
        "line": chance.randint(20, 400),
        "message": text.format(user=user, ms=ms, path=path, order=chance.randint(1000, 99_999)),
        "trace_id": f"{chance.getrandbits(128):032x}",
        "context": {"request_id": f"req_{chance.randint(1, 10**6)}", "user_id": user, "path": path},
        "performance_data": {"response_time": ms / 1000},
    }


def past(now: float, chance: random.Random) -> Iterator[list[Entry]]:
    """A day's entries, oldest first, in batches."""
    times = sorted(now - chance.random() * DAY_SECONDS for _ in range(PAST_ENTRIES))
    entries = [entry_at(moment, chance) for moment in times]
    for first in range(0, len(entries), BATCH_ENTRIES):
        yield entries[first : first + BATCH_ENTRIES]


def send(url: str, token: str, entries: list[Entry], key: str) -> None:
    """Send a batch until the site has taken it. Raises HTTPError for a refusal that stays one."""
    body = gzip.compress("\n".join(map(json.dumps, entries)).encode())
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "gzip",
        "Idempotency-Key": key,
    }
    request = urllib.request.Request(f"{url}api/v2/logs/ingest", body, headers)  # noqa: S310
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise
            time.sleep(float(error.headers.get("Retry-After") or 1))
        except OSError:
            time.sleep(1)


def main() -> None:
    url, token = sys.argv[1], os.environ["LOGSITE_TOKEN"]
    chance = random.Random()  # noqa: S311
    run = f"demo-{time.time_ns()}"
    for number, entries in enumerate(past(time.time(), chance)):
        send(url, token, entries, f"{run}-past-{number}")
    number = 0
    while True:
        entries = [entry_at(time.time(), chance) for _ in range(chance.randint(1, 5))]
        send(url, token, entries, f"{run}-{number}")
        number += 1
        time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
