"""One source of an export, read page by page: oldest first, by key, within limits of rows, bytes and time."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from django.db import Error, connections

from logsite.records import Key, LogRecord, SourceView, Window
from logsite.records.query import Condition
from logsite.records.stored_rows import OLDEST_FIRST
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.tables.octets import fitting, text_bytes
from logsite.tables.outages import outage

log = logging.getLogger(__name__)
PAGE_ROWS = 1000
PAGE_BYTES = 4 * 1024**2  # of the texts of a page's rows; a longer row is a page of its own
PAGE_SECONDS = 30.0
TRIES = 2
T = TypeVar("T")


class Incomplete(Exception):
    """The export ended before its end; the text says why."""


@dataclass
class SourcePages:
    """The records of `view` that `condition` finds in `window`, oldest first.

    `before_page` is called before each page is read, and raises where no more may be read; `note` before the records
    of a page are given out, for the first one even where it is empty. Raises Incomplete where the source does not
    answer in time: a source that is late leaves nothing out silently.
    """

    view: SourceView
    condition: Condition
    window: Window
    before_page: Callable[[], None]
    note: Callable[[SourceView, list[LogRecord]], None]

    def __iter__(self) -> Iterator[LogRecord]:
        place, end = None, self._patiently(self._end)
        is_first = True
        while True:
            self.before_page()
            page = self._patiently(lambda after=place: self._read(after, end))  # type: ignore[misc]
            if page or is_first:
                self.note(self.view, page or [])
            if page is None:
                return
            is_first = False
            yield from page
            place = _key(page[-1]) if page else place

    def _end(self) -> Key | None:
        """The place behind the newest entry there is now: what is stored later does not keep the export from ending.

        None where the source has no entry.
        """
        newest = self.view.page(None, self.window, limit=1)
        return Key(newest[0].timestamp, newest[0].id + 1) if newest else None

    def _read(self, after: Key | None, end: Key | None) -> list[LogRecord] | None:
        """The next page; None behind the last one. Empty where its rows were removed meanwhile."""
        if end is None:
            return None
        rows = self.view.between(self.view.rows(self.condition, self.window), after, end)
        ordered = rows.select_related(None).order_by(*OLDEST_FIRST)
        sizes = list(ordered.values_list(text_bytes(rows.model), flat=True)[:PAGE_ROWS])
        return self.view.records(rows, fitting(sizes, PAGE_BYTES), newest_first=False) if sizes else None

    def _patiently(self, read: Callable[[], T]) -> T:
        """What `read` returns, within PAGE_SECONDS or at a second try. Raises Incomplete."""
        using, why = self.view.using, ""
        for _ in range(TRIES):
            try:
                with reading_within(PAGE_SECONDS, using):
                    return read()
            except TooSlow as error:
                why = str(error)
            except Error as error:
                if (reason := outage(error)) is None:
                    raise
                why = reason
                connections[using].close_if_unusable_or_obsolete()
            log.warning("export: source %s: %s", self.view.name, why)
        raise Incomplete(f"source {self.view.name} did not answer: {why}")


def _key(record: LogRecord) -> Key:
    return Key(record.timestamp, record.id)
