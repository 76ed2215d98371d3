"""An entry of any source on its way out, its place in the source, and its line. Nothing here knows Django."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

# The OpenTelemetry severity numbers of our levels (logs data model, «SeverityNumber»). SECURITY and AUDIT
# are no severities there; they travel as the category and count as WARN and INFO.
LEVELS: dict[str, int] = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "AUDIT": 9,
    "WARNING": 13,
    "SECURITY": 13,
    "ERROR": 17,
    "CRITICAL": 21,
}


class CursorError(ValueError):
    """A cursor that cannot be read or that does not belong to this database."""


@dataclass(frozen=True, order=True, slots=True)
class Cursor:
    """A place in a source: everything up to and including (xact, id) has been handed out."""

    xact: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.xact}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor that `str(cursor)` gave. Raises CursorError."""
        if not (match := re.fullmatch(r"([0-9]{1,19})-([0-9]{1,19})", text)):
            raise CursorError(f"cursor {text[:60]!r}: expected the form '0-123', as given in next_cursor")
        return cls(*(min(int(part), 2**63 - 1) for part in match.groups()))


class Parts(NamedTuple):
    """A command and what it brought; a part that is None is not in the line.

    A command that was only sent has no exit code and no outputs. `stderr` is None where a command failed without
    any error output, and empty where a command that went well wrote none.
    """

    step: int
    command: str
    exit_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


class WithheldField(NamedTuple):
    """A field that is not shown: its size in UTF-8, and the permission by which it would be."""

    bytes: int
    permission: str


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One entry of any source.

    `timestamp` is in nanoseconds since the epoch; `labels` are few and low-cardinality (they name a Loki
    stream); `attributes` hold the rest and travel as structured metadata. A command has `parts`, of which
    `message` is the whole line: `line_of` cuts it, and nobody finds the parts by parsing a message. `texts` are
    what a query searches, by field, where that is not the message; they are not shipped. `withheld` names the fields
    that the reader may not see, and whose text is nowhere in the record.
    """

    id: int
    source: str
    timestamp: int
    level: str
    message: str
    labels: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parts: Parts | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, WithheldField] = field(default_factory=dict)


def line_of(record: LogRecord, output_characters: int = 0) -> str:
    """The line of `record`, its outputs cut to `output_characters` each; 0 leaves them whole."""
    return record.message if record.parts is None else line_of_parts(record.parts, output_characters)


def line_of_parts(parts: Parts, output_characters: int = 0) -> str:
    """`STEP: 1 | COMMAND: uptime | EXIT_CODE: 0 | STDOUT: up 3 days | STDERR:`"""
    line = f"STEP: {parts.step} | COMMAND: {parts.command}"
    if parts.exit_code is not None:
        line += f" | EXIT_CODE: {parts.exit_code}"
    if parts.stdout is not None:
        line += f" | STDOUT:{_cut(parts.stdout, output_characters)}"
    if parts.stderr is not None:
        line += f" | STDERR:{_cut(parts.stderr, output_characters)}"
    return line


def _cut(output: str, characters: int) -> str:
    """` up 3... (5 more characters)`, and nothing for an empty output."""
    more = len(output) - characters
    if not characters or more <= 0:
        return f" {output}" if output else ""
    return f" {output[:characters]}... ({more:,} more character{'s' if more > 1 else ''})"
