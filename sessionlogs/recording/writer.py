"""The one thread of a process that redacts and stores session events.

The command path only appends a tuple to a deque (about 1 µs): waking a sleeping thread through a queue costs
several times more than building the event, storing one event costs 0.2 to 4 ms, redacting a large response tens
of milliseconds, and none of these may slow a session down. The thread reads the deque every 50 ms and inserts
up to 500 events with the totals of their sessions in one transaction. It also finds the errors that a device
reports itself (`% Invalid input`), so that the command path need not. A closing session waits here until its
events are stored.

While the database is away the thread retries. Events beyond the memory limit go to a file (`spill.py`); an event
that cannot be stored at all is logged and counted.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from logsite.housekeeping import counters
from logsite.housekeeping.heartbeats import presence
from logsite.records.live import publish
from logsite.tables.bulk import insert_rows, update_rows
from logsite.tables.writing import writing
from sessionlogs.models import Session, SessionLog
from sessionlogs.recording.events import Event, Recorder
from sessionlogs.recording.spill import Page, Spill
from sessionlogs.recording.storing import Tokens, store, tokens_of

log = logging.getLogger(__name__)
BATCH = 500
POLL = 0.1  # seconds between two looks while there are events
IDLE = 2.0  # seconds without events after which the thread gives its connection back
IDLE_POLL = 0.5  # seconds between two looks after that
LONGEST_WAIT = 2.0  # seconds between two tries while the database is away
GRACE = 10.0  # seconds that a process that ends takes to put aside what the database did not take
STATEMENT_TIMEOUT = 30_000  # milliseconds
OVERHEAD = 500  # bytes of an event beside its texts
IDENTITY = ("session_id", "timestamp", "event_type", "step")  # no two events agree in all of it
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
        self._spill = Spill()
        self._waiters: list[threading.Event] = []  # of events that lie in the spill
        self._giving_up = False
        self._retry_at = 0.0
        self.put = self._items.append

    @property
    def waiting(self) -> int:
        """How many events and waiters the queue holds."""
        return len(self._items)

    def start(self) -> None:
        """Start the thread unless it runs; recorders call this, so that importing costs nothing."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._giving_up = False
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
        self._giving_up = True  # from now on what the database does not take goes to the spill
        thread.join(GRACE)
        if thread.is_alive():
            log.error("session events are lost at exit: %s", self._problem or "the queue is long")

    def _run(self) -> None:
        busy_until = 0.0
        try:
            self._spill.adopt()
            while True:
                if self._spill.pending:
                    self._catch_up()
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
            self._spill.close()
            connection.close()

    def _step(self) -> bool:
        """Store one batch; False when the thread is to end."""
        items = [self._items.popleft() for _ in range(min(BATCH, len(self._items)))]
        events = [item for item in items if isinstance(item, tuple)]
        if events:
            self._store(events)
        self._waiters += [item for item in items if isinstance(item, threading.Event)]
        self._tell_waiters()
        if events:
            publish("session")
        return None not in items

    def _tell_waiters(self) -> None:
        """Who waits learns that its events are in the database: not before, and the spill is no database."""
        if self._spill.pending:
            return
        for waiter in self._waiters:
            waiter.set()
        self._waiters = []

    def _store(self, items: list[tuple[Any, ...]]) -> None:
        """No event must take others along, nor the thread: what cannot be stored is counted."""
        try:
            batch = prepare([event_of(item) for item in items])
        except Exception as error:  # whatever it is that an answer did to the redaction  # noqa: BLE001
            if len(items) == 1:
                self._lose(items[0][1], error)
                return
            for item in items:
                self._store([item])
            return
        while self._spill.pending:  # behind what waits there, or the order would be gone
            if self._put_aside(batch):
                return
            self._catch_up()
            time.sleep(POLL)
        try:
            self._write(batch)
        except Exception:  # the database's refusal, or its driver's  # noqa: BLE001
            self._write_singly(batch)

    def _lose(self, event_type: str, error: Exception) -> None:
        self.lost += 1
        log.error("a session event is lost: %s, %s", event_type, type(error).__name__)
        try:
            counters.add({counters.LOST: 1})
        except Error as problem:
            log.error("the loss could not be counted: %s", type(problem).__name__)

    def _write(self, batch: Batch) -> None:
        """Write, for as long as it takes the database to be there, or until too much waits: then put it aside."""
        wait, again = 0.05, False
        while True:
            try:
                if not (again and is_stored(batch)):
                    write(batch)
            except UNAVAILABLE as error:
                self._unavailable(error, len(batch.rows))
                if (self._giving_up or self._too_much(batch)) and self._put_aside(batch):
                    return
                time.sleep(wait)
                wait, again = min(wait * 2, LONGEST_WAIT), True
            else:
                self._problem = ""
                for recorder in batch.recorders:
                    recorder.stored = True
                return

    def _unavailable(self, error: Exception, events: int) -> None:
        self._problem = f"the database does not answer ({type(error).__name__})"
        log.warning("%d session events wait: %s", events, self._problem)
        connection.close()

    def _too_much(self, batch: Batch) -> bool:
        """Whether what waits for the database takes more memory than it may."""
        queued = sum(_size(item) for item in self._items.copy() if isinstance(item, tuple))
        return queued + batch.size() > settings.SESSION_LOG_QUEUE_BYTES

    def _put_aside(self, batch: Batch) -> bool:
        """Append the batch to the spill; False when the disk refuses, and memory has to go on holding it."""
        try:
            self._spill.append(batch.rows, [recorder.session for recorder in batch.recorders])
        except OSError as error:
            log.error("session events cannot be written to the spill file: %s", type(error).__name__)
            return False
        for recorder in batch.recorders:
            recorder.stored = (
                True  # nothing is written before the spill is empty: its session is there by then
            )
        return True

    def _catch_up(self) -> None:
        """Store what lies in the spill, oldest first, for as long as the database takes it."""
        while self._spill.pending and time.monotonic() >= self._retry_at:
            page = self._spill.page()
            try:
                self._restore(page)
            except UNAVAILABLE as error:
                self._unavailable(error, len(page.entries))
                self._retry_at = time.monotonic() + LONGEST_WAIT / 2
                return
            self._spill.advance(page)
            publish("session")
        if not self._spill.pending:
            self._problem = ""
            self._tell_waiters()

    def _restore(self, page: Page) -> None:
        """One event the database refuses must not take the others along here either."""
        try:
            restore(page)
        except UNAVAILABLE:
            raise
        except Exception as error:  # noqa: BLE001
            if len(page.entries) == 1:
                self._lose(page.entries[0].event_type, error)
                return
            for entry in page.entries:
                self._restore(Page([entry], page.end, page.orphaned))

    def _write_singly(self, batch: Batch) -> None:
        """One event the database refuses must not take the others of its batch along."""
        for row in batch.rows:
            recorders = [recorder for recorder in batch.recorders if recorder.session_id == row.session_id]
            try:
                self._write(Batch([row], recorders))
            except Exception as error:  # noqa: BLE001
                self._lose(row.event_type, error)


def _size(item: tuple[Any, ...]) -> int:
    """About how many bytes of memory an enqueued event holds."""
    return OVERHEAD + sum(sys.getsizeof(part) for part in item if type(part) is str)


def event_of(item: tuple[Any, ...]) -> Event:
    """The event that the command path enqueued as a tuple of its fields."""
    return Event(*item).settled()


@dataclass
class Batch:
    """Rows ready to be written, and the recorders whose sessions they belong to."""

    rows: list[SessionLog]
    recorders: list[Recorder]

    @cached_property
    def tokens(self) -> Tokens:
        """Of the rows; made once, however often the batch is written."""
        return tokens_of(self.rows)

    def size(self) -> int:
        """About how many bytes of memory the rows hold."""
        return sum(OVERHEAD + sys.getsizeof(row.response) + sys.getsizeof(row.command) for row in self.rows)


def prepare(events: list[Event]) -> Batch:
    """Redact `events` and carry them into their sessions' totals; once a batch, however often it is written."""
    by_recorder: dict[Recorder, list[Event]] = {}
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
    tokens = batch.tokens
    with writing():
        limit_time()
        insert_rows([recorder.session for recorder in new])
        store(batch.rows, tokens)
        update_rows([recorder.session for recorder in batch.recorders if recorder.stored], TOTALS)
        counters.add(tell(batch.rows))


def limit_time() -> None:
    """A statement that waits for a lock on PostgreSQL gives up after a while, as it does on SQLite.

    While the thread hangs in the database nobody watches how much the queue holds.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT}")


def tell(rows: Iterable[SessionLog]) -> dict[str, int]:
    """What counters.py counts of rows that are stored."""
    rows = list(rows)
    return {
        counters.WITHHELD: sum(bool(row.withheld) for row in rows),
        counters.TRUNCATED: sum(bool(row.truncated_bytes) for row in rows),
    }


def restore(page: Page) -> None:
    """Store events out of the spill, but not those that are in the database already, in one transaction."""
    with writing():
        limit_time()
        Session.objects.bulk_create(
            page.sessions(), update_conflicts=True, unique_fields=["session_id"], update_fields=TOTALS
        )
        rows = page.rows()
        known = SessionLog.objects.filter(session_id__in={row.session_id for row in rows})
        known = known.filter(timestamp__in={row.timestamp for row in rows})
        stored = set(known.values_list(*IDENTITY))
        rows = [row for row in rows if tuple(getattr(row, name) for name in IDENTITY) not in stored]
        store(rows, tokens_of(rows))
        counters.add(tell(rows) | {counters.SPILLED: len(rows)})


def is_stored(batch: Batch) -> bool:
    """Whether a write that failed came through: a connection that breaks at COMMIT leaves that open."""
    row = batch.rows[0]
    same = {name: getattr(row, name) for name in IDENTITY}
    return SessionLog.objects.filter(**same).exists()


writer = SessionLogWriter()


def _renew_after_fork() -> None:
    """The thread does not survive a fork, and its queue's lock may be held by it."""
    writer.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(writer.stop)
