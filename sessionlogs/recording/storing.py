"""Stores session events with their tokens and in the minute counts."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from logsite.tables.bulk import highest_id, insert_rows
from logsite.tables.nanoseconds import to_nanoseconds
from sessionlogs.event_index import COUNTS, INDEX
from sessionlogs.models import SessionLog

KEYWORDS = ("device", "user", "event_type", "error_kind")
Tokens = list[str]


def tokens_of(events: Sequence[SessionLog]) -> Tokens:
    """The tokens of events; before the transaction that stores them, for which other writers wait."""
    columns: dict[str, list[Any]] = {name: [getattr(event, name) for event in events] for name in KEYWORDS}
    columns["timestamp"] = _times(events)
    columns["command"] = [event.command for event in events]
    columns["response"] = [event.response for event in events]
    columns["error_message"] = ["" if event.has_stderr else event.error_message for event in events]
    columns["stderr"] = [event.error_message if event.has_stderr else "" for event in events]
    return INDEX.tokens_of_rows(columns)


def store(events: Sequence[SessionLog], tokens: Tokens) -> None:
    """Insert events within the transaction that runs. Their keys stay unknown."""
    if not events:
        return
    if connection.vendor == "sqlite":
        first = highest_id(SessionLog) + 1  # this transaction has the one right to write
        insert_rows(events)
        INDEX.add(range(first, first + len(events)), _times(events), tokens)
    else:
        insert_rows(events, {"tokens": tokens})
    levels = ["ERROR" if event.failed else "INFO" for event in events]
    COUNTS.append(_times(events), levels, [event.device for event in events])


def _times(events: Sequence[SessionLog]) -> list[int]:
    return [to_nanoseconds(event.timestamp) for event in events]
