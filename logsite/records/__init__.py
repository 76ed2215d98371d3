"""What search, live tail, export and shipping know of the log apps: `LogRecord` and `LogSource`.

A log app's model derives from `LogRow`, its source from `LogSource`, registered in the app's `apps.py`. The names
that need Django load when they are asked for: a process without settings uses the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from logsite.records.entry_json import entry_of
from logsite.records.places import EVER, Key, Place, Window
from logsite.records.plain import (
    LEVELS,
    Cursor,
    CursorError,
    LogRecord,
    Parts,
    WithheldField,
    line_of,
    line_of_parts,
)

if TYPE_CHECKING:
    from logsite.records.cursors import after, committed
    from logsite.records.figures import Gap
    from logsite.records.keepers import lowest_needed, register_keeper
    from logsite.records.metrics import Metric, by_status
    from logsite.records.source import LogSource, Retention, get_source, register_source, sources
    from logsite.records.views import PermissionMissing, SourceView
    from logsite.tables.log_row import CurrentTransaction, LogRow
    from logsite.tables.nanoseconds import from_nanoseconds, to_nanoseconds
else:
    _LATE = {
        "after": "logsite.records.cursors",
        "committed": "logsite.records.cursors",
        "lowest_needed": "logsite.records.keepers",
        "register_keeper": "logsite.records.keepers",
        "Gap": "logsite.records.figures",
        "LogSource": "logsite.records.source",
        "Metric": "logsite.records.metrics",
        "PermissionMissing": "logsite.records.views",
        "Retention": "logsite.records.source",
        "SourceView": "logsite.records.views",
        "by_status": "logsite.records.metrics",
        "get_source": "logsite.records.source",
        "register_source": "logsite.records.source",
        "sources": "logsite.records.source",
        "CurrentTransaction": "logsite.tables.log_row",
        "LogRow": "logsite.tables.log_row",
        "from_nanoseconds": "logsite.tables.nanoseconds",
        "to_nanoseconds": "logsite.tables.nanoseconds",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATE[name]), name)


__all__ = [
    "EVER",
    "LEVELS",
    "CurrentTransaction",
    "Cursor",
    "CursorError",
    "Gap",
    "Key",
    "LogRecord",
    "LogRow",
    "LogSource",
    "Metric",
    "Parts",
    "PermissionMissing",
    "Place",
    "Retention",
    "SourceView",
    "Window",
    "WithheldField",
    "after",
    "by_status",
    "committed",
    "entry_of",
    "from_nanoseconds",
    "get_source",
    "line_of",
    "line_of_parts",
    "lowest_needed",
    "register_keeper",
    "register_source",
    "sources",
    "to_nanoseconds",
]
