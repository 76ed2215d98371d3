"""What real senders put on the wire over HTTP, and what is stored of it. The captures are no files of the project."""

import gzip
import json
from pathlib import Path

import pytest

from applogs.ingest.entries import read_entries
from applogs.ingest.times import nanoseconds_of
from logsite.intake.bodies import BodyRefused
from tests.conftest import service_address

NAMES = (
    "http-form-python-httphandler-post",
    "http-json-curl-d",
    "http-json-fluent-bit",
    "http-jsonstream-fluent-bit",
    "http-ndjson-curl",
    "http-ndjson-curl-chunked-gzip",
    "http-ndjson-fluent-bit-gzip",
)
NOW = 1_800_000_000_000_000_000


def capture_of(name):
    """The requests of a capture, each with its headers, and what is expected of it."""
    folder = Path(service_address("LOGSITE_WIRE_CAPTURES"))
    captures = json.loads((folder / "index.json").read_text("utf-8"))["captures"]
    [capture] = [each for each in captures if each["name"] == name]
    raw = (folder / capture["file"]).read_bytes()
    bodies = [(raw[part["offset"] :][: part["length"]], part["headers"]) for part in capture["parts"]]
    return bodies, capture["expected"]


def received(body, headers):
    headers = {name.lower(): value for name, value in headers.items()}
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return read_entries(body, headers.get("content-type", ""), received_at=NOW)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sender_writes_is_stored_as_it_means_it(name):
    bodies, expected = capture_of(name)
    rows = []
    for body, headers in bodies:
        incoming = received(body, headers)
        assert incoming.rejections == []
        rows += [
            dict(zip(incoming.columns, row, strict=True))
            for row in zip(*incoming.columns.values(), strict=True)
        ]

    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        check(row, wanted)


def check(row, wanted):
    moment = nanoseconds_of(wanted["timestamp"]) if wanted["timestamp"] else NOW
    assert abs(row["timestamp"] - moment) <= wanted.get("timestamp_tolerance_ns", 0)
    assert row["level"] == (wanted["level"] or "").upper()
    if "message" in wanted:
        assert row["message"] == wanted["message"]
    else:
        assert (len(row["message"]), row["message"].startswith(wanted["message_start"])) == (
            wanted["message_len"],
            True,
        )
    for field in ("app", "host", "logger", "trace_id", "span_id"):
        assert row[field] == (wanted.get(field) or "")
    attributes = json.loads(row["attributes"] or "{}")
    kept = {name: value for name, value in wanted.get("attributes", {}).items() if name not in row}
    assert {name: attributes.get(name) for name in kept} == kept
    if "exception" in wanted:
        assert wanted["exception"]["type"] in json.dumps(attributes)


def test_msgpack_is_refused():
    [(body, headers), *_], expected = capture_of("http-msgpack-fluent-bit")

    assert expected == []
    with pytest.raises(BodyRefused) as refused:
        received(body, headers)
    assert refused.value.status == 415
