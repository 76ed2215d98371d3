"""Work on many devices in this process: bounded threads, results as they come."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

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
    waiting, running, changes = iter(devices), 0, SimpleQueue[Future[Outcome] | None]()
    # Twice as many threads as devices at a time: what was read is stored while the next device is being read.
    with ThreadPoolExecutor(2 * free, thread_name_prefix=name) as pool:
        try:
            while True:
                while free and not stop.is_set() and (device := next(waiting, None)):
                    free, running = free - 1, running + 1
                    pool.submit(_in_thread, work, device, Place(changes)).add_done_callback(changes.put)
                if not running:
                    return
                if (change := changes.get()) is None:
                    free += 1
                else:
                    running -= 1
                    yield change.result()
        except BaseException:  # who stops listening wants no retry of those that run
            stop.set()
            raise


def _in_thread(work: Callable[[Device, Place], Outcome], device: Device, place: Place) -> Outcome:
    try:
        return work(device, place)
    finally:
        place()
        connection.close()  # a connection belongs to its thread, and the thread may not come back
