r"""What a term looks for, as each reader wants it: a regular expression of Python, one of PostgreSQL, a GLOB, a LIKE.

In a text a term is found where it begins and ends with whole words, whatever the case; `*` and `?` stand for signs
other than spaces, and a space for any run of spaces. A star at either end needs no whole word there.

Python's engine goes back, so its expressions are written to be linear: a star takes the first place that fits, for
good, and a term that has one begins its search at each run of signs, not at each sign. PostgreSQL's does not go back.
The spaces of `words` are Python's own, so `\s` stands for them: it takes no time to compile, and no memory.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TypeVar

from logsite.records.query.words import (
    JOINING,
    NOT_JOINING,
    NOT_SPACE,
    SPACE,
    joins,
    variants,
    words,
)

_SIGN = re.compile(rf"\\(.)|([*?])|({SPACE}+)|(.)", re.DOTALL)
_STAR, _ONE, _GAP = "star", "one", "gap"
_WILD = "\ue000"  # stands for a wildcard while words are looked for; no word has it
_ASCII_RUN = re.compile(r"[\0-\x7f]+")
_WORD_OR_WILD = re.compile(f"[{JOINING[1:-1]}{_WILD}]+")


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A term as it is looked for in a text.

    `python` finds it. Without a star in it, `body` does too, where no word goes on to the `left` or `right` of it.
    A text that matches has `needle` in it, in ASCII letters of any case, and each of `words` among its words; an
    index may look for these first. Either may be empty.
    """

    pattern: str
    python: str
    body: str | None
    left: bool
    right: bool
    postgres: str
    needle: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern that a whole value must match, case and all."""

    python: str
    glob: str
    like: str


Made = TypeVar("Made")


def _kept(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """`make`, whose results are kept for each row that is compared: of long patterns, which take up to a megabyte,
    the hundred that one query may have."""
    short, long = lru_cache(2048)(make), lru_cache(100)(make)

    @wraps(make)
    def kept(pattern: str) -> Made:
        return short(pattern) if len(pattern) < 100 else long(pattern)

    return kept


def escaped(text: str) -> str:
    """The pattern that matches `text` and nothing else."""
    return re.sub(r"([*?\\])", r"\\\1", text)


@_kept
def text_pattern(pattern: str) -> TextPattern:
    signs = _signs(pattern)
    while signs[:1] == [(_GAP, "")]:
        signs.pop(0)
    while signs[-1:] == [(_GAP, "")]:
        signs.pop()
    opened, closed = signs[:1] == [(_STAR, "")], signs[-1:] == [(_STAR, "")]
    while signs[:1] == [(_STAR, "")]:
        signs.pop(0)
    while signs[-1:] == [(_STAR, "")]:
        signs.pop()
    left = not opened and bool(signs) and _at_edge(signs[0])
    right = not closed and bool(signs) and _at_edge(signs[-1])
    starred = any(kind == _STAR for kind, _ in signs)
    return TextPattern(
        pattern=pattern,
        body=None if starred else _python(signs, left=False, right=False),
        left=left,
        right=right,
        python=_python(signs, left, right),
        postgres=_postgres(signs, left, right),
        needle=_needle(signs),
        words=_whole_words(signs, opened, closed),
    )


@_kept
def finder(pattern: str) -> Callable[[str], bool]:
    """A function that says whether a text has the term.

    The class of the letters of words takes Python two milliseconds to compile, so most terms do without it.
    """
    form = text_pattern(pattern)
    if form.body is None:
        whole = re.compile(form.python).search
        return lambda text: whole(text) is not None
    search, left, right = re.compile(form.body).search, form.left, form.right

    def has(text: str) -> bool:
        found = search(text)
        while found is not None:
            start, end = found.span()
            if not (left and joins(text[start - 1 : start])) and not (right and joins(text[end : end + 1])):
                return True
            found = search(text, start + 1)
        return False

    return has


def has_term(text: str | None, pattern: str) -> bool:
    """Whether `text` has the term; also a function of the engine for SQLite."""
    return text is not None and finder(pattern)(text)


@_kept
def glob_pattern(pattern: str) -> Glob:
    python, glob, like = r"(?s:\A", "", ""
    signs = [(kind, text) for kind, text in _signs(pattern, spaces=False)]
    pieces = _split(signs, _STAR)
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        exact = "".join("." if kind == _ONE else re.escape(text) for kind, text in piece)
        if number:
            python += f".*{exact}" if number == last else f"(?>.*?{exact})"
            glob, like = glob + "*", like + "%"
        else:
            python += exact
        glob += "".join("?" if kind == _ONE else _in_glob(text) for kind, text in piece)
        like += "".join("_" if kind == _ONE else _in_like(text) for kind, text in piece)
    return Glob(rf"{python}\Z)", glob, like)


def _in_glob(text: str) -> str:
    return f"[{text}]" if text in "*?[" else text


def _in_like(text: str) -> str:
    return f"\\{text}" if text in "%_\\" else text


def _signs(pattern: str, *, spaces: bool = True) -> list[tuple[str, str]]:
    """Each sign of `pattern`: a wildcard, a gap of spaces, or a character, whose kind is empty."""
    found = []
    for plain, wildcard, gap, other in _SIGN.findall(pattern):
        if wildcard:
            found.append((_STAR if wildcard == "*" else _ONE, ""))
        elif gap and spaces:
            found.append((_GAP, ""))
        else:
            found += [("", character) for character in plain or gap or other]
    return [
        sign
        for number, sign in enumerate(found)
        if sign[0] != _STAR or sign not in found[number - 1 : number]
    ]


def _split(signs: list[tuple[str, str]], at: str) -> list[list[tuple[str, str]]]:
    parts: list[list[tuple[str, str]]] = [[]]
    for sign in signs:
        if sign[0] == at:
            parts.append([])
        else:
            parts[-1].append(sign)
    return parts


def _at_edge(sign: tuple[str, str]) -> bool:
    """Whether a word may not go on beyond this sign at the edge of a term."""
    return sign[0] == _ONE or (not sign[0] and joins(sign[1]))


def _letters(piece: list[tuple[str, str]]) -> str:
    return "".join(r"\S" if kind == _ONE else _letter(text) for kind, text in piece)


@lru_cache(4096)
def _letter(character: str) -> str:
    r"""`[eE]`, `\.`, `5`: valid for Python and PostgreSQL."""
    forms = variants(character)
    if len(forms) > 1:
        return f"[{forms}]"
    return f"\\{character}" if character in r".^$*+?{}[]\|()/-" else character


def _postgres(signs: list[tuple[str, str]], left: bool, right: bool) -> str:
    """`(?:^|[^a-z…])[eE][rR][rR](?:$|[^a-z…])`"""
    inner = {_STAR: f"{NOT_SPACE}*", _ONE: NOT_SPACE, _GAP: f"{SPACE}+"}
    body = "".join(inner[kind] if kind else _letter(text) for kind, text in signs)
    return (f"(?:^|{NOT_JOINING})" if left else "") + body + (f"(?:$|{NOT_JOINING})" if right else "")


def _python(signs: list[tuple[str, str]], left: bool, right: bool) -> str:
    begin = f"(?<!{JOINING})" if left else ""
    end = f"(?!{JOINING})" if right else ""
    first, *rest = [_split(run, _STAR) for run in _split(signs, _GAP)]
    if not any(first):
        body = r"\s" if rest and len(first) == 1 else ""  # `"* foo"`: the star at its edge is gone
    elif len(first) == 1:
        body = begin + _letters(first[0])
    else:
        body = rf"(?:^|(?<=\s))(?>\S*?{begin}{_letters(first[0])}){_after_star(first[1:])}"
    for number, run in enumerate(rest):
        gap = "" if body == r"\s" and not number else r"\s+"
        if number == len(rest) - 1 and run == [[]]:
            return body + (r"\s" if gap else "")  # `"foo *"`
        body += gap + _letters(run[0]) + _after_star(run[1:])
    return body + end


def _after_star(pieces: list[list[tuple[str, str]]]) -> str:
    """Each piece with a star before it. Only the last may give back what its star took."""
    if not pieces:
        return ""
    early = "".join(rf"(?>\S*?{_letters(piece)})" for piece in pieces[:-1])
    return rf"{early}\S*{_letters(pieces[-1])}"


def _needle(signs: list[tuple[str, str]]) -> str:
    literal = "".join(_WILD if kind else text for kind, text in signs)
    return max(_ASCII_RUN.findall(literal), key=len, default="").lower()


def _whole_words(signs: list[tuple[str, str]], opened: bool, closed: bool) -> tuple[str, ...]:
    """The words of the term that a text must have as they are: no wildcard touches them."""
    literal = "".join((" " if kind == _GAP else _WILD) if kind else text for kind, text in signs)
    literal = (_WILD if opened else " ") + literal + (_WILD if closed else " ")
    untouched = _WORD_OR_WILD.sub(lambda run: " " if _WILD in run[0] else run[0], literal)
    return tuple(dict.fromkeys(words(untouched)))
