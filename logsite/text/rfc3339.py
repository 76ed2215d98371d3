"""Moments to the nanosecond as text. Nothing here knows Django."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(nanoseconds: int) -> str:
    """`nanoseconds` since the epoch as Docker writes them, all nine digits: `2026-11-20T14:05:32.847869062Z`."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    # Not by strftime, which writes the year 900 with three digits.
    return f"{(EPOCH + timedelta(seconds=seconds)).isoformat()[:19]}.{rest:09d}Z"
