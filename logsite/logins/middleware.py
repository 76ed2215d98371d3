"""What the log-in page answers where too many log-ins have failed, and the mark of a browser that has logged in."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from logsite.logins.browsers import set_cookie
from logsite.logins.limits import LoginLimited, name_digest


class LoginMiddleware:
    """Stands inside AuthenticationMiddleware: the page shows nobody as logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if name := getattr(request, "logged_in_name", ""):
            set_cookie(request, response, name_digest(name))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, LoginLimited):
            return None
        context = {**admin.site.each_context(request), "title": "Log-in refused", "reason": str(exception)}
        response = render(request, "429.html", context, status=429)
        response["Retry-After"] = str(exception.seconds)
        return response
