"""What rooms show on pages of another room: cards, panels, badges, and hits of the global find.

An app registers functions in its `AppConfig.ready`, each with the permission that a reader needs; the page that shows
their results knows no app. A function that raises is logged and takes no other one down: a result that says so stands
in its place.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Case, Count, F, Q, QuerySet, When, Window
from django.urls import reverse
from django.utils import timezone

from logsite.audit import Reader
from logsite.tables.deadlines import TooSlow, reading_within
from logsite.text.storable import is_whole
from logsite.text.terminal import one_line

CACHED_SECONDS = 5
RESULT_SECONDS = 5.0  # that one function may read
PANEL_ROWS = 8
FINDER_HITS = 8  # of each finder
TEXT_CHARACTERS = 300  # of a text on a card, in a cell, in a hit; the page behind the link has all of it
FIND_CHARACTERS = 255  # a longer text names nothing: no name is longer

log = logging.getLogger(__name__)


def shown(text: str) -> str:
    """The beginning of `text` in one line, printable and never marked as safe HTML."""
    plain = one_line(str(text))
    return plain if len(plain) <= TEXT_CHARACTERS else f"{plain[:TEXT_CHARACTERS]}…"


class Link(NamedTuple):
    """A cell that leads to `url`."""

    text: str
    url: str


Cell = str | int | datetime | Link | None


def _cell(value: Cell) -> Cell:
    if isinstance(value, Link):
        return Link(shown(value.text), value.url)
    return shown(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Card:
    """The state of something in a sentence. A card that is `ok` is quiet.

    `since` is the last time that all was well, or the time of the fault; None where neither is known. `why` is the
    reason, `url` the page that has more, or empty. Texts are plain: a page has to escape them.
    """

    text: str
    since: datetime | None = None
    why: str = ""
    url: str = ""
    ok: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", shown(self.text))
        object.__setattr__(self, "why", shown(self.why))


@dataclass(frozen=True)
class Hit:
    """Something that was found; `kind` is one word for what it is, `url` its page."""

    title: str
    url: str
    kind: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", shown(self.title))


@dataclass(frozen=True)
class Panel:
    """A table of the first PANEL_ROWS rows; `url` is the page that has all. `panels` fills in `kind`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    url: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        rows = tuple(tuple(_cell(value) for value in row) for row in self.rows[:PANEL_ROWS])
        object.__setattr__(self, "rows", rows)


@dataclass(frozen=True)
class Badge:
    """A number in the header; None where it is not known."""

    title: str
    number: int | None
    url: str = ""


@dataclass(frozen=True)
class Registered:
    """A function of a room. `queries` is how many it may make in the database at most, which a test counts."""

    call: Callable[..., Any]
    permission: str
    queries: int = 0
    kind: str = ""

    @property
    def name(self) -> str:
        """Such as `devices.pages.devices_failed`."""
        return f"{self.call.__module__}.{getattr(self.call, '__qualname__', repr(self.call))}"


_cards: list[Registered] = []
_finders: list[Registered] = []
_panels: list[Registered] = []
_badges: list[Registered] = []


def register_card(fn: Callable[[Reader], Card], *, permission: str, queries: int) -> None:
    """Make a card known. `fn` makes at most `queries` queries, however many rows there are."""
    _cards.append(Registered(fn, permission, queries))


def register_finder(fn: Callable[[str, Reader], list[Hit]], *, permission: str) -> None:
    """Make a finder known: `fn` returns what a text names, nothing for a text of another shape."""
    _finders.append(Registered(fn, permission))


def register_panel(kind: str, fn: Callable[[Reader], Panel], *, permission: str, queries: int) -> None:
    """Make a panel known by its `kind`. `fn` makes at most `queries` queries, however many rows there are."""
    _panels.append(Registered(fn, permission, queries, kind))


def register_badge(fn: Callable[[Reader], Badge], *, permission: str) -> None:
    """Make a badge known."""
    _badges.append(Registered(fn, permission))


def may(reader: Reader, permission: str) -> bool:
    """Whether `reader` holds `permission`: the site itself holds all, and nobody none."""
    return _is_the_site(reader) if reader.user is None else bool(reader.user.has_perm(permission))


def _is_the_site(reader: Reader) -> bool:
    return reader.user is None and reader.via in ("system", "cli")


def cards(reader: Reader) -> list[Card]:
    """The cards that `reader` may see, at most CACHED_SECONDS old."""
    return _cached("cards", reader, _cards, _broken_card)


def panels(reader: Reader) -> list[Panel]:
    """The panels that `reader` may see, at most CACHED_SECONDS old."""
    return _cached("panels", reader, _panels, _broken_panel)


def badges(reader: Reader) -> list[Badge]:
    """The badges that `reader` may see, at most CACHED_SECONDS old."""
    return _cached("badges", reader, _badges, _broken_badge)


def find(text: str, reader: Reader) -> list[Hit]:
    """What `text` names, by all finders that `reader` may ask; not cached."""
    text = text.strip()
    if not text or len(text) > FIND_CHARACTERS or "\0" in text or not is_whole(text):
        return []
    found: list[Hit] = []
    for finder in _finders:
        if may(reader, finder.permission):
            found += _result(finder, _broken_finder, text, reader)[:FINDER_HITS]
    return found


# --- One result for each function ---------------------------------------------------------------------------

Result = TypeVar("Result")


def _cached(
    what: str, reader: Reader, registered: Sequence[Registered], broken: Callable[[Registered], Result]
) -> list[Result]:
    key = f"pages.{what}.{timezone.get_current_timezone_name()}.{_rights(reader)}"  # links hold local times
    found: list[Result] | None = cache.get(key)
    if found is None:
        found = [_result(each, broken, reader) for each in registered if may(reader, each.permission)]
        cache.set(key, found, CACHED_SECONDS)
    return found


def _rights(reader: Reader) -> str:
    """Who `reader` is and what they may do: a permission that is taken away takes away what was cached with it."""
    if reader.user is None:
        return "site" if _is_the_site(reader) else "nobody"
    if reader.user.is_active and reader.user.is_superuser:
        return f"{reader.user.pk}.all"
    permissions = " ".join(sorted(reader.user.get_all_permissions()))
    return f"{reader.user.pk}.{hashlib.sha256(permissions.encode()).hexdigest()}"


def _result(registered: Registered, broken: Callable[[Registered], Any], *arguments: Any) -> Any:
    """What the function returns; what `broken` makes of it where the function raises."""
    try:
        # On PostgreSQL this is a savepoint: a query that fails would break the page's transaction.
        with reading_within(RESULT_SECONDS):
            found = registered.call(*arguments)
            return replace(found, kind=registered.kind) if registered.kind else found
    except TooSlow as error:
        log.warning("%s: %s", registered.name, error)
        return broken(registered)
    except Exception as error:
        log.error("%s failed", registered.name, exc_info=error)
        return broken(registered)


def _fault(registered: Registered) -> str:
    return f"internal error in {registered.name}"


MORE = "the log of this process has more"


def _broken_card(registered: Registered) -> Card:
    return Card(_fault(registered), why=MORE, ok=False)


def _broken_panel(registered: Registered) -> Panel:
    return Panel(_fault(registered), ("error",), ((MORE,),), kind=registered.kind)


def _broken_badge(registered: Registered) -> Badge:
    return Badge(_fault(registered), None)


def _broken_finder(registered: Registered) -> list[Hit]:
    return [Hit(f"{_fault(registered)}; {MORE}", "", "error")]


# --- What the functions share -------------------------------------------------------------------------------


def page_url(page: str, *args: Any, **query: Any) -> str:
    """The address of the admin's `page`, such as devices_device_changelist; `query` sets the filters of a list."""
    path = reverse(f"admin:{page}", args=args)
    return f"{path}?{urlencode(query)}" if query else path


def filter_time(moment: datetime) -> str:
    """`2026-01-31T12:00:00` in the viewer's zone, as the time filters of the admin's lists show it."""
    return timezone.localtime(moment).isoformat()[:19]


def counted(number: int, one: str, many: str) -> str:
    """`1 entry`, `2,454 entries`."""
    return f"{number:,} {one if number == 1 else many}"


def longest_bad(rows: QuerySet[Any], bad: Q, since: str, *columns: str) -> dict[str, Any]:
    """By one query: the number of rows (`total`), how many of them are `bad`, and `since` and `columns` of the first.

    The first row is the bad one whose `since` is the oldest; those without any come last. Without a row there are
    no columns.
    """
    counts = {"total": Window(Count("pk")), "bad": Window(Count("pk", filter=bad))}
    order = (Case(When(bad, then=0), default=1), F(since).asc(nulls_last=True), "pk")
    found = rows.annotate(**counts).order_by(*order).values("total", "bad", since, *columns).first()
    return dict(found or {"total": 0, "bad": 0})
