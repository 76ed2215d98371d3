"""Times as a person or a program writes them: on a command line, in a query, in a filter."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from django.utils import timezone
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
        if day := parse_date(text):
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        return parse_iso(text, UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:60]!r} is not a time such as 2026-01-31T12:00:00Z, 2h or 7d") from None


def parse_iso(text: str, zone: tzinfo | None = None) -> datetime:
    """The time that `text` names in ISO 8601; without a zone it is one of `zone`, or of the viewer's zone.

    Raises ValueError.
    """
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(f"{text[:60]!r} is not a time")
    return timezone.make_aware(moment, zone) if timezone.is_naive(moment) else moment
