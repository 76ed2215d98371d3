"""How a long command is asked to end: by a signal that may come at any instruction."""

import subprocess
import sys
import threading
import time

import pytest

from logsite.commands.stopping import Stop

# The timer rings while the thread is within `wait`, in another place of it each time.
RINGING = """
import random, signal
from logsite.commands.stopping import Stop
for _ in range(5000):
    stop = Stop()
    signal.signal(signal.SIGALRM, lambda *_: stop.set())
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 2e-4))
    while not stop.wait(1e-6):
        pass
print("ended")
"""


def test_a_signal_that_comes_within_wait_hangs_nothing():
    found = subprocess.run([sys.executable, "-c", RINGING], capture_output=True, text=True, timeout=120)

    assert (found.stdout, found.stderr) == ("ended\n", "")


def test_every_thread_that_waits_is_woken():
    stop, woken = Stop(), []
    threads = [threading.Thread(target=lambda: woken.append(stop.wait(60))) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(60)

    assert woken == [True] * 4


@pytest.mark.parametrize(("is_set", "waited"), [(False, False), (True, True)])
def test_wait_says_whether_a_signal_has_come(is_set, waited):
    stop, began = Stop(), time.monotonic()
    if is_set:
        stop.set()

    assert (stop.wait(0.05), stop.is_set(), time.monotonic() - began >= 0.05) == (waited, is_set, not is_set)
