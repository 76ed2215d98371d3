"""Pages of a search that lead on and back."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from logsite.records import LogRecord, Place
from logsite.records.search import Search, place_of

_BACK = "back-"  # before the place from which a page goes back: back-1764498645123456789-session-4711


@dataclass(frozen=True)
class PageCursor:
    """The page that goes on behind `place` in the order of the search, or, with `back`, the one before it."""

    place: Place
    back: bool = False

    def __str__(self) -> str:
        return f"{_BACK if self.back else ''}{self.place}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str(cursor)` gave. Raises ValueError."""
        return cls(Place.parse(text.removeprefix(_BACK)), text.startswith(_BACK))


class EntryPage(NamedTuple):
    """`records` in the order asked for. Where there may be more, `next` and `previous` say from where.

    `from_start` says that the next page is the first one: nothing is before `records`, of which there are none.
    """

    records: list[LogRecord]
    next: PageCursor | None
    previous: PageCursor | None
    from_start: bool
    withheld: int
    late_sources: list[str]


def read_page(search: Search, cursor: PageCursor | None, limit: int, newest_first: bool) -> EntryPage:
    """The page of `search` at `cursor`; without one, the first."""
    if cursor is not None and cursor.back:
        return _page_before(search, cursor.place, limit, newest_first)
    place = cursor.place if cursor is not None else None
    found = search.page(**_behind(place, newest_first), limit=limit, newest_first=newest_first)
    return EntryPage(
        records=found.records,
        next=PageCursor(found.next) if found.next else None,
        previous=PageCursor(found.previous, back=True) if found.previous else None,
        from_start=False,
        withheld=found.withheld,
        late_sources=found.late_sources,
    )


def _page_before(search: Search, place: Place, limit: int, newest_first: bool) -> EntryPage:
    found = search.page(**_behind(place, not newest_first), limit=limit, newest_first=not newest_first)
    records = found.records[::-1]
    return EntryPage(
        records=records,
        next=PageCursor(place_of(records[-1])) if records else None,
        previous=PageCursor(found.next, back=True) if found.next else None,
        from_start=not records,
        withheld=found.withheld,
        late_sources=found.late_sources,
    )


def _behind(place: Place | None, newest_first: bool) -> dict[str, Place | None]:
    return {"before" if newest_first else "after": place}
