"""What a request is answered with where it fails: JSON on the API, a plain page in the admin."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

TITLES = {
    400: "Bad request",
    403: "Permission denied",
    404: "Not found",
    413: "Too large",
    415: "Unsupported charset",
    500: "Server error",
    503: "Not available right now",
}


def answer(request: HttpRequest, status: int, text: str) -> HttpResponse:
    """A page for the admin's addresses and for `/`; for all others `{"detail": text}` as JSON."""
    if request.path.startswith("/admin/") or request.path == "/":
        page = render_to_string("error.html", {"title": TITLES[status], "text": text})
        return HttpResponse(page, status=status)
    return JsonResponse({"detail": text}, status=status)


class ParameterError(ValueError):
    """A parameter of a request that cannot be used; `field` names it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
