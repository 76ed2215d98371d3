"""Collections by Celery's workers. A task carries ids; what is to be done, and whether it is done, is in the row.

A device waits while its `queued_at` is set, and who claims it collects it; so a task that is delivered twice, as
one whose worker was killed may be, finds nothing to do the second time.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from celery import Task
from celery.signals import worker_ready, worker_shutting_down
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from devices.collecting.fleet import PAGE
from devices.collecting.one_device import Result, collect_device
from devices.models import Device, InterfaceAddress, Outcome
from logsite.celery import app
from logsite.housekeeping.heartbeats import presence
from sessionlogs.models import ErrorKind

log = logging.getLogger(__name__)
BUSY = 2.0  # seconds after which a device that somebody else is collecting is looked at again
LOOK = 0.5  # seconds between two looks at what has been done
_stopping = threading.Event()


@app.task(bind=True, name="devices.collecting.one_device", max_retries=None)
def collect(self: "Task[Any, None]", device_id: int, user_id: int | None) -> None:
    """Collect the device if it is still queued."""
    device = Device.objects.filter(pk=device_id, queued_at__isnull=False).prefetch_related("tags").first()
    if device is None:
        return
    if not device.enabled:
        Device.objects.filter(pk=device_id).update(
            queued_at=None,
            queued_by=None,
            outcome=Outcome.FAILED,
            error_kind=ErrorKind.INTERNAL,
            error_message="the device is not enabled any more",
        )
        return
    user = get_user_model().objects.filter(pk=user_id).first() if user_id else None
    result = collect_device(device, user, queued=True, stop=_stopping)
    if result.running:
        raise self.retry(countdown=BUSY)


@worker_ready.connect
def _begin(**_: Any) -> None:
    """A worker is on watch for the dead before its first task."""
    presence.start()


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    """What runs is finished, but not tried again."""
    _stopping.set()


def send(device_id: int, user_id: int | None) -> None:
    """One task. A broker that does not answer is no news: the device goes on waiting in the queue."""
    try:
        collect.delay(device_id, user_id)
    except collect.OperationalError as error:
        log.warning("device %s waits: Redis does not answer (%s)", device_id, type(error).__name__)


def enqueue(devices: Iterable[Device], user: AbstractBaseUser | None) -> set[int]:
    """Let the workers collect `devices`; the ids. Raises kombu's OperationalError when Redis does not answer."""
    now, queued = timezone.now(), set()
    for device in devices:
        Device.objects.filter(pk=device.pk).update(queued_at=now, queued_by=user)
        try:
            collect.delay(device.pk, user.pk if user else None)
        except collect.OperationalError:
            _withdraw(device.pk)
            raise
        queued.add(device.pk)
    return queued


def workers_answer() -> bool:
    """Whether there is anybody to do it."""
    return bool(app.control.ping(timeout=1.0, limit=1))


def results(device_ids: set[int], stop: threading.Event) -> Iterator[Result]:
    """The results of enqueued devices, read off the database, until all have ended.

    Once `stop` is set, what no worker has begun is taken back, and those that run are waited for.
    """
    waiting = set(device_ids)
    while waiting:
        if stop.is_set():
            waiting -= {device_id for device_id in waiting if _withdraw(device_id)}
        queued = Device.objects.filter(queued_at__isnull=False).values_list("pk", flat=True)
        ended = sorted(waiting.difference(queued))
        for first in range(0, len(ended), PAGE):
            for device in Device.objects.filter(pk__in=ended[first : first + PAGE]):
                yield _stored_result(device)
        waiting.difference_update(ended)
        if waiting and not ended:
            time.sleep(LOOK)


def _withdraw(device_id: int) -> bool:
    """Take the device out of the queue, unless a worker is at it."""
    waits = Device.objects.filter(pk=device_id, queued_at__isnull=False, claimed_until__isnull=True)
    return bool(waits.update(queued_at=None, queued_by=None))


def _stored_result(device: Device) -> Result:
    if device.outcome != Outcome.SUCCESS:
        return Result(device, error=device.error_message, error_kind=device.error_kind)
    result = Result(
        device,
        interfaces=device.interfaces.count(),
        addresses=InterfaceAddress.objects.filter(interface__device=device).count(),
    )
    if device.collected_at and device.attempted_at:
        result.seconds = (device.collected_at - device.attempted_at).total_seconds()
    return result
