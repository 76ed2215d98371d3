"""How a stretch of time is cut into bars."""

from datetime import datetime, timedelta

from logsite.records import Window

BUCKETS = 120  # at most, of a step that nobody asked for
DEFAULT_HOURS = 24  # of a window without a start
_MINUTE, _HOUR, DAY = 60, 3600, 86_400
# In seconds, each a part of the next larger unit of a clock: bars begin where people look for them.
STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * number for number in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * number for number in (1, 2, 3, 6, 12)),
    *(DAY * number for number in (1, 2, 7, 14, 28)),
)


def bounded(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """The ends of `window`: without an end it ends now, without a start it begins DEFAULT_HOURS before its end.

    A window without an end that begins after now is a second long.
    """
    since, until = window.since, window.until
    if since is None:
        until = until or now
        return _moved(until, -timedelta(hours=DEFAULT_HOURS)), until
    return since, until or max(now, _moved(since, timedelta(seconds=1)))


def _moved(moment: datetime, by: timedelta) -> datetime:
    """`moment` and `by`; the moment itself at the ends of the calendar, where there is nothing."""
    try:
        return moment + by
    except OverflowError:
        return moment


def step_for(since: datetime, until: datetime) -> int:
    """The shortest step, in seconds, that cuts the stretch into BUCKETS at most."""
    seconds = (until - since).total_seconds()
    # A stretch that begins within a step has one bar more.
    fitting = (step for step in STEPS if seconds / step <= BUCKETS - 1)
    return next(fitting, DAY * -(-int(seconds) // (DAY * (BUCKETS - 1))))
