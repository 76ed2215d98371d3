"""Who may collect a device: one process at a time, by a conditional update of the device's row."""

import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.utils import timezone

from devices.models import Device
from logsite.housekeeping.heartbeats import presence
from logsite.tables.writing import writing

log = logging.getLogger(__name__)
CLAIM = timedelta(minutes=15)  # longer than any collection; where a process's death cannot be seen, its end


@dataclass(frozen=True)
class Claim:
    """Ours on a device until `until`, for the place in the queue that it had then."""

    device_id: int
    until: datetime
    queued_at: datetime | None

    def release(self, **outcome: Any) -> None:
        """Store how it ended, now or, where the database fails, at the next heartbeat of this process."""
        try:
            self.store(outcome)
        except (DatabaseError, InterfaceError) as error:
            name = type(error).__name__
            log.warning(
                "device %s: its claim is released at the next heartbeat, the database failed (%s)",
                self.device_id,
                name,
            )
            unreleased.append((self, outcome))
            connection.close_if_unusable_or_obsolete()

    def store(self, outcome: dict[str, Any]) -> None:
        """An expired claim that another process has taken stays with that process.

        What was queued anew while we were at it is still to be done.
        """
        ours = Device.objects.filter(pk=self.device_id, claimed_until=self.until, claimed_by=presence.id)
        changes: dict[str, Any] = {"claimed_until": None, "claimed_by": None, **outcome}
        done = {"queued_at": None, "queued_by": None}
        with writing():
            if self.queued_at is None or not ours.filter(queued_at=self.queued_at).update(**changes, **done):
                ours.update(**changes)


unreleased: deque[tuple[Claim, dict[str, Any]]] = deque()  # with how each ended


def release_late(**_: Any) -> None:
    """Release what the database has refused to; the rest stays where it refuses again."""
    for _attempt in range(len(unreleased)):
        late, outcome = unreleased[0]
        late.store(outcome)
        unreleased.popleft()


def claim(device: Device, *, queued: bool = False) -> Claim | None:
    """Our claim on the device; None when somebody holds one. With `queued`, only while it waits in the queue."""
    presence.start()  # first, for it voids the claims of the dead
    now = timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    wanted = Device.objects.filter(free, pk=device.pk)
    if queued:
        wanted = wanted.filter(queued_at__isnull=False)
    until = now + CLAIM
    try:
        with writing():
            if not wanted.update(claimed_until=until, claimed_by=presence.id, attempted_at=now):
                return None
            return Claim(
                device.pk, until, Device.objects.values_list("queued_at", flat=True).get(pk=device.pk)
            )
    except (DatabaseError, InterfaceError):
        unreleased.append((Claim(device.pk, until, None), {}))  # it may have been stored for all we know
        raise
