"""What Docker's client writes for people, as values: times, sizes, percentages."""

import re
from datetime import UTC, datetime
from typing import Any

NEVER = "0001-01-01T00:00:00Z"  # Docker's time of what has not happened
_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?(?:e\+0\d)?)([kKMGTPE]?)(i?)B", re.ASCII)  # 999.7 kB is written 1e+03kB
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%", re.ASCII)
_POWERS = {prefix: power for power, prefix in enumerate(("", "K", "M", "G", "T", "P", "E"))}
UNKNOWN = ("--", "")  # of a container that has just ended


class Misfit(ValueError):
    """A value that Docker's answer should not have; the text shows it."""


def container_id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Misfit(f"not a container id: {ascii(value)[:80]}")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Misfit(f"not a text: {ascii(value)[:80]}")
    return value.replace("\0", "\ufffd")


def number(value: Any) -> int:
    if type(value) is not int:  # true and 1.5 are none
        raise Misfit(f"not a whole number: {ascii(value)[:80]}")
    return value


def moment(value: Any) -> datetime | None:
    """To the microsecond; None for what has not happened."""
    match = _MOMENT.fullmatch(text(value))
    if match is None:
        raise Misfit(f"not a time: {ascii(value)[:80]}")
    if value == NEVER:
        return None
    seconds, fraction, zone = match.groups()
    found = datetime.fromisoformat(f"{seconds}{'+00:00' if zone == 'Z' else zone}")
    return found.replace(microsecond=int((fraction or "0").ljust(9, "0")[:6])).astimezone(UTC)


def percent(value: Any) -> float | None:
    """Of `0.05%`; None of `--`."""
    if text(value).strip() in UNKNOWN:
        return None
    if not (match := _PERCENT.fullmatch(value.strip())):
        raise Misfit(f"not a percentage: {ascii(value)[:80]}")
    return float(match[1])


def size(value: Any) -> int | None:
    """The bytes that `12.34MiB` or `1.2kB` stands for, as exact as Docker rounded them; None for `--`."""
    if text(value).strip() in UNKNOWN:
        return None
    if not (match := _SIZE.fullmatch(value.strip())):
        raise Misfit(f"not a size: {ascii(value)[:80]}")
    amount, prefix, binary = match.groups()
    return round(float(amount) * (1024 if binary else 1000) ** _POWERS[prefix.upper()])


def pair(value: Any) -> tuple[int | None, int | None]:
    """Bytes of `12.34MiB / 1.9GiB`: used and limit, or in and out."""
    first, slash, second = text(value).partition(" / ")
    if not slash:
        if first.strip() in UNKNOWN:
            return None, None
        raise Misfit(f"not two sizes: {ascii(value)[:80]}")
    return size(first), size(second)
