"""Tests with a short form, which CI runs, and a long one, which `make soak` runs. Such a test is marked `soak`."""

import os

SOAKING = os.environ.get("LOGSITE_TEST_SOAK") == "1"


def short_or_long(short: int, long: int) -> int:
    """The size of a test: how many seconds, rows, lines, seeds."""
    return long if SOAKING else short
