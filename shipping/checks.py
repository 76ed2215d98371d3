"""System checks of the shipping settings."""

from operator import lt
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from logsite.checks import out_of_bounds
from shipping.addresses import AddressError, split_credentials
from shipping.addresses import check_address as check_plain_address

LONGEST_LABEL_VALUE = 2048  # characters; Loki's limit
SMALLEST_PAGE = 65_536  # bytes; below it a single entry may not fit
SHORTEST_LINE = 1024  # bytes; below it a line falls into dust


@register("shipping")
def check_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """LOKI_URL is an http(s) URL; it may carry a user and password, so its value is not shown."""
    try:
        split_credentials(settings.LOKI_URL)
    except AddressError as error:
        hint = "Give scheme, host and port, and no path of the API."
        return [Error(f"LOKI_URL: {error}", hint=hint, id="shipping.E001")]
    return []


@register("shipping")
def check_backend(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """BACKEND_URL is an http(s) URL without a user and password: pages show it, and it is part of a cursor's name."""
    try:
        if settings.BACKEND_URL:
            check_plain_address(settings.BACKEND_URL)
    except AddressError as error:
        hint = "Give scheme, host and port of another LogSite, or leave it empty to read the database here."
        return [Error(f"BACKEND_URL: {error}", hint=hint, id="shipping.E005")]
    return []


@register("shipping")
def check_job(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """SHIPPING_JOB is the value of the label `job`, by which everything shipped is found."""
    job = settings.SHIPPING_JOB
    if job.strip() and job.isprintable() and len(job) <= LONGEST_LABEL_VALUE:
        return []
    return [
        Error(
            f"SHIPPING_JOB={job[:40]!r} cannot be the value of the label `job`",
            hint=f"Give 1 to {LONGEST_LABEL_VALUE} printable characters, such as aoss.",
            id="shipping.E002",
        )
    ]


@register("shipping")
def check_numbers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Numbers below which nothing would be shipped."""
    least: dict[str, float] = {
        "SHIPPING_RETRIES": 0,
        "SHIPPING_POLL": 0.01,
        "SHIPPING_LINE_BYTES": SHORTEST_LINE,
        "SHIPPING_REQUEST_BYTES": settings.SHIPPING_LINE_BYTES,
        "SHIPPING_OUTPUT_CHARACTERS": 0,
        "SHIPPING_PAGE_BYTES": SMALLEST_PAGE,
    }
    hint = "Set {name} to {bound:g} or more."
    return out_of_bounds(least, lt, "{name}={value} is too small", hint, id="shipping.E003")


@register("shipping")
def check_tenant(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """LOKI_TENANT travels in a header."""
    tenant = settings.LOKI_TENANT
    if tenant.isascii() and (tenant.isprintable() or not tenant) and len(tenant) <= 150:
        return []
    return [
        Error(
            "LOKI_TENANT cannot be sent as a header",
            hint="Give up to 150 printable ASCII characters, or leave it empty.",
            id="shipping.E004",
        )
    ]
