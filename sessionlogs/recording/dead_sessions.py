"""Closes, as failed, the sessions that a dead process left open; `housekeeping.heartbeats` finds the process."""

import logging
import uuid
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from logsite.records.live import publish
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus
from sessionlogs.recording.storing import store, tokens_of

log = logging.getLogger(__name__)
ENDED = "the collecting process ended"
TICK = timedelta(microseconds=1)


def processes_in_use() -> list[uuid.UUID]:
    """The ids of the processes that running sessions name."""
    running = Session.objects.filter(status=SessionStatus.RUNNING, process__isnull=False)
    return [process for process in running.order_by().values_list("process", flat=True).distinct() if process]


def close_sessions(process: uuid.UUID) -> int:
    """Close the sessions that `process` left open; their number. Inside a transaction."""
    closed = sum(_close(session) for session in left_open(process))
    if closed:
        transaction.on_commit(partial(_announce, closed))
    return closed


def _announce(closed: int) -> None:
    log.warning("%d sessions closed as failed: %s", closed, ENDED)
    publish("session")


def left_open(process: uuid.UUID) -> list[Session]:
    """Its sessions that are running, or that were stored as successful but never as disconnected."""
    disconnection = SessionLog.objects.filter(session=OuterRef("pk"), event_type=EventType.DISCONNECTION)
    unfinished = Q(status=SessionStatus.RUNNING) | (Q(status=SessionStatus.SUCCESS) & ~Exists(disconnection))
    return list(Session.objects.filter(unfinished, process=process).order_by("started_at"))


def _close(session: Session) -> bool:
    """One session: a last event, and its row. False when somebody else has closed it by now."""
    last = session.events.order_by("-id").first()
    now = timezone.now()
    if last is not None:
        now = max(now, last.timestamp + TICK)  # our clock may be behind that of the machine that recorded it
    mine = Session.objects.filter(pk=session.pk, status=session.status).update(
        status=SessionStatus.FAILED,
        ended_at=now,
        error_kind=ErrorKind.INTERNAL,
        error_message=ENDED,
        failures=F("failures") + 1,
    )
    if not mine:
        return False
    collection = session.events.filter(event_type=EventType.INTERFACE_COLLECTION_START).exists()
    end = SessionLog(
        session=session,
        device=session.device,
        user=session.user,
        timestamp=now,
        error_message=ENDED,
        event_type=EventType.INTERFACE_COLLECTION_FAILED if collection else EventType.COMMAND_FAILED,
        error_kind=ErrorKind.INTERNAL,
        execution_status=SessionStatus.FAILED,
    )
    store([end], tokens_of([end]))
    return True
