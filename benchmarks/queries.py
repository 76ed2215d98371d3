"""What reading a query costs, and what deciding about a record costs, against cheap work on the same text.

    .venv/bin/python -m benchmarks.queries

Beside the parser stands splitting the same query at its spaces; beside a predicate, looking for one word in the same
message in any case, which is the least that a live filter has to do.
"""

import time
from collections.abc import Callable

from benchmarks.scratch import print_table
from logsite.records.plain import LogRecord
from logsite.records.query import Field, Kind, bind, parse, predicate

ROUNDS = 2_000
FIELDS = {
    "level": Field(Kind.LEVEL, "level", "level"),
    "message": Field(Kind.TEXT, "message", "message", searched=True),
    "container": Field(Kind.KEYWORD, "container", "labels.container"),
    "duration": Field(Kind.FLOAT, "duration", "attributes.duration"),
    "context": Field(Kind.JSON, "context", "attributes.context"),
}
QUERIES = {
    "a word": "timeout",
    "an ordinary query": 'level:ERROR AND container:web* "connection refused" -healthcheck',
    "groups and ranges": "(level:(ERROR OR CRITICAL) OR duration:[0.5 TO 2}) NOT (timeout OR user_id:42)",
    "pasted JSON": '{"level": "error", "msg": "connection refused", "user_id": 42}',
    "500 words": " OR ".join(f"word{number}" for number in range(500)),
    "10,000 characters of one word": "a" * 10_000,
}
RECORD = LogRecord(
    1,
    "container",
    10**18,
    "ERROR",
    "2026-01-15T10:30:45Z auth-service: connection refused by 10.0.0.1:5432 after 3 attempts, giving up " * 2,
    {"container": "web-1"},
    {"duration": 0.75, "context": {"user_id": 42}},
)


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """The least, in time of the processor: other work on the machine only adds to it."""
    taken = []
    for _ in range(rounds):
        start = time.process_time_ns()
        work()
        taken.append((time.process_time_ns() - start) / 1_000)
    return min(taken)


def row(name: str, query: str) -> list[object]:
    rounds = ROUNDS if len(query) < 1_000 else ROUNDS // 50
    tree = parse(query, FIELDS)
    condition = bind(tree, FIELDS, bool)
    holds = predicate(condition)
    reading = microseconds(lambda: parse(query, FIELDS), rounds)
    bare = microseconds(query.split, rounds)
    binding = microseconds(lambda: predicate(bind(tree, FIELDS, bool)), rounds)
    deciding = microseconds(lambda: holds(RECORD), rounds)
    looking = microseconds(lambda: "timeout" in RECORD.message.lower(), rounds)
    return [
        name,
        f"{len(query):,}",
        f"{reading:.1f}",
        f"{reading / max(bare, 0.01):.0f}",
        f"{binding:.1f}",
        f"{deciding:.2f}",
        f"{deciding / max(looking, 0.01):.1f}",
    ]


def main() -> None:
    heading = ["query", "characters", "parse µs", "× split()", "bind µs", "a record µs", "× one search"]
    print_table(heading, [row(name, query) for name, query in QUERIES.items()])


if __name__ == "__main__":
    main()
