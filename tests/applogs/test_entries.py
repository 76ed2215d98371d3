"""What becomes of the values that senders write: one behaviour a test, its inputs as a table."""

import json
import random

import pytest
from django.conf import settings as site

from applogs.ingest.entries import Incoming, _quickly, read_entries
from applogs.ingest.times import nanoseconds_of
from logsite.intake.bodies import BodyRefused

NOW = 1_800_000_000_000_000_000
JSON = "application/json"


def read(body, content_type=JSON, **owner):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_entries(body, content_type, received_at=NOW, **owner)


def entry_of(body, content_type=JSON, **owner):
    """The columns of the only entry, without those that are empty."""
    incoming = read(body, content_type, **owner)
    assert (len(incoming.indexes), incoming.rejections) == (1, [])
    found = {name: value for name, (value,) in incoming.columns.items() if value not in ("", None, 0)}
    return {name: json.loads(value) if name in OBJECTS else value for name, value in found.items()}


OBJECTS = ("context", "metadata", "performance_data", "labels", "attributes")


# --- bodies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "indexes"),
    [
        (b'{"message":"a"}', [0]),
        (b'[{"message":"a"},{"message":"b"}]', [0, 1]),
        (b' \n [ {"message":"a"} ,\n {"message":"b"}]\n', [0, 1]),
        (b'{"message":"a"}\n{"message":"b"}\n', [0, 1]),
        (b'\n{"message":"a"}\r\n\r\n  \n{"message":"b"}', [1, 4]),  # A37: the numbers of the lines
        (b'{"message":"a"}{"message":"b"}', [0, 1]),
        (b'{"message":\n"a"}\n{"message":"b"}', [0, 1]),
        (b'\x1e{"message":"a"}\n\x1e{"message":"b"}\n', [0, 1]),
        (b'\xef\xbb\xbf{"message":"a"}', [0]),
        (b'[{"message":"a"}]\n[{"message":"b"}]', [0, 1]),
        (b"", []),
        (b"[]", []),
    ],
)
def test_each_form_of_a_body_gives_its_entries_with_their_numbers(body, indexes):
    incoming = read(body)

    assert (incoming.indexes, incoming.rejections) == (indexes, [])
    assert incoming.columns["message"] == ["a", "b"][: len(indexes)]


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json; charset=utf-8", "application/x-ndjson", "text/plain", "application/vnd.x+json",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_json_is_taken_under_each_of_these_types(content_type):
    assert entry_of({"message": "a"}, content_type)["message"] == "a"


@pytest.mark.parametrize(
    "content_type", ["application/msgpack", "application/xml", "image/png", "multipart/form-data"]
)
def test_another_type_is_refused_with_the_types_to_send(content_type):
    with pytest.raises(BodyRefused, match="application/json") as refused:
        read({"message": "a"}, content_type)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    "body",
    [b'[{"message":"a"},{"mess', b"{", b"nonsense", b'{"message":"a"}\n{"mess', b'{"message":"a"},', b"[" * 100_000,
     b'{"a":' * 100_000, b"\x81\xa7message\xa1a", b'{"message":"a"} trailing'],
)  # fmt: skip
def test_a_body_that_cannot_be_read_to_its_end_is_refused_whole(body):
    with pytest.raises(BodyRefused) as refused:
        read(body)
    assert refused.value.status == 400


def test_values_that_are_no_entries_are_rejected_and_their_neighbours_stored():
    deep = json.loads('{"a":' * 101 + "1" + "}" * 101)
    incoming = read([{"message": "a"}, 7, "text", None, [1], True, {}, deep, {"message": "b"}])

    assert (incoming.indexes, incoming.columns["message"]) == ([0, 8], ["a", "b"])
    assert [each.index for each in incoming.rejections] == [1, 2, 3, 4, 5, 6, 7]
    assert incoming.rejections[0].reason == "expected an object, got a number"


def test_an_object_that_is_too_large_or_too_deep_is_rejected_alone():
    deep = json.loads('{"a":' * 120 + '"' + "x" * 300 + '"' + "}" * 120)
    incoming = read([{"message": "a", "context": deep}, {"message": "b", "context": {"x": "y" * 1024**2}},
                     {"message": "c"}])  # fmt: skip

    assert incoming.columns["message"] == ["c"]
    assert [each.index for each in incoming.rejections] == [0, 1]
    assert "nested deeper" in incoming.rejections[0].reason
    assert "larger than" in incoming.rejections[1].reason


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"msg": "a", "lvl": "warn", "ts": 1795955696.5}, {"message": "a", "level": "WARNING"}),
        ({"message": "a", "levelname": "ERROR", "name": "app.db", "funcName": "f", "lineno": 7, "pathname": "/x.py"},
         {"level": "ERROR", "logger": "app.db", "function": "f", "line": 7, "file": "/x.py"}),
        ({"@m": "a", "@l": "Fatal"}, {"message": "a", "level": "CRITICAL"}),
        ({"msg": "a", "level": 30, "hostname": "h1"}, {"level": "INFO", "host": "h1"}),
        ({"body": "a", "severity_number": 17, "traceId": "t", "spanId": "s"},
         {"level": "ERROR", "trace_id": "t", "span_id": "s"}),
        ({"message": "a", "log": {"level": "info", "logger": "x"}, "service": {"name": "shop"}},
         {"level": "INFO", "logger": "x", "app": "shop"}),
        ({"event": "a", "level": "info"}, {"message": "a"}),
        ({"message": "a", "level": "SECURITY"}, {"level": "SECURITY", "severity": 13}),
        ({"message": "a", "level": "audit", "category": "AUDIT"}, {"level": "AUDIT", "category": "audit"}),
        ({"message": "a", "id": 42}, {"entry_id": "42"}),
    ],
)  # fmt: skip
def test_names_of_other_senders_are_fields_of_ours_and_stand_nowhere_else(sent, stored):
    found = entry_of(sent)

    assert stored.items() <= found.items()
    assert "attributes" not in found


@pytest.mark.parametrize(
    ("sent", "attributes"),
    [
        ({"user": "ada", "n": 5, "none": None}, {"user": "ada", "n": 5, "none": None}),
        ({"attributes": {"a": 1}, "b": 2}, {"a": 1, "b": 2}),
        ({"attributes": {"a": 1}, "a": 2}, {"a": 1, "top.a": 2}),
        ({"level": "shout"}, {"level": "shout"}),
        ({"timestamp": "yesterday"}, {"timestamp": "yesterday"}),
        ({"context": "a text today"}, {"context": "a text today"}),
        ({"line": 2**70}, {"line": 2**70}),
        ({"app": "x" * 101}, {"app": "x" * 101}),
        ({"id": "x" * 129}, {"id": "x" * 129}),
        ({"big": 9007199254740993, "huge": 2**80}, {"big": 9007199254740993, "huge": 2**80}),
        ({"host": {"ip": "192.0.2.1"}}, {"host": {"ip": "192.0.2.1"}}),
    ],
)
def test_what_does_not_fit_a_field_is_kept_among_the_attributes(sent, attributes):
    assert entry_of({"message": "a"} | sent)["attributes"] == attributes


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ('"a"', "a"),
        ('{"user":1}', '{"user":1}'),
        ("[1,2]", "[1,2]"),
        ("5", "5"),
        ("true", "true"),
        ('""', None),
    ],
)
def test_a_message_of_any_kind_is_a_text(sent, message):
    assert entry_of(f'{{"message":{sent},"x":1}}'.encode()).get("message") == message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"message":"a","x":NaN}', "NaN"),
        (b'{"message":"a","x":-Infinity}', "-Infinity"),
        (b'{"message":"a","x":1e999}', "1e999"),
        (b'{"message":"a","x":1,"x":2}', 2),
        (b'{"message":"a","x":"\\u0000"}', "\\x00"),
        (b'{"message":"a","x":"\\ud800"}', "\\ud800"),
        (b'{"message":"a","x":"\xe9"}', "\\udce9"),
        (b'{"message":"a","x":"\\ud83d\\ude00"}', "\N{GRINNING FACE}"),
        (b'{"message":"a","x":' + b"9" * 500 + b"}", "9" * 500),
    ],
)
def test_odd_values_are_kept_as_every_database_takes_them(body, value):
    assert entry_of(body)["attributes"] == {"x": value}


def test_a_key_that_comes_twice_in_an_object_has_its_last_value():
    assert entry_of(b'{"message":"a","context":{"x":1,"x":2}}')["context"] == {"x": 2}


def test_a_long_message_is_cut_between_characters_and_the_rest_counted(settings):
    settings.INGEST_MESSAGE_BYTES = 10
    found = entry_of({"message": "ä" * 8})

    assert (found["message"], found["truncated_bytes"]) == ("äääää", 6)


def test_an_entry_of_10_mb_is_stored_with_its_beginning():
    found = entry_of({"message": "x" * 10_000_000})

    assert len(found["message"]) == site.INGEST_MESSAGE_BYTES
    assert found["truncated_bytes"] == 10_000_000 - site.INGEST_MESSAGE_BYTES


def test_the_token_s_app_and_host_fill_empty_fields_and_reject_others():
    entries = [{"message": "a"}, {"message": "b", "app": "shop"}, {"message": "c", "app": "other"},
               {"message": "d", "host": "h2"}]  # fmt: skip
    incoming = read(entries, app="shop", host="h1")

    assert incoming.columns["message"] == ["a", "b"]
    assert (incoming.columns["app"], incoming.columns["host"]) == (["shop"] * 2, ["h1"] * 2)
    assert [(each.index, each.field) for each in incoming.rejections] == [(2, "app"), (3, "host")]


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        ("2026-01-15T10:30:45.123456789Z", 1_768_473_045_123_456_789),
        ("2026-01-15 10:30:45,123", 1_768_473_045_123_000_000),
        ("2026-01-15T11:30:45+01:00", 1_768_473_045_000_000_000),
        ("2026-01-15T11:30:45.5+0100", 1_768_473_045_500_000_000),
        ("2026-01-15T10:30:45", 1_768_473_045_000_000_000),
        ("2026-01-15 10:30:45.1234567890123Z", 1_768_473_045_123_456_789),
        (1_768_473_045, 1_768_473_045_000_000_000),
        (1_768_473_045.25, 1_768_473_045_250_000_000),
        ("1768473045.25", 1_768_473_045_250_000_000),
        (1_768_473_045_123, 1_768_473_045_123_000_000),
        (1_768_473_045_123_456, 1_768_473_045_123_456_000),
        (1_768_473_045_123_456_789, 1_768_473_045_123_456_789),
        ("1970-01-01T00:00:00Z", 0),
        (0, 0),
        ("2099-12-31T23:59:59Z", 4_102_444_799_000_000_000),
        ("yesterday", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-01-15T10:30:75Z", None),
        ("9999-12-31T00:00:00Z", None),
        (10**30, None),
        (float("1e300"), None),
        (True, None),
        ("", None),
    ],
)
def test_times_are_read_to_the_nanosecond(value, nanoseconds):
    assert nanoseconds_of(value) == nanoseconds


def test_an_entry_without_a_time_has_that_of_its_receipt():
    assert entry_of({"message": "a"})["timestamp"] == NOW
    assert entry_of({"message": "a", "timestamp": "yesterday"})["timestamp"] == NOW


# --- both ways ----------------------------------------------------------------------------------------------------


def random_entry(chance):
    entry = {
        "timestamp": chance.choice(["2026-01-15T10:30:45Z", 5, "yesterday", 1.5, ""]),
        "level": chance.choice(["INFO", "info", "shout", 30, ""]),
        "message": chance.choice(["a", "ü", "password=S3cr3t-Pa55", "x" * 300, "line\nline"]),
        "context": chance.choice([{"a": 1}, {"password": "S3cr3t"}, {"ü": [1, {"b": None}]}, {}]),
        "labels": chance.choice([{"a": "b"}, {}]),
        "line": chance.choice([1, 2**70, None]),
        "app": chance.choice(["shop", "x" * 120, ""]),
        "attributes": chance.choice([{"token": "abc"}, {"n": 2**70}, {"f": 0.1}]),
    }
    return {name: value for name, value in entry.items() if chance.random() < 0.7} or {"message": "a"}


def plain(incoming):
    """The columns, with objects for JSON texts: the order of their keys says nothing."""
    columns = incoming.columns.items()
    return {
        name: [(name in OBJECTS and value and json.loads(value)) or value for value in values]
        for name, values in columns
    }


def test_the_quick_way_and_the_general_way_store_the_same():
    chance = random.Random(13)
    for _ in range(300):
        entries = [random_entry(chance) for _ in range(chance.randint(1, 5))]
        body = json.dumps(entries).encode()
        slow = body.replace(b"[", b"[ ", 1) if chance.random() < 0.5 else body
        quick, general = read(body), read(b" " + slow)
        assert _quickly(body, Incoming()) is not None
        assert _quickly(b" " + slow, Incoming()) is None
        for name, values in plain(quick).items():
            assert (name, values) == (name, plain(general)[name]), entries
        assert quick.indexes == general.indexes


def test_ten_thousand_broken_bodies_are_refused_or_stored_and_nothing_else():
    chance = random.Random(4711)
    statuses = set()
    good = [json.dumps([random_entry(chance) for _ in range(3)]).encode() for _ in range(50)]
    pieces = (
        b"\x00",
        b"\xff",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b"\\ud800",
        b"NaN",
        b"1e999",
        b"\n",
        b":",
    )
    for _ in range(10_000):
        body = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(body))
            body[place : place + chance.randint(0, 3)] = chance.choice(pieces)
        try:
            incoming = read(bytes(body))
        except BodyRefused as error:
            statuses.add(error.status)
        else:
            assert {len(values) for values in incoming.columns.values()} == {len(incoming.indexes)}
    assert statuses == {400}


def test_a_good_entry_survives_any_neighbour():
    chance = random.Random(7)
    strange = [7, None, {}, [], "x", {"level": []}, {"timestamp": {}}, {"id": [1]}, {"labels": 5}, {"\x00": "\x00"},
               {"message": None}, {"context": [1]}, {"line": "x"}, {"app": {"name": 1}}]  # fmt: skip
    for _ in range(200):
        entries = [{"message": "good"}, *chance.sample(strange, 4), {"message": "good"}]
        assert read(entries).columns["message"].count("good") == 2


# --- credentials --------------------------------------------------------------------------------------------------

SECRET = "S3cr3t-Pa55word-4711"


@pytest.mark.parametrize(
    "sent",
    [
        {"message": f"login with password={SECRET}"},
        {"message": "a", "context": {"password": SECRET}},
        {"message": "a", "context": {"deep": [{"db_password": SECRET}]}},
        {"message": "a", "apiKey": SECRET},
        {"message": "a", "headers": {"Authorization": f"Bearer {SECRET}"}},
        {"message": "a", "metadata": {"command": f"snmp-server community {SECRET} RO"}},
        {"message": "a", "labels": {"access-token": SECRET}},
        {"message": {"password": SECRET}},
    ],
)
def test_no_credential_is_stored(sent):
    assert SECRET not in json.dumps(read(sent).columns)


def test_a_credential_in_one_entry_of_many_leaves_the_others_as_they_are():
    entries = [{"message": f"m{number}", "context": {"n": number}} for number in range(50)]
    entries[7]["message"] = "-----BEGIN RSA PRIVATE KEY-----"
    entries[9]["context"] = {"password": SECRET}
    columns = read(entries).columns

    assert [text for row, text in enumerate(columns["message"]) if row != 7] == [
        f"m{number}" for number in range(50) if number != 7
    ]
    assert json.loads(columns["context"][9]) == {"password": "<redacted:password>"}
    assert json.loads(columns["context"][10]) == {"n": 10}


def test_what_only_sounds_like_a_credential_stays():
    sent = {
        "auth_method": "password",
        "tokens": 12,
        "token_count": 5,
        "passenger": "Ada",
        "keyboard": "qwerty",
    }

    assert entry_of({"message": "a", "metadata": sent})["metadata"] == sent
