"""Who saw what devices answered: the permission, and a row for each view.

A view *notes* what it shows, and the middleware stores the notes after the view, outside of any transaction
of the request's, and before the answer leaves. So a rolled-back request leaves its trace, and where the trace
cannot be stored nothing is shown: the request fails.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from logsite.web.addresses import address_of
from sessionlogs.models import ResponseView

PERMISSION = "sessionlogs.view_responses"
WITHHELD = "withheld: you lack the permission sessionlogs.view_responses"
QUERY_LENGTH = 1000
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
        query=query[:QUERY_LENGTH].replace("\x00", ""),
        count=count,
    )
    plain.response_views = [*getattr(plain, "response_views", ()), view]


class ResponseAuditMiddleware:
    """Stores what the views noted. It stands around the view, and so around its transaction."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for view in getattr(request, "response_views", ()):
            view.save(force_insert=True)
        return response
