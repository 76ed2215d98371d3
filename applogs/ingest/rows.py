"""One decoded entry to its row, in the order of COLUMNS: whatever a field cannot hold stays in the attributes."""

from collections.abc import Mapping
from typing import Any

from applogs.ingest.fields import COLUMNS, NESTED, NESTED_ROOTS, PLACES, TEXT_LIMITS
from applogs.ingest.levels import of_severity, read_level
from applogs.ingest.redacting import masked
from applogs.ingest.times import nanoseconds_of
from applogs.ingest.values import ValueRefused, cut_json, cut_text, json_text
from applogs.models import Category
from logsite.records import LEVELS
from logsite.text.storable import INTEGERS

Row = list[Any]
TIMESTAMP, LEVEL, SEVERITY, CATEGORY, APP, HOST, LINE, MESSAGE, ENTRY_ID = map(
    COLUMNS.index,
    "timestamp level severity category app host line message entry_id".split(),
)
OBJECT_COLUMNS = [COLUMNS.index(name) for name in ("context", "metadata", "performance_data")]
LABELS, ATTRIBUTES, TRUNCATED = map(COLUMNS.index, ("labels", "attributes", "truncated_bytes"))
LIMITS = [TEXT_LIMITS.get(name, 0) for name in COLUMNS]
DEFAULTS: Row = [
    None if column in (LINE, LABELS, ATTRIBUTES, *OBJECT_COLUMNS) else "" if name == "message" or limit else 0
    for column, (name, limit) in enumerate(zip(COLUMNS, LIMITS, strict=True))
]
DEFAULTS[LEVEL] = ""
_CATEGORIES = {name.upper(): name for name in Category.values}
_CONTAINERS = (dict, list)
column_of = {name: place.column for name, place in PLACES.items()}.get


class RowRefused(ValueError):
    """An entry that cannot be stored: the field, and the reason as a sentence without its last word."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def row_of(entry: Mapping[str, Any], received_at: int, limit: int) -> Row:
    """The row of `entry`, in which every text is whole. Raises RowRefused.

    `received_at` is its time where it has none; texts and objects are cut at `limit` bytes.
    """
    found, rest = _sorted_out(entry)
    if not NESTED_ROOTS.isdisjoint(rest):
        _take_nested(found, rest)
    row = DEFAULTS.copy()
    for column, value in found.items():
        if longest := LIMITS[column]:
            if type(value) is str and len(value) <= longest:
                row[column] = value
            else:
                _put_odd_text(row, rest, column, value)
    _put_time(row, rest, found.get(TIMESTAMP), received_at)
    _put_level(row, rest, found)
    if (line := found.get(LINE)) is not None:
        _put_line(row, rest, line)
    message = found.get(MESSAGE, "")
    row[MESSAGE] = message if type(message) is str else _masked_json("message", message)
    _put_objects(row, rest, found)
    _cut(row, limit)
    return row


def _sorted_out(entry: Mapping[str, Any]) -> tuple[dict[int, Any], dict[str, Any]]:
    """The values of the columns by their numbers, and what is no column's, by name; a null is not taken."""
    found: dict[int, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in entry.items():
        column = column_of(name)
        if column is None:
            rest[name] = value
        elif column in found:
            return _by_rank(entry)
        elif type(value) is str:  # most are
            found[column] = value
        elif type(value) in _CONTAINERS and not PLACES[name].any_value:
            rest[name] = value
        elif value is not None:
            found[column] = value
    return found, rest


def _by_rank(entry: Mapping[str, Any]) -> tuple[dict[int, Any], dict[str, Any]]:
    """The same where two names mean one column: the earlier one of NAMES counts."""
    ranks = {name: place.rank for name, place in PLACES.items() if entry.get(name) is not None}
    names = sorted(ranks, key=ranks.__getitem__)
    chosen: dict[int, str] = {}
    for name in names:
        if PLACES[name].any_value or type(entry[name]) not in _CONTAINERS:
            chosen.setdefault(PLACES[name].column, name)
    taken = set(chosen.values())
    rest = {
        name: value
        for name, value in entry.items()
        if name not in taken and (value is not None or name not in PLACES)
    }
    return {column: entry[name] for column, name in chosen.items()}, rest


def _take_nested(found: dict[int, Any], rest: dict[str, Any]) -> None:
    """Take what ECS and others write as an object in an object: `{"log": {"level": …}, "service": {"name": …}}`."""
    for path, place in NESTED.items():
        if place.column in found or not isinstance(rest.get(path[0]), dict):
            continue
        value: Any = rest
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, _CONTAINERS):
            found[place.column] = value
            rest[path[0]] = _without(rest[path[0]], path[1:])
            if not rest[path[0]]:
                del rest[path[0]]


def _without(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """`value` without what is at `path`, and without the objects that are empty then."""
    rest = {name: item for name, item in value.items() if name != path[0]}
    if path[1:] and (inner := _without(value[path[0]], path[1:])):
        rest[path[0]] = inner
    return rest


def _keep(rest: dict[str, Any], name: str, value: Any) -> None:
    """Put `value` among the attributes, under a name that is free."""
    while name in rest:
        name += "_"
    rest[name] = value


def _json(name: str, value: Any) -> str:
    try:
        return json_text(value)
    except ValueRefused as error:
        raise RowRefused(name, f"{name}: {error}") from None


def _masked_json(name: str, value: Any) -> str:
    """The same, with a mark for each value that has a secret's name: in the text nobody looks at names again."""
    _json(name, value)  # first: the marks are set as deep as the value is nested
    return _json(name, masked(value))


def _text(value: Any) -> str:
    """A scalar as a text, as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)


def _put_odd_text(row: Row, rest: dict[str, Any], column: int, value: Any) -> None:
    """A number becomes a text; a longer text is cut, and whole among the attributes. A cut id would be another id."""
    text = _text(value)
    if len(text) <= LIMITS[column]:
        row[column] = text
    elif column == ENTRY_ID:
        _keep(rest, "id", value)
    else:
        row[column] = text[: LIMITS[column]]
        _keep(rest, COLUMNS[column], value)


def _put_time(row: Row, rest: dict[str, Any], value: Any, received_at: int) -> None:
    moment = None if value is None else nanoseconds_of(value)
    if moment is None:
        moment = received_at
        if value is not None and value != "":
            _keep(rest, "timestamp", value)
    row[TIMESTAMP] = moment


def _put_level(row: Row, rest: dict[str, Any], found: dict[int, Any]) -> None:
    """The level by its word or number; without one by the severity number, which counts for itself, too."""
    value, number = found.get(LEVEL), found.get(SEVERITY)
    if value is not None:
        row[LEVEL], row[SEVERITY], known = read_level(value)
        if not known and value != "":
            _keep(rest, "level", value)
    if number is not None:
        level, severity, known = of_severity(number)
        if not known:
            _keep(rest, "severity_number", number)
        elif not row[LEVEL] or LEVELS[row[LEVEL]] <= severity < LEVELS[row[LEVEL]] + 4:
            row[LEVEL], row[SEVERITY] = row[LEVEL] or level, severity
        else:
            _keep(rest, "severity_number", number)
    row[CATEGORY] = category_of(row[CATEGORY])


def category_of(text: str) -> str:
    """Our own name of a category, whatever its case; others stay."""
    return _CATEGORIES.get(text.upper(), text)


def _put_line(row: Row, rest: dict[str, Any], value: Any) -> None:
    number = value
    digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20
    if digits or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    if type(number) is int and number in INTEGERS:
        row[LINE] = number
    elif value != "":
        _keep(rest, "line", str(value) if type(value) is int else value)


def _put_objects(row: Row, rest: dict[str, Any], found: dict[int, Any]) -> None:
    """An object as its JSON text, NULL for an empty one; what is no object stays among the attributes."""
    for column in OBJECT_COLUMNS:
        value = found.get(column)
        if type(value) is dict:
            row[column] = _json(COLUMNS[column], value) if value else None
        elif value is not None and value != "":
            _keep(rest, COLUMNS[column], value)
    labels = found.get(LABELS)
    if type(labels) is dict:
        row[LABELS] = _json("labels", label_texts(labels)) if labels else None
    elif labels is not None and labels != "":
        _keep(rest, "labels", labels)
    if (sent := found.get(ATTRIBUTES)) is not None:
        rest = _merged(sent, rest)
    if rest:
        row[ATTRIBUTES] = _json("attributes", rest)


def label_texts(labels: dict[str, Any]) -> dict[str, str]:
    """Each value as a text, a null as an empty one."""
    return {
        name: ""
        if value is None
        else _masked_json("labels", value)
        if isinstance(value, _CONTAINERS)
        else _text(value)
        for name, value in labels.items()
    }


def _merged(sent: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """The attributes that the sender sent as such, then all else."""
    if not isinstance(sent, dict):
        return {**rest, "attributes": sent}
    merged = dict(sent)
    for name, value in rest.items():
        _keep(merged, name, value)
    return merged


def _cut(row: Row, limit: int) -> None:
    """Cut the message and the objects at `limit` bytes each; a character has four at most."""
    short = limit // 4
    if len(row[MESSAGE]) > short:
        row[MESSAGE], row[TRUNCATED] = cut_text(row[MESSAGE], limit)
    for column in (*OBJECT_COLUMNS, LABELS, ATTRIBUTES):
        text = row[column]
        if text is not None and len(text) > short:
            row[column], cut = cut_json(text, limit)
            row[TRUNCATED] += cut
