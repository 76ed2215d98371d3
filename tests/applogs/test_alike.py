"""Entries that are read together get the rows that each gets by itself."""

import json
import random

import pytest

from applogs.ingest.alike import FEW, rows_alike
from applogs.ingest.fields import PLACES
from applogs.ingest.rows import RowRefused, row_of
from tests.applogs.reading import read

RECEIVED_AT, LIMIT = 1_790_000_000_000_000_000, 4000
USUAL = {
    "timestamp": [
        "2026-01-15T10:30:45.123456789Z",
        "2026-01-15 10:30:45+02:00",
        1768473045,
        1768473045.5,
        "1768473045",
    ],
    "level": ["INFO", "error", "warn", 30, "Notice"],
    "category": ["api", "API", "Own"],
    "line": [142, 0],
    "context": [{"user_id": 7}, {}, {"a": {"b": [1, None]}}],
    "labels": [{"pod": "x", "n": 1, "deep": {"a": 1}, "none": None}, {}],
}
TEXTS = ["text", "ünïcode", "", "10.0.0.1"]
ODD = [
    None,
    "",
    0,
    -1,
    True,
    1.5,
    2**70,
    "x" * 1100,
    "y" * 5000,
    {},
    {"a": 1},
    {"a": "z" * 5000},
    [],
    [1, "b"],
    "x" * 101,
]
NAMES = [*PLACES, "user", "http", "order_id", "log", "service"]


def alone(entry):
    try:
        return row_of(entry, RECEIVED_AT, LIMIT)
    except RowRefused:
        return None


def some_entries(seeded, names, odd):
    def value(name):
        usual = USUAL.get(name, TEXTS)
        return seeded.choice(ODD) if seeded.random() < odd else seeded.choice(usual)

    return [{name: value(name) for name in names} for _ in range(FEW + seeded.randrange(8))]


def test_rows_are_those_of_each_entry_alone():
    seeded, wrong, read = random.Random(13), [], 0
    for _ in range(1500):
        names = seeded.sample(NAMES, seeded.randrange(1, 16))
        entries = some_entries(seeded, names, seeded.choice([0, 0, 0.02, 0.3]))
        for entry, row in zip(entries, rows_alike(entries, RECEIVED_AT, LIMIT), strict=True):
            read += row is not None
            wrong += [entry] if row is not None and row != alone(entry) else []

    assert wrong == []
    assert read > 2000


def test_usual_entries_are_all_read_together():
    names = [
        "timestamp",
        "level",
        "app",
        "host",
        "msg",
        "line",
        "context",
        "labels",
        "order_id",
        "user",
        "trace_id",
    ]
    entries = some_entries(random.Random(13), names, 0)

    assert None not in rows_alike(entries, RECEIVED_AT, LIMIT)


def test_one_odd_entry_leaves_its_neighbours():
    usual = {"message": "hello", "line": 7, "level": "INFO"}
    entries = [usual] * FEW + [usual | {"line": "seven"}, "no entry", usual | {"more": 1}, usual]

    rows = rows_alike(entries, RECEIVED_AT, LIMIT)

    assert [number for number, row in enumerate(rows) if row is None] == [FEW, FEW + 1, FEW + 2]


@pytest.mark.parametrize(
    "refused",
    [
        {"labels": {"a": json.loads("[" * 150 + "]" * 150)}},
        {"labels": {"a": [{"b": 1}] * 5001}},
        dict.fromkeys(map(str, range(1001)), "x"),
    ],
    ids=["deep", "large", "wide"],
)
def test_what_one_entry_may_not_have_many_may_not_have_either(refused):
    incoming = read([*[refused] * FEW, {"message": "a good neighbour"}])

    assert len(incoming.rejections) == FEW
    assert incoming.columns["message"] == ["a good neighbour"]
