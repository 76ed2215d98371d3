"""What it costs to make and store entries of a container's output, in lines a second of one process's CPU time.

    .venv/bin/python -m benchmarks.container_lines

The lines have 150 bytes, as Docker sends them in chunks of 256 KiB. CPU time, because the machine may be shared.
What PostgreSQL's own processes take is not in it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.scratch import print_table, scratch_site

if TYPE_CHECKING:
    from prodlogs.reading.entry_store import EntryStore

LINES = 100_000
ROUNDS = 5
CHUNK = 256 * 1024
LENGTH = 150
LIMIT = 256 * 1024
KINDS = {
    "plain text with a level": "2026-11-20 14:05:{second:02},{milli:03} [INFO] shop: order {number} was stored",
    "JSON": '{{"time":"2026-11-20T14:05:{second:02}.{milli:03}Z","level":"info","msg":"order {number} was stored for',
    "no level": "order {number} was stored for customer {milli} in {second} ms, from the cache, and sent to ",
}


def text(kind: str, number: int) -> str:
    """One line of a kind, of `LENGTH` bytes."""
    line = KINDS[kind].format(second=number // 2_000 % 60, milli=number % 1_000, number=number)
    return line.ljust(LENGTH - 2, "x") + '"}' if kind == "JSON" else line.ljust(LENGTH, "x")


def output(kind: str) -> list[bytes]:
    """The chunks of `docker logs --timestamps`; 2,000 lines a second."""
    data = "".join(
        f"2026-11-20T14:05:{number // 2_000:02}.{number % 2_000 * 500_000:09}Z {text(kind, number)}\n"
        for number in range(LINES)
    ).encode()
    return [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]


def rate(work: Callable[[], None]) -> float:
    """Lines a second, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return LINES / best


def measure(kind: str) -> dict[str, float]:
    from logsite.lines import Grouper, level_of
    from prodlogs.docker.decoder import StreamDecoder

    chunks = output(kind)
    decoder = StreamDecoder("stdout")
    blocks = [decoder.feed(chunk) for chunk in chunks]
    texts = [line.text for block in blocks for line in block]

    def decode() -> None:
        decoder = StreamDecoder("stdout")
        for chunk in chunks:
            decoder.feed(chunk)

    def levels() -> None:
        for text in texts:
            level_of(text)

    def group() -> None:
        grouper = Grouper(LIMIT)
        for block in blocks:
            grouper.feed(block)

    def everything() -> None:
        decoder, grouper = StreamDecoder("stdout"), Grouper(LIMIT)
        for chunk in chunks:
            grouper.feed(decoder.feed(chunk))

    def stored() -> None:
        store = new_store()
        decoder = StreamDecoder("stdout")
        for chunk in chunks:
            store.add("stdout", decoder.feed(chunk))
        store.release()
        store.commit()

    return {
        "decode": rate(decode),
        "levels": rate(levels),
        "group, with levels": rate(group),
        "all": rate(everything),
        "all, and stored": rate(stored),
    }


def new_store() -> "EntryStore":
    """Of a container that nothing has been stored of."""
    from logsite.redaction import Redactor
    from prodlogs.models import LogSnapshot
    from prodlogs.reading.entry_store import EntryStore
    from prodlogs.reading.results import ReadingResult
    from tests.factories import ContainerFactory, LogSnapshotFactory

    container = ContainerFactory()
    snapshot: LogSnapshot = LogSnapshotFactory(container=container)
    return EntryStore(container, ReadingResult(container.name, snapshot), Redactor({}))


def main() -> None:
    scratch_site()
    found = {kind: measure(kind) for kind in KINDS}
    steps = next(iter(found.values()))
    print_table(
        ["150-byte lines/s", *KINDS],
        [[step, *(f"{rates[step]:,.0f}" for rates in found.values())] for step in steps],
    )


if __name__ == "__main__":
    main()
