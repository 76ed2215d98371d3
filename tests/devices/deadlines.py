"""Deadlines of devices whose clocks a test starts: the time of a login on a busy machine uses none of them up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from devices.connectors.limits import Deadline
from tests.devices.light_fleet import LightFleet

ENDLESS = ("hang", "trickle")  # behaviours of devices that never end their answer to an interface command


class HeldDeadlines:
    """A deadline's clock does not start with the login, but when the test calls `start` with the device's port.

    The timer and what it does to the connection are the real ones.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._start, transport = Deadline.start, Deadline.transport
        self._by_port: dict[int, Deadline] = {}

        def noted(deadline: Deadline, sock: Any, **options: Any) -> Any:
            self._by_port[sock.getpeername()[1]] = deadline
            return transport(deadline, sock, **options)

        monkeypatch.setattr(Deadline, "start", lambda deadline: None)
        monkeypatch.setattr(Deadline, "transport", noted)

    def start(self, port: int) -> None:
        """Start the clock of the device that a login at `port` has reached; a second time does nothing."""
        self._start(self._by_port[port])

    @contextmanager
    def of_endless(self, fleet: LightFleet) -> Iterator[None]:
        """Within the block, the clock of each device that never ends its answer starts when it has the command.

        Nobody else may ask the fleet for its counts meanwhile.
        """
        ports = {
            device["name"]: fleet.ports[device["name"]]
            for device in fleet.devices
            if device["behaviour"] in ENDLESS
        }

        def started() -> bool:
            for name in ports.keys() & fleet.counts()["shown"].keys():
                self.start(ports.pop(name))
            return not ports

        with beside(started):
            yield


@contextmanager
def beside(done: Callable[[], bool], then: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Call `done` every 10 ms while the block runs, on a thread; call `then` once it has returned True."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            if done():
                then()
                return

    thread = threading.Thread(target=look, name="beside")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def deadline_timers() -> set[threading.Timer]:
    """The timers of deadlines that run. Paramiko's own timers are other ones: they outlive a broken handshake."""
    return {
        thread
        for thread in threading.enumerate()
        if isinstance(thread, threading.Timer)
        and isinstance(getattr(thread.function, "__self__", None), Deadline)
    }
