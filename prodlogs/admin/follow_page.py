"""The page that shows entries as they come, and what stood around one entry."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from logsite.admin import DEADLINE_SECONDS, Problem, entry_texts, filters_of, problem_of
from logsite.api.pagination import beyond
from logsite.logins.sessions import made_by_page
from logsite.records import Cursor, CursorError, SourceView, committed, get_source
from logsite.records.query import QueryError
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.web.answers import ParameterError
from logsite.web.readers import reader_of
from prodlogs.admin.entry_filters import GROUPS, levels_of
from prodlogs.entries.queries import (
    LEVELS_OF_LINES,
    LONGEST_TEXT,
    PLACE,
    containing,
    of_containers,
    of_levels,
)
from prodlogs.models import Container, ContainerLogEntry, DockerHost, Stream

TAIL = 500  # entries that the page begins with
NEWS = 2000  # entries in one answer
BEHIND = 20_000  # entries of any kind; who is further behind goes on at the end
LONGEST = 20_000  # characters of a message; the rest is on the entry's page
AROUND = 10  # entries before and after one
AROUND_LENGTH = 1000  # characters of each
ORDERING = ["timestamp", "id"]
LEVEL_CHOICES = [
    *((name, GROUPS[name][0]) for name in ("errors", "warnings")),
    *((name, name) for name in reversed(LEVELS_OF_LINES)),
]
Rows = QuerySet[ContainerLogEntry]
CHOSEN = ("host", "container", "level", "stream", "query", "text")


def follow_context(request: HttpRequest) -> dict[str, Any]:
    """What the page itself needs; its script fetches everything else. `problem` is what is wrong with the query."""
    view = get_source("container").view(reader_of(request))
    names = (
        Container.objects.filter(removed_at__isnull=True).order_by("name").values_list("name", "host__name")
    )
    return {
        "hosts": DockerHost.objects.order_by("name").values_list("name", flat=True),
        "containers": names,
        "levels": LEVEL_CHOICES,
        "streams": Stream.values,
        "chosen": {name: request.GET.get(name, "") for name in CHOSEN},
        "longest": LONGEST_TEXT,
        "problem": _problem(view, request.GET.get("query", "")),
    }


def _problem(view: SourceView, query: str) -> Problem | None:
    try:
        view.condition(query)
    except QueryError as error:
        return problem_of(error)
    return None


def news(request: HttpRequest) -> HttpResponse:
    """Entries as JSON, oldest first: {"entries", "cursor", "more", "skipped"}.

    Without `after` the newest there are; with it those committed since that cursor. `more`: ask again at once.
    `skipped`: there were too many, and `entries` are the newest of them.
    """
    made_by_page(request)
    view, query = get_source("container").view(reader_of(request)), request.GET.dict()
    try:
        with reading_within(DEADLINE_SECONDS, view.using):
            found = _news(view, query)
    except ParameterError as error:
        return JsonResponse({error.field: [str(error)]}, status=400)
    except (QueryError, TooSlow) as error:
        problem = problem_of(error)
        if isinstance(error, TooSlow):
            view.note("follow", query.get("query", ""), 0, filters=filters_of(request))
        return JsonResponse({"query": [problem.text]}, status=problem.status)
    view.note("follow", query.get("query", ""), len(found["entries"]), filters=filters_of(request))
    return JsonResponse(found)


def _news(view: SourceView, query: dict[str, str]) -> dict[str, Any]:
    rows, text = _narrowed(view, query), query.get("text", "")
    # Before the rows are read: what comes in between is sent twice rather than never.
    end = view.end()
    if not query.get("after"):
        return _answer(_newest(containing(rows, text).rows), end)
    try:
        cursor = Cursor.parse(query["after"])
        passed = view.rows_after(cursor).order_by("xact", "id")
    except CursorError as error:
        raise ParameterError("after", str(error)) from None
    if passed[: BEHIND + 1].count() > BEHIND:  # too many to look through, whatever is wanted of them
        return _answer(_newest(containing(rows, text).rows), end, skipped=True)
    behind = committed(rows, cursor)
    if text:
        behind = behind.filter(message__icontains=text)
    found = list(behind.order_by("xact", "id")[: NEWS + 1])
    if len(found) <= NEWS:
        return _answer(found, end)
    last = found[NEWS - 1]
    return _answer(found[:NEWS], Cursor(last.xact, last.pk), more=True)


def _newest(rows: Rows) -> list[ContainerLogEntry]:
    return list(rows.order_by("-timestamp", "-id")[:TAIL])


def _answer(
    entries: list[ContainerLogEntry], cursor: Cursor, *, more: bool = False, skipped: bool = False
) -> dict[str, Any]:
    """For the script: `entries` in the order of their times, and where to go on."""
    shown = [_entry(entry) for entry in sorted(entries, key=lambda entry: (entry.timestamp, entry.pk))]
    return {"entries": shown, "cursor": str(cursor), "more": more, "skipped": skipped}


def _narrowed(view: SourceView, query: dict[str, str]) -> Rows:
    """The rows of what was chosen. Raises ParameterError, QueryError."""
    if any("\0" in value for value in query.values()):
        raise ParameterError(
            next(name for name in query if "\0" in query[name]), "contains the character NUL"
        )
    if len(query.get("text", "")) > LONGEST_TEXT:
        raise ParameterError("text", f"at most {LONGEST_TEXT} characters")
    rows: Rows = view.rows(query.get("query", ""))
    if stream := query.get("stream"):
        if stream not in Stream.values:
            raise ParameterError("stream", f"one of {', '.join(Stream.values)}")
        rows = rows.filter(stream=stream)
    if level := query.get("level"):
        if not (levels := levels_of(level)):
            raise ParameterError("level", f"one of {', '.join((*GROUPS, *LEVELS_OF_LINES))}")
        rows = of_levels(rows, levels)
    which = {column: query[name] for name, column in PLACE.items() if query.get(name)}
    return of_containers(rows, **which) if which else rows


def _entry(entry: ContainerLogEntry) -> dict[str, Any]:
    """Ids and times as texts: JavaScript's numbers end at 2^53."""
    text = entry_texts.visible(entry.message)
    return {
        "id": str(entry.pk),
        "timestamp": str(entry.timestamp),
        "host": entry.container.host.name,
        "container": entry.container_name,
        "stream": entry.stream,
        "level": entry.level,
        "message": text if len(text) <= LONGEST else f"{text[:LONGEST]}…",
        "url": reverse("admin:prodlogs_containerlogentry_change", args=[entry.pk]),
    }


def surroundings(view: SourceView, entry: ContainerLogEntry) -> dict[str, Any]:
    """For the page of an entry: what its container wrote before and after it."""
    mine = view.rows().filter(container=entry.container_id).defer("message", "raw_line")
    mine = mine.select_related(None).annotate(
        beginning=Left("message", Value(AROUND_LENGTH)), length=Length("message")
    )
    key = [entry.timestamp, entry.pk]

    def beside(*, reverse: bool) -> Rows:
        order = ["-timestamp", "-id"] if reverse else ORDERING
        return mine.filter(beyond(ORDERING, key, reverse=reverse)).order_by(*order)[:AROUND]

    before, after = list(beside(reverse=True))[::-1], list(beside(reverse=False))
    return {"entry": entry, "around": [*before, entry, *after], "raw": entry_texts.visible(entry.raw)}
