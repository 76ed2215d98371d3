"""What becomes of the devices that a dead process had claimed."""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from devices.models import Device, Outcome
from sessionlogs.models import ErrorKind
from sessionlogs.recording.dead_sessions import ENDED


def release_claims(process: uuid.UUID, **_: Any) -> None:
    """The process is dead: its devices are free, and their collections failed."""
    held = Device.objects.filter(claimed_by=process)
    queued = list(held.filter(queued_at__isnull=False).values_list("pk", "queued_by"))
    held.update(
        claimed_until=None,
        claimed_by=None,
        outcome=Outcome.FAILED,
        error_kind=ErrorKind.INTERNAL,
        error_message=ENDED,
    )
    if queued and settings.REDIS_URL:
        transaction.on_commit(partial(_send_again, queued))


def _send_again(queued: Sequence[tuple[int, int | None]]) -> None:
    from devices.tasks import send  # Celery is needed where there is Redis only

    for device_id, user_id in queued:
        send(device_id, user_id)
