"""A query as a function of a record, for the live stream. It says of each record what `orm` says of its row."""

import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from logsite.records.plain import LogRecord
from logsite.records.query import conditions
from logsite.records.query.conditions import Condition, Equals, OfField, Within
from logsite.records.query.fields import Field, Kind
from logsite.records.query.patterns import Glob, TextPattern, finder

Predicate = Callable[[LogRecord], bool]
Test = Callable[[Any], bool]


def predicate(condition: Condition) -> Predicate:
    """A function that says whether `condition` holds for a record."""
    match condition:
        case conditions.AllOf(parts):
            every = [predicate(part) for part in parts]
            return lambda record: all(part(record) for part in every)
        case conditions.AnyOf(parts):
            some = [predicate(part) for part in parts]
            return lambda record: any(part(record) for part in some)
        case conditions.Negated(part):
            inner = predicate(part)
            return lambda record: not inner(record)
        case conditions.HasText(fields, pattern):
            fits_text = _text_test(pattern)
            readers = [_reader(field) for field in fields]
            return lambda record: any(fits_text(read(record)) for read in readers)
        case conditions.HasKey(fields, paths, test):
            places = [(_reader(field), path) for field in fields for path in paths]
            passes = _json_test(test)
            return lambda record: any(_passes(_step(read(record), path), passes) for read, path in places)
    read, fits = _reader(condition.field), _field_test(condition)
    return lambda record: (value := read(record)) is not None and fits(value)


def in_network(address: str | None, network: str) -> bool:
    """Whether `address` is one of `network`; also a function of the engine for SQLite."""
    if not address:
        return False
    return ipaddress.ip_address(address) in _network(network)


@lru_cache(64)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


def _reader(field: Field) -> Callable[[LogRecord], Any]:
    """What the record has at the path of `field`: an attribute, then keys or attributes."""
    first, *rest = field.record.split(".")
    absent = field.absent
    if not rest:
        return lambda record: getattr(record, first)
    if len(rest) == 1 and first != "parts":
        [key] = rest
        return lambda record: getattr(record, first).get(key, absent)

    def read(record: LogRecord) -> Any:
        value: Any = getattr(record, first)
        for name in rest:
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        return absent if value is None else value

    return read


def _text_test(pattern: TextPattern) -> Test:
    """The needle first: most records do not have it, and a plain search is quicker than an expression."""
    has_term, needle = finder(pattern.pattern), pattern.needle
    return lambda text: text is not None and needle in text.lower() and has_term(text)


def _field_test(condition: OfField) -> Test:
    match condition:
        case conditions.OneOf(field, values):
            wanted = frozenset(map(str, values)) if field.kind is Kind.UUID else frozenset(values)
            return lambda value: value in wanted
        case conditions.Matches(_, glob):
            return _form(glob)
        case conditions.InNetwork(_, network):
            text = str(network)
            return lambda value: in_network(value, text)
        case conditions.Between(field, low, high, with_low, with_high):
            between = _between(low, high, with_low, with_high)
            return (lambda value: between(uuid.UUID(value))) if field.kind is Kind.UUID else between
    return lambda value: value != ""


def _form(glob: Glob) -> Test:
    match = re.compile(glob.python).match
    return lambda value: match(value) is not None


def _between(low: Any, high: Any, with_low: bool, with_high: bool) -> Test:
    def test(value: Any) -> bool:
        if low is not None and not (value >= low if with_low else value > low):
            return False
        return high is None or bool(value <= high if with_high else value < high)

    return test


def _step(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _passes(value: Any, test: Test | None) -> bool:
    """Of an array any element passes."""
    if test is None or not isinstance(value, list | tuple):
        return value is not None and (test is None or test(value))
    return any(test(element) for element in value)


def _json_test(test: Equals | Within | Glob | None) -> Test | None:
    match test:
        case None:
            return None
        case Glob():
            form = _form(test)
            return lambda value: isinstance(value, str) and form(value)
        case Within(low, high, with_low, with_high):
            between = _between(low, high, with_low, with_high)
            of_texts = isinstance(low, str) or isinstance(high, str)
            fits: Test = (lambda value: isinstance(value, str)) if of_texts else _is_number
            return lambda value: fits(value) and between(value)

    def equal(value: Any) -> bool:
        if isinstance(value, bool):
            return value is test.boolean
        return bool(value == test.text or (_is_number(value) and value == test.number))

    return equal


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
