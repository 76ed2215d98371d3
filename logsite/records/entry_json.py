"""An entry in JSON, as every API, stream, export and file shows it. Nothing here knows Django.

`{"id": "app-4711", "source": "app", "timestamp": "2026-01-15T10:30:45.123456789Z", "level": "INFO", …}`
"""

from typing import Any

from logsite.records.plain import LogRecord
from logsite.text.rfc3339 import rfc3339

# Labels and attributes of these names are fields of an entry, in this order.
FIELDS = (
    "category",
    "app",
    "host",
    "logger",
    "module",
    "function",
    "line",
    "trace_id",
    "span_id",
    "entry_id",
    "context",
    "metadata",
    "performance_data",
)
_FIELDS = frozenset(FIELDS)


def entry_of(record: LogRecord) -> dict[str, Any]:
    """`record` as the object that JSON shows; fields that the record does not have are left out.

    Labels and attributes that the sender gave stand beside those of the record; an attribute of the sender's whose
    name the record has, too, gets another one: `file_`. A field that is both a
    label and an attribute has the label's value, and the attribute stays where it is.
    """
    labels, attributes = dict(record.labels), dict(record.attributes)
    entry: dict[str, Any] = {
        "id": f"{record.source}-{record.id}",
        "source": record.source,
        "timestamp": rfc3339(record.timestamp),
        "level": record.level,
        "message": record.message,
    }
    if not (_FIELDS.isdisjoint(labels) and _FIELDS.isdisjoint(attributes)):
        for name in FIELDS:
            for named in (labels, attributes):
                if name in named and name not in entry:
                    entry[name] = named.pop(name)
    entry["labels"] = labels | _inner(attributes, "labels")
    entry["attributes"] = _beside(_inner(attributes, "attributes"), attributes)
    if record.parts is not None:
        entry["parts"] = {name: part for name, part in record.parts._asdict().items() if part is not None}
    if record.withheld:
        entry["withheld"] = {name: field._asdict() for name, field in record.withheld.items()}
    return entry


def _inner(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    """What a sender gave as `labels` or `attributes`, taken out of those of the record."""
    return attributes.pop(name) if isinstance(attributes.get(name), dict) else {}


def _beside(given: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Both, and nothing of either lost."""
    both = {name: value for name, value in given.items() if name not in own} | own
    for name in [name for name in given if name in own]:
        free = f"{name}_"
        while free in both:
            free += "_"
        both[free] = given[name]
    return both
