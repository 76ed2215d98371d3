"""What collecting a fleet costs over bare Netmiko: the same devices, commands and number of threads.

    .venv/bin/python -m benchmarks.fleet [DEVICES] [WORKERS]

The devices are emulated, in a process of their own, and answer after a latency.
"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from benchmarks.scratch import print_table, scratch_site

ROUNDS = 3
LATENCIES = (0.0, 0.1, 0.4)  # seconds that a login and each answer take


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
            device_type=platform.netmiko, host="127.0.0.1", port=fleet.ports[device["name"]],
            read_timeout_override=60, **login,
        ) as connection:  # fmt: skip
            for command in platform.interface_commands:
                connection.send_command(command.command)

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, fleet.devices))
    return time.perf_counter() - started


def collected(workers: int) -> float:
    """Seconds for the same through LogSite: recorded, parsed, stored."""
    from devices.fleet import collect_devices, in_pages
    from devices.models import Device

    started = time.perf_counter()
    results = list(collect_devices(in_pages(Device.objects.all()), workers=workers))
    took = time.perf_counter() - started
    assert all(result.ok for result in results), [result.error for result in results if not result.ok][:3]
    return took


def main(number: int, workers: int) -> None:
    from django.conf import settings

    from devices.models import Device
    from tests.devices.light_fleet import light_fleet, plan
    from tests.devices.test_fleet import stock

    rows = []
    for latency in LATENCIES:
        with light_fleet(plan(number, healthy=True, credentials=5), latency) as fleet:
            Device.objects.all().delete()
            Device.credential.field.related_model.objects.all().delete()
            stock(fleet)
            settings.COLLECT_LOGINS_PER_CREDENTIAL = workers // 5
            ways: dict[str, list[float]] = {"bare": [], "collected": []}
            for _ in range(ROUNDS):
                ways["bare"].append(bare(fleet, workers))
                ways["collected"].append(collected(workers))
            middle = {way: median(seconds) for way, seconds in ways.items()}
            rows.append(
                (
                    number, workers, f"{latency * 1000:.0f}", f"{middle['bare']:.1f}", f"{middle['collected']:.1f}",
                    f"{middle['collected'] / middle['bare']:.2f}",
                )
            )  # fmt: skip
    print_table(
        ("devices", "threads", "latency ms", "bare Netmiko s", "collected s", "collected / bare"), rows
    )
    print(f"\nthreads left over: {[thread.name for thread in threading.enumerate()][1:]}")


if __name__ == "__main__":
    scratch_site()
    main(*(int(word) for word in [*sys.argv[1:], "300", "50"][:2]))
