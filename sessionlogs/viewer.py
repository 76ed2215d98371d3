"""Sessions as text for a terminal."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from logsite.text.terminal import json_text, one_line, plain
from sessionlogs.models import Session, SessionLog

RULE = "=" * 80
RESPONSE_LINES = 3
# What is shown as JSON; the API adds to it.
SESSION_COLUMNS = (
    "session_id",
    "device",
    "host",
    "platform",
    "agent_type",
    "tags",
    "user",
    "started_at",
    "ended_at",
    "status",
    "error_kind",
    "error_message",
    "commands",
    "failures",
    "slowest_ms",
)
EVENT_COLUMNS = (
    "id",
    "session_id",
    "device",
    "user",
    "event_type",
    "step",
    "command",
    "response",
    "error_message",
    "error_kind",
    "exit_code",
    "duration_ms",
    "timestamp",
    "truncated_bytes",
    "withheld",
)


def header(session: Session) -> list[str]:
    return [
        RULE,
        f"Session: {session.session_id}",
        f"Device: {one_line(session.device)} | User: {one_line(session.user) or '-'}",
        RULE,
        "",
    ]


def event_lines(event: SessionLog, response_lines: int | None = RESPONSE_LINES) -> list[str]:
    """An event as lines; of a response the first `response_lines`, all of it with None."""
    lines = [
        f"[{event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03d}] {event.event_type.upper()}"
    ]
    if event.command:
        lines += _field("Command", event.command)
    if event.response and event.is_step:
        lines.append("  Response:")
        lines += [f"    {line}" for line in _cut(_lines(event.response), response_lines)]
    elif event.response:
        lines += _field("Response", event.response)
    if event.truncated_bytes:
        lines.append(f"  {event.truncated_bytes} bytes were not stored")
    if event.error_message:
        lines += _field("Error", event.error_message)
    if event.exit_code is not None:
        lines.append(f"  Exit code: {event.exit_code}")
    if event.duration_ms is not None:
        lines.append(f"  Duration: {event.duration_ms:.0f}ms")
    return [*lines, ""]


def _field(name: str, text: str) -> list[str]:
    first, *more = _lines(text) or [""]
    return [f"  {name}: {first}", *(f"    {line}" for line in more)]


def _lines(text: str) -> list[str]:
    return plain(text).splitlines()


def _cut(lines: list[str], keep: int | None) -> list[str]:
    if keep is None or len(lines) <= keep:
        return lines
    return [*lines[:keep], f"... ({len(lines) - keep} more lines)"]


def text(
    events: Iterable[SessionLog], response_lines: int | None = RESPONSE_LINES, after: UUID | None = None
) -> Iterator[str]:
    """Events, oldest first, with a header wherever the session changes; `after` is the one shown last."""
    for session_id, group in groupby(events, key=lambda event: event.session_id):
        for number, event in enumerate(group):
            if number == 0 and session_id != after:
                yield from header(event.session)
            yield from event_lines(event, response_lines)


def session_line(session: Session) -> str:
    """A session on one line, for lists."""
    took = f"{session.slowest_ms:.0f}ms" if session.slowest_ms is not None else "-"
    device, user = one_line(session.device), one_line(session.user) or "-"
    return (
        f"{session.started_at:%Y-%m-%d %H:%M:%S}  {session.session_id}  {session.status:<8} {device:<24} "
        f"{user:<16} {session.commands:>3} commands, {session.failures} failures, slowest {took}"
        f"{'  ' + ' '.join(_lines(session.error_message)) if session.error_message else ''}"
    )


def session_json(session: Session) -> str:
    return _json(session, SESSION_COLUMNS)


def event_json(event: SessionLog) -> str:
    """An event as one JSON line, whole."""
    return _json(event, EVENT_COLUMNS)


def _json(row: Any, columns: Iterable[str]) -> str:
    return json_text({name: getattr(row, name) for name in columns}, default=str)
