"""Where records are read: the database here, or another LogSite over HTTP."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import requests

from logsite.records import Cursor, CursorError, LogRecord, LogSource, Parts, committed
from shipping.errors import Misconfigured, Refused, TooLarge
from shipping.loki import BearerAuth, judge, network_fault
from shipping.retry import Retry

LEFT_CAP = 10_000  # what waits is counted up to here: counting millions costs more than it tells
FEED_PATH = "/api/monitoring/logs"
PAGE = 5000  # the feed's largest page

Page = list[tuple[Cursor, LogRecord]]


@dataclass(frozen=True, slots=True)
class Window:
    """Records with `since` <= timestamp < `until`; None leaves that side open."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def __str__(self) -> str:
        return "/".join(moment.isoformat() if moment else "" for moment in (self.since, self.until))


class Feed(Protocol):
    """A source of records to ship. `key` names its cursor."""

    window: Window

    @property
    def key(self) -> str:
        """The name of its cursor."""

    def read(self, cursor: Cursor, limit: int) -> Page:
        """Up to `limit` committed records after `cursor`, each with its own; empty when there is nothing."""

    def left(self, cursor: Cursor) -> int | None:
        """How many records wait after `cursor`, counted up to LEFT_CAP + 1; None where it is not known."""


class LocalFeed:
    """The rows of this site's own database."""

    def __init__(self, source: LogSource, window: Window | None = None) -> None:
        self.source = source
        self.window = window or Window()

    @property
    def key(self) -> str:
        return f"{self.source.name} {self.window}" if self.window else self.source.name

    def read(self, cursor: Cursor, limit: int) -> Page:
        return self.source.committed_after(cursor, limit, since=self.window.since, until=self.window.until)

    def left(self, cursor: Cursor) -> int:
        return count_left(self.source, cursor, self.window)


def count_left(source: LogSource, cursor: Cursor, window: Window | None = None) -> int:
    """Committed rows of `source` after `cursor`, counted up to LEFT_CAP + 1. Raises CursorError."""
    window = window or Window()
    rows = committed(source.queryset().select_related(None), cursor)
    if window.since is not None:
        rows = rows.filter(timestamp__gte=window.since)
    if window.until is not None:
        rows = rows.filter(timestamp__lt=window.until)
    return rows.order_by()[: LEFT_CAP + 1].count()


class BackendFeed:
    """Another LogSite's `GET /api/monitoring/logs`."""

    def __init__(
        self, url: str, token: str, name: str, retry: Retry, *, timeout: float, window: Window | None = None
    ) -> None:
        self.url = url
        self.name = name
        self.retry = retry
        self.timeout = timeout
        self.window = window or Window()
        self._end: Cursor | None = None
        self._session = requests.Session()
        self._session.auth = BearerAuth(token, "Token")

    def __repr__(self) -> str:
        return f"BackendFeed({self.url!r}, {self.name!r})"

    def __str__(self) -> str:
        return f"LogSite at {self.url}"

    @property
    def key(self) -> str:
        key = f"{self.name}@{self.url}"
        return f"{key} {self.window}" if self.window else key

    def read(self, cursor: Cursor, limit: int) -> Page:
        query = {"source": self.name, "cursor": str(cursor), "limit": str(min(limit, PAGE))}
        if self.window.since is not None:
            query["since"] = self.window.since.isoformat()
        if self.window.until is not None:
            query["until"] = self.window.until.isoformat()
        answer = self.retry.call(lambda: self._get(query))
        try:
            page = [(Cursor.parse(item["cursor"]), record_of(item)) for item in answer["results"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Misconfigured(f"{self} did not answer as a LogSite's feed does") from None
        self._end = None if page else cursor
        return page

    def left(self, cursor: Cursor) -> int | None:
        """0 where the feed was last seen to end; else not known without reading it all."""
        return 0 if cursor == self._end else None

    def _get(self, query: dict[str, str]) -> dict[str, Any]:
        try:
            response = self._session.get(
                self.url + FEED_PATH, params=query, timeout=self.timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise network_fault(str(self), error, self.timeout) from None
        try:
            judge(str(self), response)
        except (Refused, TooLarge) as error:
            raise self._bad_request(response, str(error)) from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise Misconfigured(f"{self} did not answer as a LogSite's feed does")
        return answer

    def _bad_request(self, response: requests.Response, reason: str) -> Exception:
        """A 400 of the feed names the parameter: the cursor's is one of its own, the rest is a setting."""
        try:
            fields = response.json()
        except ValueError:
            fields = None
        if isinstance(fields, dict) and "cursor" in fields:
            return CursorError(f"{self}: {re.sub(r'[^ -~«»]', ' ', str(fields['cursor']))[:300]}")
        return Misconfigured(f"{self} refuses the request: {reason[:300]}")


def record_of(item: dict[str, Any]) -> LogRecord:
    """The record that an item of the feed's `results` stands for. Raises KeyError, TypeError, ValueError."""
    return LogRecord(
        id=int(item["id"]),
        source=str(item["source"]),
        timestamp=int(item["timestamp"]),
        level=str(item["level"]),
        message=str(item["message"]),
        labels={str(name): str(value) for name, value in item["labels"].items()},
        attributes=dict(item["attributes"].items()),
        parts=_parts_of(item.get("parts")),  # an older LogSite gives none
    )


def _parts_of(item: dict[str, Any] | None) -> Parts | None:
    if item is None:
        return None
    exit_code, stdout, stderr = (item[name] for name in ("exit_code", "stdout", "stderr"))
    return Parts(
        int(item["step"]),
        str(item["command"]),
        None if exit_code is None else int(exit_code),
        None if stdout is None else str(stdout),
        None if stderr is None else str(stderr),
    )
