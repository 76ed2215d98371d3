"""Sessions as text for a terminal."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sessionlogs.models import Session, SessionLog

RULE = "=" * 80
RESPONSE_LINES = 5


def header(session: Session) -> list[str]:
    return [
        RULE,
        f"Session: {session.session_id}",
        f"Device: {session.device} | User: {session.user or '-'}",
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
    if event.response:
        lines.append("  Response:")
        lines += [f"    {line}" for line in _cut(event.response.splitlines(), response_lines)]
    if event.error_message:
        lines += _field("Error", event.error_message)
    if event.duration_ms is not None:
        lines.append(f"  Duration: {event.duration_ms:.0f}ms")
    return [*lines, ""]


def _field(name: str, text: str) -> list[str]:
    first, *more = text.splitlines() or [""]
    return [f"  {name}: {first}", *(f"    {line}" for line in more)]


def _cut(lines: list[str], keep: int | None) -> list[str]:
    if keep is None or len(lines) <= keep:
        return lines
    return [*lines[:keep], f"… ({len(lines) - keep} more lines)"]


def text(events: Iterable[SessionLog], response_lines: int | None = RESPONSE_LINES) -> Iterator[str]:
    """Events, oldest first, with a header wherever the session changes."""
    for _, group in groupby(events, key=lambda event: event.session_id):
        for number, event in enumerate(group):
            if number == 0:
                yield from header(event.session)
            yield from event_lines(event, response_lines)


def session_line(session: Session) -> str:
    """A session on one line, for lists."""
    took = f"{session.slowest_ms:.0f}ms" if session.slowest_ms is not None else "-"
    return (
        f"{session.started_at:%Y-%m-%d %H:%M:%S}  {session.session_id}  {session.status:<8} {session.device:<24} "
        f"{session.user or '-':<16} {session.commands:>3} commands, {session.failures} failures, slowest {took}"
        f"{'  ' + session.error_message if session.error_message else ''}"
    )


def session_json(session: Session) -> str:
    columns = (
        "session_id", "device", "host", "platform", "agent_type", "tags", "user", "started_at", "ended_at", "status",
        "error_kind", "error_message", "commands", "failures", "slowest_ms",
    )  # fmt: skip
    return _json({name: getattr(session, name) for name in columns})


def event_json(event: SessionLog) -> str:
    """An event as one JSON line, whole."""
    columns = (
        "id", "session_id", "device", "user", "event_type", "step", "command", "response", "error_message",
        "error_kind", "duration_ms", "timestamp",
    )  # fmt: skip
    return _json({name: getattr(event, name) for name in columns})


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, default=str, ensure_ascii=False)
