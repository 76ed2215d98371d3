"""Sessions that end when nobody uses them (settings.SESSION_COOKIE_AGE), without a write for each request.

A session is Django's, in the database. It says when it was last used, to RENEW_SECONDS or so.
"""

import re
import time
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse

SEEN = "seen"  # in a session's data: when it was last used, in Unix seconds
RENEW_SECONDS = 60


class SessionStore(db.SessionStore):
    """Django's store of sessions, which loads none that nobody has used for too long."""

    only_renewed = False

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        if time.time() - data.get(SEEN, time.time()) <= settings.SESSION_COOKIE_AGE:
            return data
        self._session_key = None
        return {}

    async def aload(self) -> dict[str, Any]:
        return await database_sync_to_async(self.load)()

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        return super().create_model_instance({**data, SEEN: int(time.time())})

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError:
            if not self.only_renewed:
                raise
            # The user has logged out meanwhile, in another request: there is nothing to renew.

    def _validate_session_key(self, key: str | None) -> bool:
        """A key as Django makes them. Others are not looked up: PostgreSQL takes no NUL."""
        return re.fullmatch("[a-z0-9]{32}", key or "") is not None


class RenewalMiddleware:
    """Renews the session of a request that its user has made, at most once within RENEW_SECONDS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.accessed and not getattr(request, "made_by_page", False):
            _renew(request.session)
        return response


def _renew(session: Any) -> None:
    """Let SessionMiddleware save the session and send its cookie, where somebody is logged in."""
    is_due = SESSION_KEY in session and time.time() - session.get(SEEN, 0) >= RENEW_SECONDS
    if is_due and not session.modified:
        session.modified = session.only_renewed = True


def made_by_page(request: HttpRequest) -> None:
    """An open page asks for news by itself: `request` is no sign that its user is there."""
    request.made_by_page = True  # type: ignore[attr-defined]


def user_of_session(key: str | None) -> Any:
    """Who is logged in with the session `key`, as the database has it now; AnonymousUser where nobody is."""
    request = HttpRequest()
    request.session = SessionStore(key)
    return get_user(request)
