"""What a command that runs for long shares with others: who runs it, and how it is asked to end."""

import getpass
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic, sleep
from types import FrameType
from typing import Any

LOOK_SECONDS = 0.1  # after which `wait` looks again


class Stop(threading.Event):
    """Set by a signal; `signal` is its number.

    A plain Event hangs when a handler sets it: the thread that the handler interrupts may hold the lock of the Event,
    which `set` takes. So this one has no lock, and `wait` looks.
    """

    signal = 0

    def __init__(self) -> None:
        super().__init__()
        self._stopped = False

    def is_set(self) -> bool:
        return self._stopped

    def set(self) -> None:
        self._stopped = True

    def wait(self, timeout: float | None = None) -> bool:
        """Whether a signal has come, after at most `timeout` seconds."""
        end = inf if timeout is None else monotonic() + timeout
        while not self._stopped and (left := end - monotonic()) > 0:
            sleep(min(left, LOOK_SECONDS))
        return self._stopped


@contextmanager
def stopping() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM set the event, so that the step in hand is finished; a second one ends the process."""
    stop = Stop()
    before: dict[int, Any] = {}

    def end(number: int, frame: FrameType | None) -> None:
        stop.signal = number
        stop.set()
        for known, handler in before.items():
            signal.signal(known, handler)

    if threading.current_thread() is threading.main_thread():  # only it may ask for signals
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def account() -> str:
    """The name of the account that runs this process; its number where it has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
