"""Writers publish after commit; watchers receive the newest committed cursor.

A message says only that there is more: the watcher fetches rows by cursor. Channel layers lose messages in a burst,
and a watcher that does not read would let the server's memory grow. The next message makes a lost one good.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

log = logging.getLogger(__name__)
# How to wake the watchers of this process, by source. Their event loop is not the thread that publishes, and the
# in-memory channel layer does not wake a loop from another thread.
wakers: dict[str, set[Callable[[], Any]]] = {}


def group_of(source: str) -> str:
    return f"live.{source}"


def publish(source: str) -> None:
    """Tell the watchers of `source` that rows were committed. Called outside an event loop."""
    for wake in tuple(wakers.get(source, ())):
        with contextlib.suppress(RuntimeError):  # the loop was closed with its watchers in it
            wake()
    if not settings.REDIS_URL:
        return
    try:
        async_to_sync(get_channel_layer().group_send)(group_of(source), {"type": "rows.committed"})
    except Exception as error:  # noqa: BLE001
        log.warning("live: watchers of %s were not notified: %s", source, type(error).__name__)
