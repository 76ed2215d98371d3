"""Who makes a request, and the middleware that lets the rest of the site know; denials go on record here."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from logsite.audit import EventType, Reader, Severity, record
from logsite.audit.reader import Via, answering
from logsite.web.addresses import address_of

PATH_CHARACTERS = 500


def reader_of(request: Any, via: Via | None = None) -> Reader:
    """The reader who makes `request`, Django's or the REST framework's; `via` says it where the path does not."""
    plain = getattr(request, "_request", request)
    user = getattr(plain, "user", None)
    known = user if user is not None and user.is_authenticated else None
    return Reader(known, address_of(plain) or "", via or _via(plain.path))


def reader_of_socket(scope: Mapping[str, Any], user: Any) -> Reader:
    """The reader behind a WebSocket. The caller has checked that the user is logged in."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin1")
    client, *_ = scope.get("client") or ("",)
    request = SimpleNamespace(META={"REMOTE_ADDR": client, "HTTP_X_FORWARDED_FOR": forwarded})
    return Reader(user, address_of(request) or "", "stream")


def _via(path: str) -> Via:
    if path.startswith("/api/monitoring/"):
        return "feed"
    return "admin" if path.startswith("/admin/") else "api"


class ReaderMiddleware:
    """Stands inside AuthenticationMiddleware and around the view with its transaction.

    What a user was denied is on record before the answer leaves. A stranger's request has no entry: it is asked to
    log in, and failed log-ins, which are limited, have theirs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with answering(lambda: reader_of(request)):
            response = self.get_response(request)
            if is_denial(request, response):
                _record_denial(request, response)
        return response


def is_denial(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether `response` tells a user who has logged in that they may not."""
    if response.status_code == 302:  # the admin sends users who are no staff to its log-in page
        to_login = response["Location"].startswith(reverse("admin:login"))
        return to_login and request.path != reverse("admin:logout") and request.user.is_authenticated
    return response.status_code == 403 and request.user.is_authenticated


def _record_denial(request: HttpRequest, response: HttpResponse) -> None:
    details = {"method": request.method, "status": response.status_code}
    path = request.path[:PATH_CHARACTERS]
    record(
        EventType.AUTHZ_FAIL,
        Severity.WARNING,
        reader_of(request),
        details | {"path": path},
        what="request",
        target=path,
    )
