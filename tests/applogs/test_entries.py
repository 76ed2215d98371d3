"""One entry to its columns: names, types, odd values; docs/applogs-ingest.md has each of them."""

import json
import random

import pytest

from applogs.ingest.fields import COLUMNS, NAMES, OBJECTS, TEXT_LIMITS
from applogs.ingest.levels import read_level
from applogs.models import LogEntry
from logsite.records import LEVELS
from tests.applogs.reading import RECEIVED, entries_of, read, read_one

CONTRACT = {
    "timestamp": "2026-01-15T10:30:45.123456789Z",
    "level": "INFO",
    "category": "api",
    "message": "User authenticated",
    "module": "auth_service",
    "function": "authenticate_user",
    "line": 142,
    "app": "auth_service",
    "host": "host1",
    "logger": "auth",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "context": {"request_id": "req_123456"},
    "metadata": {"auth_method": "password"},
    "performance_data": {"response_time": 0.045},
}


def test_the_columns_are_those_of_the_table():
    own = {"id", "xact", "token_id", "protocol", "received_at"}
    fields = {field.name: field for field in LogEntry._meta.get_fields() if field.name not in own}

    assert set(COLUMNS) == set(fields)
    assert {name: fields[name].max_length for name in TEXT_LIMITS} == TEXT_LIMITS
    assert list(read([]).columns) == list(COLUMNS)


def test_an_entry_of_the_contract_is_all_columns():
    assert read_one(CONTRACT) == CONTRACT | {"timestamp": 1768473045123456789, "severity": 9}


@pytest.mark.parametrize(
    ("column", "name"),
    [(column, name) for column, names in NAMES.items() for name in names.split() if column not in OBJECTS],
)
def test_each_name_of_a_column_is_taken_and_not_repeated(column, name):
    sent, stored = {
        "timestamp": ("2026-01-15T10:30:45Z", 1768473045 * 10**9),
        "level": ("warn", "WARNING"),
        "severity": (18, 18),
        "line": (7, 7),
    }.get(column, ("x", "x"))

    for entry in ({name: sent}, _nested(name.split("."), sent), {name: sent, "other": 1}):
        found = read_one(entry)
        assert found[column] == stored
        assert found.get("attributes") == ({"other": 1} if "other" in entry else None)


def _nested(path, value):
    return {path[0]: _nested(path[1:], value)} if path else value


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"msg": "b", "message": "a"}, {"message": "a", "attributes": {"msg": "b"}}),
        ({"message": None, "msg": "b"}, {"message": "b"}),
        ({"ts": 1, "time": 2, "date": "x"}, {"timestamp": 2 * 10**9, "attributes": {"ts": 1, "date": "x"}}),
        ({"level": 100, "level_name": "DEBUG"}, {"level": "DEBUG", "severity": 5, "attributes": {"level": 100}}),
        ({"event": {"kind": "x"}, "log": "a"}, {"message": "a", "attributes": {"event": {"kind": "x"}}}),
        ({"log": {"level": "warn", "x": 1}}, {"level": "WARNING", "severity": 13, "attributes": {"log": {"x": 1}}}),
        ({"log": {"level": "warn"}, "level": "info"},
         {"level": "INFO", "severity": 9, "attributes": {"log": {"level": "warn"}}}),
        ({"host": {"name": "h", "ip": ["192.0.2.1"]}}, {"host": "h", "attributes": {"host": {"ip": ["192.0.2.1"]}}}),
        ({"log": {"origin": {"file": {"name": "a.py", "line": 3}}}}, {"file": "a.py", "line": 3}),
        ({"service": "s", "log": {"level": {"a": 1}}}, {"app": "s", "attributes": {"log": {"level": {"a": 1}}}}),
        ({"user": 1, "nothing": None}, {"attributes": {"user": 1, "nothing": None}}),
        ({"message": ""}, {}),
    ],
)  # fmt: skip
def test_of_two_names_the_earlier_counts_and_the_rest_stays(entry, expected):
    assert read_one(entry) == expected


ODD = [
    # A text today, and an object tomorrow.
    ({"message": {"a": 1}}, {"message": '{"a":1}'}),
    ({"message": ["a", 1.50, None]}, {"message": '["a",1.5,null]'}),
    ({"message": 7}, {"message": "7"}),
    ({"message": False}, {"message": "false"}),
    ({"context": "a"}, {"attributes": {"context": "a"}}),
    ({"context": [1], "metadata": 0}, {"attributes": {"context": [1], "metadata": 0}}),
    ({"context": {}, "metadata": None, "labels": {}, "attributes": {}}, {}),
    ({"logger": {"a": 1}, "app": ["b"]}, {"attributes": {"logger": {"a": 1}, "app": ["b"]}}),
    ({"trace_id": 17, "app": 1.5, "host": True}, {"trace_id": "17", "app": "1.5", "host": "true"}),
    ({"labels": {"a": 1, "b": None, "c": [1], "d": True}}, {"labels": {"a": "1", "b": "", "c": "[1]", "d": "true"}}),
    ({"labels": ["a"]}, {"attributes": {"labels": ["a"]}}),
    ({"attributes": {"a": 1}, "a": 2, "b": 3}, {"attributes": {"a": 1, "a_": 2, "b": 3}}),
    ({"attributes": "a", "b": 3}, {"attributes": {"attributes": "a", "b": 3}}),
    # Numbers.
    ({"a": 2**53 + 1, "b": 2**64, "c": -(2**70)}, {"attributes": {"a": 2**53 + 1, "b": 2**64, "c": -(2**70)}}),
    ({"line": 2**63}, {"attributes": {"line": str(2**63)}}),
    ({"line": "142"}, {"line": 142}),
    ({"line": 142.0}, {"line": 142}),
    ({"line": "x"}, {"attributes": {"line": "x"}}),
    ({"line": True}, {"attributes": {"line": True}}),
    ('{"a": NaN, "b": [-Infinity, Infinity]}', {"attributes": {"a": "NaN", "b": ["-Infinity", "Infinity"]}}),
    ('{"a": 1e400, "b": 1e-400}', {"attributes": {"a": "1e400", "b": "1e-400"}}),
    ('{"a": 0.0, "b": -0e9}', {"attributes": {"a": 0.0, "b": 0.0}}),
    ('{"a": %s}' % ("9" * 5000), {"attributes": {"a": "9" * 5000}}),
    ('{"a": %s}' % ("9" * 4000), {"attributes": {"a": int("9" * 4000)}}),
    ('{"a": 0.%s}' % ("3" * 2000), {"attributes": {"a": "0." + "3" * 2000}}),
    # Texts that no database takes.
    ('{"message": "a\\u0000b", "x\\u0000": "\\u0000"}', {"message": "a␀b", "attributes": {"x␀": "␀"}}),
    ('{"message": "\\ud83d\\ude80 \\ud83d", "logger": "\\ude80"}', {"message": "🚀 \\ud83d", "logger": "\\ude80"}),
    (b'{"message": "a\xff", "b": "\xed\xa0\x80"}', {"message": "a\ufffd", "attributes": {"b": "\ufffd\ufffd\ufffd"}}),
    ('{"message": "a\tb\x01"}', {"message": "a\tb\x01"}),
    # The last of two values of one name counts.
    ('{"message": "a", "message": "b", "context": {"k": 1, "k": 2}}', {"message": "b", "context": {"k": 2}}),
    # Times.
    ({"timestamp": "yesterday"}, {"attributes": {"timestamp": "yesterday"}}),
    ({"@timestamp": [1]}, {"attributes": {"@timestamp": [1]}}),
    ({"timestamp": "", "level": ""}, {}),
    ({"timestamp": 0}, {"timestamp": 0}),
    ({"timestamp": "2099-01-01T00:00:00Z"}, {"timestamp": 4070908800 * 10**9}),
    ({"timestamp": "x", "attributes": {"timestamp": "y"}}, {"attributes": {"timestamp": "y", "timestamp_": "x"}}),
    # Levels.
    ({"level": "loud"}, {"attributes": {"level": "loud"}}),
    ({"level": 100}, {"attributes": {"level": 100}}),
    ({"severity_number": 99}, {"attributes": {"severity_number": 99}}),
    ({"severity_number": 14}, {"level": "WARNING", "severity": 14}),
    ({"level": "error", "severity_number": 18}, {"level": "ERROR", "severity": 18}),
    ({"level": "error", "severity_number": 9},
     {"level": "ERROR", "severity": 17, "attributes": {"severity_number": 9}}),
    # Too long.
    ({"logger": "l" * 300}, {"logger": "l" * 255, "attributes": {"logger": "l" * 300}}),
    ({"id": "i" * 129}, {"attributes": {"id": "i" * 129}}),
    ({"id": 4711}, {"entry_id": "4711"}),
    ({"category": "AUDIT"}, {"category": "audit"}),
    ({"category": "Billing"}, {"category": "Billing"}),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), ODD, ids=range(len(ODD)))
def test_an_odd_value_is_kept_and_never_lost(entry, expected):
    assert read_one(entry) == expected


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        *[
            (text, text)
            for text in ("0.12345678901234567890123", "12345678901234567890.5", "9007199254740993.0")
        ],
        *[(text, text) for text in ("123456789012345678901234567890", "18446744073709551616", "1E+30")],
        ("1.5e+300", "1.5e300"),
    ],
)
def test_a_number_keeps_all_its_digits(text, digits):
    """In the JSON text of the column; a reader with floats alone would round it."""
    for body in (f'{{"context": {{"a": {text}}}}}', f'{{"context": {{"a": {text}}}, "b": NaN}}'):
        assert read(body).columns["context"] == [f'{{"a":{digits}}}']


@pytest.mark.parametrize(
    ("word", "level", "severity"),
    [
        *[(level, level, number) for level, number in LEVELS.items()],
        *[("warn", "WARNING", 13), ("Fatal", "CRITICAL", 21), ("notice", "INFO", 9), ("silly", "TRACE", 1)],
        *[("audit", "AUDIT", 9), (" Security ", "SECURITY", 13), ("Eror", "ERROR", 17)],
        *[(10, "TRACE", 1), (20, "DEBUG", 5), (30, "INFO", 9), ("50", "ERROR", 17), (60, "CRITICAL", 21)],
        *[
            ("DEBUG-4", "TRACE", 1),
            ("INFO+1", "INFO", 10),
            ("ERROR+4", "CRITICAL", 21),
            ("ERROR+99", "CRITICAL", 24),
        ],
        *[
            ("loud", "", 0),
            ("", "", 0),
            (7, "", 0),
            (True, "", 0),
            (30.0, "", 0),
            ("x" * 1000, "", 0),
            (None, "", 0),
        ],
        *[("WARN-", "", 0), ('","level":"error', "", 0)],
    ],
)
def test_a_level_is_read_from_words_and_numbers(word, level, severity):
    assert read_level(word) == (level, severity, bool(level))


@pytest.mark.parametrize(
    ("token", "entry", "expected"),
    [
        ({"app": "mine", "host": "h"}, {"a": 1}, {"app": "mine", "host": "h"}),
        ({"app": "mine"}, {"app": "mine", "host": "other"}, {"app": "mine", "host": "other"}),
        ({}, {"app": "any"}, {"app": "any"}),
    ],
)
def test_a_token_fills_its_app_and_host(token, entry, expected):
    found = read_one(entry, **token)

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("field", ["app", "host"])
@pytest.mark.parametrize(
    "form", ['{{"{0}": "other"}}', '{{"{0}": {{"name": "other"}}}}', '{{"{0}": "Mine"}}']
)
def test_an_entry_that_names_another_app_or_host_is_rejected(field, form):
    body = form.format(field)

    incoming = read(body, **{field: "mine"})

    (rejection,) = incoming.rejections
    assert (rejection.field, rejection.index, json.loads(rejection.raw)) == (field, 0, json.loads(body))
    assert rejection.reason.startswith(f"the token is for {field} 'mine', the entry names ")
    assert incoming.columns["app"] == []


def test_a_message_of_ten_megabytes_is_cut_and_counted():
    found = read_one({"message": "é" * 5_000_000, "context": {"a": "x" * 2_000_000}, "b": 1})

    assert found["message"] == "é" * (2**19)
    assert found["context"]["truncated"].startswith('{"a":"xxx')
    kept = len(found["message"].encode()) + len(found["context"]["truncated"])
    assert found["truncated_bytes"] == 10_000_000 + 2_000_008 - kept
    assert found["attributes"] == {"b": 1}


@pytest.mark.parametrize("size", [99, 100, 101])
def test_the_limit_of_a_message_is_a_setting_in_bytes(settings, size):
    settings.APPLOGS_MESSAGE_BYTES = 100

    found = read_one({"message": "x" * size})

    assert found["message"] == "x" * min(size, 100)
    assert found.get("truncated_bytes", 0) == max(size - 100, 0)


def test_no_secret_is_cut_in_half(settings):
    settings.APPLOGS_MESSAGE_BYTES = 1000
    text = "x" * 985 + " eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl" + "x" * 9000

    assert "eyJ" not in read_one({"message": text})["message"]
    assert "eyJ" not in str(read_one({"context": {"a": text[6:]}})["context"])


VALUES = [
    *("", "a", "Grüße 🚀", 'q"\\\n', "x" * 300, "2026-01-15T10:30:45.5Z", "warn", "7", "\u2028"),
    *(
        0,
        7,
        -1,
        2**63,
        2**64,
        1.5,
        1e22,
        1e-7,
        30,
        True,
        False,
        None,
        {},
        [],
        {"a": {"b": [1, None]}},
        [{"c": "d"}],
    ),
]
KEYS = [
    *(name for names in NAMES.values() for name in names.split()),
    "user",
    "http",
    "log",
    "service",
    "Ä",
    "",
    "a.b",
]


def _entries(chance, number):
    """Random entries, as dicts without what JSON cannot tell."""
    entries = [
        {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randint(1, 12))}
        for _ in range(number)
    ]
    return [json.loads(json.dumps(entry)) for entry in entries]


@pytest.mark.parametrize("seed", range(5))
def test_every_form_of_a_body_gives_the_same_columns(seed):
    """The quick decoder reads a body unless there is one odd value in it, and the patient one then."""
    entries = _entries(random.Random(seed), 300)
    array, lines = json.dumps(entries), [json.dumps(entry, ensure_ascii=False) for entry in entries]
    quick = entries_of(read(array))
    assert len(quick) == 300

    for body in ("\n".join(lines), "".join(lines), "\r\n\r\n".join(lines)):
        assert entries_of(read(body)) == quick
    for body in (f'[{array[1:-1]}, {{"odd": NaN}}]', "\n".join([*lines, '{"odd": "\\ud800"}'])):
        assert entries_of(read(body))[:-1] == quick
    for place, entry in enumerate(entries):
        assert entries_of(read([entry])) == [quick[place]]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_was_sent_is_lost(seed):
    """Each text and number of an entry is in its row, as itself or in another form of it."""
    for entry in _entries(random.Random(seed), 300):
        found = read_one(
            {"message": "m", "marker": "k1", **{f"{name}!": value for name, value in entry.items()}}
        )
        assert found["attributes"] == {"marker": "k1", **{f"{name}!": value for name, value in entry.items()}}

        (row,) = entries_of(read([{**entry, "marker": "k1"}]))
        text = json.dumps(row, ensure_ascii=False)
        for name, value in entry.items():
            if isinstance(value, str) and value in ("a", "Grüße 🚀", "x" * 300, "\u2028"):
                assert value in text, (name, entry)
            if isinstance(value, dict | list) and value:
                assert ("b" in text) or ("c" in text), (name, entry)


def test_the_time_of_receipt_is_that_of_an_entry_without_one():
    assert read({"message": "a"}).columns["timestamp"] == [RECEIVED]
