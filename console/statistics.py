"""Figures over all sources: how much came in, of which level and app, which errors, and how much is stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db.models import Sum

from console.patterns import Pattern, patterns
from logsite.audit import Reader
from logsite.housekeeping import counters
from logsite.intake.models import IngestToken
from logsite.records import SourceView, Window
from logsite.records.figures import Counts, StoredDay
from logsite.records.levels import levels_from
from logsite.records.query import Kind
from logsite.records.search import Search, of_each

MINUTES = 60  # volume, levels, senders and errors are those of so many minutes
DEFAULT_DAYS, MAX_DAYS = 7, 90  # the storage is that of so many days
PATTERNS = 10
STEP_SECONDS = 60
SENDERS = ("app", "container", "device")  # fields that say who wrote an entry: the first that a source has
REJECTED = "intake.view_rejectedinput"
T = TypeVar("T")


class Sender(NamedTuple):
    """How many entries of a source have this value of `field`."""

    source: str
    field: str
    value: str
    number: int


class Ingest(NamedTuple):
    """`last_minute` by source. `rejected` is None for readers who may not see rejected input."""

    last_minute: Mapping[str, int]
    rejected: int | None
    dropped: int


class Volume(NamedTuple):
    """Of each minute its start, in seconds since 1970, and the entries of each level; and the sums."""

    minutes: Sequence[tuple[int, Counter[str]]]
    levels: Counter[str]
    by_source: Mapping[str, int]


class Statistics(NamedTuple):
    """Volume, senders and errors of `window`; stored rows by source of the days from `stored_since` on.

    What is not `exact` comes from samples, or lacks what a late source would have told.
    """

    window: Window
    stored_since: datetime
    volume: Volume
    senders: Sequence[Sender]
    errors: Sequence[Pattern]
    ingest: Ingest
    storage: Mapping[str, Sequence[StoredDay]]
    exact: bool
    late_sources: Sequence[str]


@dataclass
class _Reading:
    """Reads of the same sources, which remember what was late or a sample."""

    views: Sequence[SourceView]
    seconds: float
    exact: bool = True
    late: set[str] = field(default_factory=set)

    def each(self, read: Callable[[SourceView], T]) -> dict[str, T]:
        found = of_each(self.views, read, self.seconds)
        self.exact = self.exact and found.is_exact
        self.late.update(found.late)
        return found.results


def statistics(
    views: Sequence[SourceView], reader: Reader, now: datetime, days: int, seconds: float
) -> Statistics:
    """All figures, within `seconds` together."""
    end, midnight = now + timedelta(microseconds=1), now.replace(hour=0, minute=0, second=0, microsecond=0)
    hour, minute = Window(now - timedelta(minutes=MINUTES), end), Window(now - timedelta(minutes=1), end)
    stored = Window(midnight - timedelta(days=days - 1), midnight + timedelta(days=1))
    reading = _Reading(views, seconds / 5)
    volume = reading.each(lambda view: view.counts(None, hour, STEP_SECONDS))
    latest = reading.each(lambda view: view.counts(None, minute, STEP_SECONDS))
    senders = reading.each(lambda view: _senders(view, hour, reading))
    storage = reading.each(lambda view: view.storage(stored))
    errors = patterns(Search(views, "", hour, reading.seconds, {"level": levels_from("ERROR")}))
    return Statistics(
        window=hour,
        stored_since=midnight - timedelta(days=days - 1),
        volume=_volume(volume),
        senders=sorted((each for found in senders.values() for each in found), key=lambda each: -each.number),
        errors=errors.patterns[:PATTERNS],
        ingest=_ingest(reader, latest),
        storage={name: found.days for name, found in storage.items()},
        exact=reading.exact and not errors.is_cut and not errors.late_sources,
        late_sources=sorted(reading.late | {*errors.late_sources}),
    )


def default_fields(views: Iterable[SourceView]) -> list[str]:
    """The fields whose values are few in any of `views`, each once: level and source come first."""
    names = ["level", "source"]
    for view in views:
        known = {id(view.fields[name]) for name in names if name in view.fields}
        for name, each in view.fields.items():
            # `event` and `event_type` are one field.
            if each.low_cardinality and name not in (*names, *view.withheld) and id(each) not in known:
                names.append(name)
                known.add(id(each))
    return [name for name in names if any(name in view.fields for view in views)]


def sender_field(view: SourceView) -> str | None:
    """The field that says who wrote the entries of a source; None where no field has few values."""
    few = [
        name
        for name, each in view.fields.items()
        if each.low_cardinality and each.kind is Kind.KEYWORD and name not in view.withheld
    ]
    return next((name for name in SENDERS if name in few), few[0] if few else None)


def _senders(view: SourceView, window: Window, reading: _Reading) -> list[Sender]:
    name = sender_field(view)
    if name is None:
        return []
    found = view.facets(None, window, [name])
    reading.exact = reading.exact and found.exact
    return [Sender(view.name, name, value, number) for value, number in found.values[name]]


def _volume(found: Mapping[str, Counts]) -> Volume:
    minutes: dict[int, Counter[str]] = {}
    levels, by_source = Counter[str](), Counter[str]()
    for source, counts in found.items():
        by_source[source] = 0
        for start, level, number in counts.counts:
            minutes.setdefault(start, Counter())[level] += number
            levels[level] += number
            by_source[source] += number
    return Volume(sorted(minutes.items()), levels, by_source)


def _ingest(reader: Reader, latest: Mapping[str, Counts]) -> Ingest:
    """`dropped` are the events that no try stored."""
    rejected: int | None = None
    if reader.holds(REJECTED):
        rejected = IngestToken.objects.aggregate(sum=Sum("rejected"))["sum"] or 0
    by_source = {name: sum(each.number for each in found.counts) for name, found in latest.items()}
    return Ingest(by_source, rejected, counters.read()[counters.LOST])
