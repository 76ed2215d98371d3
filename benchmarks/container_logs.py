"""How fast a log of a million lines comes from a Docker host into the database, and in how much memory.

    LOGSITE_TEST_DOCKER=unix:///var/run/docker.sock .venv/bin/python -m benchmarks.container_logs [ROUNDS]

Each figure is of a process of its own, which reads the same log of a real engine through a real OpenSSH server on
loopback: Paramiko's `recv` alone, as it comes and over our connection, into entries, and into rows (SQLite, or
PostgreSQL where DATABASE_URL names one), as `manage.py` does it, with its checks.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.scratch import print_table, scratch_site

LINES = 1_000_000
NAME = "logsite-benchmark"
# 154 bytes a line with Docker's time, a space and the newline.
WRITER = r"""
seq -w 1 {lines} | sed -e 's|^|[worker-3] INFO com.example.shop.Orders: order |' \
  -e 's|$| stored for customer 4711 in 12 ms; 3 items, paid by card, to be sent tomorrow|'
"""
CHUNK = 256 * 1024


def recv(channel) -> int:
    """Bytes thrown away as they come."""
    lines = 0
    while chunk := channel.recv(CHUNK):
        lines += chunk.count(b"\n")
    return lines


def bare(host) -> int:
    """What Paramiko does by itself."""
    import paramiko

    from prodlogs.hosts.configured import private_key

    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        key = private_key(host)
        client.connect(host.address, host.port, host.user, pkey=key, allow_agent=False, look_for_keys=False)
        _, stdout, _ = client.exec_command(f"docker logs --timestamps {NAME}")
        return recv(stdout.channel)


def connection(host) -> int:
    """The same over our connection: a cipher that costs less, a socket that is read ahead, a larger window."""
    from prodlogs.ssh.login import connect

    with connect(host) as connected:
        return recv(connected.start(f"docker logs --timestamps {NAME}", 600))


def entries(host) -> int:
    """Lines, levels, traces; nothing is kept."""
    from logsite.lines import Grouper
    from prodlogs.docker.decoder import StreamDecoder
    from prodlogs.docker.grammar import Logs
    from prodlogs.ssh.remote import Remote

    found, decoder, grouper = 0, StreamDecoder("stdout"), Grouper(256 * 1024)
    with Remote(host, user="benchmark", via="cli") as remote:
        for _, chunk in remote.stream(Logs(NAME)):
            found += len(grouper.feed(decoder.feed(chunk)))
    return found + len(grouper.feed(decoder.finish())) + len(grouper.flush())


def rows(host) -> int:
    """All of it: redacted, stored, committed."""
    from prodlogs.management.commands.prodlogs import Command
    from prodlogs.reading.host_reading import collect_host

    command = Command()
    command.check(tags=command.requires_system_checks)

    result = collect_host(host, containers=[NAME])
    assert result.ok, result
    return result.readings[0].entries


MEASURES = {"bare": bare, "connection": connection, "entries": entries, "rows": rows}


def peak() -> float:
    """Megabytes of memory this process held at most. `getrusage` would count its parent's before the exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def measure(name: str) -> None:
    """In a process of its own: print {seconds, lines, cpu, megabytes}."""
    import django

    django.setup()
    from prodlogs.models import DockerHost

    host = DockerHost.objects.get()
    before = peak()
    began = time.perf_counter()
    lines = MEASURES[name](host)
    seconds = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    heavy = sorted({"netmiko", "celery", "textfsm", "elasticsearch"} & set(sys.modules))
    print(
        json.dumps(
            {
                "lines": lines,
                "seconds": seconds,
                "cpu": usage.ru_utime + usage.ru_stime,
                "megabytes": peak(),
                "before": before,
                "heavy": heavy,
            }
        )
    )


def in_a_process(name: str) -> dict:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.container_logs", "--measure", name],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(ended.stdout)


def write_log() -> None:
    engine = ["docker", f"--host={os.environ['LOGSITE_TEST_DOCKER']}"]
    subprocess.run([*engine, "rm", "--force", NAME], capture_output=True)
    limits = ["--network=none", "--ulimit=nofile=1024:4096"]
    script = WRITER.format(lines=LINES)
    subprocess.run(
        [
            *engine,
            "run",
            *limits,
            f"--name={NAME}",
            "--log-driver=json-file",
            "--detach",
            "logsite/busybox",
            "sh",
            "-c",
            script,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run([*engine, "wait", NAME], check=True, stdout=subprocess.DEVNULL)


def main(rounds: int) -> None:
    scratch_site()
    from prodlogs.models import Container, DockerHost
    from tests.devices.openssh import openssh

    write_log()
    figures: dict[str, list[dict]] = {name: [] for name in MEASURES}
    with openssh(settings=f"SetEnv DOCKER_HOST={os.environ['LOGSITE_TEST_DOCKER']}\n") as server:
        DockerHost.objects.create(
            name="docker",
            address=server.host,
            port=server.port,
            user=server.username,
            ssh_key=server.key,
            host_key=server.host_key,
        )
        for _ in range(rounds):
            for name in MEASURES:
                figures[name].append(in_a_process(name))
            from prodlogs.models import ContainerLogEntry

            ContainerLogEntry.objects.all()._raw_delete("default")
            Container.objects.all().delete()
    print_figures(figures)
    subprocess.run(
        ["docker", f"--host={os.environ['LOGSITE_TEST_DOCKER']}", "rm", "--force", NAME], capture_output=True
    )


def print_figures(figures: dict[str, list[dict]]) -> None:
    def median(name: str, column: str) -> float:
        return statistics.median(figure[column] for figure in figures[name])

    speeds = {
        name: statistics.median(f["lines"] / f["seconds"] for f in found) for name, found in figures.items()
    }
    print_table(
        ("", "lines", "lines/s", "of bare recv", "CPU s", "peak MB", "MB before", "heavy imports"),
        [
            (
                name,
                f"{median(name, 'lines'):,.0f}",
                f"{speed:,.0f}",
                f"{speed / speeds['bare']:.2f}",
                f"{median(name, 'cpu'):.1f}",
                f"{median(name, 'megabytes'):.0f}",
                f"{median(name, 'before'):.0f}",
                ", ".join(figures[name][0]["heavy"]) or "none",
            )
            for name, speed in speeds.items()
        ],
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
