"""The parameters of /api/v2/logs/: what is asked for, or a 400 that names the parameter."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from console.entry_pages import PageCursor
from logsite.api.filters import refuse_unknown
from logsite.records import LEVELS, Window
from logsite.records.levels import BESIDE, levels_from
from logsite.records.query import QueryError
from logsite.text.moments import parse_moment
from logsite.text.storable import is_whole

# Each parameter with its old names. Where several of them are given, they say the same.
NAMES = {
    "query": ("query", "search_query", "search", "text"),
    "start_time": ("start_time", "since"),
    "end_time": ("end_time", "until"),
}
TIMES = ("range", *NAMES["start_time"], *NAMES["end_time"])
FIELDS = ("category", "app")  # parameters that are a field of the entries
SEARCH = ("level", *FIELDS, "source", *NAMES["query"], *TIMES)
PAGE = ("limit", "cursor", "order")
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
MAX_VALUES = 100  # of a parameter that may be repeated
VALUE_CHARACTERS = 1000
ORDERS = ("newest", "oldest")
_RANGE = re.compile(r"[0-9]{1,6}[smhdw]")  # 15m, 1h, 7d
_INTEGER = re.compile(r"[0-9]{1,9}")  # 100


@dataclass(frozen=True)
class Asked:
    """What is searched. `text_name` is the parameter by which the query came, `filters` the others, for the record.

    `now` is the moment from which a `range` counts.
    """

    text: str
    text_name: str
    window: Window
    now: datetime
    filters: str
    sources: tuple[str, ...] = ()
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class AskedPage:
    limit: int
    newest_first: bool
    cursor: PageCursor | None


def refused(name: str, reason: str) -> ValidationError:
    return ValidationError({name: [reason]})


def asked(request: Request, others: Iterable[str] = ()) -> Asked:
    """The parameters that every address over all sources takes; `others` are those of this one."""
    refuse_unknown(request, {*SEARCH, *others, "format"})
    given, now = request.query_params, timezone.now()
    text_name, text = _text(given)
    only = {name: values for name in FIELDS if (values := repeated(given, name))}
    if levels := _levels(given):
        only["level"] = levels
    return Asked(text, text_name, _window(given, now), now, _filters(given), repeated(given, "source"), only)


def asked_page(request: Request) -> AskedPage:
    """`limit`, `order` and `cursor`."""
    given = request.query_params
    order = single(given, "order")
    order = ORDERS[0] if order is None else order
    if order not in ORDERS:
        raise refused("order", f"{order[:60]!r} is no order; orders: {', '.join(ORDERS)}")
    return AskedPage(limit(given), order == ORDERS[0], _cursor(given))


def limit(given: QueryDict) -> int:
    return whole_number(given, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT)


def whole_number(given: QueryDict, name: str, low: int, high: int, default: int) -> int:
    text = single(given, name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise refused(name, f"must be a whole number from {low:,} to {high:,}")
    return int(text)


def single(given: QueryDict, name: str) -> str | None:
    """The value of a parameter that may be given once; None where it is not given."""
    values = given.getlist(name)
    if len(values) > 1:
        raise refused(name, "is given more than once")
    return values[0] if values else None


def repeated(given: QueryDict, name: str) -> tuple[str, ...]:
    """The values of a parameter that may be given several times, each once."""
    values = given.getlist(name)
    if len(values) > MAX_VALUES:
        raise refused(name, f"has more than {MAX_VALUES} values")
    found = tuple(dict.fromkeys(values))
    for value in found:
        if not value or len(value) > VALUE_CHARACTERS:
            raise refused(name, f"must have 1 to {VALUE_CHARACTERS:,} characters")
        if "\0" in value or not is_whole(value):
            raise refused(name, "has a character that no text holds")
    return found


def _levels(given: QueryDict) -> tuple[str, ...]:
    """Of one level that and the more severe ones, as a query `level:>=ERROR`; of several exactly these.

    SECURITY and AUDIT are no severities: alone each means itself.
    """
    names = [value.upper() for value in repeated(given, "level")]
    try:
        found = [levels_from(name) for name in names]
    except ValueError as error:
        raise refused("level", str(error)) from None
    if len(names) == 1 and names[0] not in BESIDE:
        return found[0]
    return tuple(level for level in LEVELS if level in names)


def _text(given: QueryDict) -> tuple[str, str]:
    """The name of the parameter that has the query, and the query. Raises QueryError where it is given twice."""
    found: dict[str, str] = {}
    for name in NAMES["query"]:
        values = given.getlist(name)
        if len(values) > 1:
            error = QueryError(
                0, f"the parameter {name} is given more than once", "join the queries with AND"
            )
            error.field = name
            raise error
        found |= dict.fromkeys([name], *values) if values else {}
    _refuse_different("query", found)
    return next(iter(found.items()), ("query", ""))


def _refuse_different(name: str, found: dict[str, str]) -> None:
    if len(set(found.values())) > 1:
        others = ", ".join(each for each in found if each != name)
        raise refused(
            next(reversed(found)), f"{name} and {others} mean the same and differ; give one of them"
        )


def _window(given: QueryDict, now: datetime) -> Window:
    since, until = _moment(given, "start_time", now), _moment(given, "end_time", now)
    text = single(given, "range")
    if text is not None:
        if since is not None or until is not None:
            raise refused("range", "counts from now; give either range, or start_time and end_time")
        since = _ago(text, now)
    if since is not None and until is not None and until <= since:
        [name] = [each for each in NAMES["end_time"] if each in given][:1]
        raise refused(name, "must be later than the start of the time range")
    return Window(since, until)


def _moment(given: QueryDict, name: str, now: datetime) -> datetime | None:
    found = {each: text for each in NAMES[name] if (text := single(given, each)) is not None}
    moments: dict[str, datetime] = {}
    for each, text in found.items():
        try:
            moments[each] = parse_moment(text, now)
        except ValueError as error:
            raise refused(each, str(error)) from None
    if len(set(moments.values())) > 1:
        _refuse_different(name, found)
    return next(iter(moments.values()), None)


def _ago(text: str, now: datetime) -> datetime:
    if _RANGE.fullmatch(text):
        try:
            return parse_moment(text, now)
        except ValueError:
            pass  # longer ago than the year 1
    raise refused("range", f"{text[:60]!r} is not a time range such as 15m, 1h or 7d")


def _cursor(given: QueryDict) -> PageCursor | None:
    text = single(given, "cursor")
    try:
        return None if text is None else PageCursor.parse(text)
    except ValueError as error:
        raise refused("cursor", str(error)) from None


def _filters(given: QueryDict) -> str:
    """The parameters beside the query, for the record."""
    others = given.copy()
    for name in NAMES["query"]:
        others.pop(name, None)
    return others.urlencode()
