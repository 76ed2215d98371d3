"""An export from its first entry to its last, on record from begin to end.

1. Each page of a source is on record, with the number of its entries, before the first byte of it leaves.
2. Entries of all sources come in one order: time, source, id.
3. The end is on record, with the number of entries that left and whether the export is whole; also where the reader
   goes away, loses the right, or a source does not answer.
"""

import logging
import uuid
from collections.abc import Callable, Generator, Iterator
from heapq import merge
from urllib.parse import urlencode

from django.db import Error

from console.export.formats import new_format
from console.export.options import Options
from console.export.pages import Incomplete, SourcePages
from console.export.rights import Rights
from console.export.selection import select
from logsite.audit import Reader
from logsite.records import LogRecord, SourceView, entry_of
from logsite.records.search import place_of

log = logging.getLogger(__name__)
BLOCK_CHARACTERS = 64 * 1024
WHAT, WHAT_END = "export", "export end"


class Export:
    """An export for `reader`; `count` is the number of entries in the blocks that were given out.

    `is_stopped` ends it between two blocks. `is_logged_in` is asked before each page. `target` says in the audit
    where the file is. Raises as `select` does; nothing is read yet then.
    """

    def __init__(
        self,
        reader: Reader,
        options: Options,
        *,
        is_stopped: Callable[[], bool] = lambda: False,
        is_logged_in: Callable[[], bool] | None = None,
        target: str = "",
    ) -> None:
        self.options, self.reader = options, reader
        self.selection = select(reader, options)
        self.rights = Rights(reader, self.selection.views, is_logged_in)
        self.is_stopped, self.target = is_stopped, target
        self.id = uuid.uuid4().hex[:12]
        self.count = 0
        self._format = new_format(options.format, escape_formulas=options.escape_formulas)
        self._given = dict.fromkeys((view.name for view in self.selection.views), 0)

    @property
    def content_type(self) -> str:
        return self._format.content_type

    def blocks(self) -> Generator[str, None, None]:
        """The file, in pieces of about BLOCK_CHARACTERS. Close it where nobody wants the rest.

        Raises Incomplete, or the database's error: what came before is not a whole file.
        """
        state = "incomplete: the reader went away"
        try:
            yield from self._blocks()
            state = "complete"
        except Exception as error:
            state = f"incomplete: {error if isinstance(error, Incomplete) else type(error).__name__}"
            raise
        finally:
            self._note_end(state)

    def _blocks(self) -> Iterator[str]:
        pieces, size, waiting = [self._format.head()], 0, dict.fromkeys(self._given, 0)
        for record in merge(*map(self._records, self.selection.views), key=place_of):
            pieces.append(self._format.entry(entry_of(record)))
            size += len(pieces[-1])
            waiting[record.source] += 1
            if size >= BLOCK_CHARACTERS:
                yield self._given_out(pieces, waiting)
                pieces, size, waiting = [], 0, dict.fromkeys(self._given, 0)
        total = self.count + sum(waiting.values())
        yield self._given_out([*pieces, self._format.tail(total)], waiting)

    def _given_out(self, pieces: list[str], waiting: dict[str, int]) -> str:
        self._check_stopped()
        for name, number in waiting.items():
            self._given[name] += number
            self.count += number
        return "".join(pieces)

    def _records(self, view: SourceView) -> Iterator[LogRecord]:
        condition = self.selection.conditions[view.name]
        return iter(SourcePages(view, condition, self.options.window, self._before_page, self._note_page))

    def _before_page(self) -> None:
        self._check_stopped()
        self.rights.check()

    def _check_stopped(self) -> None:
        if self.is_stopped():
            raise Incomplete("interrupted")

    def _note_page(self, view: SourceView, page: list[LogRecord]) -> None:
        view.note(WHAT, self.options.query, len(page), page, filters=self._filters())

    def _note_end(self, state: str) -> None:
        """What left of each source. The query is with the pages: here it would count as one more search."""
        log.info("export %s of %s: %d entries, %s", self.id, self.reader, self.count, state)
        try:
            for view in self.selection.views:
                view.note(WHAT_END, "", self._given[view.name], filters=self._filters(state=state))
        except Error:
            log.exception("the end of export %s is not on record: %s", self.id, state)
            raise

    def _filters(self, **more: str) -> str:
        found = {"export": self.id, **more} | ({"file": self.target} if self.target else {})
        return "&".join(filter(None, (urlencode(found), self.options.filters())))
