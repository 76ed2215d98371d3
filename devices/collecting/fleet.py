"""Collect many devices, in this process: pages of devices, results as they come, sums of them."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from devices.collecting.one_device import Result, collect_device
from devices.collecting.pool import Place, on_devices
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
    stop = stop or threading.Event()

    def collect(device: Device, place: Place) -> Result:
        return collect_device(device, user, record=record, stop=stop, disconnected=place)

    return on_devices(devices, collect, workers=workers, stop=stop, name="collect")


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
