"""What a command that runs for long shares with others: who runs it, and how it is asked to end."""

import getpass
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Stop(threading.Event):
    """Set by a signal; `signal` is its number."""

    signal = 0


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
