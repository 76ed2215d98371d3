"""System checks of application logs: how long and how much."""

from operator import lt
from typing import Any

from django.core.checks import CheckMessage, register

from logsite.checks import out_of_bounds

LEAST_BYTES = 1024


@register("applogs")
def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With a limit of a few bytes no entry would be whole."""
    sizes = dict.fromkeys(("APPLOGS_BYTES_AT_ONCE", "APPLOGS_MESSAGE_BYTES"), LEAST_BYTES)
    days = "{name}={value}: give days, or 0 for ever"
    return [
        *out_of_bounds({"RETENTION_DAYS_APPS": 0}, lt, days, None, id="applogs.E001"),
        *out_of_bounds(sizes, lt, "{name}={value} is below {bound} bytes", None, id="applogs.E002"),
    ]
