"""Which tokens a row has, and which tokens a row must have for a condition to hold.

A row has a token for each of its words (`refused`), for each keyword (`app=web`), for a pair of keywords that people
ask for together (`app=web level=ERROR`), and for each value in its columns of JSON by the path of its key
(`user_id:42`, `http.method:GET`), whatever the column. The words of a text that takes a permission have the
text's name (`response refused`): a query of somebody without it asks for none of them. Both sides below write these
texts, and only their hashes are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from operator import mul
from typing import Any, TypeAlias

import msgspec

from logsite.records.query import Condition, Field, Fields, Kind, TextWhere, words
from logsite.records.query.conditions import AllOf, AnyOf, Equals, HasKey, HasText, OneOf
from logsite.tables.token_sets import DigitHashes, Every, Hashes, NumberHashes, Some, Tokens, number

Columns: TypeAlias = Mapping[str, Sequence[Any]]
MOST_TOKENS = 20_000  # of a row; one with more is compared with every query
MANY_WORDS = 50  # of a text; in one with more of them many come again
MOST_WANTED = 240  # tokens that a query asks for; what is more is left to the rows
DEEPEST = 8  # FTS5 has a stack for nested brackets
DEEPEST_OBJECT = 50  # objects in objects; a row with deeper ones is compared with every query
FEW_DECIMALS = 10_000.0  # times a fraction that has a token is a whole number
LAST_BITS = 1e-14  # of a fraction, as a part of it
EXACT = 2**53  # up to here a float is the whole number that it looks like
OVERFLOW = "overflow of tokens"  # no word and no value
_DIGITS = DigitHashes()
_decode = msgspec.json.Decoder().decode


class TokenRules:
    """Which columns of a source have tokens. `together` names keywords that are often asked for in one query."""

    def __init__(self, fields: Fields, together: Sequence[str] = ()) -> None:
        # A column of another table changes without the row.
        columns = {field.column: field for field in fields.values() if isinstance(field.column, str)}
        by_column = {column: field for column, field in columns.items() if "__" not in column}
        texts = {_text_name(name, field): field for name, field in fields.items() if field.kind is Kind.TEXT}
        texts.pop("", None)
        self.texts = {name: f"{name} " if field.permission else "" for name, field in texts.items()}
        self._prefixes = {field.column: self.texts[name] for name, field in texts.items()}
        self.keywords = _columns(by_column, (Kind.KEYWORD, Kind.LEVEL))
        self.objects = _columns(by_column, (Kind.JSON,))
        self.together = tuple(together)

    def of_rows(self, columns: Columns, *, as_digits: bool = False, salt: int = 0) -> list[str]:
        """The tokens of each row, whose values are in `columns` by the columns' names, of a TextWhere by the field's.
        Those of JSON are texts, or None. A column may be absent. With `as_digits` as FTS5 takes them (`0a1b2c3d
        ffffffff`), else as PostgreSQL does (`{7,-4711}`), each combined with `salt`. Raises msgspec.DecodeError."""
        hashes = _DIGITS if as_digits else _salted(salt)
        parts = [*self._of_keywords(columns, hashes)]
        parts += [_of_objects(columns[name], hashes) for name in self.objects if name in columns]
        parts += [
            _of_texts(columns[name], hashes, self.texts[name]) for name in self.texts if name in columns
        ]
        rows = [_bounded(row, hashes) for row in map("".join, zip(*parts, strict=True))]
        return rows if as_digits else [f"{{{row}}}" for row in rows]

    def _of_keywords(self, columns: Columns, hashes: Hashes) -> Iterator[list[str]]:
        """A row of a batch has few values that others do not have."""
        for name in self.keywords:
            if name in columns:
                known = {value: hashes[f"{name}={value}"] if value else "" for value in set(columns[name])}
                yield [known[value] for value in columns[name]]
        if self.together and all(name in columns for name in self.together):
            pairs = list(zip(*(columns[name] for name in self.together), strict=True))
            known = {pair: hashes[_pair(self.together, pair)] if all(pair) else "" for pair in set(pairs)}
            yield [known[pair] for pair in pairs]

    def required(self, condition: Condition) -> Tokens | None:
        """What the tokens of every row are that `condition` holds for; None where nothing is known of them."""
        found = self._required(condition, DEEPEST)
        if found is None or _size(found) > MOST_WANTED:
            return None
        return Some((found, number(OVERFLOW)))

    def _required(self, condition: Condition, depth: int) -> Tokens | None:
        match condition:
            case AllOf(parts) if depth:
                return self._every(list(_flat(parts)), depth - 1)
            case AnyOf(parts) if depth and parts:
                some = [self._required(part, depth - 1) for part in parts]
                known = [part for part in some if part is not None]
                return _one_of(known) if len(known) == len(some) else None
            case HasText(fields, pattern) if all(field.column in self._prefixes for field in fields):
                prefixes = dict.fromkeys(self._prefixes[field.column] for field in fields)
                each = [_all_of([number(prefix + word) for word in pattern.words]) for prefix in prefixes]
                return _one_of([part for part in each if part is not None])
            case OneOf(field, values) if field.column in self.keywords and all(values):
                return _one_of([number(f"{field.column}={value}") for value in values])
            case HasKey(_, paths, Equals() as test):
                return _one_of([number(text) for text in _leaf_texts(paths, test)])
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
        return _one_of([number(_pair(self.together, values)) for values in combined])


def leaves(value: Any) -> list[str]:
    """`user_id:42` for each value of an object, by the path of its key; of an array for each element."""
    found: list[str] = []
    if isinstance(value, dict):
        _collect(value, "", DEEPEST_OBJECT, found)
    return found


def _collect(mapping: dict[str, Any], path: str, depth: int, found: list[str]) -> None:
    for key, value in mapping.items():
        kind = type(value)
        if kind is str:
            found.append(f"{path}{key}:{value}")
        elif kind is dict:
            if depth:
                _collect(value, f"{path}{key}.", depth - 1, found)
            else:
                found.append(OVERFLOW)
        elif kind is list:
            texts = [_text_of(element) for element in value if type(element) not in (dict, list)]
            found += [f"{path}{key}:{text}" for text in texts if text is not None]
        elif (text := _text_of(value)) is not None:
            found.append(f"{path}{key}:{text}")


def _text_of(value: Any) -> str | None:
    """What stands in the token of a value; None where it has none."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    return None if value is None else _number_text(value)


def _number_text(value: int | float) -> str | None:
    """The same for 42 and 42.0. SQLite's own reading of a fraction may differ from Python's in its last bit.

    A fraction of many digits has no token: it is measured, nobody asks for it, and no two rows have the same.
    """
    if not abs(value) <= EXACT and isinstance(value, float):  # also infinity and NaN
        return format(value, ".15g")
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    scaled = value * FEW_DECIMALS
    few = abs(scaled - round(scaled)) <= abs(scaled) * LAST_BITS
    return format(value, ".15g") if few else None


def _leaf_texts(paths: Iterable[tuple[str, ...]], test: Equals) -> list[str]:
    """What `leaves` gives for the values that pass the test; nothing where a value may have no token. A dot in a key
    reads as a step into an object."""
    values = [test.text]
    if test.number is not None:
        if (text := _number_text(test.number)) is None:
            return []
        values.append(text)
        if abs(test.number) > EXACT:  # a float of this size has its text
            values.append(format(float(test.number), ".15g"))
    names = dict.fromkeys(".".join(path) for path in paths)
    return [f"{name}:{value}" for name in names for value in dict.fromkeys(values)]


def _columns(by_column: Mapping[str, Field], kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    return tuple(column for column, field in by_column.items() if field.kind in kinds)


def _text_name(name: str, field: Field) -> str:
    """Under which name the rows' texts are given: the column's, or the field's where it is a column of some rows
    only. Empty for what is no column of the row itself."""
    if isinstance(field.column, str):
        return "" if "__" in field.column else field.column
    return name if isinstance(field.column, TextWhere) else ""


def _pair(names: Sequence[str], values: Sequence[str]) -> str:
    return " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def _of_objects(texts: Sequence[str | None], hashes: Hashes) -> list[str]:
    """Many rows of a batch have the same labels."""
    known = {
        text: "".join([hashes[leaf] for leaf in leaves(_decode(text))]) if text else "" for text in set(texts)
    }
    return [known[text] for text in texts]


def _of_texts(texts: Sequence[str | None], hashes: Hashes, prefix: str) -> list[str]:
    token = hashes.__getitem__
    if not prefix:
        return ["".join(map(token, _different(words(text)))) if text else "" for text in texts]
    begun = prefix.__add__
    return ["".join(map(token, map(begun, _different(words(text))))) if text else "" for text in texts]


def _different(terms: list[str]) -> Iterable[str]:
    """The words of a long text once each; in a short one few come again."""
    return terms if len(terms) <= MANY_WORDS else dict.fromkeys(terms)


@lru_cache(8)
def _salted(salt: int) -> Hashes:
    """The tokens of a few days are kept: most rows are of today."""
    return NumberHashes(salt)


def _bounded(row: str, hashes: Hashes) -> str:
    """The tokens of a row as they are stored: without the last separator, and not too many."""
    separator = hashes.separator
    if len(row) <= MOST_TOKENS * 2 or row.count(separator) <= MOST_TOKENS:
        return row[:-1]
    different = list(dict.fromkeys(row[:-1].split(separator)))
    if len(different) > MOST_TOKENS:
        different[MOST_TOKENS:] = [hashes[OVERFLOW][:-1]]
    return separator.join(different)


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
