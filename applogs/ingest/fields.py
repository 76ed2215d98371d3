"""The columns of an entry, and the names by which senders call them; docs/applogs-ingest.md has the table."""

from typing import NamedTuple

from applogs.models import OBJECTS

MAX_NAMES = 1000  # at the top of an entry
# In the order of an entry's row.
COLUMNS = (
    "timestamp",
    "level",
    "severity",
    "category",
    "app",
    "host",
    "logger",
    "module",
    "function",
    "file",
    "line",
    "message",
    "trace_id",
    "span_id",
    "entry_id",
    *OBJECTS,
    "truncated_bytes",
)
TEXT_LIMITS = {  # characters
    "category": 32,
    "app": 100,
    "host": 255,
    "logger": 255,
    "module": 255,
    "function": 255,
    "file": 1024,
    "trace_id": 64,
    "span_id": 64,
    "entry_id": 128,
}
# Of two names of one column the earlier one counts. A dotted name is also looked for as an object in an object.
NAMES = {
    "timestamp": "timestamp @timestamp time ts date datetime asctime created",
    # A name before a number: Monolog and others send both.
    "level": "levelname level_name level severity lvl log.level severity_text severityText loglevel log_level",
    "severity": "severity_number severityNumber",
    "category": "category",
    "app": "app app_name application service service.name service_name app.name",
    "host": "host hostname host.name host.hostname",
    "logger": "logger logger_name name log.logger channel",
    "module": "module",
    "function": "function funcName func log.origin.function",
    "file": "file pathname filename log.origin.file.name",
    "line": "line lineno log.origin.file.line",
    "message": "message msg event log short_message text",
    "trace_id": "trace_id traceId trace.id traceID dd.trace_id",
    "span_id": "span_id spanId span.id spanID dd.span_id",
    "entry_id": "id entry_id",
    **{name: name for name in OBJECTS},
}
ANY_VALUE = {"message", "msg", *OBJECTS}  # other names are taken only where they have a text or a number


class Place(NamedTuple):
    """The column that a name means: its number, how early the name counts, and what it takes."""

    column: int
    rank: int
    any_value: bool
    limit: int  # characters of a text; 0: another type


PLACES = {
    name: Place(COLUMNS.index(column), rank, name in ANY_VALUE, TEXT_LIMITS.get(column, 0))
    for column, names in NAMES.items()
    for rank, name in enumerate(names.split())
}
# The same for an object in an object: `{"log": {"level": …}}`.
NESTED = {tuple(name.split(".")): place for name, place in PLACES.items() if "." in name}
NESTED_ROOTS = {path[0] for path in NESTED}
