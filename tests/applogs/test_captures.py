"""What real senders put on the wire over HTTP, recorded, and what is to come of it; `captures/index.json` has both.

Python's HTTPHandler, Fluent Bit's out_http and curl. Times there are right to `timestamp_tolerance_ns`.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import pytest

from logsite.intake.bodies import BodyRefused, Limits, unpacked
from logsite.tables.nanoseconds import to_nanoseconds
from tests.applogs.reading import RECEIVED, entries_of, read

FOLDER = Path(__file__).parent / "captures"
CAPTURES = {
    capture["name"]: capture for capture in json.loads((FOLDER / "index.json").read_text())["captures"]
}
STORED = [name for name, capture in CAPTURES.items() if "expect" not in capture]


def bodies_of(capture):
    """The unpacked body and the content type of each request."""
    data = (FOLDER / capture["file"]).read_bytes()
    for part in capture["parts"]:
        headers = {name.lower(): value for name, value in part["headers"].items()}
        body = data[part["offset"] : part["offset"] + part["length"]]
        limits = Limits(10**6, 10**7)
        yield unpacked([body], headers.get("content-encoding", ""), limits), headers.get("content-type", "")


def nanoseconds_of(text):
    if text is None:
        return RECEIVED
    return to_nanoseconds(datetime.fromisoformat(f"{text[:19]}+00:00")) + int(text[20:29])


def level_of(expected):
    return {"notice": "INFO"}.get(expected["level"], expected["level"].upper())


@pytest.mark.parametrize("name", STORED)
def test_what_a_sender_sent_is_stored_as_it_meant(name):
    incoming = [read(body, kind) for body, kind in bodies_of(CAPTURES[name])]
    found = [entry for each in incoming for entry in entries_of(each)]
    expected = CAPTURES[name]["expected"]

    assert [rejection for each in incoming for rejection in each.rejections] == []
    assert len(found) == len(expected)
    for entry, wanted in zip(found, expected, strict=True):
        late = entry["timestamp"] - nanoseconds_of(wanted["timestamp"])
        assert abs(late) <= wanted.get("timestamp_tolerance_ns", 0)
        assert entry["level"] == level_of(wanted)
        _check_message(entry, wanted)
        for field in ("app", "host", "logger", "trace_id", "span_id"):
            assert entry.get(field) == wanted.get(field)
        _check_attributes(entry.get("attributes", {}), wanted)


def _check_message(entry, wanted):
    if "message_sha256" in wanted:
        assert len(entry["message"]) == wanted["message_len"]
        assert hashlib.sha256(entry["message"].encode()).hexdigest() == wanted["message_sha256"]
    elif "message_rule" in wanted:  # the sender leaves its arguments to the receiver
        assert entry["message"] == "payment 4711 failed"
        assert entry["attributes"]["msg"] == wanted["message"]
    else:
        assert entry["message"] == wanted["message"]


def _check_attributes(attributes, wanted):
    """All of them, as the sender nested them; what became a field is not among them."""
    for name, value in wanted.get("attributes", {}).items():
        if name not in ("trace_id", "span_id"):
            assert attributes[name] == value
    if exception := wanted.get("exception"):
        assert attributes["error"] == exception
    assert not {"message", "level", "time", "date", "app", "host", "trace_id", "span_id"} & set(attributes)


@pytest.mark.parametrize("name", sorted(set(CAPTURES) - set(STORED)))
def test_what_is_not_read_is_refused_so_that_the_sender_stops(name):
    ((body, kind),) = bodies_of(CAPTURES[name])

    with pytest.raises(BodyRefused) as error:
        read(body, kind)

    assert CAPTURES[name]["expect"] == f"refuse: {error.value.status}"


def test_the_recordings_are_all_here():
    assert len(STORED) == 7
    assert {capture["file"] for capture in CAPTURES.values()} == {path.name for path in FOLDER.glob("*.bin")}
