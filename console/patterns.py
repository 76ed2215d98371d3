"""What messages have in common: numbers, ids, addresses and quoted values give way to placeholders."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import islice
from typing import NamedTuple

from logsite.records import Key, Place, SourceView, Window
from logsite.records.search import Search, of_each, place_of

READ_ENTRIES = 10_000  # the newest matches, whose messages are read
READ_AT_ONCE = 500  # entries; they are in memory whole
MESSAGE_CHARACTERS = 500  # of a message, that tell its pattern

# What stands for what; the first that fits at a place counts. Each takes a bounded number of characters, or a run
# that nothing takes back, so the time is linear in the message.
_VARIABLES = (
    # 06787c15-dded-47cd-a9d5-91f4d8f7687d
    ("uuid", r"(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])"),
    # 2026-01-15, 2026-01-15T10:30:45.123+02:00
    (
        "time",
        r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?(?![0-9])",
    ),
    # 10:30:45,123
    ("time", r"(?<![0-9:.])[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?![0-9:])"),
    # 192.0.2.7:5432, 192.0.2.0/24
    (
        "address",
        r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5}|/[0-9]{1,2})?(?![0-9]|\.[0-9])",
    ),
    # 00:53:ff:00:ab:01
    ("address", r"(?<![0-9a-z:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-z:])"),
    # 2001:db8::7, 2001:db8::/32; but not dead::beef, which may be a name in a program
    (
        "address",
        r"(?<![0-9a-z:])(?=[a-f:]{0,39}[0-9])(?:[0-9a-f]{1,4}:){1,7}"
        r"(?:(?::[0-9a-f]{1,4}){1,7}|:)(?:/[0-9]{1,3})?(?![0-9a-z:])",
    ),
    # ::1
    ("address", r"(?<![0-9a-z:])::[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6}(?![0-9a-z:])"),
    # 2001:db8:0:0:0:0:0:7
    ("address", r"(?<![0-9a-z:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![0-9a-z:])"),
    # "disk full", also where the message is cut before its end; but not the rest of 5" pipe
    ("text", r'(?<![0-9a-z])"(?:[^"\\\n]|\\.)*+"?'),
    # 'disk full', but not the rest of don't
    ("text", r"(?<![0-9a-z'\\])'(?:[^'\\\n]|\\.){0,100}+'(?![0-9a-z])"),
    # 0x7ffe12
    ("hex", r"0x[0-9a-f]{1,64}"),
    # 4f3c2b1a9d8e: digits and letters
    ("hex", r"(?<![0-9a-z])(?=[a-f]{0,63}[0-9])(?=[0-9]{0,63}[a-f])[0-9a-f]{8,128}(?![0-9a-z])"),
    # 42, 3.14, 1,000
    ("number", r"[0-9]+(?:[.,][0-9]+)*"),
)
_NAMES = [name for name, _ in _VARIABLES]
_VARIABLE = re.compile("|".join(f"({form})" for _, form in _VARIABLES), re.IGNORECASE | re.ASCII)
_SPACES = re.compile(r"\s+")  # a run of spaces and line ends


def pattern_of(message: str) -> str:
    """`took 45 ms for "a b"` and `took 7 ms for "c"` are both `took <number> ms for <text>`.

    Only the first MESSAGE_CHARACTERS of `message` count.
    """
    text = _VARIABLE.sub(_placeholder, message[:MESSAGE_CHARACTERS])
    return _SPACES.sub(" ", text).strip()


def _placeholder(found: re.Match[str]) -> str:
    """`<number>` for 42."""
    return f"<{_NAMES[(found.lastindex or 0) - 1]}>"


class Line(NamedTuple):
    """What is kept of an entry to find its pattern."""

    place: Place
    level: str
    text: str


class Lines(NamedTuple):
    """The newest matches of a search. `is_cut` says that there are older ones, which were not read."""

    lines: list[Line]
    is_cut: bool
    late_sources: list[str]


@dataclass
class Pattern:
    """A pattern and the entries that have it; times in nanoseconds. `sample` is the place of the newest one.

    `is_new` is None where that is not determined.
    """

    text: str
    sample: Place
    first_seen: int
    count: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    is_new: bool | None = None

    @property
    def last_seen(self) -> int:
        return self.sample.timestamp


class Patterns(NamedTuple):
    """`patterns`, the most frequent first; `read` entries were read, and `is_cut` says that there are older matches.

    `before` is the window that was compared with; None where none was. `is_compared` says whether all its matches
    were read: what is not found among these is new.
    """

    patterns: list[Pattern]
    read: list[Line]
    is_cut: bool
    before: Window | None
    is_compared: bool
    late_sources: list[str]


def patterns(search: Search, until: "Window | None" = None) -> Patterns:
    """The patterns of the newest READ_ENTRIES matches, and which of them the equally long window before has not.

    `until` is the window with its end filled in; the window before it has the same length. None compares nothing.
    """
    before = None if until is None else earlier(until)
    share = search.deadline_seconds / (1 if before is None else 2)
    found = newest(replace(search, deadline_seconds=share))
    grouped = _grouped(found.lines)
    compared = before and newest(replace(search, window=before, deadline_seconds=share))
    late = sorted({*found.late_sources, *(compared.late_sources if compared else ())})
    complete = bool(compared and not (compared.is_cut or compared.late_sources))
    if compared:
        _mark_new(grouped, compared.lines, complete)
    best = sorted(grouped.values(), key=lambda each: (-each.count, -each.last_seen, each.text))
    return Patterns(best, found.lines, found.is_cut, before, complete, late)


def earlier(window: Window) -> Window | None:
    """The window as long as `window`, up to its start; None where it would begin before the year 1."""
    assert window.since is not None
    assert window.until is not None
    try:
        return Window(window.since - (window.until - window.since), window.since)
    except OverflowError:
        return None


def newest(search: Search) -> Lines:
    """The newest READ_ENTRIES matches of all sources together."""
    number = READ_ENTRIES + 1
    each = of_each(search.views, lambda view: _lines(search, view, number), search.deadline_seconds)
    merged = merge(*each.results.values(), key=lambda line: line.place, reverse=True)
    found = list(islice(merged, number))
    return Lines(found[:READ_ENTRIES], len(found) == number, each.late)


def _lines(search: Search, view: SourceView, number: int) -> list[Line]:
    """The newest matches of one source, read in pieces: responses of devices are large."""
    found: list[Line] = []
    key: Key | None = None
    while len(found) < number:
        limit = min(READ_AT_ONCE, number - len(found))
        records = view.page(search.conditions[view.name], search.window, before=key, limit=limit)
        found += [
            Line(place_of(record), record.level, record.message[:MESSAGE_CHARACTERS]) for record in records
        ]
        if len(records) < limit:
            break
        key = found[-1].place.key_in(view.name)
    return found


def _grouped(lines: Iterable[Line]) -> dict[str, Pattern]:
    """By pattern; `lines` are the newest first."""
    found: dict[str, Pattern] = {}
    for line in lines:
        text = pattern_of(line.text)
        pattern = found.setdefault(text, Pattern(text, line.place, line.place.timestamp))
        pattern.count += 1
        pattern.levels[line.level] += 1
        pattern.first_seen = line.place.timestamp
    return found


def _mark_new(found: dict[str, Pattern], before: Sequence[Line], complete: bool) -> None:
    """What was there before is not new; what was not seen there is new only where all of it was read."""
    known = {pattern_of(line.text) for line in before}
    for text, pattern in found.items():
        if text in known or complete:
            pattern.is_new = text not in known
