"""Patterns of messages: which kinds there are, once numbers, ids and addresses are left out."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from logsite.records import LogRecord, Place, Window
from logsite.records.search import Search, place_of
from logsite.tables.nanoseconds import rfc3339

MATCHES = 10_000  # newest matches that are looked at
PAGE_ROWS = 1000
PATTERNS = 50  # that are answered
READ_CHARACTERS = 1000  # of a message
SHOWN_CHARACTERS = 300

# In this order; each has an example of what it stands for.
_PLACEHOLDERS = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"  # 06787c15-dded-47cd-a9d5-91f4d8f7687d
    r"|(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"  # 2026-01-15T10:30:45Z
    r"|(?P<mac>\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b)"  # 00:1b:17:00:01:0a
    r"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)"  # 192.0.2.1
    r"|(?P<hex>\b0x[0-9a-fA-F]{1,64}\b|\b(?=[a-fA-F]{0,63}\d)[0-9a-fA-F]{8,64}\b)"  # 0x7f3a, 9f8e7d6c5b4a
    r"|(?P<quoted>\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')"  # "Ada Lovelace"
    r"|(?P<number>\d+(?:[.,]\d+)*)"  # 12,345.6
)
_NAMES = {"quoted": '"…"'}


def pattern_of(message: str) -> str:
    """`took <number> ms for user <number>`: the first line, without what differs from one entry to the next."""
    line = message.strip().split("\n", 1)[0][:READ_CHARACTERS]
    return _PLACEHOLDERS.sub(_placeholder, line)[:SHOWN_CHARACTERS]


def _placeholder(match: re.Match[str]) -> str:
    name = match.lastgroup or ""
    return _NAMES.get(name, f"<{name}>")


@dataclass
class Pattern:
    """One pattern; `first` and `last` in nanoseconds, of the matches that were looked at."""

    text: str
    sample: str = ""
    count: int = 0
    first: int = 0
    last: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    new: bool | None = None

    def add(self, record: LogRecord) -> None:
        """Records come newest first."""
        if not self.count:
            self.last, self.sample = record.timestamp, f"{record.source}-{record.id}"
        self.first = record.timestamp
        self.count += 1
        self.levels[record.level] += 1


@dataclass
class Patterns:
    """`looked_at` matches gave `patterns`, the most frequent first; `complete` says that there were no others."""

    patterns: list[Pattern]
    looked_at: int
    complete: bool
    late_sources: list[str]

    def as_json(self) -> dict[str, Any]:
        """The answer of the API."""
        return {
            "patterns": [
                {
                    "pattern": each.text,
                    "count": each.count,
                    "levels": dict(each.levels),
                    "first_seen": rfc3339(each.first),
                    "last_seen": rfc3339(each.last),
                    "sample": each.sample,
                    "new": each.new,
                }
                for each in self.patterns
            ],
            "looked_at": self.looked_at,
            "complete": self.complete,
            "late_sources": self.late_sources,
        }


def patterns_of(search: Search, *, with_new: bool = True) -> Patterns:
    """The patterns of the newest MATCHES matches.

    A pattern is new where the window of the same length before has none of it. `new` is None where that cannot be
    said: the search has no beginning, or the window before has more than MATCHES matches.
    """
    found: dict[str, Pattern] = {}
    looked_at, late, complete = _read(search, found)
    best = sorted(found.values(), key=lambda pattern: (-pattern.count, pattern.text))[:PATTERNS]
    if with_new and (before := _window_before(search.window)) is not None:
        earlier: dict[str, Pattern] = {}
        _, late_before, all_of_them = _read(replace(search, window=before), earlier)
        late = sorted({*late, *late_before})
        for pattern in best:
            known = pattern.text in earlier
            pattern.new = not known if known or (all_of_them and not late_before) else None
    return Patterns(best, looked_at, complete, late)


def _read(search: Search, found: dict[str, Pattern]) -> tuple[int, list[str], bool]:
    """Count the matches into `found`: how many there were, the sources that were late, and whether that is all."""
    late: set[str] = set()
    looked_at = 0
    for page_late, records in _pages(search):
        late.update(page_late)
        for record in records:
            text = pattern_of(record.message)
            found.setdefault(text, Pattern(text)).add(record)
        looked_at += len(records)
    return looked_at, sorted(late), looked_at < MATCHES and not late


def _pages(search: Search) -> Iterator[tuple[list[str], list[LogRecord]]]:
    place: Place | None = None
    left = MATCHES
    while left:
        page = search.page(before=place, limit=min(left, PAGE_ROWS))
        yield page.late_sources, page.records
        left -= len(page.records)
        if page.next is None or not page.records:
            return
        place = place_of(page.records[-1])


def _window_before(window: Window) -> Window | None:
    """The window of the same length that ends where `window` begins."""
    if window.since is None or window.until is None:
        return None
    try:
        return Window(window.since - (window.until - window.since), window.since)
    except OverflowError:
        return None
