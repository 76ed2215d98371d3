"""From lines to entries: a trace of many lines is one entry, under the level of its first line."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from prodlogs import trace_forms
from prodlogs.ansi import clean, is_plain
from prodlogs.levels import level_of
from prodlogs.lines import Line

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
        self._level, self._rule = "", ""
        self._form = ""
        self._wary = False  # the next line may belong to this entry, whatever it begins with
        self._size = 0
        self._previous = ""
        self._full = False  # the next line goes on with this entry, for which it is one too many
        self._last_level = ("", "")
        self._ready: list[Entry] = []
        self._ready = self.feed([Line(timestamp, sequence, 0, text) for timestamp, sequence, text in pending])

    @property
    def pending(self) -> list[list[Any]]:
        """The lines that wait: [[timestamp, sequence, text], …]."""
        return [[line.timestamp, line.sequence, line.text] for line in self._lines]

    def feed(self, lines: Sequence[Line]) -> list[Entry]:
        """The entries that are whole now."""
        entries, self._ready = self._ready, []
        append, starts, short = entries.append, trace_forms.STARTS, self._surely_short
        plain = is_plain("\n".join([line[3] for line in lines]))
        for line in lines:
            text = line[3]
            shown = text if plain else clean(text)
            wary = self._wary or shown[:1] in starts
            if wary and self._goes_on(line, shown):
                continue
            waiting = self._lines
            if len(waiting) == 1 and len(self._shown) <= short and waiting[0][3] is self._shown:
                first = waiting[0]
                append(_new(Entry, (first[0], first[1], self._level, self._rule, self._shown, None, 0)))
            elif waiting:
                entries += self._closed()
            self._lines = [line]
            self._shown = shown
            self._level, self._rule = level_of(shown)
            if wary or self._level in SEVERE:
                self._open(shown)
            else:
                self._wary, self._form = False, ""
        return entries

    def flush(self) -> list[Entry]:
        """All that waits, as entries."""
        entries, self._ready = self._ready, []
        entries += self._closed()
        self._lines, self._shown, self._form, self._wary = [], "", "", False
        return entries

    def _open(self, shown: str) -> None:
        if self._full:  # what did not fit into the entry before
            self._full = False
            self._level, self._rule = self._last_level
        else:
            self._form = trace_forms.opened_by(shown)
        self._wary = bool(self._form) or (self._level in SEVERE and not shown.startswith("{"))
        self._previous, self._size = shown, _size_of(shown)

    def _goes_on(self, line: Line, shown: str) -> bool:
        """Take `line` into the entry that is open, where it belongs there."""
        if not self._lines:
            return False
        pause = line.timestamp - self._lines[-1].timestamp
        if pause > LONGEST_PAUSE or not (form := self._form_with(shown, pause)):
            return False
        if not self._wary:
            self._size = _size_of(self._shown)
        size = self._size + 1 + _size_of(line.text)
        self._form = form
        if len(self._lines) >= MOST_LINES or size > self._limit:
            self._full, self._last_level = True, self._whole_level()
            return False
        self._lines.append(line)
        self._wary, self._previous, self._size = True, shown, size
        return True

    def _form_with(self, shown: str, pause: int) -> str:
        """The form of the open entry if `shown` goes on with it, or an empty text."""
        if self._form:
            return self._form if trace_forms.goes_on(self._form, self._previous, shown) else ""
        if self._level in SEVERE and pause <= JOIN_PAUSE and trace_forms.joins(shown):
            return trace_forms.opened_by(shown) or "java"
        return trace_forms.form_after(self._shown, shown, levelled=bool(self._level))

    def _whole_level(self) -> tuple[str, str]:
        """The first line's own level; of a trace without one that of its form."""
        if self._level or len(self._lines) < 2 or not (level := TRACE_LEVELS.get(self._form, "ERROR")):
            return self._level, self._rule
        return level, f"trace:{self._form}"

    def _closed(self) -> list[Entry]:
        """The open entry. Empty lines at its end are entries of their own: they part it from the next."""
        lines, empty = self._lines, 0
        while len(lines) - empty > 1 and not lines[-1 - empty].text.strip():
            empty += 1
        whole, rest = (lines[:-empty], lines[-empty:]) if empty else (lines, [])
        entries = [self._entry(whole)] if whole else []
        return entries + [_new(Entry, (line[0], line[1], "", "", "", line[3] or None, 0)) for line in rest]

    def _entry(self, lines: list[Line]) -> Entry:
        raw = "\n".join([line[3] for line in lines])
        message = raw if is_plain(raw) else "\n".join([clean(line[3]) for line in lines])
        missing = 0
        if len(raw) > self._surely_short and _size_of(raw) > self._limit:
            message, _ = _cut(self._redact(message), self._limit)
            raw, missing = _cut(self._redact(raw), self._limit)
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
