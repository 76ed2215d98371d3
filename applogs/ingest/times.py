"""The time of an entry, in nanoseconds, from each way in which senders write one.

A text is read as `2026-01-15T10:30:45.123456789Z`, also with a blank for the T, a comma for the point, slashes in
the date, and a zone such as `+01:00`, `+0100`, `+01`, `UTC` or none, which means UTC. A number, also one in a text,
is seconds, milliseconds, microseconds or nanoseconds since 1970 by its size.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from logsite.text.rfc3339 import EPOCH
from logsite.text.storable import INTEGERS

SECOND = 1_000_000_000  # nanoseconds
LONGEST_TIME = 64  # characters
KEPT_MINUTES = 4096
# 2026-01-15T10:30:45.123456789Z
_TEXT = re.compile(
    r"(\d{4}[-/]\d\d[-/]\d\d[Tt_ ]\d\d:\d\d):([0-5]\d|60)(?:[.,](\d{1,30}))? ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{0,30})?(?:[eE]\+?\d{1,2})?", re.ASCII)
# Below 10¹⁰: seconds until 2286, milliseconds until April 1970.
_UNITS = ((10**10, SECOND), (10**13, 1_000_000), (10**16, 1000))
_minutes: dict[str, int] = {}  # `2026-01-15T10:30:Z` to nanoseconds: the entries of a batch share a few


def nanoseconds_of(value: object) -> int | None:
    """`value` in nanoseconds since 1970 in UTC; None where it is not a time that 64 bits hold (1677 to 2262)."""
    try:
        moment = _of_text(value) if type(value) is str else _of_number(value)
    except (ValueError, InvalidOperation, OverflowError):
        return None
    return moment if moment in INTEGERS else None


def _of_text(text: str) -> int:
    start = _minutes.get(text[:17] + text[-1:])
    if start is not None and text[19:20] == ".":  # as most are: 45.123456789Z behind the minute
        digits = text[17:19] + text[20:-1]
        if digits.isdecimal() and digits.isascii() and 2 < len(digits) <= 11 and digits < "6":
            return start + int(digits.ljust(11, "0"))
    if match := _TEXT.fullmatch(text):
        minute, seconds, fraction, zone = match.groups(default="")
        start = _minutes.get(f"{minute}:{zone}")
        if start is None:
            start = _start_of(minute, zone)
        return start + int(seconds) * SECOND + int(fraction.ljust(9, "0")[:9])
    text = text[: LONGEST_TIME + 1].strip()
    if _NUMBER.fullmatch(text):
        return _of_number(Decimal(text))
    if not 15 <= len(text) <= LONGEST_TIME:  # a date without a time of day is not a time
        raise ValueError("not a time of day")
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def _start_of(minute: str, zone: str) -> int:
    """The nanoseconds at which `2026-01-15T10:30` begins."""
    offset = zone if zone[:1] in ("+", "-") else "+00:00"
    begin = datetime.fromisoformat(f"{minute[:10].replace('/', '-')}T{minute[11:]}{offset}")
    start = (begin - EPOCH) // timedelta(minutes=1) * 60 * SECOND
    if len(_minutes) >= KEPT_MINUTES:
        _minutes.clear()
    _minutes[f"{minute}:{zone}"] = start
    return start


def _of_number(value: object) -> int:
    """Raises ValueError. A float counts as the number that it is written as, so that no digit is made up."""
    if isinstance(value, float):
        number: int | Decimal = Decimal(repr(value))
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = value
    else:
        raise ValueError("not a number")  # noqa: TRY004 - as for a text
    unit = next((unit for limit, unit in _UNITS if -limit < number < limit), 1)
    return int(number * unit)
