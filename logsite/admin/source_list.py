"""Lists of a source's entries: what the reader may see, narrowed by `?query=`, on record before it is shown."""

from typing import Any, NamedTuple

from django.contrib.admin.views.main import ChangeList
from django.db import router
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from logsite.admin.log_model import COUNT_LIMIT, KeysetChangeList, LogModelAdmin
from logsite.records import SourceView, get_source
from logsite.records.query import QueryError
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.web.readers import reader_of

DEADLINE_SECONDS = 10.0
TOO_SLOW = f"The search takes longer than {DEADLINE_SECONDS:g} seconds: narrow the time range."


class Problem(NamedTuple):
    """Why a page shows no rows: the sentence under the query's field, and the status of the response."""

    text: str
    status: int


def problem_of(error: QueryError | TooSlow) -> Problem:
    """`Position 5: this bracket is not closed; to search for the text itself, put it in quotes, or close it.`"""
    if isinstance(error, TooSlow):
        return Problem(TOO_SLOW, 503)
    hint = f"; {error.hint}" if error.hint else ""
    return Problem(f"Position {error.position}: {error.reason}{hint}.", 400)


def filters_of(request: HttpRequest) -> str:
    """The filters in the address beside the query, for the record: `host=docker01, level=errors`."""
    given = (
        (name, value) for name, values in request.GET.lists() for value in values if value and name != "query"
    )
    return ", ".join(f"{name}={value}" for name, value in given)


class SourceChangeList(KeysetChangeList):
    """The entries of the view that `?query=` finds. A query that is refused, or takes too long, finds none."""

    model_admin: "SourceModelAdmin"
    problem: Problem | None = None

    def __init__(self, request: HttpRequest, model: type[Model], *args: Any) -> None:
        self.query_text = request.GET.get("query", "")
        try:
            with reading_within(DEADLINE_SECONDS, router.db_for_read(model)):
                super().__init__(request, model, *args)
        except TooSlow as error:
            self.problem = problem_of(error)
            super().__init__(request, model, *args)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        found.pop("query", None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        try:
            self.root_queryset = self.model_admin.get_entries(request, self.query_text)
        except QueryError as error:
            self.problem = problem_of(error)
        if self.problem is not None:
            self.root_queryset = self.root_queryset.none()
        return super().get_queryset(request, exclude_parameters)

    def hidden_params(self) -> list[tuple[str, str]]:
        """The filters that the search form sends along."""
        own = ("q", "query", "older", "newer")
        return [
            (name, value)
            for name, values in self.filter_params.items()
            if name not in own
            for value in values
        ]


class SourceModelAdmin(LogModelAdmin):
    """Pages of the entries of the source `live_source`, as the reader's view has them."""

    change_list_template = "admin/logsite/source_list.html"

    def view(self, request: HttpRequest) -> SourceView:
        """What the user may see of the source. Raises PermissionMissing."""
        return get_source(self.live_source).view(reader_of(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.get_entries(request)

    def get_entries(self, request: HttpRequest, query: str = "") -> QuerySet[Any]:
        """The rows that `query` finds. Raises QueryError."""
        return self.view(request).found_rows(query, limit=COUNT_LIMIT)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SourceChangeList

    def note_list(self, request: HttpRequest, found: SourceChangeList) -> None:
        """Put on record what the list shows."""
        number = len(found.result_list)
        self.view(request).note("list", found.query_text, number, filters=filters_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        found = (getattr(answer, "context_data", None) or {}).get("cl")
        if found is None:
            return answer
        if found.problem is not None and answer.status_code == 200:
            answer.status_code = found.problem.status
        if answer.status_code != 400:
            self.note_list(request, found)
        return answer
