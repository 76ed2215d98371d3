"""Windows and steps of a histogram that fit a calendar and a page."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from logsite.records import Window

DEFAULT_LENGTH = timedelta(days=1)
BUCKETS = 120  # at most
MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (
    1, 2, 5, 10, 15, 30,
    MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 365 * DAY,
)  # fmt: skip


def filled(window: Window, now: datetime | None = None) -> Window:
    """`window` with both ends: without a beginning the last 24 hours."""
    until = window.until or max(now or timezone.now(), window.since or datetime.min.replace(tzinfo=UTC))
    if window.since is not None:
        return Window(window.since, until)
    return Window(until - min(DEFAULT_LENGTH, until - datetime.min.replace(tzinfo=UTC)), until)


def step_of(window: Window) -> int:
    """The shortest step in seconds, of those that fit minutes, hours and days, by which there are few buckets."""
    assert window.since is not None
    assert window.until is not None
    seconds = (window.until - window.since).total_seconds()
    return next((step for step in STEPS if seconds / step <= BUCKETS), round(seconds / BUCKETS))
