"""Labels, lines and metadata are a pure function of the record."""

import json
import random

import pytest

from logsite.records import Cursor
from shipping.receivers.loki.encoding import Encoder, safe_name, split_line, with_safe_names
from tests.shipping.builders import make_record

ENCODER = Encoder("aoss", 262_144)


def test_an_entry_carries_labels_line_and_metadata():
    record = make_record(
        5,
        timestamp=1_700_000_000_123_456_789,
        message='hällo\n"x"',
        labels={"server_id": "7", "server_tag": "fw01", "status": ""},
        attributes={"user": "netops", "duration_ms": 1.5, "ok": True, "none": None, "tags": ["b", "a"]},
    )
    [entry] = ENCODER.entries(Cursor(0, 5), record)
    assert entry.labels == {"job": "aoss", "source": "list", "server_id": "7", "server_tag": "fw01"}
    timestamp, line, metadata = json.loads(entry.payload)
    assert (timestamp, line) == ("1700000000123456789", 'hällo\n"x"')
    assert metadata == {
        "row_id": "5",
        "level": "INFO",
        "user": "netops",
        "duration_ms": "1.5",
        "ok": "true",
        "tags": '["b", "a"]',
    }


def test_the_same_record_gives_the_same_bytes_whatever_the_order_of_its_names():
    one = make_record(1, timestamp=5, labels={"a": "1", "b": "2"}, attributes={"x": 1, "y": 2})
    two = make_record(1, timestamp=5, labels={"b": "2", "a": "1"}, attributes={"y": 2, "x": 1})
    assert ENCODER.entries(Cursor(), one) == ENCODER.entries(Cursor(), two)


def test_a_backfill_goes_to_streams_of_its_own():
    [entry] = Encoder("aoss", 262_144, backfill=True).entries(Cursor(), make_record())
    assert entry.labels["backfill"] == "true"


def test_labels_of_the_record_cannot_pose_as_ours():
    [entry] = ENCODER.entries(Cursor(), make_record(labels={"job": "x", "source": "y"}))
    assert entry.labels == {"job": "aoss", "source": "list", "job_2": "x", "source_2": "y"}


def test_attributes_cannot_pose_as_row_id_level_or_part():
    record = make_record(3, attributes={"row_id": "9", "level": "x", "part": "1/2"})
    metadata = json.loads(ENCODER.entries(Cursor(), record)[0].payload)[2]
    assert metadata == {"row_id": "3", "level": "INFO", "level_2": "x", "part_2": "1/2", "row_id_2": "9"}


def test_names_become_what_loki_takes():
    safe = {
        "a": "a",
        "a-b.c": "a_b_c",
        "1x": "key_1x",
        "__name__": "name__",
        "é": "unnamed",
        "": "unnamed",
        "a:b": "a_b",
        "日本": "unnamed",
    }
    assert {name: safe_name(name) for name in safe} == safe


def test_names_that_become_the_same_keep_both_values():
    assert with_safe_names({}, [("a.b", "2"), ("a-b", "1"), ("a_b", "3")]) == {
        "a_b": "1",
        "a_b_2": "2",
        "a_b_3": "3",
    }


def test_half_a_surrogate_pair_does_not_cost_the_request():
    [entry] = ENCODER.entries(Cursor(), make_record(message="a\ud800b", attributes={"x": "\udfff"}))
    assert json.loads(entry.payload)[1] == "a?b"


@pytest.mark.parametrize("limit", [4, 5, 7, 64])
def test_a_split_line_joins_to_itself_and_no_piece_is_too_long(limit):
    chance = random.Random(limit)
    for _ in range(300):
        line = "".join(chance.choice("a\nä€𝄞\0") for _ in range(chance.randrange(80)))
        pieces = split_line(line, limit)
        assert "".join(pieces) == line
        assert all(len(piece.encode()) <= limit for piece in pieces)
        assert line == "" or all(pieces)


def test_a_long_line_goes_out_in_numbered_parts():
    line = "ä" * 300_000
    entries = ENCODER.entries(Cursor(0, 4), make_record(4, message=line))
    assert [entry.part for entry in entries] == ["1/3", "2/3", "3/3"]
    assert "".join(entry.line for entry in entries) == line
    assert [json.loads(entry.payload)[2]["part"] for entry in entries] == ["1/3", "2/3", "3/3"]
    assert len({entry.stream for entry in entries}) == 1
    assert all(len(entry.line.encode()) <= 262_144 for entry in entries)


@pytest.mark.parametrize(("size", "parts"), [(262_144, 1), (262_145, 2)])
def test_the_longest_line_is_not_split(size, parts):
    assert len(ENCODER.entries(Cursor(), make_record(message="x" * size))) == parts
