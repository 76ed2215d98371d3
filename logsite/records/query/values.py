"""The values of a query, read as the kind of their field, and what lies between two of them.

Each function raises QueryError with the position.
"""

import ipaddress
import math
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from logsite.lines.levels import WORDS
from logsite.records.levels import levels_from
from logsite.records.plain import LEVELS
from logsite.records.query import tree
from logsite.records.query.conditions import (
    NEVER,
    Address,
    Between,
    Condition,
    Network,
    OneOf,
    Within,
)
from logsite.records.query.errors import QueryError
from logsite.records.query.fields import Field, Kind

MAX_INTEGER = 2**63 - 1
_LONGEST_NUMBER = 400
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
# 2026, 2026-01, 2026-01-15, 2026-01-15T10:30, 2026-01-15T10:30:45.123456789Z, 2026-01-15T10:30+02:00
_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_NOW = re.compile(r"now(?:([+-])(\d{1,6})([smhdw]))?", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """The nanoseconds since the epoch that a time names: a day is 24 hours long. `end` is not part of it."""

    start: int
    end: int


def integer(text: str, position: int) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > _LONGEST_NUMBER:
        raise QueryError(position, f"expected an integer, got {text[:60]!r}")
    return int(text)


def number(text: str, position: int) -> int | float:
    """An integer stays one, so that large ones are exact."""
    if len(text) <= _LONGEST_NUMBER and _INTEGER.fullmatch(text):
        return int(text)
    value = float(text) if len(text) <= _LONGEST_NUMBER and _FLOAT.fullmatch(text) else math.inf
    if math.isinf(value):
        raise QueryError(position, f"expected a number, got {text[:60]!r}")
    return value


def real(text: str, position: int) -> float:
    try:
        value = float(number(text, position))
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise QueryError(position, f"expected a number, got {text[:60]!r}")
    return value


def is_number(text: str) -> bool:
    try:
        real(text, 0)
    except QueryError:
        return False
    return True


def moment(text: str, position: int, now: datetime) -> Span:
    """ISO 8601, UTC where no zone is named; or `now`, `now-15m`."""
    if match := _NOW.fullmatch(text):
        sign, count, unit = match.groups()
        ago = int(f"{sign or '+'}{count or 0}") * _SECONDS[unit or "s"] * _SECOND
        start = _nanoseconds(now) + ago
        return Span(start, start + 1)
    match = _TIME.fullmatch(text)
    try:
        if match is not None:
            return _span(match)
    except ValueError:
        pass
    hint = "write 2026-01-31, 2026-01-31T12:00:00Z or now-2h"
    raise QueryError(position, f"expected a time, got {text[:60]!r}", hint)


def _span(match: re.Match[str]) -> Span:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    date = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    clock = date.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0))
    start = _nanoseconds(clock) - _offset(zone)
    if fraction:
        start += int(fraction.ljust(9, "0"))
        return Span(start, start + 10 ** (9 - len(fraction)))
    if day:
        return Span(start, start + (1 if second else 60 if minute else 86_400) * _SECOND)
    next_year, next_month = divmod(int(year) * 12 + (int(month) if month else 12), 12)
    if next_year > 9999:
        raise ValueError(year)
    return Span(start, _nanoseconds(datetime(next_year, next_month + 1, 1, tzinfo=UTC)))


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _offset(zone: str | None) -> int:
    """Nanoseconds east of UTC."""
    if not zone or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    seconds = hours * 3600 + minutes * 60
    return (seconds if zone[0] == "+" else -seconds) * _SECOND


def level(text: str, position: int) -> str:
    """Also by the words that programs use: `warn`, `fatal`."""
    name = text.upper()
    if name not in LEVELS:
        name = WORDS.get(text.lower(), "")
    if not name:
        raise QueryError(position, f"level {text[:60]!r} does not exist", f"levels: {', '.join(LEVELS)}")
    return name


def one_of(text: str, values: tuple[str, ...], name: str, position: int) -> str:
    for value in values:
        if value.lower() == text.lower():
            return value
    raise QueryError(position, f"{name} is never {text[:60]!r}", f"values: {', '.join(values)}")


def unique_id(text: str, position: int) -> uuid.UUID:
    if re.fullmatch(r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}", text):
        return uuid.UUID(text)
    raise QueryError(
        position, f"expected a UUID, got {text[:60]!r}", "write its beginning and a star: 06787c15*"
    )


def unique_ids(prefix: str, position: int) -> tuple[uuid.UUID, uuid.UUID]:
    """The first and the last UUID that begin with `prefix`."""
    digits = prefix.replace("-", "")
    if not re.fullmatch(r"[0-9A-Fa-f]{0,32}", digits):
        raise QueryError(position, f"expected the beginning of a UUID, got {prefix[:60]!r}")
    return uuid.UUID(digits.ljust(32, "0")), uuid.UUID(digits.ljust(32, "f"))


def address(text: str, position: int) -> Address | Network:
    try:
        if "/" in text:
            return ipaddress.ip_network(text, strict=False)
        if "%" not in text:
            return ipaddress.ip_address(text)
    except ValueError:
        pass
    hint = "write 192.0.2.1, 2001:db8::1 or 192.0.2.0/24"
    raise QueryError(position, f"expected an address or a network, got {text[:60]!r}", hint)


def between(name: str, field: Field, node: tree.Range, at: int, now: datetime) -> Condition:
    """The condition of a range of `field`. Raises QueryError."""
    match field.kind:
        case Kind.LEVEL:
            return _levels(field, node, at)
        case Kind.INTEGER:
            return _integers(field, node, at)
        case Kind.FLOAT:
            low = None if node.low is None else real(node.low, at)
            high = None if node.high is None else real(node.high, at)
            return Between(field, low, high, node.with_low, node.with_high)
        case Kind.TIME:
            return _times(field, node, at, now)
        case Kind.KEYWORD if not field.values:
            return Between(field, node.low, node.high, node.with_low, node.with_high)
    raise QueryError(at, f"{name} has no order, so it cannot be compared", f"write {name}:VALUE")


def _levels(field: Field, node: tree.Range, at: int) -> Condition:
    found = list(LEVELS)
    if node.low is not None:
        low = level(node.low, at)
        found = [each for each in found if each in levels_from(low) and (node.with_low or each != low)]
    if node.high is not None:
        high = level(node.high, at)
        beyond = {*levels_from(high)} - ({high} if node.with_high else set())
        found = [each for each in found if each not in beyond]
    return OneOf(field, tuple(found)) if found else NEVER


def _integers(field: Field, node: tree.Range, at: int) -> Condition:
    """An end beyond 64 bits is open, or lets nothing in."""
    low = None if node.low is None else integer(node.low, at)
    high = None if node.high is None else integer(node.high, at)
    if (low or 0) > MAX_INTEGER or (high or 0) < -MAX_INTEGER:
        return NEVER
    low = None if low is not None and low < -MAX_INTEGER else low
    high = None if high is not None and high > MAX_INTEGER else high
    return Between(field, low, high, node.with_low, node.with_high)


def _times(field: Field, node: tree.Range, at: int, now: datetime) -> Condition:
    """Whole days, minutes or seconds: `<=2026-01-15` takes that day in, `>2026-01-15` begins with the next."""
    low = None if node.low is None else moment(node.low, at, now)
    high = None if node.high is None else moment(node.high, at, now)
    start = None if low is None else low.start if node.with_low else low.end
    end = None if high is None else high.end if node.with_high else high.start
    return Between(field, start, end, with_high=False)


def within(node: tree.Range) -> Within | None:
    """Of numbers where both ends are numbers, of texts otherwise; None where both ends are open."""
    ends = [end for end in (node.low, node.high) if end is not None]
    if not ends:
        return None
    if not all(is_number(end) for end in ends):
        return Within(node.low, node.high, node.with_low, node.with_high)
    low, high = (None if end is None else _storable(number(end, 0)) for end in (node.low, node.high))
    return Within(low, high, node.with_low, node.with_high)


def _storable(number: int | float) -> int | float:
    return number if abs(number) <= MAX_INTEGER else float(number)
