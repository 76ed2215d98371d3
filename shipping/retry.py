"""Trying again what failed for now: exponential back-off with jitter, broken off by a stop signal."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from shipping.errors import Stopped, Unavailable

Result = TypeVar("Result")

LONGEST_WAIT = 60.0  # seconds; where a back-off stops doubling
LONGEST_ASKED_WAIT = 600.0  # seconds; a Retry-After beyond it is taken for a mistake


def _silent(error: Unavailable, delay: float) -> None:
    """Nobody wants to hear of the wait."""


@dataclass(slots=True)
class Retry:
    """`retries` further tries after the first (None: for ever), the first of them after `backoff` seconds.

    `on_wait(error, seconds)` is told before every wait.
    """

    retries: int | None
    backoff: float
    stop: threading.Event = field(default_factory=threading.Event)
    on_wait: Callable[[Unavailable, float], None] = _silent

    def call(self, action: Callable[[], Result]) -> Result:
        """The result of `action`, which raises Unavailable for what may pass.

        Raises Unavailable, saying how often it was tried, and Stopped when the stop event comes in a wait.
        """
        tries = 0
        while True:
            try:
                return action()
            except Unavailable as error:
                tries += 1
                if self.retries is not None and tries > self.retries:
                    plural = "try" if tries == 1 else "tries"
                    raise Unavailable(f"{error} after {tries} {plural}") from None
                self._wait(error, tries)

    def _wait(self, error: Unavailable, tries: int) -> None:
        delay = self.delay(tries, error.retry_after)
        self.on_wait(error, delay)
        if self.stop.wait(delay):
            raise Stopped(str(error))

    def delay(self, tries: int, asked: float | None) -> float:
        """Seconds to wait after `tries` failures; half of it is chance, so that many clients spread out.

        What the other side asked for is the least.
        """
        longest = min(self.backoff * 2 ** min(tries - 1, 30), LONGEST_WAIT)
        own = longest * (0.5 + random.random() / 2)  # noqa: S311  spreads load, guards nothing
        return max(own, min(asked or 0.0, LONGEST_ASKED_WAIT))
