"""From lines to entries: a trace of many lines is one entry, under the level of its first line."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from prodlogs import trace_forms
from prodlogs.ansi import clean, is_plain
from prodlogs.levels import NONE, level_of
from prodlogs.lines import Line
from prodlogs.trace_forms import names_exception

MOST_LINES = 1_000
LONGEST_PAUSE = 5_000_000_000  # ns between two lines of one entry
JOIN_PAUSE = 1_000_000_000  # ns between a logged error and the trace that belongs to it
SEVERE = frozenset(("WARNING", "ERROR", "CRITICAL"))
TRACE_LEVELS = {"go": "CRITICAL", "text": ""}  # of a trace whose first line says none; all others ERROR
_new = tuple.__new__


class Entry(NamedTuple):
    """What is stored. `raw_line` is None where it is the same as `message`; lines are parted by newlines."""

    timestamp: int
    sequence: int
    level: str
    level_rule: str
    message: str
    raw_line: str | None
    truncated_bytes: int


class Grouper:
    """The entries of one stream, whose lines are fed in order.

    The last line waits until the next one shows whether it goes on: `pending` has it, as a list that JSON takes,
    and a later Grouper takes `pending` over. An entry has at most `limit` bytes. A longer line is cut; `redact`
    is applied to it before, that no half of a secret is left. A longer trace goes on as a second entry.
    """

    def __init__(
        self,
        limit: int,
        pending: Iterable[Sequence[Any]] = (),
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self._limit = limit
        self._surely_short = limit // 4  # characters: UTF-8 has at most four bytes for one
        self._redact = redact or str
        self._lines: list[Line] = []  # of the entry that may go on; the first two describe its first line
        self._shown = ""
        self._found = NONE  # level and rule of the first line
        self._form = ""
        self._size = 0
        self._previous = ""
        self._full = False  # the next line goes on with this entry, for which it is one too many
        self._last_found = NONE
        self._ready: list[Entry] = []
        self._ready = self.feed([Line(moment, number, 0, *rest) for moment, number, *rest in pending])

    @property
    def pending(self) -> list[list[Any]]:
        """The lines that wait: [[timestamp, sequence, text], …], and `dropped` where that is not 0."""
        return [
            [line.timestamp, line.sequence, line.text, *([line.dropped] if line.dropped else [])]
            for line in self._lines
        ]

    def feed(self, lines: Sequence[Line]) -> list[Entry]:
        """The entries that are whole now."""
        entries, self._ready = self._ready, []
        append, short = entries.append, self._surely_short
        starts, prefixes = trace_forms.STARTS, trace_forms.PREFIXES
        plain = is_plain("\n".join([line[3] for line in lines]))
        # An entry of one short line; None: the open entry is in self, and wants care.
        waiting: Line | None = None
        before, found = "", NONE  # what it shows, its level and rule
        for line in lines:
            text = line[3]
            shown = text if plain else clean(text)
            special = shown[:1] in starts and shown.startswith(prefixes)
            if special or waiting is None or (found[0] in SEVERE and names_exception(shown)):
                if waiting is not None:
                    self._open(waiting, before, found)
                if self._goes_on(line, shown):
                    waiting = None
                    continue
                entries += self._closed()
            else:
                raw = None if before == waiting[3] else waiting[3]
                append(_new(Entry, (waiting[0], waiting[1], *found, before, raw, 0)))
            before, found = shown, level_of(shown)
            if special or self._full or len(text) > short:
                self._open(line, shown, found)
                waiting = None
            else:
                waiting = line
        if waiting is not None:
            self._open(waiting, before, found)
        return entries

    def flush(self) -> list[Entry]:
        """All that waits, as entries."""
        entries, self._ready = self._ready, []
        entries += self._closed()
        self._lines, self._form = [], ""
        return entries

    def _open(self, line: Line, shown: str, found: tuple[str, str]) -> None:
        self._lines, self._shown, self._found = [line], shown, found
        if self._full:  # what did not fit into the entry before
            self._full, self._found = False, self._last_found
        else:
            self._form = trace_forms.opened_by(shown)
        self._previous, self._size = shown, _size_of(shown)

    def _goes_on(self, line: Line, shown: str) -> bool:
        """Take `line` into the entry that is open, where it belongs there."""
        if not self._lines:
            return False
        pause = line.timestamp - self._lines[-1].timestamp
        if pause > LONGEST_PAUSE or not (form := self._form_with(shown, pause)):
            return False
        size = self._size + 1 + _size_of(line.text)
        self._form = form
        if len(self._lines) >= MOST_LINES or size > self._limit:
            self._full, self._last_found = True, self._whole_level()
            return False
        self._lines.append(line)
        self._previous, self._size = shown, size
        return True

    def _form_with(self, shown: str, pause: int) -> str:
        """The form of the open entry if `shown` goes on with it, or an empty text."""
        if self._form:
            return self._form if trace_forms.goes_on(self._form, self._previous, shown) else ""
        logged = self._found[0] in SEVERE and not self._shown.startswith("{")  # JSON has its trace within
        if logged and pause <= JOIN_PAUSE and trace_forms.joins(shown):
            return trace_forms.opened_by(shown) or "java"
        return trace_forms.form_after(self._shown, shown, levelled=bool(self._found[0]))

    def _whole_level(self) -> tuple[str, str]:
        """The first line's own level; of a trace without one that of its form."""
        if self._found[0] or len(self._lines) < 2 or not (level := TRACE_LEVELS.get(self._form, "ERROR")):
            return self._found
        return level, f"trace:{self._form}"

    def _closed(self) -> list[Entry]:
        """The open entry. Empty lines at its end are entries of their own: they part it from the next."""
        lines, empty = self._lines, 0
        while len(lines) - empty > 1 and not lines[-1 - empty].text.strip():
            empty += 1
        whole, rest = (lines[:-empty], lines[-empty:]) if empty else (lines, [])
        entries = [self._entry(whole)] if whole else []
        return entries + [self._entry([line])._replace(level="", level_rule="") for line in rest]

    def _entry(self, lines: list[Line]) -> Entry:
        raw = "\n".join([line[3] for line in lines])
        message = raw if is_plain(raw) else "\n".join([clean(line[3]) for line in lines])
        missing = sum(line.dropped for line in lines)
        if len(raw) > self._surely_short and _size_of(raw) > self._limit:
            message, _ = _cut(self._redact(message), self._limit)
            raw, more = _cut(self._redact(raw), self._limit)
            missing += more
        level, rule = self._whole_level()
        return Entry(
            lines[0].timestamp,
            lines[0].sequence,
            level,
            rule,
            message,
            None if raw == message else raw,
            missing,
        )


def _size_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _cut(text: str, limit: int) -> tuple[str, int]:
    """The first `limit` bytes of a text, whole characters, and how many bytes were left out."""
    kept = text.encode()[:limit].decode("utf-8", "ignore")
    return kept, _size_of(text) - _size_of(kept)
