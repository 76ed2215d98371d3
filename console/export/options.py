"""What an export is asked for: the values of a JSON body or a command line, checked, with the field named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from logsite.records import EVER, LEVELS, Window
from logsite.text.moments import parse_moment

FORMATS = ("json", "csv", "txt")
ALIASES = {"search_query": "query", "since": "start_time", "until": "end_time"}
TEXTS = ("format", "level", "query", "category", "app", "start_time", "end_time")
NAMES = (*TEXTS, "source", "escape_formulas")
NAME_CHARACTERS = 80  # of an unknown name, in an error


class OptionErrors(ValueError):
    """Values that cannot be used; `fields` says of each name why."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields = dict(fields)


@dataclass(frozen=True)
class Options:
    """An export as it is asked for.

    `level` is the least one, in capitals; without `sources` it is of all that the reader may see. `escape_formulas`
    is of CSV alone.
    """

    format: str = "json"
    level: str = ""
    query: str = ""
    sources: tuple[str, ...] = ()
    category: str = ""
    app: str = ""
    window: Window = EVER
    escape_formulas: bool = True

    def filters(self) -> str:
        """What beside the query narrows the export, for the audit."""
        found = {
            "format": self.format,
            "level": self.level,
            "category": self.category,
            "app": self.app,
            "start_time": self.window.since and self.window.since.isoformat(),
            "end_time": self.window.until and self.window.until.isoformat(),
        }
        return urlencode({name: value for name, value in found.items() if value})


def read_options(given: Any, now: datetime) -> Options:
    """The options of a body. Raises OptionErrors with all that is wrong, by the names that the body has."""
    if not isinstance(given, Mapping):
        raise OptionErrors({"non_field_errors": 'expected an object, as {"format": "json"}'})
    values, names, wrong = _renamed(given)
    wrong |= {name: why for name, value in values.items() if (why := _wrong_type(name, value))}
    moments: dict[str, datetime] = {}
    for name in ("start_time", "end_time"):
        if name in values and name not in wrong:
            try:
                moments[name] = parse_moment(values[name], now)
            except ValueError as error:
                wrong[name] = str(error)
    if len(moments) == 2 and moments["start_time"] > moments["end_time"]:
        wrong["end_time"] = "end_time is before start_time"
    wrong |= {
        name: why for name in ("format", "level") if name not in wrong and (why := _unknown(name, values))
    }
    if wrong:
        raise OptionErrors({names.get(name, name): why for name, why in wrong.items()})
    source = values.get("source", ())
    return Options(
        format=values.get("format", "json"),
        level=values.get("level", "").upper(),
        query=values.get("query", ""),
        sources=(source,) if isinstance(source, str) else tuple(source),
        category=values.get("category", ""),
        app=values.get("app", ""),
        window=Window(moments.get("start_time"), moments.get("end_time")),
        escape_formulas=values.get("escape_formulas", True),
    )


def _renamed(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """The values by their present names, the name by which each was given, and what is wrong with the names."""
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name, value in given.items():
        known = ALIASES.get(name, name)
        if known not in NAMES:
            shown = name.encode("ascii", "backslashreplace").decode()[:NAME_CHARACTERS]
            wrong[shown] = f"unknown field; known fields: {', '.join(sorted((*NAMES, *ALIASES)))}"
        elif known in values and values[known] != value:
            wrong[name] = f"{name} and {names[known]} mean the same and differ; give one of them"
        else:
            values[known], names[known] = value, name
    return values, names, wrong


def _wrong_type(name: str, value: Any) -> str:
    """Why `name` does not take a `value` of this type; empty where it does."""
    if name == "escape_formulas":
        return "" if isinstance(value, bool) else "expected true or false"
    if name == "source":
        names = [value] if isinstance(value, str) else value
        fits = isinstance(names, list | tuple) and names and all(isinstance(each, str) for each in names)
        return "" if fits else "expected the name of a source, or a list of at least one"
    if not isinstance(value, str):
        return "expected a text"
    if "\0" in value:
        return "a text has no NUL"
    # Left out, it narrows nothing; empty, nobody knows what was meant.
    return "" if value or name == "query" else "expected a text that is not empty"


def _unknown(name: str, values: Mapping[str, Any]) -> str:
    """Why the value of `name` is unknown; empty where it is known, or not given."""
    value = values.get(name)
    if value is None:
        return ""
    if name == "format":
        return "" if value in FORMATS else f"no format {value[:40]!r}; formats: {', '.join(FORMATS)}"
    return "" if value.upper() in LEVELS else f"no level {value[:40]!r}; levels: {', '.join(LEVELS)}"
