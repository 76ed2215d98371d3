"""Work on many devices in this process: bounded threads, results as they come."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import connection

from devices.models import Device

Outcome = TypeVar("Outcome")


class Place:
    """One of the devices at a time; called once or more when it is free again."""

    def __init__(self, changes: "SimpleQueue[Any]") -> None:
        self._changes, self._taken = changes, True

    def __call__(self) -> None:
        if self._taken:
            self._taken = False
            self._changes.put(None)


def on_devices(
    devices: Iterable[Device],
    work: Callable[[Device, Place], Outcome],
    *,
    workers: int = 0,
    stop: threading.Event | None = None,
    name: str,
) -> Iterator[Outcome]:
    """What `work` returns, in the order in which the devices finish; at most `workers` devices at a time.

    `devices` is read as threads become free. Work calls its place when it is done with the device and only
    storing is left. Once `stop` is set no further device is begun.
    """
    free, stop = workers or settings.COLLECT_WORKERS, stop or threading.Event()
    waiting, running = iter(devices), 0
    pool = _Pool(work, name)
    try:
        while True:
            while free and not stop.is_set() and (device := next(waiting, None)):
                free, running = free - 1, running + 1
                pool.begin(device)
            if not running:
                return
            change = pool.changes.get()
            if change is None:
                free += 1
                continue
            running -= 1
            if isinstance(change, _Failure):
                raise change.error
            yield change.outcome
    except BaseException:  # who stops listening wants no retry of those that run
        stop.set()
        raise
    finally:
        pool.close()


@dataclass(frozen=True)
class _Success(Generic[Outcome]):
    outcome: Outcome


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class _Pool(Generic[Outcome]):
    """Threads that work on a device each, and keep their database connections until the pool is closed.

    `changes` gets None once a device is done with, which then makes room for another while its results are being
    stored (so there are more threads than devices at a time), and later what `work` returned or raised.
    """

    def __init__(self, work: Callable[[Device, Place], Outcome], name: str) -> None:
        self._work, self._name = work, name
        self._devices: SimpleQueue[Device | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self.changes: SimpleQueue[_Success[Outcome] | _Failure | None] = SimpleQueue()

    def begin(self, device: Device) -> None:
        """Work on `device` on a thread that has nothing to do, or on one more."""
        self._devices.put(device)
        if not self._idle.acquire(blocking=False):
            thread = threading.Thread(
                target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Wait for the devices that run, and for the threads to end."""
        for _ in self._threads:
            self._devices.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while device := self._devices.get():
                place = Place(self.changes)
                change: _Success[Outcome] | _Failure
                try:
                    change = _Success(self._work(device, place))
                except BaseException as error:  # the caller's affair, in its own thread  # noqa: BLE001
                    change = _Failure(error)
                place()
                self._idle.release()
                self.changes.put(change)
        finally:
            connection.close()  # a connection belongs to its thread
