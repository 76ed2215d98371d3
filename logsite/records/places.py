"""Where entries are on the time axis, and stretches of it. Nothing here knows Django."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

HIGHEST = 2**63 - 1
_PLACE = re.compile(
    r"(-?[0-9]{1,19})-([a-z][a-z0-9_]{0,63})-([0-9]{1,19})"
)  # 1764498645123456789-session-4711


@dataclass(frozen=True, slots=True)
class Window:
    """Records with `since` <= timestamp < `until`; None leaves that side open."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def __str__(self) -> str:
        return "/".join(moment.isoformat() if moment else "" for moment in (self.since, self.until))


EVER = Window()


class Key(NamedTuple):
    """A place in one source. `timestamp` is in nanoseconds since the epoch; `id` decides between equal ones."""

    timestamp: int
    id: int


class Place(NamedTuple):
    """A place on the time axis that all sources share: nanoseconds, then the source's name, then the id."""

    timestamp: int
    source: str
    id: int

    def __str__(self) -> str:
        return f"{self.timestamp}-{self.source}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that `str(place)` gave. Raises ValueError."""
        match = _PLACE.fullmatch(text)
        if not match or max(abs(int(match[1])), int(match[3])) > HIGHEST:
            raise ValueError(f"{text[:60]!r} is not a place; take `next` or `previous` from an earlier page")
        return cls(int(match[1]), match[2], int(match[3]))

    def key_in(self, source: str) -> Key:
        """The key in `source` that is behind every record of it up to this place, and before the others."""
        if source == self.source:
            return Key(self.timestamp, self.id)
        return Key(self.timestamp, HIGHEST if source < self.source else 0)
