"""What recording costs: on the command path, and for a whole collection.

    .venv/bin/python -m benchmarks.recording

The collection is measured against a real router when LOGSITE_TEST_FRR (host:port:user:password) names one,
else against the emulated fleet, whose own latency (10 ms a byte) hides more than it shows.
"""

import os
import time
from types import SimpleNamespace

from benchmarks.scratch import percentile, print_table, scratch_site

EVENTS = 20_000
ROUNDS = 15
STORED = 10_000
ANSWER = "\n".join(f"GigabitEthernet0/{n} is up, line protocol is up" for n in range(50))


def command_path(pause: float) -> tuple[list[float], list[float]]:
    """Microseconds for each of many commands: through the recording mixin, and bare."""
    from devices.connectors.recording import RecordingMixin
    from devices.platforms import get_platform
    from sessionlogs.recording.recorder import SessionRecorder

    class Wire:
        """A connection that answers at once, so that what is measured is the recording."""

        def __init__(self, **_):
            pass

        def send_command(self, command_string, **_):
            return ANSWER

    class Recorded(RecordingMixin, Wire):
        pass

    recorder = SessionRecorder(device="benchmark")
    known_host = SimpleNamespace(note="")
    refusal = get_platform("cisco_ios").failure
    recorded = Recorded(recorder=recorder, refusal=refusal, known_host=known_host, host="", username="")
    bare = Wire()
    figures: tuple[list[float], list[float]] = ([], [])
    count = EVENTS if not pause else EVENTS // 10
    for _ in range(count):
        for connection, into in ((recorded, figures[0]), (bare, figures[1])):
            started = time.perf_counter_ns()
            connection.send_command("show interfaces")
            into.append((time.perf_counter_ns() - started) / 1000)
        if pause:
            time.sleep(pause)
    recorder.close(timeout=300)
    return figures


def print_command_path() -> None:
    rows = []
    for name, pause in (("back to back", 0.0), ("a command every 2 ms", 0.002)):
        recorded, bare = command_path(pause)
        cost = [a - percentile(bare, 0.5) for a in recorded]
        rows.append(
            (
                name,
                len(recorded),
                f"{percentile(bare, 0.5):.2f}",
                f"{percentile(bare, 0.99):.2f}",
                f"{percentile(cost, 0.5):.1f}",
                f"{percentile(cost, 0.99):.1f}",
                f"{percentile(cost, 0.5) / 2:.1f}",
            )
        )
    print_table(
        (
            "command path",
            "commands",
            "bare call µs p50",
            "bare call µs p99",
            "recording µs p50",
            "recording µs p99",
            "an event µs p50",
        ),
        rows,
    )


def print_storing() -> None:
    """What the writer's thread takes for an event: redacted, stored, indexed, counted."""
    rows = []
    for lines in (5, 30):
        answer = "\n".join(ANSWER.splitlines()[:lines])
        took = storing(answer)
        rows.append((f"{len(answer):,}", f"{1 / took:,.0f}", f"{took * 1e6:.0f}"))
    print_table(("bytes of a response", "events/s", "µs of the processor an event"), rows)


def storing(answer: str) -> float:
    """Seconds of the processor, the least of some rounds; commands and responses in turn, 500 a transaction."""
    from sessionlogs.recording.recorder import SessionRecorder
    from sessionlogs.recording.writer import SessionLogWriter, event_of, prepare, write

    class Waiting(SessionLogWriter):
        """Leaves its events to this process's one thread."""

        def start(self) -> None:
            pass

    best, half = float("inf"), STORED // 2
    for _ in range(4):
        writer = Waiting()
        recorder = SessionRecorder(device="benchmark", writer=writer)
        for number in range(half):
            recorder.command_sent("show interfaces")
            recorder.command_response("show interfaces", f"{answer}, {number} packets", 1_000_000)
        events = [event_of(item) for item in writer._items if isinstance(item, tuple)]
        started = time.process_time()
        for first in range(0, len(events), 500):
            write(batch := prepare(events[first : first + 500]))
            for each in batch.recorders:
                each.stored = True
        best = min(best, (time.process_time() - started) / len(events))
    return best


def targets():
    """(name, platform, host, port, user, password, closing function) of what is collected."""
    if address := os.environ.get("LOGSITE_TEST_FRR"):
        host, port, user, password = address.split(":")
        return [("FRR router", "frr", host, int(port), user, password)], lambda: None
    from deploy.demo.fleet import Fleet

    fleet = Fleet()
    fleet.__enter__()
    device = next(item for item in fleet.devices if item["platform"] == "cisco_ios")
    name = f"emulated {device['platform']}"
    target = (
        name,
        device["platform"],
        device["host"],
        device["port"],
        device["username"],
        device["password"],
    )
    return [target], lambda: fleet.__exit__(None, None, None)


def bare_collection(platform: str, host: str, port: int, user: str, password: str) -> None:
    """The same commands through Netmiko alone."""
    from netmiko import ConnectHandler

    from devices.platforms import get_platform

    known = get_platform(platform)
    with ConnectHandler(
        device_type=known.netmiko, host=host, port=port, username=user, password=password
    ) as connection:
        for command in known.interface_commands:
            connection.send_command(command.command)


def collection(platform: str, host: str, port: int, user: str, password: str, *, record: bool) -> None:
    from devices.connectors import get_connector

    get_connector(
        platform,
        host,
        user,
        password,
        device_id="bench",
        user_id="bench",
        port=port,
        enable_session_logging=record,
    ).get_interfaces()


def print_collections() -> None:
    chosen, close = targets()
    rows = []
    for name, *login in chosen:
        seconds: dict[str, list[float]] = {"bare": [], "off": [], "on": []}
        ways = {
            "bare": lambda: bare_collection(*login),  # noqa: B023
            "off": lambda: collection(*login, record=False),  # noqa: B023
            "on": lambda: collection(*login, record=True),  # noqa: B023
        }
        for _ in range(ROUNDS):
            for way, run in ways.items():
                started = time.perf_counter()
                run()
                seconds[way].append(time.perf_counter() - started)
        median = {way: percentile(values, 0.5) for way, values in seconds.items()}
        rows.append(
            (
                name,
                ROUNDS,
                *(f"{median[way]:.3f}" for way in ("bare", "off", "on")),
                f"{median['on'] / median['off']:.3f}",
                f"{median['on'] / median['bare']:.3f}",
            )
        )
    close()
    print_table(
        (
            "collection",
            "rounds",
            "bare Netmiko s",
            "recording off s",
            "recording on s",
            "on / off",
            "on / bare",
        ),
        rows,
    )


if __name__ == "__main__":
    scratch_site()
    print_command_path()
    print_storing()
    print_collections()
