"""What /metrics says of session logs."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from logsite.housekeeping import counters
from logsite.records import Metric, by_status
from sessionlogs.models import Session, SessionLog, SessionStatus
from sessionlogs.recording.writer import writer

DAY = timedelta(days=1)


def metrics() -> Iterator[Metric]:
    """Everything but the queue is read from the database, so it is the same in every process."""
    newest = SessionLog.objects.aggregate(newest=Max("id"))["newest"] or 0
    text = "Events stored so far, by their highest id; tries that failed count too."
    yield Metric("logsite_session_events_stored_total", "counter", text, [({}, newest)])
    for name, number in counters.read().items():
        text = f"Session {counters.NAMES.get(name, name)}."
        yield Metric(f"logsite_session_events_{name}_total", "counter", text, [({}, number)])
    text = "Events and waiters that this process has not stored yet."
    yield Metric("logsite_session_queue_length", "gauge", text, [({}, writer.waiting)])
    recent = Session.objects.filter(started_at__gte=timezone.now() - DAY)
    text = "Sessions that began within 24 hours."
    yield by_status("logsite_sessions_last_day", text, recent, SessionStatus.values)
