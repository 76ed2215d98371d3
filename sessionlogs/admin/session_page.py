"""What the session page shows, and the pages beside it: news of a running session, a raw answer, a diff."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from logsite.admin import link
from logsite.logins.sessions import made_by_page
from logsite.records import SourceView, get_source
from logsite.web.readers import reader_of
from sessionlogs import timeline
from sessionlogs.admin.diff import ANSWERS, compare, previous_run
from sessionlogs.audit import WITHHELD, What, may_see, note
from sessionlogs.models import Session, SessionLog

NEWS = 200  # events in one answer to a page that watches
ENTRY = "admin/sessionlogs/session/entry.html"


def session_view(request: HttpRequest) -> SourceView:
    """What the user may see of the events of sessions. Raises PermissionMissing."""
    return get_source("session").view(reader_of(request))


def session_link(session_id: UUID | None) -> str:
    """The head of a session's id, as a link to its page; empty where there is no session."""
    return link(str(session_id)[:8], "sessionlogs_session_change", session_id) if session_id else ""


def session_context(request: HttpRequest, session: Session) -> dict[str, Any]:
    """What the template of the session page needs; the answers in it are noted as seen."""
    visible, rows = may_see(request.user), session_view(request).rows()
    events = list(timeline.events_of(rows, session)[: timeline.EVENTS_SHOWN + 1])
    shown = events[: timeline.EVENTS_SHOWN]
    found = timeline.entries(rows, shown, visible=visible)
    _note(request, session, found)
    if not is_noted(request):
        note_read(request, "session", len(shown), f"session={session.pk}")
    return {
        "entries": found,
        "more_events": len(events) > len(shown),
        "total": timeline.total(shown),
        "cursor": shown[-1].pk if shown else 0,
        "over": timeline.is_over(session),
        "withheld": WITHHELD if any(entry.withheld or entry.stderr_withheld for entry in found) else "",
    }


def session_news(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The entries behind `?after=<event id>` as JSON: {"entries": [{"key", "html"}], "cursor", "more", "over",
    "facts"}. An answer has the key of its command, whose place it takes."""
    made_by_page(request)
    session = get_object_or_404(Session, pk=session_id)
    if not request.user.has_perm("sessionlogs.view_session"):
        raise PermissionDenied
    text = request.GET.get("after", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return JsonResponse({"after": ["must be a whole number, as in `cursor`"]}, status=400)
    after, rows = int(text), session_view(request).rows()
    events = list(timeline.events_of(rows, session, after=after)[: NEWS + 1])
    waiting = timeline.unanswered(rows, session, after) if events else []
    found = timeline.entries(rows, events[:NEWS], waiting, visible=may_see(request.user))
    _note(request, session, found)
    if found and not is_noted(request):
        note_read(request, "session", len(events[:NEWS]), f"session={session.pk}")
    news = [
        {"key": entry.key, "html": render_to_string(ENTRY, {"entry": entry}, request=request)}
        for entry in found
    ]
    return JsonResponse(
        {
            "entries": news,
            "cursor": events[:NEWS][-1].pk if events else after,
            "more": len(events) > NEWS,
            "over": timeline.is_over(session),
            "facts": _facts(request, rows, session),
        }
    )


def response(request: HttpRequest, event_id: int) -> HttpResponse:
    """An answer whole, as plain text."""
    event = _answer(request, event_id)
    note(request, What.EVENT, 1, session_id=event.session_id, event_id=event.pk)
    return HttpResponse(event.response, content_type="text/plain; charset=utf-8")


def diff(request: HttpRequest, event_id: int) -> HttpResponse:
    """A command's answer against its previous run on that device; `?view=unified` as `diff -u`."""
    event = _answer(request, event_id)
    rows = session_view(request).rows()
    previous = previous_run(rows, event) if event.event_type in ANSWERS else None
    note(request, What.DIFF, 2 if previous else 1, session_id=event.session_id, event_id=event.pk)
    context = {
        **admin.site.each_context(request),
        "title": "Compared with the previous run",
        "event": event,
        "previous": previous,
        "comparison": compare(previous.response, event.response) if previous else None,
        "view": "unified" if request.GET.get("view") == "unified" else "side",
    }
    return TemplateResponse(request, "admin/sessionlogs/sessionlog/diff.html", context)


def _answer(request: HttpRequest, event_id: int) -> SessionLog:
    """The event, for whom may see its answer."""
    rows = session_view(request).rows()
    if not may_see(request.user):
        raise PermissionDenied(f"The response is {WITHHELD}.")
    event: SessionLog = get_object_or_404(rows, pk=min(event_id, 2**63 - 1))
    return event


def _note(request: HttpRequest, session: Session, found: list[timeline.Entry]) -> None:
    note(request, What.SESSION, sum(entry.answered for entry in found), session_id=session.pk)


def is_noted(request: HttpRequest) -> bool:
    """Whether responses that the page shows are on record: these speak for the whole page."""
    return bool(getattr(request, "response_views", ()))


def note_read(request: HttpRequest, what: str, count: int, filters: str) -> None:
    """Put on record that events are shown, and no response among them."""
    session_view(request).note(what, "", count, filters=filters)


def _facts(request: HttpRequest, rows: QuerySet[SessionLog], session: Session) -> str:
    events = rows.select_related(None).filter(session=session).only("timing", "session_id")
    parts = timeline.total(events[: timeline.EVENTS_SHOWN])
    context = {"original": session, "total": parts, "over": timeline.is_over(session)}
    return render_to_string("admin/sessionlogs/session/facts.html", context, request=request)
