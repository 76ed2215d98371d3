"""A signed cookie in each browser in which somebody has logged in ("device cookie", as OWASP calls it).

It lets nobody in. It only gives its browser a count of failed log-ins of its own, for that one name.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "known_browser"
SALT = "logsite.logins.browsers"
DAYS = 90


def known_browser(request: Any, name_digest: str) -> str:
    """The number of the browser that sent `request`, where the name has logged in there; else an empty text."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=DAYS * 86_400)
    except signing.BadSignature:
        return ""
    return str(found["browser"]) if found["name"] == name_digest else ""


def remember_browser(request: Any, user: Any, **kwargs: Any) -> None:
    """After a log-in with a session; the API's log-in hands out a token instead, and has no HttpRequest here."""
    if isinstance(request, HttpRequest):
        request.logged_in_name = user.get_username()  # type: ignore[attr-defined]


def set_cookie(request: HttpRequest, response: HttpResponse, name_digest: str) -> None:
    """Mark the browser; it sends the mark back to the log-in page and nowhere else."""
    value = signing.dumps({"name": name_digest, "browser": secrets.token_hex(16)}, salt=SALT)
    response.set_cookie(
        COOKIE,
        value,
        max_age=DAYS * 86_400,
        path=reverse("admin:login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
