"""One entry as a sender wrote it: the fields of an entry, under the names that senders use for them.

docs/applogs-ingest.md has the table of names.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from logsite.text.storable import storable

MAX_LENGTHS = {  # in characters; a longer value is cut, and whole among the attributes
    "category": 32,
    "app": 100,
    "host": 255,
    "logger": 255,
    "module": 255,
    "function": 255,
    "file": 1024,
    "trace_id": 64,
    "span_id": 64,
    "id": 128,
}
OBJECTS = ("context", "metadata", "performance_data", "labels", "attributes")
NAMES: dict[str, tuple[str, ...]] = {
    "timestamp": ("timestamp", "@timestamp", "time", "ts", "created", "date", "datetime", "asctime"),
    "level": (
        "level", "severity", "levelname", "lvl", "log.level", "loglevel", "log_level", "severity_text",
        "severityText", "@l", "severity_number", "severityNumber",
    ),
    "message": ("message", "msg", "event", "log", "short_message", "text", "body", "@m"),
    "app": ("app", "app_name", "appname", "application", "service", "service.name", "service_name"),
    "host": ("host", "hostname", "host.name", "host_name"),
    "logger": ("logger", "logger_name", "log.logger", "name"),
    "category": ("category",),
    "module": ("module",),
    "function": ("function", "funcName", "func_name"),
    "line": ("line", "lineno", "line_number"),
    "file": ("file", "pathname", "filename", "file_name"),
    "trace_id": ("trace_id", "traceId", "traceid", "trace.id", "dd.trace_id", "otelTraceID"),
    "span_id": ("span_id", "spanId", "spanid", "span.id", "dd.span_id", "otelSpanID"),
    "id": ("id",),
}  # fmt: skip
# Elastic Common Schema writes `{"log": {"level": …}}` for `log.level`.
NESTED = {
    "log": ("level", "logger"),
    "service": ("name",),
    "host": ("name",),
    "trace": ("id",),
    "span": ("id",),
}
Scalar = str | int | float


class Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An entry in the form of the document, with all else among `attributes`. Absent fields are empty."""

    timestamp: Scalar = ""
    level: str | int = ""
    category: str = ""
    app: str = ""
    host: str = ""
    logger: str = ""
    module: str = ""
    function: str = ""
    file: str = ""
    line: int | None = None
    message: str = ""
    trace_id: str = ""
    span_id: str = ""
    id: str = ""
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    performance_data: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    attributes: dict[str, Any] | None = None

    def put_aside(self, name: str, value: Any) -> None:
        """Keep a value that does not fit its field among the attributes."""
        self.attributes = {**(self.attributes or {}), name: value}


def sent_of(value: Mapping[str, Any]) -> Sent:
    """The entry of any JSON object: nothing of it is lost, what is no field of ours is an attribute."""
    rest = _flattened(value)
    entry = Sent()
    attributes = rest.pop("attributes", None)
    if isinstance(attributes, dict):
        entry.attributes = attributes or None
    elif attributes is not None:
        entry.attributes = {"attributes": attributes}
    _take_scalars(entry, rest)
    _take_objects(entry, rest)
    for name, item in rest.items():
        held = entry.attributes or {}
        entry.put_aside(f"top.{name}" if name in held and held[name] != item else name, item)
    return entry


def _flattened(value: Mapping[str, Any]) -> dict[str, Any]:
    """`{"log": {"level": "info"}}` as `{"log.level": "info"}`, where nothing else is of that name."""
    rest = dict(value)
    for outer, inner in NESTED.items():
        item = rest.get(outer)
        if not isinstance(item, dict):
            continue
        for name in inner:
            if isinstance(item.get(name), str) and f"{outer}.{name}" not in rest:
                rest[f"{outer}.{name}"] = item[name]
                item = {key: each for key, each in item.items() if key != name}
        rest.pop(outer)
        if item:
            rest[outer] = item
    return rest


def _take_scalars(entry: Sent, rest: dict[str, Any]) -> None:
    for field, names in NAMES.items():
        if rest.get(field, 0) in (None, ""):  # says nothing
            del rest[field]
        for name in names:
            if name in rest and (taken := _taken(field, rest[name])) is not None:
                setattr(entry, field, taken)
                del rest[name]
                break


def _taken(field: str, item: Any) -> Any:
    """`item` as the field holds it; None for what stays an attribute."""
    if item is None or item == "" or isinstance(item, bool):
        return str(item).lower() if field == "message" and isinstance(item, bool) else None
    match field:
        case "timestamp":
            return item if isinstance(item, str | int | float) else None
        case "level":
            return item if isinstance(item, str | int) else None
        case "line":
            return _whole(item)
        case "message":
            return item if isinstance(item, str) else dumped(item)
    return str(item) if isinstance(item, str | int | float) else None


def _whole(item: Any) -> int | None:
    if isinstance(item, str) and item.isascii() and item.isdecimal() and len(item) < 19:
        item = int(item)
    return item if isinstance(item, int) and -(2**63) <= item < 2**63 else None


def _take_objects(entry: Sent, rest: dict[str, Any]) -> None:
    for name in OBJECTS[:-1]:
        item = rest.get(name, 0)
        if item is None or isinstance(item, dict):
            del rest[name]
        if isinstance(item, dict):
            setattr(entry, name, (_of_texts(item) if name == "labels" else item) or None)


def _of_texts(item: Mapping[str, Any]) -> dict[str, str]:
    return {name: each if isinstance(each, str) else dumped(each) for name, each in item.items()}


def dumped(value: Any) -> str:
    """`value` as JSON in ASCII, as the queries of keys expect it."""
    return json.dumps(value, separators=(",", ":"))


def cleaned(value: Any) -> Any:
    """`value` with every text in it, keys too, as each database takes it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): cleaned(item) for key, item in value.items()}
    return [cleaned(item) for item in value] if isinstance(value, list) else value
