"""Where the patterns find credentials in a text, and marks in their places."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from logsite.redaction.expressions import Rule
from logsite.redaction.patterns import BLOCKS, LINE_RULES, TEXT_RULES
from logsite.redaction.searched_text import SearchedText, word_shape

BLOCK_LIMIT = 50_000  # characters searched for the end of a block


class Span(NamedTuple):
    start: int
    end: int
    priority: int  # of two kinds that claim one place, the lower number names it; known secrets come first
    kind: str


def spans_of(source: SearchedText, match: re.Match[str], priority: int, kind: str) -> Iterator[Span]:
    """The groups of a match, without blanks around them; a mark in the value's place is no secret."""
    for group in range(1, match.re.groups + 1):
        value = match[group]
        if not value or not (bare := value.strip()):
            continue
        start = match.start(group) + len(value) - len(value.lstrip())
        if start not in source.blanked:
            yield Span(start, start + len(bare), priority, kind)


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


def line_spans(source: SearchedText) -> Iterator[Span]:
    for root in source.present(_ROOTS):
        for start, end in source.regions(root):
            lines = source.lowered[start:end]
            for stem, priority, rule in _RULES[root]:
                if stem in lines and (not rule.needs or any(map(lines.__contains__, rule.needs))):
                    for match in rule.pattern.finditer(source.text, start, end):
                        yield from spans_of(source, match, priority, rule.kind)


def text_spans(source: SearchedText) -> Iterator[Span]:
    for rule in TEXT_RULES:
        if any(source.has(stem) for stem in rule.stems):
            for match in rule.pattern.finditer(source.text):
                yield from spans_of(source, match, -1, rule.kind)


def block_spans(source: SearchedText) -> Iterator[Span]:
    for block in BLOCKS:
        opening = block.opening.search(source.text) if source.has(block.stem) else None
        while opening:
            limit = opening.end() + BLOCK_LIMIT
            closing = block.closing.search(source.text, opening.end(), limit)
            end = closing.end() if closing else limit
            for match in block.secret.finditer(source.text, opening.end(), end):
                yield from spans_of(source, match, -1, block.kind)
            opening = block.opening.search(source.text, end - 1)  # the end may begin the next block


def masked(text: str, spans: list[Span], *, by_line: bool = False) -> str:
    """Replace the spans by marks; overlapping ones become one mark, or with `by_line` one in each line."""
    pieces: list[str] = []
    position = 0
    spans.sort()
    current = spans[0]
    for span in [*spans[1:], Span(len(text) + 1, len(text) + 1, 0, "")]:
        if span.start < current.end:
            first = min(current, span, key=lambda each: (each.priority, each.start - each.end))
            current = Span(current.start, max(current.end, span.end), first.priority, first.kind)
            continue
        mark = f"<redacted:{current.kind}>"
        lines = text.count("\n", current.start, current.end) if by_line else 0
        pieces += [text[position : current.start], mark + f"\n{mark}" * lines]
        position, current = current.end, span
    return "".join([*pieces, text[position:]])
