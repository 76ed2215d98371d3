"""Which tokens a row has, and which tokens a row must have for a condition to hold.

A row has a token for each of its words (`refused`), for each keyword (`app=web`), for a pair of keywords that people
ask for together (`app=web level=ERROR`), and for each value in its columns of JSON by the path of its key
(`user_id:42`, `http.method:GET`), whatever the column. Both sides below write these texts, and only their hashes are
kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import mul
from typing import Any, TypeAlias

import msgspec

from logsite.records.query import Condition, Field, Fields, Kind, words
from logsite.records.query.conditions import AllOf, AnyOf, Equals, HasKey, HasText, OneOf
from logsite.tables.token_sets import Every, Hashes, Some, Tokens, digits, number

Columns: TypeAlias = Mapping[str, Sequence[Any]]
MOST_TOKENS = 20_000  # of a row; one with more is compared with every query
MOST_WANTED = 200  # tokens that a query asks for; what is more is left to the rows
DEEPEST = 8  # FTS5 has a stack for nested brackets
DEEPEST_OBJECT = 50  # objects in objects; a row with deeper ones is compared with every query
EXACT = 2**53  # up to here a float is the whole number that it looks like
OVERFLOW = "overflow of tokens"  # no word and no value
_NUMBERS, _DIGITS = Hashes(number), Hashes(digits)
_decode = msgspec.json.Decoder().decode


class TokenRules:
    """Which columns of a source have tokens. `together` names keywords that are often asked for in one query."""

    def __init__(self, fields: Fields, together: Sequence[str] = ()) -> None:
        by_column = {field.column: field for field in fields.values() if isinstance(field.column, str)}
        self.texts = _columns(by_column, (Kind.TEXT,))
        self.keywords = _columns(by_column, (Kind.KEYWORD, Kind.LEVEL))
        self.objects = _columns(by_column, (Kind.JSON,))
        self.together = tuple(together)

    def of_rows(self, columns: Columns, *, as_digits: bool = False) -> list[list[Any]]:
        """The tokens of each row, whose values are in `columns` by the columns' names; those of JSON are texts, or
        None. A column may be absent. With `as_digits` as FTS5 takes them. Raises msgspec.DecodeError."""
        hashes = _DIGITS if as_digits else _NUMBERS
        texts = [columns[name] for name in self.texts if name in columns]
        keywords = [(f"{name}=", columns[name]) for name in self.keywords if name in columns]
        objects = [columns[name] for name in self.objects if name in columns]
        pairs = [columns[name] for name in self.together] if columns.keys() >= set(self.together) else []
        seen: dict[Any, list[Any]] = {}
        found = []
        for row in range(len(next(iter(columns.values()), ()))):
            tokens: set[Any] = {hashes[start + values[row]] for start, values in keywords if values[row]}
            if pairs and all(values[row] for values in pairs):
                tokens.add(hashes[_pair(self.together, [values[row] for values in pairs])])
            for values in objects:
                if text := values[row]:
                    if text not in seen:
                        seen[text] = [hashes[each] for each in leaves(_decode(text))]
                    tokens.update(seen[text])
            for values in texts:
                if text := values[row]:
                    tokens.update(map(hashes.__getitem__, words(text)))
            found.append(_bounded(tokens, hashes))
        return found

    def required(self, condition: Condition) -> Tokens | None:
        """What the tokens of every row are that `condition` holds for; None where nothing is known of them."""
        found = self._required(condition, DEEPEST)
        if found is None or _size(found) > MOST_WANTED:
            return None
        return Some((found, _NUMBERS[OVERFLOW]))

    def _required(self, condition: Condition, depth: int) -> Tokens | None:
        match condition:
            case AllOf(parts) if depth:
                return self._every(list(_flat(parts)), depth - 1)
            case AnyOf(parts) if depth and parts:
                some = [self._required(part, depth - 1) for part in parts]
                known = [part for part in some if part is not None]
                return _one_of(known) if len(known) == len(some) else None
            case HasText(fields, pattern) if all(field.column in self.texts for field in fields):
                return _all_of([_NUMBERS[word] for word in pattern.words])
            case OneOf(field, values) if field.column in self.keywords and all(values):
                return _one_of([_NUMBERS[f"{field.column}={value}"] for value in values])
            case HasKey(_, paths, Equals() as test):
                return _one_of([_NUMBERS[text] for text in _leaf_texts(paths, test)])
        return None

    def _every(self, parts: list[Condition], depth: int) -> Tokens | None:
        pair = self._pair(parts)
        found = [each for part in parts if (each := self._required(part, depth)) is not None]
        kept: list[Tokens] = [pair] if pair is not None else []
        for each in sorted(found, key=_size):
            if sum(map(_size, kept)) + _size(each) <= MOST_WANTED:
                kept.append(each)
        return _all_of(kept)

    def _pair(self, parts: list[Condition]) -> Tokens | None:
        """Those of the keywords that are asked for together; they leave `parts`."""
        asked: dict[Any, OneOf] = {}
        for part in parts:
            if isinstance(part, OneOf) and part.field.column in self.together and all(part.values):
                asked.setdefault(part.field.column, part)
        chosen = [asked[name] for name in self.together if name in asked]
        if len(chosen) < 2 or len(chosen) < len(self.together):
            return None
        if reduce(mul, [len(part.values) for part in chosen]) > MOST_WANTED // 4:
            return None
        for part in chosen:
            parts.remove(part)
        combined: list[list[str]] = [[]]
        for part in chosen:
            combined = [[*before, str(value)] for before in combined for value in part.values]
        return _one_of([_NUMBERS[_pair(self.together, values)] for values in combined])


def leaves(value: Any, path: str = "", depth: int = DEEPEST_OBJECT) -> Iterator[str]:
    """`user_id:42` for each value of an object, by the path of its key; of an array for each element."""
    if isinstance(value, dict):
        if not depth:
            yield OVERFLOW
            return
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key, depth - 1)
    elif isinstance(value, list):
        for element in value:
            if not isinstance(element, dict | list) and element is not None:
                yield f"{path}:{_text_of(element)}"
    elif value is not None:
        yield f"{path}:{_text_of(value)}"


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number_text(value)


def _number_text(value: int | float) -> str:
    """The same for 42 and 42.0. SQLite's own reading of a fraction may differ from Python's in its last bit."""
    if isinstance(value, int) or (value.is_integer() and abs(value) <= EXACT):
        return str(int(value))
    return format(value, ".15g")


def _leaf_texts(paths: Iterable[tuple[str, ...]], test: Equals) -> list[str]:
    """What `leaves` gives for the values that pass the test. A dot in a key reads as a step into an object."""
    values = [test.text]
    if test.number is not None:
        values.append(_number_text(test.number))
        if abs(test.number) > EXACT:  # a float of this size has its text
            values.append(format(float(test.number), ".15g"))
    names = dict.fromkeys(".".join(path) for path in paths)
    return [f"{name}:{value}" for name in names for value in dict.fromkeys(values)]


def _columns(by_column: Mapping[str, Field], kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    return tuple(column for column, field in by_column.items() if field.kind in kinds)


def _pair(names: Sequence[str], values: Sequence[str]) -> str:
    return " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def _bounded(tokens: set[Any], hashes: Hashes) -> list[Any]:
    found = list(tokens)
    return found if len(found) <= MOST_TOKENS else [*found[:MOST_TOKENS], hashes[OVERFLOW]]


def _flat(parts: Iterable[Condition]) -> Iterator[Condition]:
    for part in parts:
        if isinstance(part, AllOf):
            yield from _flat(part.parts)
        else:
            yield part


def _all_of(parts: list[Tokens] | list[int]) -> Tokens | None:
    return _joined(Every, parts)


def _one_of(parts: list[Tokens] | list[int]) -> Tokens | None:
    return _joined(Some, parts)


def _joined(kind: Callable[[tuple[Tokens, ...]], Tokens], parts: Sequence[Tokens]) -> Tokens | None:
    kept = tuple(dict.fromkeys(parts))
    return kind(kept) if len(kept) > 1 else kept[0] if kept else None


def _size(wanted: Tokens) -> int:
    return 1 if isinstance(wanted, int) else sum(map(_size, wanted.parts))
