"""System checks of how large a body may be, and of who counts the rates of tokens."""

from operator import gt, lt
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from logsite.checks import out_of_bounds

LEAST_BYTES = 1024
MOST_BYTES = 1024**3


@register("intake")
def check_body_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A limit of a few bytes takes nothing in; one of gigabytes is no limit, as a body is in memory."""
    names = ("INTAKE_PACKED_BYTES", "INTAKE_UNPACKED_BYTES")
    hint = "Set {name} between 1024 and 1073741824."
    low, high = "{name}={value} is below {bound} bytes", "{name}={value} is above {bound} bytes"
    return [
        *out_of_bounds(dict.fromkeys(names, LEAST_BYTES), lt, low, hint, id="intake.E001"),
        *out_of_bounds(dict.fromkeys(names, MOST_BYTES), gt, high, hint, id="intake.E002"),
    ]


@register("intake")
def check_shared_rates(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Uvicorn and Gunicorn start as many web processes as WEB_CONCURRENCY says."""
    if settings.REDIS_URL or settings.WEB_CONCURRENCY < 2:
        return []
    return [
        Warning(
            f"WEB_CONCURRENCY={settings.WEB_CONCURRENCY}: each web process counts the rates of ingest tokens "
            "by itself, so a token gets its rate from each of them",
            hint="Set REDIS_URL, or start one web process.",
            id="intake.W001",
        )
    ]
