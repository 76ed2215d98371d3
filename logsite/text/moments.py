"""Times as a person gives them on a command line."""

import re
from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_date, parse_datetime

_AGO = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now: datetime) -> datetime:
    """The UTC time that `text` names: ISO 8601 (UTC without a zone), or an age such as `90m`, `2h`, `7d`.

    Raises ValueError.
    """
    text = text.strip()
    try:
        if match := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)):
            moment = datetime(day.year, day.month, day.day)
        if moment is None:
            raise ValueError
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:60]!r} is not a time such as 2026-01-31T12:00:00Z, 2h or 7d") from None
