"""Who did what, and who saw what: rows that are on disk before the answer leaves, on a connection of their own.

`record` writes a row, and `Reader` says who it is about. Apps name the models whose changes are on record with
`audit_changes` (changes.py) in their `AppConfig.ready`.
"""

from logsite.audit.event_types import EventType, Severity
from logsite.audit.reader import SITE, Reader, current_reader
from logsite.audit.recording import record

__all__ = ["SITE", "EventType", "Reader", "Severity", "current_reader", "record"]
