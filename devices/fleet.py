"""Collect many devices, in this process: bounded threads, pages of devices, results as they come."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from devices.collect import Result, collect_device
from devices.logging_switch import with_switch
from devices.models import CollectionRun, Device

PAGE = 200  # devices


def collect_devices(
    devices: Iterable[Device],
    user: AbstractBaseUser | None = None,
    *,
    workers: int = 0,
    record: bool = True,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """The results in the order in which the devices finish; at most `workers` devices at a time.

    `devices` is read as threads become free. Once `stop` is set no further device is begun.
    """
    free, stop = workers or settings.COLLECT_WORKERS, stop or threading.Event()
    waiting, running = iter(devices), 0
    pool = _Pool(partial(collect_device, user=user, record=record, stop=stop))
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
            if isinstance(change, BaseException):
                raise change
            yield change
    except BaseException:  # who stops listening wants no retry of those that run
        stop.set()
        raise
    finally:
        pool.close()


class _Pool:
    """Threads that collect a device each, and keep their database connections until the pool is closed.

    `changes` gets None once a device is done with, which then makes room for another while its results are being
    stored (so there are more threads than devices at a time), and later what `collect` returned or raised.
    """

    def __init__(self, collect: Callable[..., Result]) -> None:
        self._collect = collect
        self._devices: SimpleQueue[Device | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)
        self.changes: SimpleQueue[Result | BaseException | None] = SimpleQueue()

    def begin(self, device: Device) -> None:
        """Collect `device` on a thread that has nothing to do, or on one more."""
        self._devices.put(device)
        if not self._idle.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name=f"collect-{len(self._threads)}", daemon=True)
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
                place = _Place(self.changes)
                try:
                    result: Result | BaseException = self._collect(device, disconnected=place)
                except BaseException as error:  # the caller's affair, in its own thread  # noqa: BLE001
                    result = error
                place()
                self._idle.release()
                self.changes.put(result)
        finally:
            connection.close()


class _Place:
    """One of the devices at a time; called once or more when it is free again."""

    def __init__(self, changes: "SimpleQueue[Result | BaseException | None]") -> None:
        self._changes, self._taken = changes, True

    def __call__(self) -> None:
        if self._taken:
            self._taken = False
            self._changes.put(None)


def in_pages(devices: QuerySet[Device]) -> Iterator[Device]:
    """The devices in the order of their names, read page by page: no result set stays open for hours."""
    last, devices = "", with_switch(devices).order_by("name").prefetch_related("tags", "credential")
    while page := list(devices.filter(name__gt=last)[:PAGE]):
        yield from page
        last = page[-1].name


@dataclass
class Tally:
    """What is kept of many results."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.outcomes[result.outcome] += 1
        if not result.ok:
            self.failed.append(result.device.name)

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    def __str__(self) -> str:
        return ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.most_common())


# --- runs -------------------------------------------------------------------------------------------------------


def interrupted_run() -> CollectionRun | None:
    """The latest run, unless it came to its end."""
    run = CollectionRun.objects.first()
    return run if run and run.ended_at is None else None


def begin_run() -> CollectionRun:
    return CollectionRun.objects.create(started_at=timezone.now())


def end_run(run: CollectionRun) -> None:
    run.ended_at = timezone.now()
    run.save(update_fields=["ended_at"])


def left_by(run: CollectionRun, devices: QuerySet[Device]) -> QuerySet[Device]:
    """Those of `devices` that were not collected successfully since the run began."""
    return devices.filter(Q(collected_at__isnull=True) | Q(collected_at__lt=run.started_at))
