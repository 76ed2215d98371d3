"""From the text of a query to its tree: Lucene's syntax as people type it into Kibana and Grafana.

    query   = all (OR all)*                    OR is also ||
    all     = one ([AND] one)*                 AND is also &&, and is left out mostly
    one     = (NOT | ! | - | +)* (group | leaf)
    group   = ( query )
    leaf    = word | "phrase" | field:value | field:(query) | field:[low TO high] | field:>=value

A slash is no sign: `path:/health*` is a path, and there are no regular expressions. What is pasted is text: brackets
that open in a word, or that begin one and close again, belong to it (`[error]`, `{"a": 1}`, `main(args)`).

The time is linear in the text: each character is looked at by a fixed number of patterns that do not go back.
"""

from collections.abc import Collection
from functools import cached_property
from typing import cast

from logsite.records.query import shapes
from logsite.records.query.errors import QueryError
from logsite.records.query.tree import (
    EVERYTHING,
    All,
    Any,
    Compare,
    Contains,
    Exists,
    Node,
    Not,
    Operator,
    Phrase,
    Range,
    Wildcard,
)

MAX_CHARACTERS = 10_000
MAX_TERMS = 500
MAX_DEPTH = 50
MAX_WILDCARDS = 50
_QUOTE = "to search for the text itself, put it in quotes"


def parse(text: str, names: Collection[str] = ()) -> Node:
    """The tree of `text`; an empty text matches everything. Raises QueryError.

    `names` are the fields that are known: only for these may a space stand around the colon, as in `level: ERROR`;
    `ValueError: x` is text.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryError(MAX_CHARACTERS, f"the query is longer than {MAX_CHARACTERS:,} characters")
    if match := shapes.UNSTORABLE.search(text):
        raise QueryError(match.start(), f"the character U+{ord(match[0]):04X} cannot be searched for")
    return _Parser(text, names).query()


class _Parser:
    """Holds the place in the text: `kind` of the token at `start`, which ends at `after`."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text
        self.names = names
        self.terms = 0
        self.depth = 0
        self.plus: int | None = None
        self.kind, self.start, self.after = "", 0, 0

    @cached_property
    def pairs(self) -> dict[int, int]:
        return shapes.pairs(self.text)

    def query(self) -> Node:
        self._advance(0)
        if self.kind == "end":
            return EVERYTHING
        found = self._any("")
        if self.kind != "end":
            raise QueryError(self.start, "this bracket closes nothing", f"{_QUOTE}, or remove it")
        return found

    def _advance(self, position: int) -> None:
        match = shapes.TOKEN.match(self.text, position)
        assert match is not None, "the last alternative is empty"
        self.kind = match.lastgroup or ""
        self.start, self.after = match.span(match.lastindex or 0)

    def _any(self, field: str) -> Node:
        self.plus = None
        parts = [self._all(field)]
        while self.kind == "or":
            if self.plus is not None:
                raise _plus_with_or(self.plus)
            self._advance(self.after)
            parts.append(self._all(field))
            if self.plus is not None:
                raise _plus_with_or(self.plus)
        self.plus = None
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self, field: str) -> Node:
        parts = [self._one(field)]
        while self.kind not in ("or", "close", "end"):
            if self.kind == "and":
                self._advance(self.after)
            parts.append(self._one(field))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, field: str) -> Node:
        negated = False
        plus = self.plus
        while self.kind in ("not", "plus"):
            if self.kind == "not":
                negated = not negated
            elif plus is None:
                plus = self.start
            self._advance(self.after)
        if self.kind == "open":
            found = self._group(field, self.start)
        elif self.kind == "word":
            found = self._leaf(field)
        else:
            raise self._missing()
        self.plus = plus
        return Not(found) if negated else found

    def _missing(self) -> QueryError:
        before = self.text[: self.start].split()
        word = self.text[self.start : self.after]
        if before and before[-1] in ("AND", "OR", "NOT", "&&", "||", "!"):
            return QueryError(self.start, f"a term is missing after {before[-1]}", _QUOTE)
        if self.kind in ("and", "or"):
            return QueryError(self.start, f"a term is missing before {word}", _QUOTE)
        return QueryError(self.start, "a term is missing here", _QUOTE)

    def _group(self, field: str, opened: int) -> Node:
        """The parts between the bracket at `opened` and the one that closes it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise QueryError(opened, f"more than {MAX_DEPTH} brackets within each other")
        self._advance(opened + 1)
        if self.kind == "close":
            raise QueryError(opened, "nothing is between these brackets", _QUOTE)
        if self.kind == "end":
            raise _unclosed(opened)
        found = self._any(field)
        if self.kind != "close":
            raise _unclosed(opened)
        self.depth -= 1
        if self.text[self.after : self.after + 1] in ("~", "^"):
            raise _tuned(self.after)
        self._advance(self.after)
        return found

    def _leaf(self, field: str) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise QueryError(self.start, f"more than {MAX_TERMS} terms")
        start = self.start
        if field:
            if named := self._name_at(start):
                raise QueryError(start, f"the field {named[0]} in the brackets of {field}", _QUOTE)
            return self._value(field, start, start)
        if self.text[start] == '"':
            return self._phrase(start)
        if self.text[start] in "[{":
            return self._bracketed(start)
        if named := self._name_at(start):
            name, at = named
            return self._value(name, start, at)
        if shapes.DRIVE.match(self.text, start):
            return self._path("", start, start)
        return self._word("", start, start)

    def _name_at(self, start: int) -> tuple[str, int] | None:
        """The field that is named at `start`, and where its value begins."""
        match = shapes.NAME.match(self.text, start)
        if match is None:
            return None
        name, end = match[0], match.end()
        if shapes.NAMED.match(self.text, end):
            if name in self.names or not (
                shapes.NOT_A_FIELD.match(self.text, start) or shapes.DRIVE.match(self.text, start)
            ):
                return name, end + 1
            return None
        if name in self.names and (spaced := shapes.SPACED.match(self.text, end)):
            return name, spaced.end()
        return None

    def _value(self, field: str, start: int, at: int) -> Node:
        """What a field is asked for, at `at`; the whole term begins at `start`."""
        sign = self.text[at]
        if sign == "(" and start != at:
            return self._group(field, at)
        if field == "_exists_":
            return self._exists(start, at)
        if sign in "[{":
            return self._range(field, start, at)
        operator = "="
        if match := shapes.COMPARISON.match(self.text, at):
            operator, at = match[1], match.end()
            if self.text[at : at + 1] in ("", ")"):
                raise QueryError(at, f"a value is missing after {operator}")
        if self.text[at] == '"':
            raw, end = self._quoted(at)
            self._end_of_value(end)
            if operator == "=" and shapes.has_wildcard(raw):
                return self._wildcard(shapes.pattern(raw), field, start, at)
            return Compare(field, cast(Operator, operator), shapes.plain(raw), start, at)
        if operator == "=":
            if shapes.DRIVE.match(self.text, at):
                return self._path(field, start, at)
            return self._word(field, start, at)
        raw, _ = self._raw(at)
        if shapes.has_wildcard(raw):
            raise QueryError(at, f"a wildcard after {operator}", f"compare with a value, or use {field}:*")
        return Compare(field, cast(Operator, operator), shapes.plain(raw), start, at)

    def _exists(self, start: int, at: int) -> Exists:
        """`_exists_:user`, whose value names a field."""
        if self.text[at] == '"':
            name, end = self._quoted(at)
            self._end_of_value(end)
        else:
            name, _ = self._raw(at)
        if not shapes.NAME.fullmatch(name):
            raise QueryError(at, "_exists_ needs the name of a field", "write _exists_:NAME")
        return Exists(name, start)

    def _word(self, field: str, start: int, at: int) -> Node:
        raw, _ = self._raw(at)
        if raw.strip("*") == "" and raw:
            return Exists(field, start) if field else EVERYTHING
        if raw == "*:*" and not field:
            return EVERYTHING
        if shapes.has_wildcard(raw):
            return self._wildcard(shapes.pattern(raw), field, start, at)
        text = shapes.plain(raw)
        if field:
            return Compare(field, "=", text, start, at)
        if not text.strip():
            raise QueryError(start, "nothing to search for", "a space alone is no word")
        return Contains(text, start)

    @staticmethod
    def _wildcard(pattern: str, field: str, start: int, at: int) -> Wildcard:
        if pattern.count("*") + pattern.count("?") > MAX_WILDCARDS:
            raise QueryError(at, f"more than {MAX_WILDCARDS} wildcards in a term")
        return Wildcard(pattern, field, start, at)

    def _raw(self, at: int) -> tuple[str, int]:
        """The word at `at` as it was typed, and where it ends."""
        end = self._end_of_word(at)
        raw = self.text[at:end]
        if ("~" in raw or "^" in raw) and (match := shapes.TUNED.search(raw)):
            raise _tuned(at + match.start() + 1)
        self._advance(end)
        return shapes.as_pasted(raw), end

    def _end_of_word(self, at: int) -> int:
        """A quote or a bracket that opens within a word takes what is in it along, if it closes: `a="b c"`."""
        while True:
            match = shapes.PLAIN.match(self.text, at)
            assert match is not None, "matches the empty text too"
            at = match.end()
            sign = self.text[at : at + 1]
            if sign == '"':
                quoted = self._closed_quote(at)
                at = quoted if quoted else at + 1
            elif sign == "(":
                at = self.pairs.get(at, at) + 1
            else:
                return at

    def _closed_quote(self, at: int) -> int:
        """Where the quoted text at `at` ends; 0 where it does not."""
        if self.text.find('"', at + 1) < 0:
            return 0
        match = shapes.QUOTED.match(self.text, at)
        return match.end() if match else 0

    def _quoted(self, at: int) -> tuple[str, int]:
        match = shapes.QUOTED.match(self.text, at)
        if match is None:
            raise QueryError(at, "this quote is not closed", r"close it, or write \" for the sign itself")
        return match[1], match.end()

    def _phrase(self, start: int) -> Node:
        raw, end = self._quoted(start)
        sign = self.text[end : end + 1]
        if sign in ("~", "^"):
            raise _tuned(end)
        if sign and sign != ")" and not sign.isspace():  # "a":1, a piece of JSON
            return self._word("", start, start)
        if not raw.strip():
            raise QueryError(start, "nothing is between these quotes")
        self._advance(end)
        if shapes.has_wildcard(raw):
            return self._wildcard(shapes.pattern(raw), "", start, start)
        return Phrase(shapes.plain(raw), start)

    def _bracketed(self, start: int) -> Node:
        """`[error]`, `{"a": 1}`, `[2026-01-15 10:30:45]` are text, up to the bracket that closes."""
        if shapes.RANGE.match(self.text, start):
            raise QueryError(start, "a range needs a field", f"write field:[1 TO 5]; {_QUOTE}")
        end = self._end_of_word(self.pairs.get(start, start) + 1)
        raw = shapes.as_pasted(self.text[start:end])
        self._advance(end)
        if shapes.has_wildcard(raw):
            return self._wildcard(shapes.pattern(raw), "", start, start)
        return Contains(shapes.plain(raw), start)

    def _path(self, field: str, start: int, at: int) -> Node:
        match = shapes.PATH.match(self.text, at)
        assert match is not None, "begins with a letter or a backslash"
        self._advance(match.end())
        raw = match[0]
        if "*" in raw or "?" in raw:
            return self._wildcard(shapes.path_pattern(raw), field, start, at)
        path = raw.replace(r"\\", "\\")
        return Compare(field, "=", path, start, at) if field else Contains(path, start)

    def _range(self, field: str, start: int, at: int) -> Node:
        match = shapes.RANGE.match(self.text, at)
        if match is None:
            hint = f"write {field}:[1 TO 5] or {field}:{{1 TO 5}}; {_QUOTE}"
            raise QueryError(at, "this bracket begins a range, which is not complete", hint)
        self._end_of_value(match.end())
        low, high = self._end(match, 2), self._end(match, 3)
        return Range(field, low, high, match[1] == "[", match[4] == "]", start, at)

    @staticmethod
    def _end(match: "shapes.re.Match[str]", group: int) -> str | None:
        """An end of a range; None for the sign that leaves it open."""
        raw = match[group]
        if raw == "*":
            return None
        if raw[0] == '"':
            return shapes.plain(raw[1:-1])
        if shapes.has_wildcard(raw):
            raise QueryError(match.start(group), "a wildcard at the end of a range", "* alone leaves it open")
        return shapes.plain(raw)

    def _end_of_value(self, end: int) -> None:
        sign = self.text[end : end + 1]
        if sign in ("~", "^"):
            raise _tuned(end)
        if sign and sign != ")" and not sign.isspace():
            raise QueryError(end, "a space is missing after the value", _QUOTE)
        self._advance(end)


def _unclosed(opened: int) -> QueryError:
    return QueryError(opened, "this bracket is not closed", f"{_QUOTE}, or close it")


def _tuned(position: int) -> QueryError:
    return QueryError(position, "similar words, distances and boosts are not supported", _QUOTE)


def _plus_with_or(position: int) -> QueryError:
    return QueryError(position, "+ has no meaning beside OR", "use AND and brackets")
