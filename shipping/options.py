"""What `ship_logs_to_loki` was asked to do, read from its options."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from logsite.records import get_source, sources
from logsite.text.moments import parse_moment
from shipping.addresses import AddressError, check_address, is_this_site, split_credentials
from shipping.feed import PAGE, BackendFeed, Feed, LocalFeed, Window
from shipping.retry import Retry


class UsageError(ValueError):
    """An option that cannot be used as given; the text names it."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options, checked. `token` shows in no repr; `notice` is what the user has to be told of them."""

    loki: str
    names: list[str]
    window: Window
    batch_size: int
    follow: bool
    from_start: bool
    dry_run: bool
    backend: str
    token: str
    notice: str = ""

    def __repr__(self) -> str:
        return f"Options(names={self.names}, window={self.window}, backend={self.backend!r})"

    def feeds(self, retry: Retry) -> list[Feed]:
        """Where to read, a feed for each source."""
        if not self.backend:
            page_bytes = settings.SHIPPING_PAGE_BYTES
            return [LocalFeed(get_source(name), self.window, page_bytes=page_bytes) for name in self.names]
        return [
            BackendFeed(
                self.backend,
                self.token,
                name,
                retry,
                timeout=settings.SHIPPING_TIMEOUT,
                window=self.window,
                page_bytes=settings.SHIPPING_PAGE_BYTES,
            )
            for name in self.names
        ]


def read_options(given: Mapping[str, Any], now: datetime) -> Options:
    """The checked options. Raises UsageError."""
    if given["follow"] and given["dry_run"]:
        raise UsageError("--dry-run and --follow exclude each other: give one of them")
    backend, token, notice = _backend(given["backend"], given["token"])
    return Options(
        loki=_loki(given["loki"]),
        names=_names(given["source"], remote=bool(backend)),
        window=_window(given["since"], given["until"], now),
        batch_size=_batch_size(str(given["batch_size"])),
        follow=given["follow"],
        from_start=given["from_start"],
        dry_run=given["dry_run"],
        backend=backend,
        token=token,
        notice=notice,
    )


@contextmanager
def _naming(option: str, error_class: type[ValueError] = ValueError) -> Iterator[None]:
    """Turn an error about a value into a UsageError that names the value's option."""
    try:
        yield
    except error_class as error:
        raise UsageError(f"{option}: {error}") from None


def _loki(url: str | None) -> str:
    url = settings.LOKI_URL if url is None else url
    with _naming("--loki", AddressError):
        split_credentials(url)
    return url


def _backend(url: str | None, token: str | None) -> tuple[str, str, str]:
    """The address to read from and the token for it, or two empty texts for the database here; and a notice."""
    given = "BACKEND_URL" if url is None else "--backend"
    url = settings.BACKEND_URL if url is None else url
    if not url:
        if token is not None:
            raise UsageError("--token needs --backend, which is not given")
        return "", "", ""
    with _naming(given, AddressError):
        url = check_address(url)
    if is_this_site(url, settings.PUBLIC_URL):
        return "", "", f"{given} {url} is this site: its database is read here"
    token = token or settings.SHIPPING_TOKEN or ""
    if not token:
        raise UsageError(
            f"{given} needs --token, or the setting SHIPPING_TOKEN; this site itself is {settings.PUBLIC_URL}"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError("--token contains characters that no token has")
    return url, token, ""


def _names(given: list[str] | None, *, remote: bool) -> list[str]:
    if not given:
        return sorted(sources())
    names = list(dict.fromkeys(given))
    if not remote:  # another LogSite may have other sources, and says itself what it lacks
        for name in names:
            with _naming("--source"):
                get_source(name)
    return names


def _window(since: str | None, until: str | None, now: datetime) -> Window:
    with _naming("--since"):
        start = None if since is None else parse_moment(since, now)
    with _naming("--until"):
        end = None if until is None else parse_moment(until, now)
    window = Window(start, end)
    if window.since and window.until and window.since >= window.until:
        raise UsageError("--until must be after --since")
    return window


def _batch_size(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= PAGE:
        raise UsageError(f"--batch-size must be a whole number from 1 to {PAGE}, got {text[:20]!r}")
    return int(text)
