"""/api/v2/logs/…: entries of all sources, an entry with its context, and what counts them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import Http404, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.api import schema
from console.asking import NAMES, OLD_NAMES, Asked, asked
from console.histograms import filled, step_of
from console.patterns import patterns_of
from console.statistics import statistics_of
from logsite.api.filters import refuse_unknown
from logsite.records import Place, entry_of, get_source
from logsite.records.search import CONTEXT_ROWS, context
from logsite.records.views import SourceView
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.web.answers import ParameterError
from logsite.web.readers import reader_of

MAX_LIMIT = 1000
ENTRY_SECONDS = 10.0
ORDERS = ("newest", "oldest")


class SearchView(APIView):
    """The base of what answers a search. It is on record before the answer leaves, also where nothing was found."""

    permission_classes = (IsAuthenticated,)
    more: ClassVar[frozenset[str]] = frozenset()  # parameters beside those of a search
    what: ClassVar[str]

    def answer(self, request: Request, found: Asked) -> Response:
        raise NotImplementedError

    def get(self, request: Request) -> Response:
        refuse_unknown(request, NAMES | self.more)
        parameters = request.query_params
        try:
            found = asked(
                {name: parameters.getlist(name) for name in NAMES & set(parameters)}, reader_of(request)
            )
            try:
                return self.answer(request, found)
            except TooSlow:
                found.search.note(self.what, filters=found.filters)
                raise
        except ParameterError as error:
            raise ValidationError({error.field: [str(error)]}) from None


class EntriesView(SearchView):
    """Entries of all sources, newest first."""

    more = frozenset({"limit", "cursor", "order"})
    what = "list"

    @extend_schema(
        operation_id="logs_entries",
        parameters=[*schema.SEARCH, *schema.PAGE],
        responses=schema.EntriesSerializer,
    )
    def get(self, request: Request) -> Response:
        return super().get(request)

    def answer(self, request: Request, found: Asked) -> Response:
        limit = whole(request, "limit", 100, low=1, high=MAX_LIMIT)
        newest_first = choice(request, "order", ORDERS) == "newest"
        place, back = cursor_of(request)
        forward = newest_first is not back
        page = found.search.page(
            before=place if forward else None,
            after=None if forward else place,
            limit=limit,
            newest_first=forward,
        )
        records = page.records[::-1] if back else page.records
        found.search.note(self.what, records, filters=found.filters)
        onward, backward = page.next, page.previous
        if back:
            onward, backward = backward, onward
        return Response(
            {
                "results": [entry_of(record) for record in records],
                "next": link(request, onward, ""),
                "previous": link(request, backward, BACK),
                "withheld": page.withheld,
                "late_sources": page.late_sources,
            }
        )


class HistogramView(SearchView):
    """How many entries there are in each stretch of time, by level."""

    more = frozenset({"step"})
    what = "histogram"

    @extend_schema(parameters=[*schema.SEARCH, schema.STEP], responses=schema.HistogramSerializer)
    def get(self, request: Request) -> Response:
        return super().get(request)

    def answer(self, request: Request, found: Asked) -> Response:
        search = replace(found.search, window=filled(found.search.window))
        step = whole(request, "step", step_of(search.window), low=1, high=366 * 86_400)
        try:
            histogram = search.histogram(step)
        except ValueError as error:
            raise ParameterError("step", str(error)) from None
        search.note(self.what, filters=found.filters)
        buckets = [
            {"start": datetime.fromtimestamp(start, UTC), "counts": counts}
            for start, counts in histogram.buckets
        ]
        return Response(
            {
                "step": step,
                "buckets": buckets,
                "exact": histogram.exact,
                "late_sources": histogram.late_sources,
            }
        )


class FacetsView(SearchView):
    """The most frequent values of fields, with how many entries have each."""

    more = frozenset({"field"})
    what = "facets"

    @extend_schema(parameters=[*schema.SEARCH, schema.FIELD], responses=schema.FACETS)
    def get(self, request: Request) -> Response:
        return super().get(request)

    def answer(self, request: Request, found: Asked) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("field"))) or default_facets(
            found.search.views
        )
        if len(names) > schema.MAX_FACETS:
            raise ParameterError("field", f"field is given more than {schema.MAX_FACETS} times")
        facets = found.search.facets(names)
        found.search.note(self.what, filters=found.filters)
        values = {
            name: [{"value": value, "count": count} for value, count in counts]
            for name, counts in facets.values.items()
        }
        return Response(values | {"exact": facets.exact, "late_sources": facets.late_sources})


class PatternsView(SearchView):
    """The patterns of the newest messages: with numbers, ids and addresses left out."""

    what = "patterns"

    @extend_schema(parameters=schema.SEARCH, responses=schema.PatternsSerializer)
    def get(self, request: Request) -> Response:
        return super().get(request)

    def answer(self, request: Request, found: Asked) -> Response:
        patterns = patterns_of(found.search)
        found.search.note(self.what, filters=found.filters)
        return Response(patterns.as_json())


class StatsView(SearchView):
    """Volume, top error patterns, what came in and what was rejected, and what is stored by source and day."""

    what = "statistics"

    @extend_schema(parameters=schema.SEARCH, responses=schema.StatsSerializer)
    def get(self, request: Request) -> Response:
        return super().get(request)

    def answer(self, request: Request, found: Asked) -> Response:
        search = replace(found.search, window=filled(found.search.window))
        statistics = statistics_of(search)
        search.note(self.what, filters=found.filters)
        return Response(statistics)


class EntryView(APIView):
    """One entry of a source."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="logs_entry", responses=schema.LogEntrySerializer)
    def get(self, request: Request, source: str, pk: int) -> Response:
        refuse_unknown(request, set())
        view = view_of(request, source)
        with reading_within(ENTRY_SECONDS, view.using):
            record = view.get(pk)
        view.note("entry", "", int(record is not None), [record] if record else [], filters=f"id={pk}")
        if record is None:
            raise Http404
        return Response(entry_of(record))


class ContextView(APIView):
    """An entry with what stands before and after it in its stream, without filters."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(parameters=schema.CONTEXT, responses=schema.ContextSerializer)
    def get(self, request: Request, source: str, pk: int) -> Response:
        refuse_unknown(request, {"before", "after"})
        view = view_of(request, source)
        try:
            before, after = (
                whole(request, name, 5, low=0, high=CONTEXT_ROWS) for name in ("before", "after")
            )
        except ParameterError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        found = context(view, pk, before=before, after=after)
        records = [*found.before, found.entry, *found.after] if found else []
        view.note("context", "", len(records), records, filters=f"id={pk}")
        if found is None:
            raise Http404
        return Response(
            {
                "before": [entry_of(record) for record in found.before],
                "entry": entry_of(found.entry),
                "after": [entry_of(record) for record in found.after],
                "more_before": found.more_before,
                "more_after": found.more_after,
            }
        )


# --- parameters ---------------------------------------------------------------------------------------------------

BACK = "-"  # in front of a cursor: the page that ends there


def view_of(request: Request, source: str) -> SourceView:
    try:
        return get_source(source).view(reader_of(request))
    except ValueError:
        raise Http404 from None


def default_facets(views: Any) -> list[str]:
    """Level and source, and what else has few values and may be seen."""
    few = {
        name
        for view in views
        for name, field in view.fields.items()
        if (field.low_cardinality or field.values) and name not in view.withheld
    }
    own = [name for name in ("level", "source") if any(name in view.fields for view in views)]
    return [*own, *sorted(few - {"level", "source"})][: schema.MAX_FACETS]


def whole(request: Request, name: str, default: int, *, low: int, high: int) -> int:
    text = single(request, name)
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
        raise ParameterError(name, f"expected a whole number from {low} to {high:,}, got {text[:60]!r}")
    return int(text)


def choice(request: Request, name: str, choices: tuple[str, ...]) -> str:
    text = single(request, name) or choices[0]
    if text not in choices:
        raise ParameterError(name, f"expected {' or '.join(choices)}, got {text[:60]!r}")
    return text


def single(request: Request, name: str) -> str:
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise ParameterError(name, f"{name} is given more than once")
    return values[0] if values else ""


def cursor_of(request: Request) -> tuple[Place | None, bool]:
    """Where the page begins, and whether it is the one before that place."""
    text = single(request, "cursor")
    back = text.startswith(BACK)
    try:
        return (Place.parse(text.removeprefix(BACK)) if text else None), back
    except ValueError as error:
        raise ParameterError("cursor", str(error)) from None


def link(request: Request, place: Place | None, way: str) -> str | None:
    """The address of the page from `place` on, with the search's parameters; None where there is none."""
    if place is None:
        return None
    parameters: Mapping[str, Any] = request.query_params
    query = QueryDict(mutable=True)
    for name in parameters:
        if name != "cursor" and name in NAMES | EntriesView.more | set(OLD_NAMES):
            query.setlist(name, request.query_params.getlist(name))
    query["cursor"] = f"{way}{place}"
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
