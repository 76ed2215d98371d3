"""Who saw what devices answered: the permission, and a row for each view.

A view *notes* what it shows, and the middleware stores the notes after the view, outside of any transaction
of the request's, and before the answer leaves: each as a row of ResponseView and as an entry of the audit. So a
rolled-back request leaves its trace, and where the trace cannot be stored nothing is shown: the request fails.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from logsite.audit import EventType, Reader, Severity, record
from logsite.audit.recording import QUERY_CHARACTERS
from logsite.text.cutting import shortened
from logsite.web.addresses import address_of
from logsite.web.readers import reader_of
from sessionlogs.models import ResponseView

PERMISSION = "sessionlogs.view_responses"
WITHHELD = "withheld: you lack the permission sessionlogs.view_responses"
What, Via = ResponseView.What, ResponseView.Via


def may_see(user: Any) -> bool:
    """Whether `user` may see what devices answered."""
    return bool(user.has_perm(PERMISSION))


def note(
    request: HttpRequest | Request,
    what: ResponseView.What,
    count: int,
    *,
    via: ResponseView.Via = Via.ADMIN,
    session_id: UUID | None = None,
    event_id: int | None = None,
    stored_id: int | None = None,
    query: str = "",
) -> None:
    """The answer to `request` shows `count` responses, or what a search over them found; nothing for none.

    However many events a page holds, it is one row.
    """
    if not count and what != What.SEARCH:
        return
    plain: Any = getattr(request, "_request", request)  # the API wraps Django's request
    view = ResponseView(
        viewed_at=timezone.now(),
        user=request.user.get_username(),
        user_id=str(request.user.pk),
        address=address_of(plain),
        via=via,
        what=what,
        session_id=session_id,
        event_id=event_id,
        stored_id=stored_id,
        query=_storable(query),
        count=count,
    )
    plain.response_views = [*getattr(plain, "response_views", ()), view]


def note_records(reader: Reader, count: int, query: str) -> None:
    """Store that `reader` is shown `count` responses in records of sessions, or searched for them, at once."""
    ResponseView.objects.create(
        viewed_at=timezone.now(),
        user=reader.user.get_username() if reader.user else "",
        user_id=str(reader.user.pk) if reader.user else "",
        address=reader.address or None,
        via=reader.via,
        what=What.SEARCH if query else What.LIST,
        query=_storable(query),
        count=count,
    )


def note_sessions(reader: Reader, count: int, filters: str) -> None:
    """Put on record that `reader` is shown `count` sessions. Whoever may see these need not see their events."""
    details, kind = {"filters": filters}, EventType.SENSITIVE_READ
    record(kind, Severity.INFO, reader, details, what="list", target="sessions", count=count)


def _storable(query: str) -> str:
    return shortened(query.replace("\x00", ""), QUERY_CHARACTERS)


class ResponseAuditMiddleware:
    """Stores what the views noted. It stands around the view, and so around its transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for view in getattr(request, "response_views", ()):
            _record(request, view)
            view.save(force_insert=True)
        return response


def _record(request: HttpRequest, view: ResponseView) -> None:
    """Put `view` into the audit: the target is the session, the stored response or, for a list, empty."""
    via: Any = view.via  # each of them is a way of the audit, too
    stored = view.stored_id and f"stored response {view.stored_id}"
    details = {"what": view.what, "query": view.query, "event_id": view.event_id}
    record(
        EventType.SENSITIVE_READ,
        Severity.INFO,
        reader_of(request, via),
        {name: value for name, value in details.items() if value},
        what="responses",
        target=str(view.session_id or stored or ""),
        count=view.count,
    )
