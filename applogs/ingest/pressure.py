"""Back-pressure: how many unpacked bytes this process works on at a time; beyond that, senders wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class TooBusy(Exception):
    """The process works on as much as it may; the sender shall send the request again."""


class Pressure:
    """Counts the bytes of the bodies in work. One body is always taken, however large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    @contextmanager
    def working_on(self, size: int) -> Iterator[None]:
        """Count `size` bytes while the block runs. Raises TooBusy."""
        with self._lock:
            if self._bytes and self._bytes + size > settings.APPLOGS_BYTES_AT_ONCE:
                raise TooBusy
            self._bytes += size
        try:
            yield
        finally:
            with self._lock:
                self._bytes -= size


pressure = Pressure()
