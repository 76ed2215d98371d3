"""python -m tests.without_django: use what runs without settings, with every import of Django an error.

It prints as JSON what came of it. An aggregator works like this: it reads lines, masks them, finds their levels,
decides by a query, and delivers to a Loki.
"""

import json
import sys
import time
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class NoDjango(MetaPathFinder):
    """Raises no ImportError, which a module may catch."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] == "django":
            raise RuntimeError(f"{fullname} was imported")
        return None


def read_lines(texts: Sequence[str]) -> list[Any]:
    """The records of lines that a program wrote, without control characters and credentials."""
    from logsite.lines import clean, level_of
    from logsite.records import LogRecord
    from logsite.redaction import Redactor, redact, register_secrets

    redactor = Redactor({"password": "canary-of-the-line"})
    with register_secrets({"token": "canary-of-the-process"}):
        masked = [redact(redactor.redact(clean(text))) for text in texts]
    return [
        LogRecord(number, "app", time.time_ns(), level_of(text)[0], text, {"app": "shop"}, {"line": number})
        for number, text in enumerate(masked, 1)
    ]


def find(records: Sequence[Any]) -> dict[str, list[int] | str]:
    """The ids that each query finds; what is wrong with a query that cannot be read."""
    from logsite.records.query import Field, Kind, QueryError, bind, parse, predicate

    fields = {
        "id": Field(Kind.INTEGER, "id", "id"),
        "level": Field(Kind.LEVEL, "level", "level"),
        "message": Field(Kind.TEXT, "message", "message", searched=True),
        "app": Field(Kind.KEYWORD, "app", "labels.app"),
        "line": Field(Kind.INTEGER, "line", "attributes.line"),
    }
    found: dict[str, list[int] | str] = {}
    for text in (
        "disk",
        "level:ERROR AND app:shop",
        "NOT level:ERROR",
        "line:[2 TO *]",
        "app:other",
        "(disk",
    ):
        try:
            matches = predicate(bind(parse(text), fields, lambda permission: False))
            found[text] = [record.id for record in records if matches(record)]
        except QueryError as error:
            found[text] = type(error).__name__
    return found


def ship(records: Sequence[Any]) -> dict[str, Any]:
    """What a Loki on loopback holds, and what it refused; it is busy at first."""
    from logsite.records import Cursor
    from shipping.receivers.base import Push
    from shipping.receivers.loki.client import LokiClient
    from shipping.receivers.loki.encoding import Encoder
    from shipping.receivers.loki.receiver import LokiReceiver
    from shipping.retry import Retry
    from tests.shipping.loki_stand_in import Fault, LokiStandIn

    push = Push(Cursor())
    with LokiStandIn() as loki:
        client = LokiClient(loki.url, Retry(2, 0.001), timeout=10, request_bytes=2**20)
        receiver = LokiReceiver(client, Encoder("aoss", 262_144))
        for record in records:
            items = receiver.encode(Cursor(0, record.id), record)
            assert receiver.fits(push, items)
            push.add(Cursor(0, record.id), record, items)
        loki.faults.append(Fault(503, "busy"))
        refusals = receiver.deliver(push.items, uncertain=True)
        receiver.close()
        stored = loki.stored()
    return {
        "stored": [entry.line for entry in stored],
        "labels": [entry.labels for entry in stored],
        "refused": [refusal.kind for refusal in refusals],
    }


def main() -> dict[str, Any]:
    """What came of three lines."""
    import shipping
    import shipping.receivers
    from logsite.records import Cursor, Parts, entry_of, line_of_parts

    records = read_lines(
        ["ERROR disk\x07 full", "INFO password=canary-of-the-line", f"canary-of-the-process {'x' * 300_000}"]
    )
    return {
        "shipping": shipping.__name__,
        "cursor": str(Cursor.parse("3-7")),
        "line": line_of_parts(Parts(1, "uptime", 0, "up 3 days", ""), 4),
        "entries": [(entry["id"], entry["line"], entry["level"]) for entry in map(entry_of, records)],
        "found": find(records),
        **ship(records),
    }


if __name__ == "__main__":
    sys.meta_path.insert(0, NoDjango())
    print(json.dumps(main()))
