"""What somebody asks for, over all sources: the parameters of a request, or the keys of an export, as a search."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from logsite.audit import Reader
from logsite.records import LEVELS, Window
from logsite.records.levels import levels_from
from logsite.records.query import Node
from logsite.records.query.tree import EVERYTHING, All, Any, Compare
from logsite.records.search import Search, views_of
from logsite.text.moments import parse_iso
from logsite.web.answers import ParameterError

OLD_NAMES = {
    "search_query": "query",
    "search": "query",
    "text": "query",
    "since": "start_time",
    "until": "end_time",
}
FIELDS = ("category", "app")  # that have a parameter of their own
SEVERAL = ("source", "level", *FIELDS)  # may be given more than once
NAMES = frozenset({"query", "start_time", "end_time", "range", *SEVERAL, *OLD_NAMES})
MAX_VALUES = 50
_RANGE = re.compile(r"(\d{1,5})([smhdw])", re.ASCII)  # 15m, 2h, 7d
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
Given = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """A search, and what of it is not the query, for the record."""

    search: Search
    filters: str


def asked(given: Given, reader: Reader, now: datetime | None = None) -> Asked:
    """The search that the parameters in `given` ask for. Raises ParameterError, QueryError, PermissionMissing."""
    given = _with_new_names(given)
    for name, values in given.items():
        _check(name, values)
    try:
        views = views_of(reader, given.get("source", ()))
    except ValueError as error:
        raise ParameterError("source", str(error)) from None
    window = _window(given, now or timezone.now())
    text = _one(given, "query")
    search = Search(views, text, window, also=_also(given))
    filters = {name: values for name, values in given.items() if name != "query"}
    words = [f"{name}={value}" for name, values in sorted(filters.items()) for value in values]
    return Asked(search, "&".join(words))


def _with_new_names(given: Given) -> dict[str, Sequence[str]]:
    """`given` without empty values, by the new names. Two names of one parameter may not differ."""
    found: dict[str, Sequence[str]] = {}
    for name, values in given.items():
        new = OLD_NAMES.get(name, name)
        values = [value for value in values if value]
        if values and found.get(new, values) != values:
            raise ParameterError(new, f"{name} and another name of {new} differ; give {new} alone")
        if values:
            found[new] = values
    return found


def _check(name: str, values: Sequence[str]) -> None:
    if name not in SEVERAL and len(values) > 1:
        hint = "; join queries with AND" if name == "query" else ""
        raise ParameterError(name, f"{name} is given more than once{hint}")
    if len(values) > MAX_VALUES:
        raise ParameterError(name, f"{name} is given more than {MAX_VALUES} times")
    if any("\0" in value for value in values):
        raise ParameterError(name, f"{name} has the character NUL")


def _one(given: Given, name: str) -> str:
    values = given.get(name) or [""]
    return values[0]


# --- time ---------------------------------------------------------------------------------------------------------


def _window(given: Given, now: datetime) -> Window:
    since, until = (_moment(given, name) for name in ("start_time", "end_time"))
    if text := _one(given, "range"):
        if since is not None or until is not None:
            raise ParameterError("range", "give range, or start_time and end_time")
        since = now - _length(text, now)
    if since is not None and until is not None and until < since:
        raise ParameterError("end_time", "end_time is before start_time")
    return Window(since, until)


def _moment(given: Given, name: str) -> datetime | None:
    if not (text := _one(given, name)):
        return None
    try:
        return parse_iso(text.strip(), UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(
            name, f"expected a time such as 2026-01-31T12:00:00Z, got {text[:60]!r}"
        ) from None


def _length(text: str, now: datetime) -> timedelta:
    match = _RANGE.fullmatch(text)
    try:
        if match is not None:
            length = timedelta(**{_UNITS[match[2]]: int(match[1])})
            now - length  # raises where it is before the year 1
            return length
    except OverflowError:
        pass
    raise ParameterError("range", f"expected a range such as 15m, 2h or 7d, got {text[:60]!r}")


# --- filters ------------------------------------------------------------------------------------------------------


def _also(given: Given) -> Node:
    parts: list[Node] = []
    if levels := given.get("level"):
        parts.append(Any(tuple(Compare("level", "=", level) for level in _levels(levels))))
    for name in FIELDS:
        if values := given.get(name):
            parts.append(Any(tuple(Compare(name, "=", value) for value in values)))
    return All(tuple(parts)) if parts else EVERYTHING


def _levels(given: Sequence[str]) -> list[str]:
    """One level means that level and above, and SECURITY and AUDIT, which are no severities; several mean these."""
    if len(given) == 1:
        try:
            return list(levels_from(given[0]))
        except ValueError as error:
            raise ParameterError("level", str(error)) from None
    for level in given:
        if level.upper() not in LEVELS:
            raise ParameterError("level", f"level {level[:60]!r} does not exist; levels: {', '.join(LEVELS)}")
    return [level.upper() for level in given]
