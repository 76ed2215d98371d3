"""The time that a sender gave an entry, in nanoseconds since 1970-01-01 UTC."""

import re
from datetime import UTC, datetime, timedelta

SECOND = 10**9  # in nanoseconds
# 2026-01-15T10:30:45.123456789Z, 2026-01-15 10:30:45,123, 2026-01-15T10:30+01:00; UTC without a zone
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9})\d*)? ?(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"-?(\d{1,20})(?:\.(\d{1,9})\d*)?", re.ASCII)  # 1795955696.123457
# Seconds since 1970 have ten digits until the year 2286; of thirteen digits a number is of milliseconds, and so on.
_MAGNITUDES = ((10**11, SECOND), (10**14, 10**6), (10**17, 10**3), (2**63, 1))
_FIRST, _LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND  # the years 1 to 9999
_minutes: dict[str, int] = {}  # "2026-01-15T10:30" in nanoseconds
MINUTES = 4096  # that are kept


def nanoseconds_of(value: object) -> int | None:
    """The time that `value` gives: ISO 8601 with up to nine digits, or a number of seconds, milliseconds,
    microseconds or nanoseconds, told apart by its magnitude, also as a text. None for anything else, and for a time
    outside the years 1 to 9999, or what 64 bits hold."""
    if isinstance(value, str):
        return of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _of_number(repr(value) if isinstance(value, int) else f"{value:.9f}")


def of_text(text: str) -> int | None:
    """The time of a text, as `nanoseconds_of`."""
    match = _ISO.fullmatch(text)
    if match is None:
        text = text.strip()
        match = _ISO.fullmatch(text)
        if match is None:
            return _of_number(text)
    day, minute, second, fraction, zone = match.groups()
    start = _minute(f"{day}T{minute}")
    if start is None or (second or ":00") > ":60":
        return None
    found = start + int((second or ":00")[1:]) * SECOND + int((fraction or "").ljust(9, "0"))
    if zone and zone.upper() not in ("Z", "UTC"):
        found -= _offset(zone)
    return _within(found)


def _minute(text: str) -> int | None:
    found = _minutes.get(text)
    if found is None:
        try:
            moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            return None
        found = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * SECOND
        if len(_minutes) >= MINUTES:
            _minutes.clear()
        _minutes[text] = found
    return found


def _offset(zone: str) -> int:
    """`+01:00` in nanoseconds."""
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return (-seconds if zone[0] == "-" else seconds) * SECOND


def _of_number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, fraction = int(match[1]), int((match[2] or "").ljust(9, "0"))
    for limit, unit in _MAGNITUDES:
        if whole < limit:
            found = whole * unit + fraction * unit // SECOND
            return _within(-found if text.startswith("-") else found)
    return None


def _within(found: int) -> int | None:
    return found if _FIRST <= found < _LAST and -(2**63) <= found < 2**63 else None
