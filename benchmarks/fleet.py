"""What collecting a fleet costs over bare Netmiko: the same devices, commands and number of threads.

    .venv/bin/python -m benchmarks.fleet [DEVICES] [WORKERS]

The devices are emulated, in a process of their own, and answer after a latency.
"""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from benchmarks.scratch import print_table, scratch_site

ROUNDS = 3
LATENCIES = (0.05, 0.3)  # seconds that a login and each answer take
HEADING = (
    "devices",
    "threads",
    "latency of an answer, ms",
    "bare Netmiko s",
    "collected s",
    "collected / bare",
    "processor ms a device, bare",
    "collected",
)


def bare(fleet: Any, workers: int) -> float:
    """Seconds for the fleet's commands through Netmiko alone; what is read is thrown away."""
    from netmiko import ConnectHandler

    from devices.platforms import get_platform
    from tests.devices.light_fleet import PASSWORD

    def one(device: dict[str, str]) -> None:
        platform = get_platform(device["platform"])
        login = {"username": device["username"], "password": PASSWORD}
        if device["platform"] == "paloalto_panos":  # Netmiko by itself insists on keyboard-interactive
            login["allow_agent"] = True
        with ConnectHandler(
            device_type=platform.netmiko,
            host="127.0.0.1",
            port=fleet.ports[device["name"]],
            read_timeout_override=60,
            **login,
        ) as connection:
            for command in platform.interface_commands:
                connection.send_command(command.command)

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, fleet.devices))
    return time.perf_counter() - started


def collected(workers: int) -> float:
    """Seconds for the same through LogSite: recorded, parsed, stored."""
    from devices.collecting.fleet import collect_devices, in_pages
    from devices.models import Device

    started = time.perf_counter()
    results = list(collect_devices(in_pages(Device.objects.all()), workers=workers))
    took = time.perf_counter() - started
    assert all(result.ok for result in results), [result.error for result in results if not result.ok][:3]
    return took


def measured(run: Callable[[], float]) -> tuple[float, float]:
    """Seconds that `run` says it took, and the processor seconds of this process meanwhile."""
    before = time.process_time()
    return run(), time.process_time() - before


def row(fleet: Any, number: int, workers: int, latency: float) -> tuple[str, ...]:
    """A line of the table: medians over ROUNDS rounds; each runs bare Netmiko, then LogSite."""
    rounds = [
        (measured(lambda: bare(fleet, workers)), measured(lambda: collected(workers))) for _ in range(ROUNDS)
    ]
    (plain, plain_busy), (ours, ours_busy) = (
        [median(figures) for figures in zip(*way, strict=True)] for way in zip(*rounds, strict=True)
    )
    return (
        str(number),
        str(workers),
        f"{latency * 1000:.0f}",
        f"{plain:.1f}",
        f"{ours:.1f}",
        f"{ours / plain:.2f}",
        f"{plain_busy / number * 1000:.0f}",
        f"{ours_busy / number * 1000:.0f}",
    )


def main(number: int, workers: int) -> None:
    from django.conf import settings

    from devices.models import Credential, Device
    from tests.devices.light_fleet import light_fleet, plan
    from tests.devices.test_fleet import stock

    settings.COLLECT_LOGINS_PER_CREDENTIAL = workers // 5
    rows = []
    for latency in LATENCIES:
        with light_fleet(plan(number, healthy=True, credentials=5), latency) as fleet:
            Device.objects.all().delete()
            Credential.objects.all().delete()
            stock(fleet)
            rows.append(row(fleet, number, workers, latency))
    print_table(HEADING, rows)
    print(f"\nthreads left over: {[thread.name for thread in threading.enumerate()][1:]}")


if __name__ == "__main__":
    scratch_site()
    main(*(int(word) for word in [*sys.argv[1:], "300", "50"][:2]))
