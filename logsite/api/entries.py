"""API lists of a source's entries: what the reader may see of it, narrowed by a query, each reading on record."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django_filters import FilterSet
from rest_framework import mixins, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from logsite.records import SourceView, get_source
from logsite.records.query import QueryError
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.web.readers import reader_of

FILTER_SECONDS = 10.0  # that filters may take which ask the database; the page has a limit of its own
LIST_PARAMETERS = ("query", "search", "cursor", "limit")


def query_of(request: Request) -> str:
    """The text of the parameter `query`. Raises QueryError where there are two."""
    queries = request.query_params.getlist("query") or [""]
    if len(queries) > 1:
        raise QueryError(0, "the parameter query is given more than once", "join the queries with AND")
    return queries[0]


def filters_of(request: Request) -> str:
    """The parameters beside `query`, for the record."""
    parameters = request.query_params.copy()
    parameters.pop("query", None)
    return parameters.urlencode()


def refuse_filters(request: Request, filters: type[FilterSet] | None) -> None:
    """A 400 that names a filter of the list on a single entry's address: it would be a search that nobody notes."""
    known = {*LIST_PARAMETERS, *(filters.base_filters if filters else ())}
    if named := {name: ["a single entry takes no filter"] for name in request.query_params if name in known}:
        raise ValidationError(named)


class EntryListViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """The list of entries of the source called `source`. Its filter set has a `QueryFilter` called `query`.

    `queryset` only names the model: the rows come from the source's view.
    """

    source: ClassVar[str]
    filterset_class: ClassVar[type[FilterSet]]

    @cached_property
    def seen(self) -> SourceView:
        """What the reader sees of the source. Raises PermissionMissing."""
        return get_source(self.source).view(reader_of(self.request))

    @cached_property
    def _found(self) -> QuerySet[Any]:
        """The permissions ask for it, too, before `retrieve` refuses a query."""
        return self.seen.rows("" if self.action == "retrieve" else query_of(self.request))

    def get_queryset(self) -> QuerySet[Any]:
        return self._found.all()

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        with reading_within(FILTER_SECONDS, queryset.db):
            return super().filter_queryset(queryset)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            answer = super().list(request, *args, **kwargs)
        except TooSlow:
            self.note_list(())
            raise
        self.note_list(answer.data["results"])
        return answer

    def note_list(self, entries: Sequence[dict[str, Any]]) -> None:
        """Put on record that the reader is shown `entries`, which may be none."""
        query, filters = query_of(self.request), filters_of(self.request)
        self.seen.note("list", query, len(entries), filters=filters)


class EntryViewSet(mixins.RetrieveModelMixin, EntryListViewSet):
    """The list, and each entry by its id."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_filters(request, self.filterset_class)
        try:
            answer = super().retrieve(request, *args, **kwargs)
        except Http404:
            self.note_entry(None)
            raise
        self.note_entry(answer.data)
        return answer

    def note_entry(self, entry: dict[str, Any] | None) -> None:
        """Put on record that the reader is shown `entry`; None where no entry has this id."""
        self.seen.note("entry", "", int(entry is not None), filters=f"id={self.kwargs['pk']}")
