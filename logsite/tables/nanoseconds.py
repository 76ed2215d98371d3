"""Moments to the nanosecond: a column that holds them as a number, and their texts."""

import re
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models

from logsite.text.moments import parse_iso
from logsite.text.rfc3339 import EPOCH
from logsite.text.rfc3339 import rfc3339 as rfc3339  # beside `from_rfc3339`, for those who read and write

Rows = TypeVar("Rows", bound=models.QuerySet[Any])
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", re.ASCII)


def to_nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC, exact to the microsecond that `datetime` holds."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def from_nanoseconds(nanoseconds: int) -> datetime:
    """The UTC time of `nanoseconds` since the epoch, cut to microseconds."""
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


class NanosecondsField(models.BigIntegerField):
    """Nanoseconds since 1970-01-01 UTC. Python sees an int; a `datetime` may be compared with it."""

    description = "Nanoseconds since 1970-01-01 UTC"

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(to_nanoseconds(value) if isinstance(value, datetime) else value)

    def to_python(self, value: Any) -> Any:
        """Also the texts of forms and filters: a number, or a time as Django takes it."""
        if isinstance(value, datetime):
            return to_nanoseconds(value)
        if isinstance(value, str) and not re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            return _from_text(value)
        return super().to_python(value)


def between(rows: Rows, low: int, high: int) -> Rows:
    """Those of `rows` whose `timestamp` is from `low` to `high`, both in it, in nanoseconds. A column of datetimes
    has microseconds, so both ends are moved inwards."""
    if isinstance(rows.model._meta.get_field("timestamp"), NanosecondsField):
        return rows.filter(timestamp__gte=low, timestamp__lte=high)
    first, last = from_nanoseconds(-(-low // 1000) * 1000), from_nanoseconds(high)
    return rows.filter(timestamp__gte=first, timestamp__lte=last)


def as_nanoseconds(value: int | datetime) -> int:
    """What either column of times gives."""
    return value if isinstance(value, int) else to_nanoseconds(value)


def _from_text(text: str) -> int:
    if _RFC3339.fullmatch(text):
        return from_rfc3339(text)
    try:
        return to_nanoseconds(parse_iso(text))
    except ValueError:
        raise ValidationError(f"{text[:60]!r} is not a time") from None


def from_rfc3339(text: str) -> int:
    """The nanoseconds of what `rfc3339` writes. Raises ValueError."""
    if not (match := _RFC3339.fullmatch(text)):
        raise ValueError(f"{text[:60]!r} is not a time such as 2026-11-20T14:05:32.847869062Z")
    seconds, fraction = match.groups()
    return to_nanoseconds(datetime.fromisoformat(f"{seconds}+00:00")) + int(fraction)
