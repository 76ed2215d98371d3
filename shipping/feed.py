"""Where records are read: the database here, or another LogSite over HTTP."""

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Any, Protocol

from logsite.audit import SITE
from logsite.records import EVER, Cursor, CursorError, LogRecord, LogSource, Parts, SourceView, Window
from logsite.tables.octets import fitting, text_bytes
from shipping.errors import Misconfigured, Refused, TooLarge
from shipping.http import Answer, BearerAuth, NotPlainJson, ask, judge, new_session, read_json
from shipping.retry import Retry

LEFT_CAP = 10_000  # what waits is counted up to here: counting millions costs more than it tells
FEED_PATH = "/api/monitoring/logs"
PAGE = 5000  # the feed's largest page
PAGE_BYTES = 16 * 1024**2
HIGHEST = 2**63  # ids and times are of 64 bits

Page = list[tuple[Cursor, LogRecord]]


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


@dataclass(eq=False)
class LocalFeed:
    """The rows of this site's own database. A page has at most `page_bytes`, or a single record."""

    source: LogSource
    window: Window = EVER
    _: KW_ONLY
    page_bytes: int = PAGE_BYTES

    def __post_init__(self) -> None:
        self.view = self.source.view(SITE)

    @property
    def key(self) -> str:
        return f"{self.source.name} {self.window}" if self.window else self.source.name

    def read(self, cursor: Cursor, limit: int) -> Page:
        page, _ = read_page(self.view, cursor, limit, self.window, page_bytes=self.page_bytes)
        return page

    def left(self, cursor: Cursor) -> int:
        return count_left(self.view, cursor, self.window)


def read_page(
    view: SourceView, cursor: Cursor, limit: int, window: Window, *, page_bytes: int
) -> tuple[Page, bool]:
    """Up to `limit` committed records of the source after `cursor`, and whether there are more. Raises CursorError.

    The page ends before the record by which the texts of its rows would exceed `page_bytes`; the first record is in
    the page whatever its size.
    """
    rows = view.rows_after(cursor, window)
    rows = rows.select_related(None).order_by("xact", "id")
    sizes = list(rows.values_list(text_bytes(rows.model), flat=True)[: limit + 1])
    count = fitting(sizes[:limit], page_bytes)
    if not count:
        return [], False
    page = view.committed_after(cursor, count, window)
    return page, count < len(sizes)


def count_left(view: SourceView, cursor: Cursor, window: Window = EVER) -> int:
    """Committed rows of the source after `cursor`, counted up to LEFT_CAP + 1. Raises CursorError."""
    rows = view.rows_after(cursor, window)
    return rows.select_related(None).order_by()[: LEFT_CAP + 1].count()


@dataclass(eq=False, repr=False)
class BackendFeed:
    """Another LogSite's `GET /api/monitoring/logs`. A page has at most `page_bytes`, packed and unpacked."""

    url: str
    token: InitVar[str]
    name: str
    retry: Retry
    _: KW_ONLY
    timeout: float
    window: Window = EVER
    page_bytes: int = PAGE_BYTES

    def __post_init__(self, token: str) -> None:
        self._page = PAGE  # entries that lately fitted into page_bytes
        self._end: Cursor | None = None
        self._session = new_session(BearerAuth(token, "Token"))

    def __repr__(self) -> str:
        return f"BackendFeed({self.url!r}, {self.name!r})"

    def __str__(self) -> str:
        return f"LogSite at {self.url}"

    @property
    def key(self) -> str:
        key = f"{self.name}@{self.url}"
        return f"{key} {self.window}" if self.window else key

    def read(self, cursor: Cursor, limit: int) -> Page:
        """A page of `limit` entries, or of fewer where they are larger than `page_bytes`."""
        while True:
            size = min(limit, self._page)
            try:
                page = self._read(cursor, size)
            except TooLarge as error:
                if size == 1:
                    raise Misconfigured(f"{error}, for a single entry") from None
                self._page = max(size // 4, 1)
            else:
                self._page = min(max(self._page, size * 2 if len(page) == size else 0), PAGE)
                self._end = None if page else cursor
                return page

    def _read(self, cursor: Cursor, limit: int) -> Page:
        query = {"source": self.name, "cursor": str(cursor), "limit": str(limit)}
        # By their old names, which a LogSite before 0.5 knows as well.
        if self.window.since is not None:
            query["since"] = self.window.since.isoformat()
        if self.window.until is not None:
            query["until"] = self.window.until.isoformat()
        answer = self.retry.call(lambda: self._get(query))
        try:
            return page_of(answer, self.name, cursor, limit)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._no_feed() from None

    def left(self, cursor: Cursor) -> int | None:
        """0 where the feed was last seen to end; else not known without reading it all."""
        return 0 if cursor == self._end else None

    def _get(self, query: dict[str, str]) -> Any:
        url = self.url + FEED_PATH
        answer = ask(
            self._session, str(self), "GET", url, timeout=self.timeout, limit=self.page_bytes, params=query
        )
        try:
            judge(str(self), answer)
        except (Refused, TooLarge) as error:
            raise self._bad_request(answer, str(error)) from None
        if answer.unreadable:
            raise self._no_feed(f": {answer.unreadable}")
        if not answer.whole:
            raise TooLarge(f"{self} answered with more than SHIPPING_PAGE_BYTES, {self.page_bytes:,} bytes")
        try:
            return read_json(answer.body)
        except NotPlainJson as error:
            if error.too_many:
                raise TooLarge(f"{self} answered with too many values") from None
            raise self._no_feed() from None

    def _no_feed(self, why: str = "") -> Misconfigured:
        return Misconfigured(f"{self} did not answer like the feed of a LogSite{why}")

    def _bad_request(self, answer: Answer, reason: str) -> Exception:
        """A 400 of the feed names the parameter: the cursor's is one of its own, the rest is a setting."""
        try:
            fields = read_json(answer.body)
        except NotPlainJson:
            fields = None
        if isinstance(fields, dict) and "cursor" in fields:
            return CursorError(f"{self}: {re.sub(r'[^ -~«»]', ' ', str(fields['cursor']))[:300]}")
        return Misconfigured(f"{self} refuses the request: {reason[:200]}")


def page_of(answer: Any, name: str, cursor: Cursor, limit: int) -> Page:
    """The records of a page of source `name`, asked for from `cursor` on.

    Raises KeyError, TypeError, ValueError or AttributeError for what is no such page: an empty page of another API
    would say that all is shipped, and one that is said again would be shipped for ever.
    """
    Cursor.parse(answer["next_cursor"])
    if answer["source"] != name or len(answer["results"]) > limit:
        raise ValueError("not the page that was asked for")
    page = [(Cursor.parse(item["cursor"]), record_of(item)) for item in answer["results"]]
    before = cursor
    for place, record in page:
        if place <= before or record.source != name:
            raise ValueError("a record of another place")
        before = place
    return page


def record_of(item: Mapping[str, Any]) -> LogRecord:
    """The record that an item of the feed's `results` stands for. Raises as `page_of` does."""
    record = LogRecord(
        id=int(item["id"]),
        source=str(item["source"]),
        timestamp=int(item["timestamp"]),
        level=str(item["level"]),
        message=str(item["message"]),
        labels={str(name): str(value) for name, value in item["labels"].items()},
        attributes=dict(item["attributes"].items()),
        parts=_parts_of(item.get("parts")),  # LogSite 0.3 has none
    )
    if not (0 < record.id < HIGHEST and 0 <= record.timestamp < HIGHEST):
        raise ValueError("an id or a time beyond 64 bits")
    return record


def _parts_of(item: Any) -> Parts | None:
    if item is None:
        return None
    parts = Parts(item["step"], item["command"], item["exit_code"], item["stdout"], item["stderr"])
    kinds = (int, str, int | None, str | None, str | None)
    if not all(isinstance(value, kind) for value, kind in zip(parts, kinds, strict=True)):
        raise TypeError("a part of another kind")
    return parts
