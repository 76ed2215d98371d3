"""GET /api/v2/logs/…: entries of all sources on one time axis, and figures about them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.api import parameters, schema, shapes
from console.api.parameters import Asked
from console.buckets import bounded, step_for
from console.entry_pages import EntryPage, read_page
from console.patterns import Pattern, Patterns, patterns
from console.statistics import DEFAULT_DAYS, MAX_DAYS, default_fields, statistics
from logsite.api.entries import filters_of
from logsite.api.filters import refuse_unknown
from logsite.records import LogRecord, SourceView, Window, get_source
from logsite.records.query import QueryError
from logsite.records.search import CONTEXT_ROWS, DEADLINE_SECONDS, MAX_BUCKETS, Search, context, views_of
from logsite.tables.deadlines import TooSlow
from logsite.text.storable import INTEGERS
from logsite.web.readers import reader_of

CONTEXT_ENTRIES = 5  # before an entry and after it, where nobody asks for another number


class LogsView(APIView):
    """An address over all sources that the reader may see; a reader of none gets a 403."""

    permission_classes = (IsAuthenticated,)

    def views_of(self, names: Sequence[str]) -> list[SourceView]:
        try:
            return views_of(reader_of(self.request), names)
        except ValueError as error:
            raise parameters.refused("source", str(error)) from None

    def search(self, asked: Asked, window: Window | None = None) -> Search:
        """The search that is asked for; an error of the query names the parameter by which the query came."""
        views = self.views_of(asked.sources)
        try:
            return Search(views, asked.text, window or asked.window, DEADLINE_SECONDS, asked.only)
        except QueryError as error:
            if error.field == "query":
                error.field = asked.text_name
            raise


def refuse_silence(search: Search, late: Sequence[str], what: str, filters: str) -> None:
    """Raises TooSlow where no source has answered in time; the search is on record then."""
    if late and len(late) == len(search.views):
        search.note(what, (), filters=filters)
        raise TooSlow(search.deadline_seconds)


class EntryListView(LogsView):
    """Entries of all sources, newest first. `level` is a minimum; several are exactly these.

    Reading them is on record. A source that does not answer within its part of ten seconds is named in
    `late_sources`; where none does, the answer is a 503.
    """

    @extend_schema(
        operation_id="logs_entries_list",
        parameters=[*schema.SEARCH, *schema.PAGE],
        responses=schema.EntryPageSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = parameters.asked(request, parameters.PAGE)
        wanted = parameters.asked_page(request)
        search = self.search(asked)
        page = read_page(search, wanted.cursor, wanted.limit, wanted.newest_first)
        refuse_silence(search, page.late_sources, "list", asked.filters)
        search.note("list", page.records, filters=asked.filters)
        return Response(
            {
                "results": shapes.entries_of(page.records),
                "next": self._next(asked, page),
                "previous": page.previous and self._url(asked, str(page.previous)),
                "withheld": page.withheld,
                "late_sources": page.late_sources,
            }
        )

    def _next(self, asked: Asked, page: EntryPage) -> str | None:
        if page.next:
            return self._url(asked, str(page.next))
        return self._url(asked, None) if page.from_start else None

    def _url(self, asked: Asked, cursor: str | None) -> str:
        """The address of another page. Times are written out: «an hour ago» moves while somebody turns pages."""
        query = self.request.query_params.copy()
        for name in ("cursor", *parameters.TIMES):
            query.pop(name, None)
        for name, moment in (("start_time", asked.window.since), ("end_time", asked.window.until)):
            if moment is not None:
                query[name] = moment.isoformat()
        if cursor is not None:
            query["cursor"] = cursor
        path = self.request.path
        return self.request.build_absolute_uri(f"{path}?{query.urlencode()}" if query else path)


class OneEntryView(LogsView):
    """An address of a single entry."""

    def seen(self, source: str) -> SourceView:
        """What the reader sees of the source. Raises PermissionMissing, NotFound."""
        try:
            return get_source(source).view(reader_of(self.request))
        except ValueError as error:
            raise NotFound(str(error)) from None

    def row_id(self, text: str) -> int:
        """The id in the address; 0, which no row has, for a text that is no id."""
        if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) in INTEGERS:
            return int(text)
        return 0


class EntryView(OneEntryView):
    """One entry. Without an entry of this id a 404, which is on record as well."""

    @extend_schema(operation_id="logs_entries_retrieve", responses=schema.LogEntrySerializer)
    def get(self, request: Request, source: str, id: str) -> Response:
        refuse_unknown(request, {"format"})
        view = self.seen(source)
        found = view.get(self.row_id(id))
        shown = [found] if found else []
        view.note("entry", "", len(shown), shown, filters=f"id={id}")
        if found is None:
            raise NotFound
        return Response(shapes.entries_of(shown)[0])


class ContextView(OneEntryView):
    """An entry and its neighbours in the same stream (a session, a container's log), oldest first, unfiltered."""

    @extend_schema(
        operation_id="logs_entries_context",
        parameters=schema.CONTEXT,
        responses=schema.ContextSerializer,
    )
    def get(self, request: Request, source: str, id: str) -> Response:
        refuse_unknown(request, {"before", "after", "format"})
        before, after = (
            parameters.whole_number(request.query_params, name, 0, CONTEXT_ROWS, CONTEXT_ENTRIES)
            for name in ("before", "after")
        )
        view, filters = self.seen(source), "&".join(filter(None, [f"id={id}", filters_of(request)]))
        try:
            found = context(view, self.row_id(id), before=before, after=after)
        except TooSlow:
            view.note("context", "", 0, filters=filters)
            raise
        shown = [*found.before, found.entry, *found.after] if found else []
        view.note("context", "", len(shown), shown, filters=filters)
        if found is None:
            raise NotFound
        return Response(shapes.context_json(found))


class HistogramView(LogsView):
    """How many entries begin in each step of the time range, by level.

    Without a start the range is of the last 24 hours, without an end it ends now. Steps without an entry are left
    out.
    """

    @extend_schema(
        operation_id="logs_histogram",
        parameters=[*schema.SEARCH, schema.STEP],
        responses=schema.HistogramSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = parameters.asked(request, {"step"})
        since, until = bounded(asked.window, asked.now)
        shortest = max(1, -(-int((until - since).total_seconds()) // MAX_BUCKETS))
        step = parameters.whole_number(request.query_params, "step", shortest, 10**9, step_for(since, until))
        search = self.search(asked, Window(since, until))
        found = search.histogram(step)
        refuse_silence(search, found.late_sources, "histogram", asked.filters)
        search.note("histogram", counts=found.told, filters=asked.filters)
        return Response(shapes.histogram_json(found, search.window))


class FacetsView(LogsView):
    """The most frequent values of fields among the entries that are found."""

    @extend_schema(
        operation_id="logs_facets",
        parameters=[*schema.SEARCH, schema.FIELD],
        responses=schema.FacetsSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = parameters.asked(request, {"field"})
        names = parameters.repeated(request.query_params, "field")
        search = self.search(asked)
        wanted = names or default_fields(search.views)
        known = {name for view in search.views for name in view.fields}
        unheld = [name for name in wanted if name in parameters.FIELDS and name not in known]
        try:
            found = search.facets([name for name in wanted if name not in unheld])
        except QueryError as error:
            error.field = "field"
            raise
        refuse_silence(search, found.late_sources, "facets", asked.filters)
        search.note("facets", counts=found.told, filters=asked.filters)
        return Response(shapes.facets_json(found, unheld))


class PatternsView(LogsView):
    """What the messages of the newest 10,000 matches have in common, the most frequent first.

    With a start of the time range, `new` says whether the equally long range before it had none.
    """

    @extend_schema(
        operation_id="logs_patterns",
        parameters=[*schema.SEARCH, schema.LIMIT],
        responses=schema.PatternsSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = parameters.asked(request, {"limit"})
        limit = parameters.limit(request.query_params)
        search = self.search(asked)
        compared = Window(*bounded(asked.window, asked.now)) if asked.window.since else None
        found = patterns(search, compared)
        refuse_silence(search, found.late_sources, "patterns", asked.filters)
        samples = samples_of(search.views, found.patterns[:limit])
        search.note("patterns", samples, counts=counts_of(found), filters=asked.filters)
        return Response(shapes.patterns_json(found, limit))


def counts_of(found: Patterns) -> Mapping[str, int]:
    """How many entries of each source were read for the patterns."""
    return Counter(line.place.source for line in found.read)


def samples_of(views: Sequence[SourceView], shown: Sequence[Pattern]) -> list[LogRecord]:
    """The records that the patterns quote, for the record: they may show what a device answered."""
    found: list[LogRecord] = []
    for view in views:
        ids = [pattern.sample.id for pattern in shown if pattern.sample.source == view.name]
        found += view.records(view.rows().filter(pk__in=ids), len(ids)) if ids else []
    return found


class StatisticsView(LogsView):
    """Volume, levels, apps and error patterns of the last hour, what came in, and the stored rows by day."""

    @extend_schema(
        operation_id="logs_statistics", parameters=[schema.DAYS], responses=schema.LogStatisticsSerializer
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"days", "format"})
        days = parameters.whole_number(request.query_params, "days", 1, MAX_DAYS, DEFAULT_DAYS)
        views = self.views_of(())
        found = statistics(views, reader_of(request), timezone.now(), days, DEADLINE_SECONDS)
        search = Search(views)
        refuse_silence(search, found.late_sources, "statistics", filters_of(request))
        samples = samples_of(views, found.errors)
        search.note("statistics", samples, counts=found.volume.by_source, filters=filters_of(request))
        return Response(shapes.statistics_json(found))
