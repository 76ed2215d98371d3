"""The one thread of a process that redacts and stores session events.

The command path only enqueues (1-3 µs). Storing an event at a time would cost 0.2-4 ms, redacting a large
answer tens of milliseconds; neither may slow a session down. A closing session waits here until all of its
events are in the database.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from logsite.live import publish
from sessionlogs.models import Session, SessionLog

if TYPE_CHECKING:
    from sessionlogs.recorder import Event, SessionRecorder

log = logging.getLogger(__name__)
BATCH = 500
IDLE = 2.0  # seconds without events after which the thread gives its connection back
TOTALS = ["ended_at", "status", "error_kind", "error_message", "commands", "failures", "slowest_ms"]
UNAVAILABLE = (OperationalError, InterfaceError)  # locked, refused, restarting: worth trying again


class SessionLogError(Exception):
    """Session events could not be stored; the text says how many and why."""


class SessionLogWriter:
    """Takes events from any thread, stores them in order, tells who waits. `lost` counts what no try stored."""

    def __init__(self) -> None:
        self.lost = 0
        self._events: queue.SimpleQueue[Event | threading.Event | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._problem = ""
        self.put = self._events.put

    def start(self) -> None:
        """Start the thread unless it runs; recorders call this, so that importing costs nothing."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="session-log-writer", daemon=True)
                self._thread.start()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything enqueued so far is stored. Raises SessionLogError after `timeout` seconds.

        Not inside a transaction on SQLite: the one writer the file allows would be the caller.
        """
        if self._thread is None:
            return
        stored = threading.Event()
        self._events.put(stored)
        if not stored.wait(settings.SESSION_LOG_STORE_TIMEOUT if timeout is None else timeout):
            raise SessionLogError(
                f"session events are not stored yet: {self._problem or 'the queue is long'}"
            )

    def stop(self, timeout: float | None = None) -> None:
        """Store what is enqueued and end the thread; the next `start` begins anew."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._events.put(None)
        thread.join(settings.SESSION_LOG_STORE_TIMEOUT if timeout is None else timeout)
        if thread.is_alive():
            log.error("session events are lost at exit: %s", self._problem or "the queue is long")

    def _run(self) -> None:
        try:
            while True:
                try:
                    first = self._events.get(timeout=IDLE)
                except queue.Empty:
                    connection.close()
                    continue
                if not self._step(first):
                    return
        finally:
            connection.close()

    def _step(self, first: Event | threading.Event | None) -> bool:
        """Store one batch; False when the thread is to end."""
        items = [first]
        while len(items) < BATCH and not self._events.empty():
            items.append(self._events.get())
        events = [item for item in items if item is not None and not isinstance(item, threading.Event)]
        if events:
            self._store(events)
        for item in items:
            if isinstance(item, threading.Event):
                item.set()
        return None not in items

    def _store(self, events: list[Event]) -> None:
        batch = prepare(events)
        try:
            self._write(batch)
        except DatabaseError:
            self._write_singly(batch)
        publish("session")

    def _write(self, batch: Batch) -> None:
        """Write, for as long as it takes the database to be there."""
        wait = 0.05
        while True:
            try:
                write(batch)
            except UNAVAILABLE as error:
                self._problem = f"the database does not answer ({type(error).__name__})"
                log.warning("%d session events wait: %s", len(batch.rows), self._problem)
                connection.close()
                time.sleep(wait)
                wait = min(wait * 2, 5.0)
            else:
                self._problem = ""
                return

    def _write_singly(self, batch: Batch) -> None:
        """One event the database refuses must not take the others of its batch along."""
        for row in batch.rows:
            recorders = [recorder for recorder in batch.recorders if recorder.session_id == row.session_id]
            try:
                self._write(Batch([row], recorders))
            except DatabaseError as error:
                self.lost += 1
                log.error(
                    "the database refused a session event: %s, %s", row.event_type, type(error).__name__
                )


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
    for recorder, own in by_recorder.items():
        recorder.tally(own)
    return Batch([event.row() for event in events], list(by_recorder))


def write(batch: Batch) -> None:
    """Insert the rows and bring their sessions up to date, in one transaction."""
    new = [recorder for recorder in batch.recorders if not recorder.stored]
    for row in batch.rows:
        row.pk = None  # set by a try that was rolled back
    with transaction.atomic():
        Session.objects.bulk_create([recorder.session for recorder in new])
        SessionLog.objects.bulk_create(batch.rows)
        known = [recorder.session for recorder in batch.recorders if recorder.stored]
        Session.objects.bulk_update(known, TOTALS)
    for recorder in new:
        recorder.stored = True


writer = SessionLogWriter()


def _renew_after_fork() -> None:
    """The thread does not survive a fork, and its queue's lock may be held by it."""
    writer.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(writer.stop)
