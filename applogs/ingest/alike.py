"""Entries with the same names are read together, a column at a time: for a third of what `row_of` takes for each.

A value that its column does not take as it is leaves its entry to `row_of`, which says what becomes of it.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from applogs.ingest.fields import MAX_NAMES, NESTED_ROOTS
from applogs.ingest.levels import read_level
from applogs.ingest.rows import (
    ATTRIBUTES,
    CATEGORY,
    DEFAULTS,
    LABELS,
    LEVEL,
    LIMITS,
    LINE,
    MESSAGE,
    OBJECT_COLUMNS,
    SEVERITY,
    TIMESTAMP,
    Row,
    RowRefused,
    category_of,
    column_of,
    label_texts,
)
from applogs.ingest.times import nanoseconds_of
from applogs.ingest.values import ValueRefused, json_text
from logsite.text.storable import INTEGERS

FEW = 8  # entries; with fewer it does not pay
Values = Sequence[Any]
Left = set[int]  # the numbers of the entries that are left


def rows_alike(entries: Values, received_at: int, limit: int) -> list[Row | None]:
    """The rows of decoded `entries`; None for one that is left to `row_of`, which gives the same row for the others.

    `received_at` and `limit` are as there. No text may have NUL or half of a surrogate pair.
    """
    rows: list[Row | None] = [None] * len(entries)
    by_names: dict[tuple[str, ...], list[int]] = {}
    for number, entry in enumerate(entries):
        if type(entry) is dict and len(entry) <= MAX_NAMES:
            by_names.setdefault(tuple(entry), []).append(number)
    for names, numbers in by_names.items():
        if len(numbers) >= FEW and (place := _places(names)) is not None:
            alike = itemgetter(*numbers)(entries)
            columns, left = _columns(names, place, alike, received_at, limit)
            for at, row in enumerate(zip(*columns, strict=True)):
                if at not in left:
                    rows[numbers[at]] = list(row)
    return rows


def _places(names: Sequence[str]) -> dict[int, int] | None:
    """The columns that `names` mean, and where the name stands; None where more than one name counts for a column."""
    place: dict[int, int] = {}
    for number, name in enumerate(names):
        column = column_of(name)
        if column is None:
            if name in NESTED_ROOTS:
                return None
        elif column in place or column in (SEVERITY, ATTRIBUTES):
            return None
        else:
            place[column] = number
    return place if names else None


def _columns(
    names: Sequence[str], place: dict[int, int], entries: Values, received_at: int, limit: int
) -> tuple[list[Values], Left]:
    """The values of each column, and the entries that are left."""
    values = list(zip(*map(dict.values, entries), strict=True))
    left: Left = set()
    columns: list[Values] = [(default,) * len(entries) for default in DEFAULTS]
    columns[TIMESTAMP] = (received_at,) * len(entries)
    short = limit // 4  # characters; one has four bytes at most
    for column, number in place.items():
        sent = values[number]
        if column == TIMESTAMP:
            columns[column] = _times(sent, received_at, left)
        elif column == LEVEL:
            columns[LEVEL], columns[SEVERITY] = _levels(sent, left)
        elif column == LINE:
            columns[column] = _lines(sent, left)
        elif column in OBJECT_COLUMNS:
            columns[column] = _objects(sent, short, left)
        elif column == LABELS:
            columns[column] = _objects(_labels(sent, left), short, left)
        else:
            columns[column] = _texts(sent, short if column == MESSAGE else LIMITS[column], left)
    if CATEGORY in place:
        columns[CATEGORY] = list(map(category_of, columns[CATEGORY]))
    rest = [number for number in range(len(names)) if number not in place.values()]
    if rest:
        named = [names[number] for number in rest]
        others = zip(*(values[number] for number in rest), strict=True)
        columns[ATTRIBUTES] = _objects([dict(zip(named, each, strict=True)) for each in others], short, left)
    return columns, left


def _texts(values: Values, limit: int, left: Left) -> Values:
    if set(map(type, values)) != {str}:
        left.update(number for number, text in enumerate(values) if not isinstance(text, str | None))
        values = [text if type(text) is str else "" for text in values]
    if max(map(len, values)) > limit:
        left.update(number for number, text in enumerate(values) if len(text) > limit)
    return values


def _times(values: Values, received_at: int, left: Left) -> Values:
    found = list(map(nanoseconds_of, values))
    if None not in found:
        return found
    left.update(
        number for number, moment in enumerate(found) if moment is None and values[number] is not None
    )
    return [received_at if moment is None else moment for moment in found]


def _levels(values: Values, left: Left) -> tuple[Values, Values]:
    """The levels, and the severity numbers."""
    found = list(map(read_level, values))
    if not all(each.known for each in found):
        left.update(
            number
            for number, each in enumerate(found)
            if not each.known and values[number] is not None and values[number] != ""
        )
    return [each.level for each in found], [each.severity for each in found]


def _lines(values: Values, left: Left) -> Values:
    left.update(
        number
        for number, line in enumerate(values)
        if line is not None and (type(line) is not int or line not in INTEGERS)
    )
    return values


def _labels(values: Values, left: Left) -> Values:
    found: list[dict[str, str] | None] = [None] * len(values)
    for number, labels in enumerate(values):
        try:
            if isinstance(labels, dict):
                found[number] = label_texts(labels)
            elif labels is not None:
                left.add(number)
        except RowRefused:
            left.add(number)
    return found


def _objects(values: Values, short: int, left: Left) -> Values:
    """Their JSON texts; None for an empty one."""
    texts: list[str | None] = [None] * len(values)
    for number, value in enumerate(values):
        if value is None:
            continue
        try:
            text = json_text(value) if type(value) is dict else ""
        except ValueRefused:
            text = ""
        if not text or len(text) > short:
            left.add(number)
        elif value:
            texts[number] = text
    return texts
