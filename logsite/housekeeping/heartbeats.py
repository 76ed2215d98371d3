"""Which processes record or collect, whether they still live, and what happens to the work of a dead one.

Apps register what they keep open in the name of a process (`register_work`).

A process has a row, and counts its heartbeats in it. On the machine of a dead process the kernel knows that it is
gone. Elsewhere the others count their own looks at a heartbeat that stands still: no clock is compared, so
neither a step of one nor a suspended machine makes the living look dead.
"""

import atexit
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F
from django.dispatch import Signal

from logsite.housekeeping.models import Process

log = logging.getLogger(__name__)
BEAT = 5.0  # seconds between two heartbeats, and between two looks at the others'; the same in all processes
LOOKS = 12  # a heartbeat that so many looks in a row find unchanged is that of a dead process
NOBODY = uuid.UUID(int=0)
JOIN = 10.0  # seconds for the thread's last statement

heart_beat = Signal()  # sent with each heartbeat, and before the process leaves: what has to be made up for
process_ended = Signal()  # process: its id; sent when its work is closed, within the transaction

Named = Callable[[], Iterable[uuid.UUID]]
Closer = Callable[[uuid.UUID], int]
_work: list[tuple[Named, Closer]] = []


def register_work(named: Named, close: Closer) -> None:
    """Let an app have work that a process keeps open.

    `named` returns the ids of the processes that have some; `close` closes the work of one process, inside a
    transaction, and returns how much there was.
    """
    _work.append((named, close))


def close_process(process: uuid.UUID) -> int:
    """Close the work of `process` and forget the process; the number of closed pieces of work.

    Two who do it at once do it once.
    """
    with transaction.atomic():
        closed = sum(close(process) for _, close in _work)
        process_ended.send(sender=Process, process=process)
        Process.objects.filter(pk=process).delete()
    return closed


def machine() -> str:
    """This boot of this kernel and the process ids that mean the same here; empty where that is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # a container counts its processes by itself
    except OSError:
        return ""


def started(pid: int) -> int | None:
    """When the kernel started process `pid`, in its ticks since boot; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Presence:
    """This process among those that record: its id, its row, its heartbeat."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self._thread: threading.Thread | None = None
        self._beating = False
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._looks = Observation()

    def start(self) -> None:
        """Be known as alive before anything is recorded or claimed; close what the dead left open."""
        if self._beating:
            return
        with self._lock:
            if not self._beating:
                self._begin()
                self._start_thread()

    def watch(self, **_: Any) -> None:
        """The same in the background, for a process whose database may not be there yet."""
        with self._lock:
            if self._thread is None:
                self._start_thread()

    def _begin(self) -> None:
        self._register()
        self._close_the_dead()
        self._beating = True

    def _start_thread(self) -> None:
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
            self._thread.start()

    def stop(self) -> bool:
        """End the heartbeat; whether there was one."""
        with self._lock:
            thread, self._thread = self._thread, None
            was_beating, self._beating = self._beating, False
        if thread is not None:
            self._stopping.set()
            thread.join(JOIN)
        return was_beating

    def leave(self) -> None:
        """The process ends by itself: what it has still open is closed, and its row goes."""
        if not self.stop():
            return
        try:
            heart_beat.send(sender=Process)
            close_process(self.id)
        except (DatabaseError, InterfaceError) as error:
            log.warning("the next start closes this process's sessions: %s", type(error).__name__)

    def _register(self) -> None:
        pid = os.getpid()
        Process.objects.get_or_create(
            pk=self.id,
            defaults={
                "machine": machine(),
                "host": socket.gethostname(),
                "pid": pid,
                "started": started(pid) or 0,
            },
        )

    def _run(self) -> None:
        pause = BEAT if self._beating else 0.0
        while not self._stopping.wait(pause):
            pause = BEAT
            try:
                self._beat()
            except (DatabaseError, InterfaceError) as error:
                log.warning("no heartbeat: the database does not answer (%s)", type(error).__name__)
                self._looks = Observation()  # meanwhile nobody's heart was seen to beat
            except Exception:
                log.exception("a heartbeat failed; the next one comes in %g seconds", BEAT)
            finally:
                connection.close()

    def _beat(self) -> None:
        if not self._beating:
            with self._lock:
                self._begin()
            return
        if not Process.objects.filter(pk=self.id).update(beats=F("beats") + 1):
            self._register()  # taken for dead, perhaps after a pause
        self._close_the_dead()
        heart_beat.send(sender=Process)

    def _close_the_dead(self) -> None:
        for process in self._looks.dead(besides=self.id):
            close_process(process)


class Observation:
    """What one observer has seen of the heartbeats."""

    def __init__(self) -> None:
        self._seen: dict[uuid.UUID, tuple[int, int]] = {}  # the heartbeat, and how often it was found so

    @property
    def undecided(self) -> bool:
        """Whether more looks are needed: there are processes of other machines."""
        return bool(self._seen)

    def dead(self, *, besides: uuid.UUID = NOBODY) -> list[uuid.UUID]:
        """Look once; the processes that are known to be dead now."""
        here, found = machine(), []
        seen: dict[uuid.UUID, tuple[int, int]] = {}
        for process in _recorded(besides):
            if here and process.machine == here:
                gone = started(process.pid) != process.started
            else:
                beats, looks = self._seen.get(process.pk, (process.beats, 0))
                looks = looks + 1 if beats == process.beats else 1
                gone = looks >= LOOKS
                seen |= {} if gone else {process.pk: (process.beats, looks)}
            found += [process.pk] if gone else []
        self._seen = seen
        return found


def _recorded(besides: uuid.UUID) -> list[Process]:
    """Every process with a row, and those that some work names but that have none (any more)."""
    rows = {process.pk: process for process in Process.objects.exclude(pk=besides)}
    ids = {process for named, _ in _work for process in named()} - {*rows, besides}
    return [*rows.values(), *(Process(pk=process) for process in sorted(ids))]


presence = Presence()


def _renew_after_fork() -> None:
    """A forked process is another one, without its parent's thread."""
    presence.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(presence.leave)
