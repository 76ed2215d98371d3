"""System checks of the project's own settings."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def check_public_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """PUBLIC_URL is what allowed hosts, CSRF origins and secure cookies derive from."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/"):
        return []
    return [
        Error(
            f"PUBLIC_URL={settings.PUBLIC_URL!r} is not an address such as https://logs.example.com",
            hint="Give scheme and host, and the port where it is not the scheme's own; no path.",
            id="logsite.E001",
        )
    ]


@register()
def check_numbers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Settings that count or time something must be above zero."""
    names = (
        "COLLECT_WORKERS",
        "DEVICE_CONNECT_TIMEOUT",
        "DEVICE_READ_TIMEOUT",
        "SESSION_LOG_STORE_TIMEOUT",
        "SHIPPING_TIMEOUT",
        "SHIPPING_BACKOFF",
    )
    return [
        Error(f"{name}={getattr(settings, name)} must be above 0", hint=f"Set {name}.", id="logsite.E002")
        for name in names
        if getattr(settings, name) <= 0
    ]


@register(deploy=True)
def check_plain_http(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A site that others reach over plain HTTP sends their passwords in clear."""
    parts = urlsplit(settings.PUBLIC_URL)
    if parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return []
    return [
        Warning(
            f"PUBLIC_URL={settings.PUBLIC_URL} is plain HTTP: passwords and tokens cross the network in clear",
            hint="Put a TLS proxy in front, set PUBLIC_URL=https://… and TRUST_PROXY_HEADERS=true.",
            id="logsite.W001",
        )
    ]
