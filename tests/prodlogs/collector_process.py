"""Collects one container of one host over and over, as a process that may be killed at any moment.

    python -m tests.prodlogs.collector_process HOST CONTAINER INTERVAL

Says «begin» before each collection, and what it brought after it.
"""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(host_name: str, container: str, interval: float) -> None:
    import django

    django.setup()
    from prodlogs.models import DockerHost
    from prodlogs.reading.host_reading import collect_host

    host = DockerHost.objects.get(name=host_name)
    while True:
        began = time.monotonic()
        print("begin", flush=True)
        result = collect_host(host, containers=[container])
        lines = sum(reading.lines for reading in result.readings)
        print(
            f"end {lines} {result.running} {result.error or [r.error for r in result.readings]}", flush=True
        )
        time.sleep(max(0.0, interval - (time.monotonic() - began)))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logsite.settings")
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
