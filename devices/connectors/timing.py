"""Where a command's time goes: on the device, or in the pauses of Netmiko's polling."""

import time
from typing import Any

now = time.perf_counter_ns


class Wire:
    """When bytes went out and came in, in nanoseconds of perf_counter.

    Paramiko calls `set` of the event of a channel's buffer whenever bytes arrive, on its own thread; that is
    when they are there, while the time at which they are read is already that of a poll. Netmiko may write
    several times for one command (to find the prompt, line by line), and each write has its own answer.
    """

    __slots__ = ("_answer", "_first", "_first_byte", "_last", "_sent")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start to measure a new command."""
        self._first_byte = self._answer = 0
        self._sent = self._first = self._last = 0

    def wrote(self) -> None:
        """Bytes go out."""
        self._settle()
        self._first = self._last = 0
        self._sent = now()

    def split(self, duration: int) -> dict[str, int]:
        """`duration`, of the command that ends now, by part: waiting for the first byte, for the rest of the
        answer, and neither (Netmiko's pauses and its own work). Empty where no byte was seen."""
        self._settle()
        self._sent = 0
        if not self._first_byte:
            return {}
        polling = max(0, duration - self._first_byte - self._answer)
        return {"first_byte": self._first_byte, "answer": self._answer, "polling": polling}

    def watch(self, channel: Any) -> None:
        """Be told of what arrives on a Paramiko channel; other transports, such as Telnet, do not tell."""
        buffer = getattr(channel, "in_buffer", None)
        if buffer is not None:  # an empty one counts as false
            buffer.set_event(self)

    def _settle(self) -> None:
        first, last = self._first, self._last
        if self._sent and first:
            self._first_byte += max(0, first - self._sent)
            self._answer += last - first

    # What a Paramiko buffer asks of an event.

    def set(self) -> None:
        self._last = now()
        self._first = self._first or self._last

    def clear(self) -> None:
        """The buffer was read empty."""
