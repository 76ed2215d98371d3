"""The one thread of a process that redacts and stores session events.

The command path only enqueues (about 1 µs). Storing an event at a time would cost 0.2-4 ms, redacting a large
answer tens of milliseconds; neither may slow a session down. A closing session waits here until all of its
events are in the database.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from logsite.live import publish
from sessionlogs.models import Session, SessionLog
from sessionlogs.processes import presence

if TYPE_CHECKING:
    from sessionlogs.recorder import Event, SessionRecorder

log = logging.getLogger(__name__)
BATCH = 500
POLL = 0.1  # seconds between two looks while there are events
IDLE = 2.0  # seconds without events after which the thread gives its connection back
IDLE_POLL = 0.5  # seconds between two looks after that
TOTALS = ["ended_at", "status", "error_kind", "error_message", "commands", "failures", "slowest_ms"]
UNAVAILABLE = (OperationalError, InterfaceError)  # locked, refused, restarting: worth trying again


Item = tuple[Any, ...] | threading.Event | None  # an event's fields, somebody who waits, the end


class SessionLogError(Exception):
    """Session events could not be stored; the text says how many and why."""


class SessionLogWriter:
    """Takes events from any thread, stores them in order, tells who waits. `lost` counts what no try stored.

    `put` takes the fields of an `Event` as a tuple and is a bare deque.append: no lock, and no sleeping
    thread to wake, which costs more than everything else on the command path. The thread looks by itself.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._items: deque[Item] = deque()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._problem = ""
        self.put = self._items.append

    def start(self) -> None:
        """Start the thread unless it runs; recorders call this, so that importing costs nothing."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="session-log-writer", daemon=True)
                self._thread.start()
        self._wake.set()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything enqueued so far is stored. Raises SessionLogError after `timeout` seconds.

        Not inside a transaction on SQLite: the one writer the file allows would be the caller.
        """
        if self._thread is None:
            return
        stored = threading.Event()
        self._items.append(stored)
        self.start()
        if not stored.wait(settings.SESSION_LOG_STORE_TIMEOUT if timeout is None else timeout):
            raise SessionLogError(
                f"session events are not stored yet: {self._problem or 'the queue is long'}"
            )

    def stop(self, timeout: float | None = None) -> None:
        """Store what is enqueued and end the thread; the next `start` begins anew."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._items.append(None)
        self._wake.set()
        thread.join(settings.SESSION_LOG_STORE_TIMEOUT if timeout is None else timeout)
        if thread.is_alive():
            log.error("session events are lost at exit: %s", self._problem or "the queue is long")

    def _run(self) -> None:
        busy_until = 0.0
        try:
            while True:
                if not self._items:
                    idle = time.monotonic() > busy_until
                    if idle:
                        connection.close()
                    self._wake.wait(IDLE_POLL if idle else POLL)
                    self._wake.clear()
                    continue
                busy_until = time.monotonic() + IDLE
                if not self._step():
                    return
        finally:
            connection.close()

    def _step(self) -> bool:
        """Store one batch; False when the thread is to end."""
        items = [self._items.popleft() for _ in range(min(BATCH, len(self._items)))]
        events = [item for item in items if isinstance(item, tuple)]
        if events:
            self._store(events)
        for item in items:
            if isinstance(item, threading.Event):
                item.set()
        if events:
            publish("session")
        return None not in items

    def _store(self, items: list[tuple[Any, ...]]) -> None:
        """No event must take others along, nor the thread: what cannot be stored is counted."""
        try:
            batch = prepare([event_of(item) for item in items])
        except Exception as error:  # noqa: BLE001  whatever it is that an answer did to the redaction
            if len(items) == 1:
                self._lose(items[0][1], error)
                return
            for item in items:
                self._store([item])
            return
        try:
            self._write(batch)
        except Exception:  # noqa: BLE001  the database's refusal, or its driver's
            self._write_singly(batch)

    def _lose(self, event_type: str, error: Exception) -> None:
        self.lost += 1
        log.error("a session event is lost: %s, %s", event_type, type(error).__name__)

    def _write(self, batch: Batch) -> None:
        """Write, for as long as it takes the database to be there."""
        wait, again = 0.05, False
        while True:
            try:
                if not (again and is_stored(batch)):
                    write(batch)
            except UNAVAILABLE as error:
                self._problem = f"the database does not answer ({type(error).__name__})"
                log.warning("%d session events wait: %s", len(batch.rows), self._problem)
                connection.close()
                time.sleep(wait)
                wait, again = min(wait * 2, 5.0), True
            else:
                self._problem = ""
                for recorder in batch.recorders:
                    recorder.stored = True
                return

    def _write_singly(self, batch: Batch) -> None:
        """One event the database refuses must not take the others of its batch along."""
        for row in batch.rows:
            recorders = [recorder for recorder in batch.recorders if recorder.session_id == row.session_id]
            try:
                self._write(Batch([row], recorders))
            except Exception as error:  # noqa: BLE001
                self._lose(row.event_type, error)


def event_of(item: tuple[Any, ...]) -> Event:
    """The event that the command path enqueued as a tuple of its fields."""
    from sessionlogs.recorder import Event

    return Event(*item).settled()


@dataclass
class Batch:
    """Rows ready to be written, and the recorders whose sessions they belong to."""

    rows: list[SessionLog]
    recorders: list[SessionRecorder]


def prepare(events: list[Event]) -> Batch:
    """Redact `events` and carry them into their sessions' totals; once a batch, however often it is written."""
    by_recorder: dict[SessionRecorder, list[Event]] = {}
    for event in events:
        by_recorder.setdefault(event.recorder, []).append(event)
    rows = [event.row() for event in events]
    for recorder, own in by_recorder.items():  # last: what fails above is prepared once more
        recorder.tally(own)
    return Batch(rows, list(by_recorder))


def write(batch: Batch) -> None:
    """Insert the rows and bring their sessions up to date, in one transaction."""
    new = [recorder for recorder in batch.recorders if not recorder.stored]
    presence.start()
    for row in batch.rows:
        row.pk = None  # set by a try that was rolled back
    with transaction.atomic():
        Session.objects.bulk_create([recorder.session for recorder in new])
        SessionLog.objects.bulk_create(batch.rows)
        known = [recorder.session for recorder in batch.recorders if recorder.stored]
        Session.objects.bulk_update(known, TOTALS)


def is_stored(batch: Batch) -> bool:
    """Whether a write that failed came through: a connection that breaks at COMMIT leaves that open."""
    row = batch.rows[0]
    same = {name: getattr(row, name) for name in ("session_id", "timestamp", "event_type", "step")}
    return SessionLog.objects.filter(**same).exists()


writer = SessionLogWriter()


def _renew_after_fork() -> None:
    """The thread does not survive a fork, and its queue's lock may be held by it."""
    writer.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(writer.stop)
