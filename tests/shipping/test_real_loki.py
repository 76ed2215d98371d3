"""The stand-in and a real Loki (LOKI_TEST_URL) give the same verdicts, and the shipper gets through to both."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from logsite.records import Cursor
from shipping.models import RejectedEntry, ShippingCursor
from shipping.receivers.loki.client import PUSH_PATH
from shipping.receivers.loki.encoding import Encoder
from tests.shipping.builders import ListFeed, make_events, make_record, make_session, make_shipper, ship
from tests.shipping.loki_stand_in import HOUR, LokiStandIn
from tests.shipping.test_loki_client import REASONS, entries_of, offender

LOKIS = ["stand-in", "real"] if os.environ.get("LOKI_TEST_URL") else ["stand-in"]


@dataclass
class Loki:
    """A Loki to test against, and how to read what it holds of a job: (time, line, metadata) by time."""

    url: str
    held: Callable[[str], list[tuple[int, str, dict[str, str]]]]


def held_by_real_loki(url: str, job: str) -> list[tuple[int, str, dict[str, str]]]:
    now = time.time_ns()
    requests.post(f"{url}/flush", timeout=30)  # Loki asks its memory only for the last three hours
    query = {"query": f'{{job="{job}"}}', "start": now - 29 * 24 * HOUR, "end": now + HOUR, "limit": 5000}
    answer = requests.get(
        f"{url}/loki/api/v1/query_range",
        params=query,
        timeout=30,
        headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"},
    )
    answer.raise_for_status()
    values = [value for stream in answer.json()["data"]["result"] for value in stream["values"]]
    return sorted(
        ((int(stamp), line, extra.get("structuredMetadata", {})) for stamp, line, extra in values),
        key=lambda entry: (entry[0], int(entry[2].get("row_id", 0))),
    )


@pytest.fixture(params=LOKIS)
def a_loki(request: pytest.FixtureRequest) -> Any:
    if request.param == "real":
        url = request.getfixturevalue("real_loki")
        yield Loki(url, lambda job: held_by_real_loki(url, job))
        return
    with LokiStandIn() as stand_in:
        yield Loki(
            stand_in.url,
            lambda job: [
                (e.timestamp, e.line, e.metadata) for e in stand_in.stored() if e.labels["job"] == job
            ],
        )


def push(url: str, *streams: tuple[dict[str, str], list[Any]], raw: bytes | None = None) -> tuple[int, str]:
    body = {"streams": [{"stream": labels, "values": values} for labels, values in streams]}
    answer = requests.post(
        url + PUSH_PATH,
        data=raw or json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=30,
    )
    return answer.status_code, answer.text


def test_a_real_loki_answers(real_loki):
    """Skips once for all tests of this module: without LOKI_TEST_URL they run with the stand-in alone."""
    assert push(real_loki, raw=b'{"streams":[]}')[0] == 422


def now_text(offset: int = 0) -> str:
    return str(time.time_ns() + offset)


def test_verdicts(a_loki, settings):
    rows = [
        ({}, ["now", "x", {"row_id": "1"}], 204, ""),
        ({}, ["now", ""], 204, ""),
        ({"e": ""}, ["now", "x"], 204, ""),
        ({f"l{n}": "v" for n in range(14)}, ["now", "x"], 204, ""),
        ({}, ["now", "x" * 262_144], 204, ""),
        ({"a-b": "1"}, ["now", "x"], 400, "couldn't parse labels"),
        ({"a:b": "1"}, ["now", "x"], 400, "couldn't parse labels"),
        ({"1a": "1"}, ["now", "x"], 400, "couldn't parse labels"),
        ({f"l{n}": "v" for n in range(15)}, ["now", "x"], 400, "has 16 label names; limit 15"),
        ({"v": "x" * 2049}, ["now", "x"], 400, "has label value too long"),
        ({}, ["now", "x" * 262_145], 400, "max entry size '262144' bytes exceeded for stream"),
        ({}, [-169 * HOUR, "x"], 400, "has timestamp too old"),
        ({}, [HOUR // 5, "x"], 400, "has timestamp too new"),
        ({}, [7, "x"], 204, ""),
        ({}, ["1.5e9", "x"], 400, "unmarshalerDecoder"),
        ({}, ["now", "x", {"n": 1}], 400, "unmarshalerDecoder"),
        ({}, ["now", "\ud800"], 400, "unmarshalerDecoder"),
        (
            {},
            ["now", "x", {f"k{n}": "v" for n in range(129)}],
            400,
            "has too many structured metadata labels",
        ),
        ({}, ["now", "x", {"k": "v" * 66_000}], 400, "has structured metadata too large"),
        ({}, ["now", "x", {"": "v"}], 500, "label name is empty"),
        ({}, ["now", "x", {"-": "v"}], 500, "resulted in invalid name"),
    ]
    wrong = {}  # by the number of the row, from 0
    for number, (labels, value, code, text) in enumerate(rows):
        if value[0] == "now" or isinstance(value[0], int):
            value = [now_text(0 if value[0] == "now" else value[0]), *value[1:]]
        stream = {"job": f"{settings.SHIPPING_JOB}-{number}", **labels}  # no row has the stream of another
        found, reason = push(a_loki.url, (stream, [value]))
        if (found, text in reason) != (code, True):
            wrong[number] = {"wanted": (code, text), "found": (found, reason[:200])}
    assert wrong == {}


def test_numbers_are_no_timestamps_and_nothing_pushed_is_a_422(a_loki, settings):
    assert push(a_loki.url, ({"job": settings.SHIPPING_JOB}, [[time.time_ns(), "x"]]))[0] == 400
    code, text = push(a_loki.url, raw=b'{"streams":[]}')
    assert (code, text) == (422, "error at least one valid stream is required for ingestion\n")
    assert push(a_loki.url, raw=b"{")[0] == 400


def test_of_a_refused_entry_the_rest_is_stored_but_not_of_labels_that_cannot_be_read(a_loki, settings):
    job, now = settings.SHIPPING_JOB, time.time_ns()
    values = [[str(now - 200 * HOUR), "old"], [str(now), "good"], [str(now), "x" * 262_145]]
    assert push(a_loki.url, ({"job": job}, values))[0] == 400
    assert [line for _, line, _ in a_loki.held(job)] == ["good"]
    unreadable = ({"job": job, "a-b": "1"}, [[str(now), "x"]])
    assert push(a_loki.url, ({"job": job}, [[str(now), "lost"]]), unreadable)[0] == 400
    assert [line for _, line, _ in a_loki.held(job)] == ["good"]


def test_the_same_entry_is_kept_once_unless_its_metadata_differs(a_loki, settings):
    job, now = settings.SHIPPING_JOB, now_text()
    for row_id in ("1", "2", "1", "2"):
        assert push(a_loki.url, ({"job": job}, [[now, "same", {"row_id": row_id}]]))[0] == 204
    assert sorted(metadata["row_id"] for _, _, metadata in a_loki.held(job)) == ["1", "2"]


def test_what_is_stored_already_is_refused_when_it_lies_far_behind(a_loki, settings):
    """Why a push must not span more than an hour per stream: sending it again would look like a refusal."""
    now = time.time_ns()
    stream = ({"job": settings.SHIPPING_JOB}, [[str(now - 2 * HOUR), "first"], [str(now), "second"]])
    assert push(a_loki.url, stream)[0] == 204
    code, text = push(a_loki.url, stream)
    assert code == 400
    assert "entry too far behind" in text
    assert len(a_loki.held(settings.SHIPPING_JOB)) == 2
    within = ({"job": settings.SHIPPING_JOB + "-b"}, [[str(now - HOUR), "first"], [str(now), "second"]])
    assert [push(a_loki.url, within)[0] for _ in range(2)] == [204, 204]


def test_the_ingesters_error_hides_the_distributors(a_loki, settings):
    now = time.time_ns()
    push(a_loki.url, ({"job": settings.SHIPPING_JOB}, [[str(now), "newest"]]))
    values = [[str(now - 200 * HOUR), "old"], [str(now - 2 * HOUR), "behind"]]
    code, text = push(a_loki.url, ({"job": settings.SHIPPING_JOB}, values))
    assert code == 400
    assert "too far behind" in text
    assert "too old" not in text


@pytest.mark.parametrize("kind", REASONS)
def test_exactly_the_offender_is_found(a_loki, settings, make_client, kind):
    from dataclasses import replace

    now = time.time_ns()
    records = [make_record(n, timestamp=now) for n in range(1, 20)]
    job = settings.SHIPPING_JOB
    entries = [
        replace(entry, stream=entry.stream.replace(b'"aoss"', f'"{job}"'.encode()))
        for entry in entries_of(*records[:7], offender(kind, now), *records[7:])
    ]
    refusals = make_client(a_loki.url).deliver(entries)
    assert [refusal.item.cursor.id for refusal in refusals] == [500]
    assert REASONS[kind] in refusals[0].reason
    assert [int(metadata["row_id"]) for _, _, metadata in a_loki.held(job)] == list(range(1, 20))


@pytest.mark.django_db(transaction=True)
def test_sessions_are_shipped_once_however_often_they_are_sent(a_loki, run, settings):
    events = make_events(make_session(), 30, response="ä\n𝄞")
    assert "shipped 30, rejected 0, left 0" in run("--loki", a_loki.url, "--batch-size", "7").out
    ShippingCursor.objects.update(xact=0, row_id=0)  # as after a kill between the 204 and the commit
    assert "shipped 30, rejected 0, left 0" in run("--loki", a_loki.url).out
    held = a_loki.held(settings.SHIPPING_JOB)
    assert [int(metadata["row_id"]) for _, _, metadata in held] == [event.pk for event in events]
    assert held[0][1] == "STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: ä\n𝄞 | STDERR:"
    assert held[0][2]["user"] == "netops"


def test_an_old_history_is_refused_in_one_request_for_each_push(a_loki, settings, make_client):
    now = time.time_ns()
    encoder = Encoder(settings.SHIPPING_JOB, 262_144)
    records = [make_record(n, timestamp=now - 9 * 24 * HOUR + n * 10**8) for n in range(1, 301)]
    entries = [entry for r in records for entry in encoder.entries(Cursor(0, r.id), r)]
    client = make_client(a_loki.url)
    refusals = client.deliver(entries)
    assert [refusal.item for refusal in refusals] == entries
    assert client.requests_sent == 2  # and the empty one that shows it is Loki
    for refusal in refusals:
        assert refusal.reason.count("has timestamp too old: ") == 1
        seconds = datetime.fromtimestamp(refusal.item.timestamp // 10**9, UTC)
        assert f"too old: {seconds:%Y-%m-%dT%H:%M:%SZ}" in refusal.reason
    mixed = client.deliver([*entries, *encoder.entries(Cursor(0, 999), make_record(999, timestamp=now))])
    assert [refusal.item for refusal in mixed] == entries
    assert [metadata["row_id"] for _, _, metadata in a_loki.held(settings.SHIPPING_JOB)] == ["999"]


@pytest.mark.django_db(transaction=True)
def test_a_long_response_comes_back_whole(a_loki, run, settings):
    settings.SHIPPING_OUTPUT_CHARACTERS = 0
    response = "".join(f"{n} ä€𝄞\n" for n in range(60_000))
    make_events(make_session(), 1, response=response)
    assert "in parts, rejected 0, left 0" in run("--loki", a_loki.url).out
    parts = sorted(a_loki.held(settings.SHIPPING_JOB), key=lambda entry: int(entry[2]["part"].split("/")[0]))
    joined = "".join(line for _, line, _ in parts)
    assert joined == f"STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: {response} | STDERR:"


@pytest.mark.django_db(transaction=True)
def test_hours_of_entries_oldest_first_lose_nothing(a_loki, settings):
    now = time.time_ns()
    feed = ListFeed([make_record(n, timestamp=now - (40 - n) * HOUR // 3) for n in range(1, 41)])
    ship(make_shipper(a_loki.url, feed, job=settings.SHIPPING_JOB))
    assert not RejectedEntry.objects.exists()
    assert len(a_loki.held(settings.SHIPPING_JOB)) == 40
