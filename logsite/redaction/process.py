"""The secrets that the whole process knows: each that is in use, and the latest that were."""

import threading
from collections import OrderedDict
from types import TracebackType
from typing import Self

from logsite.redaction.known import Known, Secrets, pairs_of
from logsite.redaction.redactor import Redactor

REMEMBERED = 512  # secrets no longer in use that the process still takes out of its log lines


class _Entry:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.users = 0


class _Registry:
    """The secrets of this process. One in use is kept; released ones stay until newer ones crowd them out.

    They outlive their use because log lines do: a worker thread or a destructor may print one late.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may log while its own thread holds the lock
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._redactor: Redactor | None = None

    def acquire(self, pairs: list[tuple[str, str]]) -> None:
        with self._lock:
            for pair in pairs:
                if pair not in self._entries:
                    self._entries[pair] = _Entry(Known(*pair))
                    self._redactor = None
                self._entries[pair].users += 1
                self._entries.move_to_end(pair)
            self._forget_oldest()

    def release(self, pairs: list[tuple[str, str]]) -> None:
        with self._lock:
            for pair in pairs:
                self._entries[pair].users -= 1
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        released = [pair for pair, entry in self._entries.items() if not entry.users]
        for pair in released[: max(0, len(released) - REMEMBERED)]:
            del self._entries[pair]
            self._redactor = None

    def redactor(self) -> Redactor:
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor._of(entry.known for entry in self._entries.values())
            return self._redactor


_registry = _Registry()


class Registration:
    """Holds secrets in use until `release()` or the end of its `with` block."""

    def __init__(self, secrets: Secrets) -> None:
        self._pairs = pairs_of(secrets)
        _registry.acquire(self._pairs)

    def release(self) -> None:
        pairs, self._pairs = self._pairs, []
        _registry.release(pairs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._pairs)} secrets>"


def register_secrets(secrets: Secrets) -> Registration:
    """Make `secrets` known to the whole process, its logging filter included, at once."""
    return Registration(secrets)


def redact(text: str) -> str:
    """`text` without what the patterns recognise and without every secret registered in this process."""
    return _registry.redactor().redact(text)
