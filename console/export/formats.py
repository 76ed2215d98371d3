"""An entry in each format of an export, and how a whole file begins and ends.

A file that was cut is recognisable: JSON has no closing bracket, CSV and text have no line that counts.
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from io import StringIO
from typing import Any, ClassVar

from logsite.records.entry_json import FIELDS
from logsite.text.terminal import escaped_json, one_line

Entry = Mapping[str, Any]
COLUMNS = (
    "id",
    "source",
    "timestamp",
    "level",
    *(name for name in FIELDS if name not in ("context", "metadata", "performance_data")),
    "message",
    "context",
    "metadata",
    "performance_data",
    "labels",
    "attributes",
    "parts",
    "withheld",
)
PLACES = {name: place for place, name in enumerate(COLUMNS)}
# By these a spreadsheet takes a text for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Format(ABC):
    """One file. `content_type` is what HTTP calls it."""

    content_type: ClassVar[str]

    @abstractmethod
    def head(self) -> str:
        """The file's beginning."""

    @abstractmethod
    def entry(self, entry: Entry) -> str:
        """What stands for one entry."""

    @abstractmethod
    def tail(self, count: int) -> str:
        """The end of a whole file of `count` entries."""


class JsonFile(Format):
    """One array, an entry a line."""

    content_type = "application/json"

    def __init__(self) -> None:
        self._before = "\n"

    def head(self) -> str:
        return "["

    def entry(self, entry: Entry) -> str:
        before, self._before = self._before, ",\n"
        return before + _json(entry)

    def tail(self, count: int) -> str:
        return "\n]\n"


class CsvFile(Format):
    """RFC 4180, with a header; objects are JSON in one cell.

    Texts are in quotes, so that a spreadsheet that takes `;` for the separator does not cut a cell open. A text that
    it would take for a formula has an apostrophe in front; numbers stay as they are.
    """

    content_type = "text/csv; charset=utf-8; header=present"

    def __init__(self, *, escape_formulas: bool = True) -> None:
        self._escape = escape_formulas
        self._buffer = StringIO(newline="")
        self._writer = csv.writer(self._buffer, quoting=csv.QUOTE_NONNUMERIC)

    def head(self) -> str:
        return self._row(COLUMNS)

    def entry(self, entry: Entry) -> str:
        cells: list[str | int | float] = [""] * len(COLUMNS)
        for name, value in entry.items():  # most columns are empty
            cells[PLACES[name]] = self._cell(value)
        return self._row(cells)

    def tail(self, count: int) -> str:
        return self._row([complete(count), *[""] * (len(COLUMNS) - 1)])

    def _cell(self, value: Any) -> str | int | float:
        if isinstance(value, str):
            return f"'{value}" if self._escape and value.startswith(FORMULA_BEGINNINGS) else value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        return "" if value is None else _json(value)

    def _row(self, cells: Any) -> str:
        self._writer.writerow(cells)
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text


class TextFile(Format):
    """A line an entry, as people read it: `[2026-01-15 10:30:45] [INFO    ] billing: invoice sent`. Times are UTC."""

    content_type = "text/plain; charset=utf-8"

    def head(self) -> str:
        return ""

    def entry(self, entry: Entry) -> str:
        moment = entry["timestamp"][:19].replace("T", " ")
        mark = f" [withheld: {', '.join(entry['withheld'])}]" if "withheld" in entry else ""
        line = f"[{moment}] [{entry['level']:<8}] {writer_of(entry)}: {entry['message']}{mark}"
        return f"{line if _is_plain(line) else one_line(line)}\n"

    def tail(self, count: int) -> str:
        return f"{complete(count)}\n"


def new_format(name: str, *, escape_formulas: bool = True) -> Format:
    """A new file of the format called `name`."""
    if name == "csv":
        return CsvFile(escape_formulas=escape_formulas)
    return JsonFile() if name == "json" else TextFile()


def complete(count: int) -> str:
    """The line that only a whole file has: `# 1234 entries, complete`."""
    return f"# {count} entries, complete"


def writer_of(entry: Entry) -> str:
    """Who wrote the entry, for people: its app, container or device, else its source."""
    labels = entry["labels"]
    names = (entry.get("app"), labels.get("container"), labels.get("server_tag"), entry["source"])
    return next(str(name) for name in names if name)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str)


def _json(value: Any) -> str:
    """`value` as strict JSON; control and bidi characters have their escapes, so that a terminal can show it."""
    try:
        text = _ENCODER.encode(value)
    except ValueError:
        text = _ENCODER.encode(_finite(value))
    return text if _is_plain(text) else escaped_json(text)


def _is_plain(text: str) -> bool:
    """Whether `text` surely shows all that it holds; telling so costs less than escaping it."""
    return text.isascii() and text.isprintable()


def _finite(value: Any) -> Any:
    """`value` with texts in the place of numbers that JSON does not have, such as `inf`."""
    if isinstance(value, float):
        return value if json.dumps(value) not in ("NaN", "Infinity", "-Infinity") else str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
