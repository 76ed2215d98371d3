"""Takes credentials out of device output, commands, error texts and log lines before anything is stored.

Two layers look at the same text, and what either finds is replaced by a mark such as `<redacted:psk>`: the
credentials that are known (literally, and as devices and libraries print them) and the places where the
configuration languages of the vendors put a credential (`redaction_patterns.py`).
"""

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from logsite.disguises import disguises, may_be_broken, unbroken
from logsite.redaction_patterns import (
    ANYWHERE,
    BLOCKS,
    KEYWORD_STEMS,
    KINDS,
    LINE_RULES,
    TEXT_RULES,
    WHOLE_TOKEN,
    Rule,
    beside_pattern,
    telling_parts,
    token_pattern,
    written_forms,
)
from logsite.redaction_streams import still_open, taken_up
from logsite.redaction_text import SearchedText, word_shape

__all__ = ["RedactingFilter", "Redactor", "Registration", "redact", "register_secrets"]

Secrets = Mapping[str, str] | Iterable[tuple[str, str]]

REMEMBERED = 512  # secrets no longer in use that the process still takes out of its log lines
BLOCK_LIMIT = 50_000  # characters searched for the end of a block


class _Span(NamedTuple):
    start: int
    end: int
    priority: int  # of two kinds that claim one place, the lower number names it; known secrets come first
    kind: str


def _spans(source: SearchedText, match: re.Match[str], priority: int, kind: str) -> Iterator[_Span]:
    """The groups of a match, without blanks around them; a mark in the value's place is no secret."""
    for group in range(1, match.re.groups + 1):
        value = match[group]
        if not value or not (bare := value.strip()):
            continue
        start = match.start(group) + len(value) - len(value.lstrip())
        if start not in source.blanked:
            yield _Span(start, start + len(bare), priority, kind)


# --- the patterns -----------------------------------------------------------------------------------------


def _by_root() -> dict[str, list[tuple[str, int, Rule]]]:
    """The line rules, each under the shortest stem that its own stem contains: one search serves them all."""
    stems = sorted({stem for rule in LINE_RULES for stem in rule.stems}, key=len)
    table: dict[str, list[tuple[str, int, Rule]]] = {}
    for priority, rule in enumerate(LINE_RULES):
        for stem in rule.stems:
            root = next(shorter for shorter in stems if shorter in stem)
            table.setdefault(root, []).append((stem, priority, rule))
    return table


_RULES = _by_root()
_ROOTS = {root: word_shape(root) for root in _RULES}


def _line_spans(source: SearchedText) -> Iterator[_Span]:
    for root in source.present(_ROOTS):
        for start, end in source.regions(root):
            lines = source.lowered[start:end]
            for stem, priority, rule in _RULES[root]:
                if stem in lines:
                    for match in rule.pattern.finditer(source.text, start, end):
                        yield from _spans(source, match, priority, rule.kind)


def _text_spans(source: SearchedText) -> Iterator[_Span]:
    for rule in TEXT_RULES:
        if any(source.has(stem) for stem in rule.stems):
            for match in rule.pattern.finditer(source.text):
                yield from _spans(source, match, -1, rule.kind)


def _block_spans(source: SearchedText) -> Iterator[_Span]:
    for block in BLOCKS:
        opening = block.opening.search(source.text) if source.has(block.stem) else None
        while opening:
            limit = opening.end() + BLOCK_LIMIT
            closing = block.closing.search(source.text, opening.end(), limit)
            end = closing.end() if closing else limit
            for match in block.secret.finditer(source.text, opening.end(), end):
                yield from _spans(source, match, -1, block.kind)
            opening = block.opening.search(source.text, end - 1)  # the end may begin the next block


# --- the known secrets ------------------------------------------------------------------------------------


def _shaped(forms: Iterable[str]) -> dict[str, str]:
    return {form: word_shape(form) for form in forms}


class _Known:
    """One known credential and all that has to be looked for because of it."""

    def __init__(self, kind: str, value: str) -> None:
        self.kind = re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")[:60] or "secret"
        parts = telling_parts(value)
        forms = {form for part in parts for form in written_forms(part)}
        self._disguises = _shaped(frozenset[str]().union(*map(disguises, parts)))
        self._broken = tuple(part for part in parts if may_be_broken(part))
        self._anywhere = _shaped(sorted(form for form in forms if len(form) >= ANYWHERE))
        self._tokens = _shaped(form for form in forms if WHOLE_TOKEN <= len(form) < ANYWHERE)
        self._token_patterns = {form: token_pattern(form) for form in self._tokens}
        self._beside = _shaped(form for form in forms if 0 < len(form) < WHOLE_TOKEN)
        self._beside_patterns = tuple(map(beside_pattern, self._beside))

    def spans(self, source: SearchedText) -> Iterator[_Span]:
        for form in source.possible(self._anywhere):
            position = source.text.find(form)
            while position >= 0:
                yield _Span(position, position + len(form), -2, self.kind)
                position = source.text.find(form, position + len(form))
        for form in source.possible(self._tokens):
            if form in source.text:
                for match in self._token_patterns[form].finditer(source.text):
                    yield _Span(*match.span(), -2, self.kind)
        if any(form in source.text for form in source.possible(self._beside)):
            yield from self._spans_beside_keywords(source)

    def survives(self, source: SearchedText, joined: str) -> bool:
        """Whether it is still there, also in a form that `spans` does not see; `joined` is the text unbroken."""
        return (
            any(form in source.text for form in source.possible(self._disguises))
            or any(part in joined for part in self._broken)
            or next(self.spans(source), None) is not None
        )

    def _spans_beside_keywords(self, source: SearchedText) -> Iterator[_Span]:
        for start, end in (region for stem in KEYWORD_STEMS for region in source.regions(stem)):
            for pattern in self._beside_patterns:
                for match in pattern.finditer(source.text, start, end):
                    yield _Span(*match.span(1), -2, self.kind)


# --- the redactor -----------------------------------------------------------------------------------------


class Redactor:
    """Masks the given credentials, and whatever the patterns recognise as one.

    `secrets` holds the kind and the literal value of each, for example `{"password": …, "enable-secret": …}`.
    """

    def __init__(self, secrets: Secrets = ()) -> None:
        self._known = tuple(_Known(kind, value) for kind, value in _pairs(secrets))

    @classmethod
    def _of(cls, known: Iterable[_Known]) -> Self:
        redactor = cls()
        redactor._known = tuple(known)
        return redactor

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._known)} known secrets>"

    def redact(self, text: str) -> str:
        """`text` with a mark in the place of every credential; the rest of each line stays."""
        spans = self._spans(text)
        return _masked(text, spans) if spans else text

    def redact_lines(self, text: str, opening: str = "") -> tuple[str, str]:
        """The same for a part of a stream, line by line: a secret of three lines leaves three marks.

        Returns what is to be given as `opening` with the lines that follow: where a secret of several lines
        has not ended in this part, words that open one of its kind.
        """
        opening = taken_up(opening, text)
        whole = f"{opening}\n{text}" if opening else text
        spans = self._spans(whole)
        clean = _masked(whole, spans, by_line=True) if spans else whole
        return (clean.partition("\n")[2] if opening else clean), still_open(whole)

    def _spans(self, text: str) -> list[_Span]:
        if not text:
            return []
        source = SearchedText(text, self._kinds())
        return [
            *_line_spans(source),
            *_text_spans(source),
            *_block_spans(source),
            *self._known_spans(source),
        ]

    def leaks(self, text: str) -> list[str]:
        """The kinds of the known secrets that still stand in `text`, in more forms than `redact` takes out.

        Those are in `disguises.py`; in them a secret has no place that could be masked for certain.
        """
        if not text:
            return []
        source = SearchedText(text, self._kinds())
        joined = unbroken(source.text)
        return sorted({known.kind for known in self._known if known.survives(source, joined)})

    def _kinds(self) -> frozenset[str]:
        return KINDS | _registry.kinds | {known.kind for known in self._known}

    def _known_spans(self, source: SearchedText) -> list[_Span]:
        return [span for known in self._known for span in known.spans(source)]


def _pairs(secrets: Secrets) -> list[tuple[str, str]]:
    pairs = secrets.items() if isinstance(secrets, Mapping) else secrets
    return list(dict.fromkeys((kind, value) for kind, value in pairs if value and value.strip()))


def _masked(text: str, spans: list[_Span], *, by_line: bool = False) -> str:
    """Replace the spans by marks; overlapping ones become one mark, or with `by_line` one in each line."""
    pieces: list[str] = []
    position = 0
    spans.sort()
    current = spans[0]
    for span in [*spans[1:], _Span(len(text) + 1, len(text) + 1, 0, "")]:
        if span.start < current.end:
            first = min(current, span, key=lambda each: (each.priority, each.start - each.end))
            current = _Span(current.start, max(current.end, span.end), first.priority, first.kind)
            continue
        mark = f"<redacted:{current.kind}>"
        lines = text.count("\n", current.start, current.end) if by_line else 0
        pieces += [text[position : current.start], mark + f"\n{mark}" * lines]
        position, current = current.end, span
    return "".join([*pieces, text[position:]])


# --- what the whole process knows -------------------------------------------------------------------------


class _Entry:
    def __init__(self, known: _Known) -> None:
        self.known = known
        self.users = 0


class _Registry:
    """The secrets of this process. One in use is kept; released ones stay until newer ones crowd them out.

    They outlive their use because log lines do: a worker thread or a destructor may print one late.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may log while its own thread holds the lock
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._redactor: Redactor | None = None
        self.kinds: frozenset[str] = frozenset()

    def acquire(self, pairs: list[tuple[str, str]]) -> None:
        with self._lock:
            for pair in pairs:
                if pair not in self._entries:
                    self._entries[pair] = _Entry(_Known(*pair))
                    self._redactor = None
                self._entries[pair].users += 1
                self._entries.move_to_end(pair)
            self._forget_oldest()
            self.kinds = self.kinds | {self._entries[pair].known.kind for pair in pairs}

    def release(self, pairs: list[tuple[str, str]]) -> None:
        with self._lock:
            for pair in pairs:
                self._entries[pair].users -= 1
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        released = [pair for pair, entry in self._entries.items() if not entry.users]
        for pair in released[: max(0, len(released) - REMEMBERED)]:
            del self._entries[pair]
            self._redactor = None

    def redactor(self) -> Redactor:
        with self._lock:
            if self._redactor is None:
                self._redactor = Redactor._of(entry.known for entry in self._entries.values())
            return self._redactor


_registry = _Registry()


class Registration:
    """Holds secrets in use until `release()` or the end of its `with` block."""

    def __init__(self, secrets: Secrets) -> None:
        self._pairs = _pairs(secrets)
        _registry.acquire(self._pairs)

    def release(self) -> None:
        pairs, self._pairs = self._pairs, []
        _registry.release(pairs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._pairs)} secrets>"


def register_secrets(secrets: Secrets) -> Registration:
    """Make `secrets` known to the whole process, its logging filter included, at once."""
    return Registration(secrets)


def redact(text: str) -> str:
    """`text` without what the patterns recognise and without every secret registered in this process."""
    return _registry.redactor().redact(text)


# --- logging ------------------------------------------------------------------------------------------------

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RedactingFilter(logging.Filter):
    """Redacts message, arguments, exception text and extra fields of every record; put it on the handlers."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            _clean_message(record)
            _clean_exception(record)
            _clean_extra(record)
        except Exception as error:  # noqa: BLE001
            record.msg, record.args = f"log record withheld: redaction failed ({type(error).__name__})", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True


def _clean_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001
        record.msg, record.args = redact(f"{record.msg} {record.args!r}"), ()
        return
    clean = redact(message)
    if clean != message or redact(repr(record.args)) != repr(record.args):
        record.msg, record.args = clean, ()  # arguments that are harmless stay for formatters that read them


def _clean_exception(record: logging.LogRecord) -> None:
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    if not record.exc_info and not record.exc_text:
        return
    text = record.exc_text
    if record.exc_info and isinstance(record.exc_info, tuple) and not text:
        text = logging.Formatter().formatException(record.exc_info)
    clean = redact(text or "")
    if clean != text:
        # Without exc_info no other handler can format the exception again, with the secret in it.
        record.exc_text, record.exc_info = clean, None


def _clean_extra(record: logging.LogRecord) -> None:
    for name, value in vars(record).items():
        if name not in _STANDARD and not isinstance(value, (int, float, bool, type(None))):
            text = value if isinstance(value, str) else repr(value)
            if (clean := redact(text)) != text:
                setattr(record, name, clean)
