"""What one reader sees of one source. Every read for a person goes through here."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cached_property, partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count as CountRows
from django.db.models import F, Max, Min, Q, QuerySet

from logsite.audit import EventType, Reader, Severity, record
from logsite.records.figures import Count, Counts, Facets, Gap, Storage, StoredDay
from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MINUTE, MinuteCounts
from logsite.records.indexes.walk import LOWEST, Bounds, Walk
from logsite.records.places import EVER, HIGHEST, Key, Window
from logsite.records.plain import Cursor, LogRecord
from logsite.records.query import (
    Condition,
    Kind,
    Node,
    Predicate,
    QueryError,
    Suggestion,
    UnknownField,
    Withheld,
    bind,
    expression,
    filtered,
    parse,
    predicate,
    suggestions,
    values_in,
)
from logsite.records.query.conditions import ALWAYS, AllOf, OneOf
from logsite.records.stored_rows import NEWEST_FIRST, OLDEST_FIRST, StoredRows, ahead_of, behind, within
from logsite.records.time_buckets import bucket
from logsite.tables.token_sets import Tokens

Query = str | Condition | None
COUNTED_ROWS = 200_000  # matches that are counted exactly; of more, a sample
PRIME, MULTIPLIER = 65_521, 40_503  # ids of 48 bits stay within 64
NEWEST_ROWS = 10_000  # in which a page looks for the values of a field
FACET_VALUES = 20
DAY_SECONDS = 86_400
EPOCH_DAY = date(1970, 1, 1)
FEW_ROWS = 5000  # of a stream, that are sorted; a longer one is met soon on the walk along the time index


class PermissionMissing(PermissionDenied):
    """The reader may not see the source; the text names the user and the permission."""


class SourceView:
    """The records of `source` as `reader` may see them. Raises PermissionMissing.

    Queries are texts, or conditions that `condition` made. A text that cannot be read raises QueryError.
    """

    def __init__(self, source: StoredRows, reader: Reader) -> None:
        if not reader.holds(source.permission):
            raise PermissionMissing(f"{reader} lacks the permission {source.permission}")
        self.source = source
        self.reader = reader
        self.fields = source.fields
        self.withheld = tuple(
            name for name, field in source.fields.items() if not reader.holds(field.permission)
        )

    @property
    def name(self) -> str:
        return self.source.name

    @cached_property
    def using(self) -> str:
        """The alias of the source's database."""
        return self.source.queryset().db

    def condition(self, query: Query) -> Condition:
        """What `query` asks of the source."""
        if query is None or query == "":
            return ALWAYS
        if not isinstance(query, str):
            return query
        return self.bound(parse(query, self.fields), query)

    def bound(self, tree: Node, text: str, *, strict: bool = True) -> Condition:
        """What `tree`, which `parse` made of `text`, asks of the source; a withheld field in it goes on record.

        With `strict=False` it may name fields that the source lacks.
        """
        try:
            return bind(tree, self.fields, self.reader.holds, strict=strict)
        except Withheld:
            self.note_denied(text)
            raise

    def rows(self, query: Query = None, window: Window = EVER) -> QuerySet[Any]:
        """The rows, for the lists of the source's own app: they filter, order and page them on."""
        rows, condition = within(self.source.queryset(), window), self.condition(query)
        return rows if condition == ALWAYS else filtered(rows, condition)

    def page(
        self,
        query: Query = None,
        window: Window = EVER,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> list[LogRecord]:
        """The first `limit` records in this order, of those later than `after` and earlier than `before`."""
        condition = self.condition(query)
        index, wanted = self._wanted(condition)
        place: dict[str, Any] = {"after": after, "before": before, "limit": limit}
        if index is None or wanted is None:
            return self._page_of(self.rows(condition, window), newest_first=newest_first, **place)
        return self._walk(index, wanted, self.rows(condition), window, newest_first=newest_first, **place)

    def _wanted(self, condition: Condition) -> tuple[SegmentIndex | None, Tokens | None]:
        """The source's index, and what it may look for; None where it cannot help."""
        index = self.source.index
        return index, None if index is None else index.required(condition)

    def between(self, rows: QuerySet[Any], after: Key | None, before: Key | None) -> QuerySet[Any]:
        if after is not None:
            rows = rows.filter(behind(rows.model, after))
        return rows if before is None else rows.filter(ahead_of(rows.model, before))

    def records(self, rows: QuerySet[Any], limit: int, newest_first: bool = True) -> list[LogRecord]:
        """The first `limit` of `rows`, which come from this view, as records."""
        ordered = rows.order_by(*(NEWEST_FIRST if newest_first else OLDEST_FIRST))
        return [self._seen(row) for row in self.source.fetch(ordered[:limit])]

    def get(self, row_id: int) -> LogRecord | None:
        """The record of one row; None where there is no such row."""
        found = self.records(self.rows().filter(pk=row_id), 1)
        return found[0] if found else None

    def stream_of(self, row_id: int) -> Callable[..., list[LogRecord]]:
        """A function like `page` without query and window, for the stream that the row belongs to: a session, a
        container's log."""
        rows = self.rows()
        if not (columns := self.source.stream):
            return partial(self._page_of, rows)
        values = rows.filter(pk=row_id).values(*columns).first()
        if values is None:
            return partial(self._page_of, rows.none())
        mine = rows.filter(**values)
        fields = {field.column: field for field in self.fields.values() if isinstance(field.column, str)}
        asked = [OneOf(fields[name], (value,)) for name, value in values.items() if name in fields and value]
        index, wanted = self._wanted(AllOf(tuple(asked)))
        if index is not None and wanted is not None:
            return partial(self._walk, index, wanted, mine, EVER)
        # Asked for the next few of a stream, PostgreSQL walks the time index, past all rows of other streams.
        ids = list(mine.order_by().values_list("pk", flat=True)[: FEW_ROWS + 1])
        return partial(self._page_of, rows.filter(pk__in=ids) if len(ids) <= FEW_ROWS else mine)

    def _page_of(
        self,
        rows: QuerySet[Any],
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> list[LogRecord]:
        return self.records(self.between(rows, after, before), limit, newest_first)

    def _walk(
        self,
        index: SegmentIndex,
        wanted: Tokens,
        rows: QuerySet[Any],
        window: Window,
        *,
        after: Key | None = None,
        before: Key | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> list[LogRecord]:
        bounds = Bounds(window, after, before)
        return Walk(index, wanted, rows, bounds, self.records).page(limit, newest_first)

    def counts(self, query: Query, window: Window, step: int) -> Counts:
        """How many records begin in each `step` seconds, by level."""
        condition = self.condition(query)
        totals = self.source.minute_counts
        if totals is not None and step % 60 == 0:
            found = self._by_minutes(totals, condition, Bounds(window), step)
            if found is not None:
                return Counts(found, True)
        rows, scale = self._sample(self.found_rows(condition, window))
        counts = [
            Count(start * step, level, round(number * scale))
            for (start, level), number in self._counted(rows, step).items()
        ]
        return Counts(sorted(counts), scale == 1)

    def _counted(self, rows: QuerySet[Any], step: int) -> Counter[tuple[int, str]]:
        """How many of `rows` there are, by the number of the bucket and the level."""
        level = self.fields.get("level")
        columns = {"counted_bucket": bucket(rows.model, "timestamp", step)}
        if level is not None:
            columns["counted_level"] = expression(level)
        found = rows.select_related(None).order_by().values(**columns).annotate(number=CountRows("pk"))
        return Counter(
            {(row["counted_bucket"], row.get("counted_level") or ""): row["number"] for row in found}
        )

    def _by_minutes(
        self, totals: MinuteCounts, condition: Condition, bounds: Bounds, step: int
    ) -> list[Count] | None:
        """From minute counts; the parts of minutes at the ends of a window from rows, and what is before 1970. None
        where minute counts do not tell."""
        low, high = max(bounds.low, LOWEST), min(bounds.high, HIGHEST)
        of_minutes = totals.chosen(condition)
        if of_minutes is None or not totals.covers(low, high):
            return None
        first, end = max(0, -(-low // MINUTE)), None if high == HIGHEST else (high + 1) // MINUTE
        ends = [(low, high)]
        found: Counter[tuple[int, str]] = Counter()
        if end is None or first < end:
            ends = [(low, first * MINUTE - 1)] + ([] if end is None else [(end * MINUTE, high)])
            found = totals.sums(of_minutes, first, end, step // 60)
        for start, last in ends:
            if start <= (last := min(last, high)):
                found += self._counted(bounds.of(self.rows(condition), start, last), step)
        return sorted(Count(start * step, level, number) for (start, level), number in found.items())

    def facets(self, query: Query, window: Window, names: Sequence[str]) -> Facets:
        """The FACET_VALUES most frequent values of each field. Raises QueryError for a field that has no values to
        count, and Withheld for one that the reader may not see."""
        for name in names:
            self.check_facet(name)
        rows, scale = self._sample(self.found_rows(query, window))
        values = {name: self._values(rows, name, scale) for name in names}
        return Facets(values, scale == 1)

    def check_facet(self, name: str) -> None:
        """Raises QueryError where `name` cannot be counted for this reader."""
        field = self.fields.get(name)
        if field is None:
            raise UnknownField(0, f"no field {name[:60]!r}", f"fields: {', '.join(sorted(self.fields))}")
        if name in self.withheld:
            self.note_denied(name)
            raise Withheld(0, f"{name} is withheld: you lack the permission {field.permission}")
        if field.kind in (Kind.TEXT, Kind.JSON, Kind.TIME):
            raise QueryError(0, f"{name} is a {field.kind.value}: its values are not counted")

    def _values(self, rows: QuerySet[Any], name: str, scale: float) -> list[tuple[str, int]]:
        counted = rows.order_by().values(counted_value=expression(self.fields[name]))
        found = counted.annotate(number=CountRows("pk")).order_by("-number", "counted_value")[:FACET_VALUES]
        return [(str(row["counted_value"]), round(row["number"] * scale)) for row in found if _is_value(row)]

    def found_rows(
        self, query: Query = None, window: Window = EVER, limit: int = COUNTED_ROWS
    ) -> QuerySet[Any]:
        """The same as `rows`; where the index of the source knows at most `limit` of them, it has looked them up."""
        condition = self.condition(query)
        rows = self.rows(condition, window)
        index, wanted = self._wanted(condition)
        if index is None or wanted is None:
            return rows
        bounds = Bounds(window)
        return index.narrowed(rows, wanted, max(bounds.low, LOWEST), min(bounds.high, HIGHEST), limit)

    def _sample(self, rows: QuerySet[Any]) -> tuple[QuerySet[Any], float]:
        """`rows` and 1, or where there are more than COUNTED_ROWS, a sample and for how many rows each stands."""
        plain = rows.select_related(None).order_by()
        if plain[: COUNTED_ROWS + 1].count() <= COUNTED_ROWS:
            return plain, 1
        ends = plain.aggregate(low=Min("pk"), high=Max("pk"))
        # Ids follow the rhythm of sessions: every eighth might be the same step of each. So they are mixed.
        kept = PRIME * COUNTED_ROWS // max(2 * COUNTED_ROWS, ends["high"] - ends["low"])
        mixed = F("pk") * MULTIPLIER % PRIME
        return plain.alias(mixed=mixed).filter(mixed__lt=max(1, kept)), PRIME / max(1, kept)

    def storage(self, window: Window) -> Storage:
        """How many rows each day of `window` has. A source that knows their bytes overrides it."""
        found, rows = self.counts(None, window, DAY_SECONDS), Counter[int]()
        for start, _, number in found.counts:
            rows[start // DAY_SECONDS] += number
        days = [StoredDay(EPOCH_DAY + timedelta(days=day), rows[day], None) for day in sorted(rows)]
        return Storage(days, found.exact)

    def gaps(self, window: Window) -> list[Gap]:
        """What is known to be missing in `window`, oldest first."""
        return sorted(self.source.gaps(window), key=lambda gap: (gap.before or 0, gap.after or 0))

    def committed_after(
        self, cursor: Cursor, limit: int, window: Window = EVER
    ) -> list[tuple[Cursor, LogRecord]]:
        """Up to `limit` committed records after `cursor`, oldest commit first. Raises CursorError."""
        found = self.source.committed_after(cursor, limit, since=window.since, until=window.until)
        return [(place, self._without_withheld(each)) for place, each in found] if self.withheld else found

    def rows_after(self, cursor: Cursor, window: Window = EVER) -> QuerySet[Any]:
        """The committed rows after `cursor`, for counting them. Raises CursorError."""
        return self.source.rows_after(cursor, since=window.since, until=window.until)

    def end(self) -> Cursor:
        """The cursor after the newest committed record."""
        return self.source.end()

    def matches(self, query: Query) -> Predicate:
        """Whether a record of this view is found by `query`: for records that have just come."""
        return predicate(self.condition(query))

    def suggestions(self) -> list[Suggestion]:
        """The fields that the reader may name, for completion."""
        return suggestions(self.fields, self.reader.holds)

    def values(self, name: str, limit: int = FACET_VALUES) -> list[str]:
        """The values of a field in the newest rows, for completion. Raises QueryError as `facets` does."""
        self.check_facet(name)
        field = self.fields[name]
        if field.values or not field.low_cardinality:
            return list(field.values[:limit])
        newest = self.rows().select_related(None).order_by(*NEWEST_FIRST).values("pk")[:NEWEST_ROWS]
        return values_in(self.rows().filter(Q(pk__in=newest)), field, limit)

    def note(
        self,
        what: str,
        query: str,
        count: int,
        records: Sequence[LogRecord] = (),
        *,
        filters: str = "",
    ) -> None:
        """Put on record that the reader is shown `count` entries, or finds none; call it before the first byte
        leaves. Raises the database's error: then nothing may be shown.

        `records` are those shown; a source may tell from them what else has to be on record. `filters` says what
        beside the query narrowed them.
        """
        details: dict[str, Any] = {"query": query} | ({"filters": filters} if filters else {})
        details |= {"withheld": list(self.withheld)} if self.withheld else {}
        record(
            EventType.SENSITIVE_READ,
            Severity.INFO,
            self.reader,
            details,
            what=what,
            target=self.source.name,
            count=count,
        )

    def note_denied(self, query: str) -> None:
        """Put on record that the reader named a withheld field in `query`, or asked for its values."""
        event, target = EventType.AUTHZ_FAIL, self.source.name
        record(event, Severity.WARNING, self.reader, {"query": query}, what="query", target=target)

    def _seen(self, row: Any) -> LogRecord:
        return self._without_withheld(self.source.to_record(row))

    def _without_withheld(self, found: LogRecord) -> LogRecord:
        return self.source.withhold(found, self.withheld) if self.withheld else found


def _is_value(row: dict[str, Any]) -> bool:
    """A constant, such as the source's name, is counted once even among no rows."""
    return row["number"] > 0 and row["counted_value"] not in (None, "")
