"""One export: its pages, oldest first, in constant memory, with the reader's rights looked at again for each page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.contrib.auth import get_user_model
from django.utils import timezone

from console.asking import Asked
from console.export.formats import Form
from logsite.records import LogRecord, Place, SourceView, Window
from logsite.records.search import Search, SearchPage, place_of

FIRST_ROWS, MAX_ROWS = 100, 1000
PAGE_BYTES = 4 * 1024**2  # of a page's text, about: long entries are read in smaller pages
ENTRY_BYTES = 500  # that an entry takes beside its message, about
TRIES = 2  # at a page of which a source was late


class ExportFailed(Exception):
    """The export ends before its end: what was written so far lacks the mark of a whole file."""


@dataclass
class Export:
    """The entries that were asked for, in the form called `name`. `number` counts those written so far.

    An export without an end of time ends with what is there when it begins.
    """

    asked: Asked
    form: Form
    name: str
    counts: Counter[str] = field(default_factory=Counter)  # written so far, by source
    complete: bool = False
    search: Search = field(init=False)

    def __post_init__(self) -> None:
        search = self.asked.search
        if search.window.until is None:
            search = replace(search, window=Window(search.window.since, timezone.now()))
        self.search = search

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def pieces(self) -> Iterator[str]:
        """The file piece by piece. Raises ExportFailed, and the database's errors.

        That the export begins is on record before the first piece, and how it ended afterwards, also where nobody
        takes the rest.
        """
        pages = self._pages()
        records = next(pages)
        self._note("begins", records)
        try:
            yield self.form.begin
            yield self._text(records)
            for records in pages:
                self._note_responses(records)
                yield self._text(records)
            yield self.form.end(self.number)
            self.complete = True
        finally:
            self._note("complete" if self.complete else "incomplete")

    def _text(self, records: list[LogRecord]) -> str:
        before = self.form.between if self.number and records else ""
        self.counts.update(record.source for record in records)
        return before + self.form.between.join(map(self.form.entry, records))

    def _pages(self) -> Iterator[list[LogRecord]]:
        place: Place | None = None
        limit = FIRST_ROWS
        while True:
            self._check_rights()
            page = self._page(place, limit)
            yield page.records
            if page.next is None:
                return
            place, limit = place_of(page.records[-1]), _rows_of(page.records)

    def _page(self, place: Place | None, limit: int) -> SearchPage:
        for _ in range(TRIES):
            page = self.search.page(after=place, limit=limit, newest_first=False)
            if not page.late_sources:
                return page
        raise ExportFailed(
            f"the source {page.late_sources[0]} does not answer in time: narrow the time range"
        )

    def _check_rights(self) -> None:
        """Raises ExportFailed where the reader has lost a right since the export began."""
        reader = self.search.views[0].reader
        if reader.user is None:
            return
        user = get_user_model().objects.filter(pk=reader.user.pk, is_active=True).first()
        now = replace(reader, user=user)
        for view in self.search.views:
            needed = [view.source.permission]
            needed += [each.permission for name, each in view.fields.items() if name not in view.withheld]
            if user is None or not all(map(now.holds, needed)):
                raise ExportFailed(f"{reader} has lost a permission while the export ran")

    def _note(self, state: str, records: Sequence[LogRecord] = ()) -> None:
        for view in self.search.views:
            self._note_in(view, state, self.counts[view.name], records)

    def _note_responses(self, records: list[LogRecord]) -> None:
        """Who saw what devices answered has a record of its own, to which each page adds."""
        for view in self.search.views:
            shown = [record for record in records if record.source == view.name and record.parts]
            if shown and not view.withheld:
                self._note_in(view, "goes on", self.counts[view.name], shown)

    def _note_in(self, view: SourceView, state: str, count: int, records: Sequence[LogRecord]) -> None:
        shown = [record for record in records if record.source == view.name]
        filters = "&".join(filter(None, [self.asked.filters, f"format={self.name}", f"state={state}"]))
        view.note("export", self.search.text, count, shown, filters=filters)


def _rows_of(records: list[LogRecord]) -> int:
    """How many rows of that size a page may have."""
    size = sum(len(record.message) for record in records) // max(1, len(records)) + ENTRY_BYTES
    return max(1, min(MAX_ROWS, PAGE_BYTES // size))
