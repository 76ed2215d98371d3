"""What redaction costs, against the cheapest things one could do to the same text.

    .venv/bin/python -m benchmarks.redaction

The texts are made here; secret-bearing lines stand in them as often as in a configuration of their platform.
"""

import base64
import random
import re
import time
from collections.abc import Callable

from benchmarks.scratch import percentile, print_table
from logsite.redaction import Redactor

SIZE = 100_000
ROUNDS = 200
KNOWN = {"password": "Tr0ub4dor&3", "enable-secret": "correct horse", "snmp-community": "pub1"}
BARE = re.compile("password")


def show_interfaces(size: int) -> str:
    number = random.Random(1).randrange
    rows: list[str] = []
    while sum(map(len, rows[-1:])) + len(rows) * 640 < size:
        index = len(rows)
        rows.append(
            f"GigabitEthernet{index // 48}/{index % 48} is up, line protocol is up (connected)\n"
            f"  Hardware is iGbE, address is 5254.{number(65536):04x}.{number(65536):04x}\n"
            f"  Description: access switch {index}\n  Internet address is 10.{index % 256}.1.1/24\n"
            "  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,\n"
            "     reliability 255/255, txload 1/255, rxload 1/255\n"
            "  Encapsulation ARPA, loopback not set\n  Keepalive set (10 sec)\n"
            f"  5 minute input rate {number(10**6)} bits/sec, {number(1000)} packets/sec\n"
            f"  5 minute output rate {number(10**6)} bits/sec, {number(1000)} packets/sec\n"
            f"     {number(10**9)} packets input, {number(10**12)} bytes, 0 no buffer\n"
            f"     Received {number(10**6)} broadcasts ({number(10**6)} IP multicasts)\n"
            f"     {number(10**9)} packets output, {number(10**12)} bytes, 0 underruns\n"
        )
    return "".join(rows)[:size].ljust(size, "\n")


def running_config(size: int) -> str:
    """Mostly interfaces, with the users, servers, keys and peers that go with them."""
    lines = [
        "service password-encryption",
        "aaa new-model",
        "aaa authentication login default group tacacs+ local",
    ]
    lines += [f"username user{n} privilege 15 secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m{n}" for n in range(4)]
    lines += [f"tacacs-server host 10.0.0.{n} key 7 0822455D0A16{n:02}" for n in range(4)]
    lines += ["snmp-server community n3tRead RO 99", "snmp-server location Building 5"]
    index = 0
    while sum(map(len, lines)) + len(lines) < size:
        lines += [f"interface GigabitEthernet{index}", f" description uplink {index}", " no shutdown"]
        lines += [
            f" ip address 10.{index % 256}.1.1 255.255.255.0",
            " ip ospf cost 10",
            " spanning-tree portfast",
        ]
        lines += [f"access-list 101 permit tcp host 10.1.{index % 256}.{n} any eq 443" for n in range(6)]
        if index % 10 == 0:
            lines += [
                f" neighbor 10.9.0.{index % 256} password 7 0822455D0A16",
                " neighbor 10.9.0.1 send-community",
            ]
            lines += [" ip ospf message-digest-key 1 md5 7 070C285F4D06", "key chain OSPF"]
        index += 1
    return "\n".join(lines)[:size]


def container_log(size: int) -> str:
    number = random.Random(2).randrange
    rows = [
        f"2026-03-04T10:{number(60):02}:{number(60):02}Z INFO app request id={number(2**32):08x} "
        f"path=/api/v2/devices/{number(999)}/ status=200 ms={number(500)}"
        for _ in range(size // 90)
    ]
    return "\n".join(rows)[:size].ljust(size, "\n")


def base64_lines(size: int) -> str:
    """Text that does not repeat itself."""
    return base64.encodebytes(random.Random(3).randbytes(size)).decode()[:size]


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Of the processor: what else the machine does is no matter of redaction."""
    taken: list[float] = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append((time.process_time() - start) * 1_000)
    return taken


def row(name: str, text: str, redactor: Redactor) -> list[object]:
    rounds = ROUNDS if len(text) <= SIZE else ROUNDS // 5
    taken = milliseconds(lambda: redactor.redact(text), rounds)
    median = percentile(taken, 0.5)
    lower = percentile(milliseconds(text.lower), 0.5)
    bare = percentile(milliseconds(lambda: BARE.sub("x", text)), 0.5)
    redacted = redactor.redact(text)
    marks = redacted.count("<redacted:")
    canary = percentile(milliseconds(lambda: redactor.leaks(redacted), rounds), 0.5)
    size, speed = f"{len(text):,}", f"{len(text) / median / 1_000:.0f}"
    costs = [f"{median:.3f}", f"{percentile(taken, 0.99):.3f}", f"{canary:.3f}", f"{median + canary:.3f}"]
    return [
        name,
        size,
        marks,
        *costs,
        speed,
        f"{median / max(lower, 1e-6):.0f}",
        f"{median / max(bare, 1e-6):.0f}",
    ]


def main() -> None:
    redactor = Redactor(KNOWN)
    rows = [row("one log line", "2026-03-04 INFO request id=5 path=/api/v2/devices/ status=200", redactor)]
    for size in (SIZE // 10, SIZE, 10 * SIZE):
        rows.append(row("show interfaces", show_interfaces(size), redactor))
        rows.append(row("show running-config", running_config(size), redactor))
        rows.append(row("container log", container_log(size), redactor))
    rows += [
        row("base64, lines of 76", base64_lines(SIZE), redactor),
        row("one line of digits", "0123456789" * (SIZE // 10), redactor),
        row("one line full of keywords", "key " * (10 * SIZE // 4), redactor),
    ]
    heading = ["text", "characters", "marks", "ms median", "ms p99", "ms canary", "ms both", "MB/s"]
    heading += ["× lower()", "× one re.sub"]
    print_table(heading, rows)


if __name__ == "__main__":
    main()
