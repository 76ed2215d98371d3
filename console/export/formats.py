"""The forms of an export. A file that was cut lacks its end: JSON its bracket, the others the line that counts."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from logsite.records import LogRecord, entry_of
from logsite.records.entry_json import FIELDS
from logsite.text.terminal import json_text, one_line

OBJECTS = ("context", "metadata", "performance_data")
SCALARS = tuple(name for name in FIELDS if name not in OBJECTS)
COLUMNS = ("id", "source", "timestamp", "level", *SCALARS, "message")
COLUMNS += (*OBJECTS, "labels", "attributes", "parts", "withheld")
# What a spreadsheet takes for a formula, in full width too: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
GUARD = "'"


class Form(NamedTuple):
    """`entry` makes the text of an entry; `first` and `between` stand before the first and between two."""

    content_type: str
    begin: str
    entry: Callable[[LogRecord], str]
    between: str
    end: Callable[[int], str]


def form_of(name: str, *, csv_plain: bool = False) -> Form:
    """The form called json, csv or txt. Raises KeyError.

    In csv a cell of text that begins like a formula gets an apostrophe in front; `csv_plain` leaves it as it is, for
    programs.
    """
    return {
        "json": Form("application/json", "[", _json, ",", lambda number: "\n]\n" if number else "]\n"),
        "csv": Form("text/csv; charset=utf-8", _line(COLUMNS), _csv(csv_plain), "", _csv_end),
        "txt": Form("text/plain; charset=utf-8", "", _txt, "", lambda number: f"{_counted(number)}\n"),
    }[name]


NAMES = ("json", "csv", "txt")


def _counted(number: int) -> str:
    return f"# {number} entries, complete"


def _json(record: LogRecord) -> str:
    return f"\n{json_text(entry_of(record))}"


def _txt(record: LogRecord) -> str:
    """`[2026-01-15 10:30:45] [INFO    ] shop: message`, as the document's console format."""
    entry = entry_of(record)
    day, clock = entry["timestamp"][:10], entry["timestamp"][11:19]
    labels = record.labels
    where = entry.get("app") or labels.get("container") or labels.get("server_tag") or record.source
    return f"[{day} {clock}] [{record.level:<8}] {one_line(where)}: {one_line(record.message)}\n"


def _csv(plain: bool) -> Callable[[LogRecord], str]:
    guard = (lambda text: text) if plain else guarded

    def row(record: LogRecord) -> str:
        entry = entry_of(record)
        return _line([_cell(entry.get(name), guard) for name in COLUMNS])

    return row


def _cell(value: Any, guard: Callable[[str], str]) -> Any:
    if value is None or value == {}:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return guard(value) if isinstance(value, str) else value


def guarded(text: str) -> str:
    """`text` with an apostrophe in front where a spreadsheet would take it for a formula."""
    return GUARD + text if text.startswith(FORMULA) else text


def _csv_end(number: int) -> str:
    return _line([_counted(number)])


def _line(cells: Any) -> str:
    """A row as RFC 4180 has it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
