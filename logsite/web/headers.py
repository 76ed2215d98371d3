"""Headers of every response: what a page may load, what a browser lets it use, and that nobody stores the response.

Scripts and styles are files of the site, without `unsafe-*`; `/api/docs/` is a page of ours around Swagger UI's
files. `no-store` is on every response but static files. `tests/test_browser.py` opens every page.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# What the site itself serves. `data:` is for the icons in Swagger UI's style sheet.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "autoplay",
        "camera",
        "clipboard-read",
        "display-capture",
        "encrypted-media",
        "fullscreen",
        "gamepad",
        "geolocation",
        "gyroscope",
        "hid",
        "idle-detection",
        "local-fonts",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "picture-in-picture",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)


class HeadersMiddleware:
    """The outermost: what other middleware answers, from a static file to an error, comes through here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        cache = response.get("Cache-Control", "")
        if "public" not in cache and "no-store" not in cache:  # WhiteNoise calls files public
            response["Cache-Control"] = "no-store"
        return response
