"""What a query may name in application log entries."""

from django.db.models import Value

from applogs.models import OBJECTS, Category
from logsite.records.query import Field, Kind

TEXTS = (
    "category",
    "app",
    "host",
    "logger",
    "module",
    "function",
    "file",
    "trace_id",
    "span_id",
    "entry_id",
)


def _keyword(name: str, *, few: bool = False, record: str = "") -> Field:
    return Field(Kind.KEYWORD, name, record or f"attributes.{name}", absent="", low_cardinality=few)


FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "source": Field(Kind.KEYWORD, Value("app"), "source", help="app: logs of applications."),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp", help="A day, a minute, a moment, or now-2h."),
    "level": Field(Kind.LEVEL, "level", "level"),
    "message": Field(Kind.TEXT, "message", "message", searched=True),
    "category": Field(
        Kind.KEYWORD,
        "category",
        "labels.category",
        absent="",
        low_cardinality=True,
        help=", ".join(Category.values),
    ),
    "app": _keyword("app", few=True, record="labels.app"),
    "host": _keyword("host", few=True, record="labels.server_id"),
    **{
        name: _keyword(name, few=name in ("logger", "module"))
        for name in TEXTS
        if name not in ("category", "app", "host")
    },
    "line": Field(Kind.INTEGER, "line", "attributes.line"),
    **{name: Field(Kind.JSON, name, f"attributes.{name}") for name in OBJECTS},
    "truncated_bytes": Field(Kind.INTEGER, "truncated_bytes", "attributes.truncated_bytes", absent=0),
}
