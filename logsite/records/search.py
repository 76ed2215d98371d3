"""Several sources on one time axis: pages, the context of an entry, facets, a histogram.

Sources are read one after another, and each gets its share of the deadline: a slow one holds up the others no longer
than that, and the answer names it in `late_sources`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from django.db import Error, connections

from logsite.audit import Reader
from logsite.records.places import EVER, Place, Window
from logsite.records.plain import LogRecord
from logsite.records.query import (
    Condition,
    QueryError,
    UnknownField,
    Withheld,
    check_names,
    parse,
)
from logsite.records.query.binding import all_of, any_of
from logsite.records.query.conditions import NEVER, OneOf
from logsite.records.query.fields import hint_for
from logsite.records.query.tree import Compare
from logsite.records.source import get_source, sources
from logsite.records.views import FACET_VALUES, PermissionMissing, SourceView
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.tables.outages import outage

log = logging.getLogger(__name__)
DEADLINE_SECONDS = 10.0
CONTEXT_ROWS = 1000  # before an entry and after it, at most
MAX_BUCKETS = 2000
T = TypeVar("T")


class SearchPage(NamedTuple):
    """`records` in the order asked for. `next` is the place to go on from, `previous` the place to go back from; None
    where there is nothing more that way. `withheld` records lack something that the reader may not see.

    The records of `late_sources` are missing: ask again, or leave these sources out. `next` is there then even
    behind the last record of the others.
    """

    records: list[LogRecord]
    next: Place | None
    previous: Place | None
    withheld: int
    late_sources: list[str]


class Context(NamedTuple):
    """An entry with its neighbours in the same stream, all oldest first; `more_…` says that there are others."""

    before: list[LogRecord]
    entry: LogRecord
    after: list[LogRecord]
    more_before: bool
    more_after: bool


class Bucket(NamedTuple):
    """The records of `step` seconds from `start` on, in seconds since 1970, by level."""

    start: int
    counts: dict[str, int]


class Histogram(NamedTuple):
    """`told` has how many entries of each source are counted, for the record."""

    step: int
    buckets: list[Bucket]
    exact: bool
    late_sources: list[str]
    told: dict[str, int]


class FacetCounts(NamedTuple):
    """`told` has how many entries of each source have the values of one field, of that with the most."""

    values: dict[str, list[tuple[str, int]]]
    exact: bool
    late_sources: list[str]
    told: dict[str, int]


@dataclass(frozen=True)
class Search:
    """One query over the sources that `reader` asks for. Raises QueryError, PermissionMissing, ValueError.

    Without names it is over every source that the reader may see. A field that no source has is refused; a source
    that lacks a field has no match there. Of each field that `only` names the entries have one of the values; a field
    that no source has finds nothing there.
    """

    views: Sequence[SourceView]
    text: str = ""
    window: Window = EVER
    deadline_seconds: float = DEADLINE_SECONDS
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    conditions: dict[str, Condition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree = parse(self.text, {name for view in self.views for name in view.fields})
        check_names(tree, [view.fields for view in self.views])
        bound = {view.name: [view.bound(tree, self.text, strict=False)] for view in self.views}
        for name, values in self.only.items():
            for source, condition in having(self.views, name, values).items():
                bound[source].append(condition)
        object.__setattr__(self, "conditions", {source: all_of(parts) for source, parts in bound.items()})

    def page(
        self,
        *,
        after: Place | None = None,
        before: Place | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> SearchPage:
        """The `limit` records nearest to the beginning of the order, of those later than `after` and earlier than
        `before`. Backwards from `previous`, turn the order around and reverse the records."""

        def read(view: SourceView) -> list[LogRecord]:
            return view.page(
                self.conditions[view.name],
                self.window,
                after=after and after.key_in(view.name),
                before=before and before.key_in(view.name),
                limit=limit + 1,
                newest_first=newest_first,
            )

        each = self._of_each(read)
        merged = merge(*each.results.values(), key=place_of, reverse=newest_first)
        found = list(islice(merged, limit + 1))
        page, asked = found[:limit], after if newest_first is False else before
        return SearchPage(
            records=page,
            next=(place_of(page[-1]) if page else asked) if len(found) > limit or each.late else None,
            previous=place_of(page[0]) if page and asked is not None else None,
            withheld=sum(bool(record.withheld) for record in page),
            late_sources=each.late,
        )

    def histogram(self, step: int) -> Histogram:
        """How many records begin in each `step` seconds. Raises ValueError for more than MAX_BUCKETS of them."""
        self._check_step(step)
        each = self._of_each(lambda view: view.counts(self.conditions[view.name], self.window, step))
        sums: dict[int, Counter[str]] = {}
        for found in each.results.values():
            for start, level, number in found.counts:
                sums.setdefault(start, Counter())[level] += number
        buckets = [Bucket(start, dict(sums[start])) for start in sorted(sums)]
        told = {source: sum(count.number for count in found.counts) for source, found in each.results.items()}
        return Histogram(step, buckets, each.is_exact, each.late, told)

    def facets(self, names: Sequence[str]) -> FacetCounts:
        """The most frequent values of each field over all sources. Raises QueryError for a field that no source has,
        and for one that a source withholds from the reader."""
        known = {name: field for view in self.views for name, field in view.fields.items()}
        for name in names:
            if name not in known:
                raise UnknownField(0, f"no field {name[:60]!r}", hint_for(name, known))
        having = {view.name: [name for name in names if name in view.fields] for view in self.views}
        for view in self.views:
            for name in having[view.name]:
                view.check_facet(name)
        each = self._of_each(
            lambda view: view.facets(self.conditions[view.name], self.window, having[view.name])
        )
        sums: dict[str, Counter[str]] = {name: Counter() for name in names}
        for found in each.results.values():
            for name, values in found.values.items():
                sums[name].update(dict(values))
        best = {name: counter.most_common(FACET_VALUES) for name, counter in sums.items()}
        told = {source: _most(found.values.values()) for source, found in each.results.items()}
        return FacetCounts(best, each.is_exact, each.late, told)

    def note(
        self,
        what: str,
        records: Sequence[LogRecord] = (),
        *,
        counts: Mapping[str, int] | None = None,
        filters: str = "",
    ) -> None:
        """Put the search on record with every source that was asked; before the first byte leaves.

        `counts` has how many entries of each source are told of, where these are not the `records`.
        """
        for view in self.views:
            shown = [record for record in records if record.source == view.name]
            number = len(shown) if counts is None else counts.get(view.name, 0)
            view.note(what, self.text, number, shown, filters=filters)

    def _check_step(self, step: int) -> None:
        if step < 1:
            raise ValueError(f"step must be at least 1 second, not {step}")
        since, until = self.window.since, self.window.until
        if since is not None and until is not None and (until - since).total_seconds() / step > MAX_BUCKETS:
            raise ValueError(f"step {step} gives more than {MAX_BUCKETS:,} buckets; take a longer step")

    def _of_each(self, read: Callable[[SourceView], T]) -> "OfEach[T]":
        return of_each(self.views, read, self.deadline_seconds)


def _most(fields: Iterable[list[tuple[str, int]]]) -> int:
    return max((sum(number for _, number in values) for values in fields), default=0)


def having(views: Sequence[SourceView], name: str, values: Sequence[str]) -> dict[str, Condition]:
    """By the name of each view's source: that the field called `name` has one of `values`.

    A source that lacks the field has no match, and neither has one whose field never has such a value. Raises
    QueryError for a value that every source with the field refuses, Withheld for a field that is withheld.
    """
    found: dict[str, list[Condition]] = {view.name: [] for view in views}
    for value in values:
        refusals, taken = [], False
        for view in views:
            if name not in view.fields:
                continue
            try:
                found[view.name].append(view.bound(Compare(name, "=", value), f"{name}:{value}"))
                taken = True
            except QueryError as error:
                error.field = name
                if isinstance(error, Withheld):
                    raise
                refusals.append(error)
        if refusals and not taken:
            raise refusals[0]
    return {source: _either(parts) for source, parts in found.items()}


def _either(parts: list[Condition]) -> Condition:
    """Values of one field as one condition, which an index serves better than many."""
    values = [part for part in parts if isinstance(part, OneOf)]
    if len(values) > 1 and len(values) == len(parts):
        return OneOf(values[0].field, tuple(value for part in values for value in part.values))
    return any_of(parts) if parts else NEVER


@dataclass
class OfEach(Generic[T]):
    """What each source answered, by its name, and which did not in time."""

    results: dict[str, T] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether every source answered in time, with numbers that are exact."""
        return not self.late and all(getattr(found, "exact", True) for found in self.results.values())


def of_each(views: Sequence[SourceView], read: Callable[[SourceView], T], seconds: float) -> OfEach[T]:
    """Call `read` for each view. What is left of `seconds` is shared by those that are still to come; each has half
    of an equal share at least.

    A source whose database is away counts as late. Raises the database's error where no source answers.
    """
    ends, found, fault = monotonic() + seconds, OfEach[T](), None
    least = seconds / max(1, len(views)) / 2
    for number, view in enumerate(views):
        share = max(least, (ends - monotonic()) / (len(views) - number))
        try:
            with reading_within(share, view.using):
                found.results[view.name] = read(view)
        except TooSlow:
            found.late.append(view.name)
        except Error as error:
            _put_aside(view, error)
            found.late.append(view.name)
            fault = error
    if fault is not None and not found.results:
        raise fault
    return found


def _put_aside(view: SourceView, error: Error) -> None:
    """Let the other sources answer where the database of one is away or locked. Raises any other error."""
    if outage(error) is None:
        raise error
    log.warning("search: source %s does not answer: %s", view.name, outage(error))
    connection = connections[view.using]
    if not (connection.in_atomic_block or connection.is_usable()):
        connection.close()


def views_of(reader: Reader, names: Iterable[str] = ()) -> list[SourceView]:
    """The views of the named sources, in the order of their names. Raises PermissionMissing, or ValueError for a name
    that does not exist. Without names, of every source that the reader may see; one at least."""
    if wanted := sorted(set(names)):
        return [get_source(name).view(reader) for name in wanted]
    known = sources()
    seen = [known[name].view(reader) for name in sorted(known) if reader.holds(known[name].permission)]
    if not seen:
        permissions = ", ".join(sorted(source.permission for source in known.values()))
        raise PermissionMissing(f"{reader} lacks the permission to see any source: {permissions}")
    return seen


def context(view: SourceView, row_id: int, *, before: int = 5, after: int = 5) -> Context | None:
    """The entry and its neighbours in its stream, without filters; None where there is no such entry.

    Larger numbers let the context grow on that side. Raises ValueError for more than CONTEXT_ROWS of either, TooSlow
    after DEADLINE_SECONDS.
    """
    for name, number in (("before", before), ("after", after)):
        if not 0 <= number <= CONTEXT_ROWS:
            raise ValueError(f"{name} must be from 0 to {CONTEXT_ROWS:,}, not {number}")
    with reading_within(DEADLINE_SECONDS, view.using):
        return _context(view, row_id, before, after)


def _context(view: SourceView, row_id: int, before: int, after: int) -> Context | None:
    entry = view.get(row_id)
    if entry is None:
        return None
    page, key = view.stream_of(row_id), place_of(entry).key_in(view.name)
    earlier = page(before=key, limit=before + 1)
    later = page(after=key, limit=after + 1, newest_first=False)
    return Context(earlier[:before][::-1], entry, later[:after], len(earlier) > before, len(later) > after)


def place_of(record: LogRecord) -> Place:
    return Place(record.timestamp, record.source, record.id)
