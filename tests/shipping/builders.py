"""Rows and records for the shipping tests."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from logsite.records import Cursor, LogRecord, LogSource, to_nanoseconds
from sessionlogs.models import EventType, Session, SessionLog
from shipping.engine import Shipper
from shipping.feed import Window
from shipping.models import Destination
from shipping.receivers.loki.client import LokiClient
from shipping.receivers.loki.encoding import Encoder
from shipping.receivers.loki.receiver import LokiReceiver
from shipping.retry import Retry


def make_session(**fields: Any) -> Session:
    """A session on fw01, a minute old."""
    started = fields.pop("started_at", timezone.now() - timedelta(minutes=1))
    return Session.objects.create(
        **{
            "device": "fw01",
            "device_id": "7",
            "platform": "paloalto_panos",
            "user": "netops",
            "started_at": started,
            **fields,
        }
    )


def make_events(session: Session, count: int = 1, **fields: Any) -> list[SessionLog]:
    """`count` answered commands, a millisecond apart; `timestamp` is the first one's."""
    first: datetime = fields.pop("timestamp", session.started_at)
    defaults = {
        "session": session,
        "device": session.device,
        "user": session.user,
        "event_type": EventType.COMMAND_RESPONSE,
        "command": "show clock",
        "response": "12:00",
        "duration_ms": 1.5,
    }
    return [
        SessionLog.objects.create(
            **{**defaults, "step": number + 1, "timestamp": first + timedelta(milliseconds=number), **fields}
        )
        for number in range(count)
    ]


def make_record(id: int = 1, **fields: Any) -> LogRecord:
    defaults = {
        "source": "list",
        "timestamp": to_nanoseconds(timezone.now()),
        "level": "INFO",
        "message": f"line {id}",
        "labels": {"server_tag": "fw01"},
        "attributes": {"user": "netops"},
    }
    return LogRecord(id=id, **{**defaults, **fields})


class ListFeed:
    """A feed of ready-made records, for what no session event can be."""

    def __init__(self, records: Iterable[LogRecord], key: str = "list") -> None:
        self.records = list(records)
        self.key = key
        self.window = Window()
        self.reads = 0

    def read(self, cursor: Cursor, limit: int) -> list[tuple[Cursor, LogRecord]]:
        self.reads += 1
        return [(Cursor(0, r.id), r) for r in self.records if r.id > cursor.id][:limit]

    def left(self, cursor: Cursor) -> int | None:
        return len([r for r in self.records if r.id > cursor.id])


class ListSource(LogSource):
    """A source that is registered beside `session`; it offers session events under another name."""

    name = "other"
    permission = "sessionlogs.view_session"

    def queryset(self) -> QuerySet[SessionLog]:
        return SessionLog.objects.all()

    def to_record(self, row: SessionLog) -> LogRecord:
        return make_record(row.id, source=self.name, timestamp=to_nanoseconds(row.timestamp))


def make_client(
    url: str, *, retries: int = 2, stop: threading.Event | None = None, **fields: Any
) -> LokiClient:
    retry = Retry(retries, 0.001, stop or threading.Event())
    return LokiClient(url, retry, **{"timeout": 5, "request_bytes": 2 * 1024**2, **fields})


def make_shipper(url: str, feed: Any, *, job: str = "aoss", **fields: Any) -> Shipper:
    """A shipper of `feed` to the Loki at `url`; enter it before stepping."""
    destination, _ = Destination.objects.get_or_create(name="loki", defaults={"url": url})
    client = fields.pop("client", None) or make_client(url)
    encoder = fields.pop("encoder", None) or Encoder(job, 262_144)
    return Shipper(destination, LokiReceiver(client, encoder), feed, **{"batch_size": 1000, **fields})


def ship(shipper: Shipper) -> None:
    """Enter, step to the end, leave."""
    try:
        with shipper:
            while shipper.step():
                pass
    finally:
        shipper.receiver.close()
