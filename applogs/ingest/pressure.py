"""Back-pressure: how many bytes of requests this process works on at a time; beyond that senders shall wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class TooBusy(Exception):
    """The process works on as much as it may; the sender shall send the request again."""


class Pressure:
    """Bytes of bodies in work. One request is always taken, however large."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0
        self.refused = 0

    @contextmanager
    def working_on(self, size: int) -> Iterator[None]:
        """Count `size` bytes while the block runs. Raises TooBusy."""
        with self._lock:
            if self._bytes and self._bytes + size > settings.APPLOGS_BYTES_AT_ONCE:
                self.refused += 1
                raise TooBusy
            self._bytes += size
        try:
            yield
        finally:
            with self._lock:
                self._bytes -= size


pressure = Pressure()
