"""What counts records: by time and level, by the values of fields, by day, and what is known to be missing."""

from datetime import date
from typing import NamedTuple


class Count(NamedTuple):
    """How many records of one level begin in the bucket from `start` on, in seconds since 1970."""

    start: int
    level: str
    number: int


class Counts(NamedTuple):
    """`exact` is False where there were more than COUNTED_ROWS matches: then the numbers are of a sample."""

    counts: list[Count]
    exact: bool


class Facets(NamedTuple):
    """Of each field its most frequent values with their numbers; `exact` as in `Counts`."""

    values: dict[str, list[tuple[str, int]]]
    exact: bool


class StoredDay(NamedTuple):
    """How many rows a source has of a day (UTC). `bytes` is None where the source does not know."""

    day: date
    rows: int
    bytes: int | None


class Storage(NamedTuple):
    """Oldest day first; `exact` as in `Counts`."""

    days: list[StoredDay]
    exact: bool


class Gap(NamedTuple):
    """Entries that are known to be missing between two times, in nanoseconds; None where an end is not known."""

    source: str
    after: int | None
    before: int | None
    where: str
    reason: str
