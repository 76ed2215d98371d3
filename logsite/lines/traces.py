"""From lines to entries: a trace of many lines is one entry, under the level of its first line."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from logsite.lines import trace_forms
from logsite.lines.control import clean, is_plain
from logsite.lines.levels import NONE, level_of
from logsite.lines.line import Line
from logsite.lines.trace_forms import HELD, may_follow
from logsite.text.cutting import cut_place

MOST_LINES = 1_000
MOST_HELD = 20  # lines that wait for one that shows whether they belong to the trace
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
    and a later Grouper takes `pending` over. An entry has at most `limit` bytes. A longer line is cut: it
    comes without credentials, so that no half of one is left. A longer trace goes on as a second entry.

    Lines that only perhaps belong to a trace (the second line of an exception's message, an empty line) are held
    at its end. If no line shows that they do, they are read again, as if the trace had ended before them.
    """

    def __init__(self, limit: int, pending: Iterable[Sequence[Any]] = ()) -> None:
        self._limit = limit
        self._surely_short = limit // 4  # characters: UTF-8 has at most four bytes for one
        self._lines: list[Line] = []  # of the entry that may go on; the first two describe its first line
        self._shown = ""
        self._found = NONE  # level and rule of the first line
        self._state = ""  # of the trace, by trace_forms
        self._sure = 0  # lines that belong to the entry; the others are held
        self._size = 0
        self._previous = ""
        self._full = False  # the next line goes on with this entry, for which it is one too many
        self._last_found = NONE
        self._continues: list[str] = []  # state, level and rule, where the open entry goes on with a full one
        self._ready: list[Entry] = []
        waiting = list(pending)
        if waiting and isinstance(waiting[0][0], str):
            self._state, level, rule = waiting.pop(0)
            self._full, self._last_found = True, (level, rule)
        self._ready = self.feed([Line(moment, number, 0, *rest) for moment, number, *rest in waiting])

    @property
    def pending(self) -> list[list[Any]]:
        """The lines that wait: [[timestamp, sequence, text], …], and `dropped` where that is not 0.

        Before them [state, level, rule], where they go on with an entry that was full.
        """
        lines: list[list[Any]] = [
            [line.timestamp, line.sequence, line.text, *([line.dropped] if line.dropped else [])]
            for line in self._lines
        ]
        return [self._continues, *lines] if self._continues and lines else lines

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
            if special or waiting is None or (found[0] in SEVERE and may_follow(before, found[1], shown)):
                if waiting is not None:
                    self._open(waiting, before, found)
                    waiting = None
                if self._taken(line, shown, entries):
                    continue
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
        while self._lines:
            entries += self._closed()
        return entries

    def _open(self, line: Line, shown: str, found: tuple[str, str]) -> None:
        self._lines, self._shown, self._found, self._sure = [line], shown, found, 1
        if self._full:  # what did not fit into the entry before
            self._full, self._found = False, self._last_found
            self._continues = [self._state, *self._last_found]
        else:
            self._state, self._continues = trace_forms.opened_by(shown), []
        self._previous, self._size = shown, _size_of(shown)

    def _taken(self, line: Line, shown: str, entries: list[Entry]) -> bool:
        """Whether `line` goes on with the open entry. If not, that is whole, and added to `entries`."""
        while self._lines and not self._goes_on(line, shown):
            entries += self._closed()
        return bool(self._lines)

    def _goes_on(self, line: Line, shown: str) -> bool:
        """Take `line` into the entry that is open, where it belongs there."""
        pause = line.timestamp - self._lines[-1].timestamp
        if pause > LONGEST_PAUSE or not (state := self._state_with(shown, pause)):
            return False
        size = self._size + 1 + _size_of(line.text)
        full = len(self._lines) >= MOST_LINES or size > self._limit
        held = state.endswith(HELD)
        if held and (full or len(self._lines) - self._sure >= MOST_HELD):
            return False
        self._state = state.rstrip(HELD)
        if full:
            self._full, self._last_found, self._sure = True, self._whole_level(), len(self._lines)
            return False
        self._lines.append(line)
        self._previous, self._size = shown, size
        if not held:
            self._sure = len(self._lines)
        return True

    def _state_with(self, shown: str, pause: int) -> str:
        """The state of the open entry if `shown` goes on with it, or an empty text."""
        if self._state and not (self._state == "logged" and pause > JOIN_PAUSE):
            return trace_forms.goes_on(self._state, self._previous, shown)
        logged = self._found[0] in SEVERE and not self._shown.startswith("{")  # JSON has its trace within
        if logged and pause <= JOIN_PAUSE and (state := trace_forms.goes_on("logged", self._shown, shown)):
            return state
        return trace_forms.form_after(self._shown, shown, levelled=bool(self._found[0]))

    def _whole_level(self) -> tuple[str, str]:
        """The first line's own level; of a trace without one that of its form."""
        form = self._state.partition(":")[0]
        if self._found[0] or self._sure < 2 or not (level := TRACE_LEVELS.get(form, "ERROR")):
            return self._found
        return level, f"trace:{form}"

    def _closed(self) -> list[Entry]:
        """The open entry. The lines that were held are read again; the last of them is the open entry then."""
        whole, held = self._lines[: self._sure], self._lines[self._sure :]
        entries = [self._entry(whole)]
        self._lines, self._state = [], self._state if self._full else ""
        return entries + self.feed(held)

    def _entry(self, lines: list[Line]) -> Entry:
        raw = "\n".join([line[3] for line in lines])
        message = raw if is_plain(raw) else "\n".join([clean(line[3]) for line in lines])
        missing = sum(line.dropped for line in lines)
        if len(raw) > self._surely_short and _size_of(raw) > self._limit:
            message, _ = _cut(message, self._limit)
            raw, more = _cut(raw, self._limit)
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
    data = text.encode()
    place = cut_place(data, limit)
    return data[:place].decode(), len(data) - place
