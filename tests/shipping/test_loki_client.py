"""What the answers of Loki mean, and what is done about each."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from logsite.records import Cursor
from shipping.errors import Misconfigured, Stopped, Unavailable
from shipping.http import asked_wait
from shipping.receivers.loki.client import in_requests
from shipping.receivers.loki.encoding import Encoder
from shipping.retry import Retry
from tests.ports import free_port
from tests.shipping.builders import make_record
from tests.shipping.loki_stand_in import HOUR, Fault

ENCODER = Encoder("aoss", 262_144)
REASONS = {
    "old": "has timestamp too old",
    "future": "has timestamp too new",
    "long": "max entry size '262144' bytes exceeded",
    "labels": "16 label names; limit 15",
    "value": "label value too long",
    "metadata": "too many structured metadata labels",
    "heavy": "structured metadata too large",
    "behind": "entry too far behind",
}


def entries_of(*records):
    # A larger limit than Loki's, to get a line through that it refuses.
    encoder = Encoder("aoss", 10**7)
    return [entry for r in records for entry in encoder.entries(Cursor(0, r.id), r)]


def offender(kind, now):
    """A record that Loki refuses; `behind` needs one of `now` before it."""
    fields = {
        "old": {"timestamp": now - 8 * 24 * HOUR},
        "future": {"timestamp": now + HOUR // 2},
        "long": {"message": "x" * 262_145},
        "labels": {"labels": {f"l{n}": "v" for n in range(14)}},
        "value": {"labels": {"v": "x" * 2049}},
        "metadata": {"attributes": {f"a{n}": "v" for n in range(128)}},
        "heavy": {"attributes": {"a": "x" * 66_000}},
        "behind": {"timestamp": now - 2 * HOUR},
    }
    return make_record(500, **{"timestamp": now, **fields[kind]})


@pytest.mark.parametrize("kind", REASONS)
def test_of_a_refused_request_only_the_offender_is_refused(loki, kind, make_client):
    now = time.time_ns()
    good = [make_record(n, timestamp=now) for n in range(20)]
    entries = entries_of(*good[:7], offender(kind, now), *good[7:])
    refusals = make_client(loki.url).deliver(entries)
    assert [r.item.cursor.id for r in refusals] == [500]
    assert REASONS[kind] in refusals[0].reason
    assert loki.row_ids() == list(range(20))


def test_several_offenders_are_found(loki, make_client):
    now = time.time_ns()
    records = [make_record(n, timestamp=now - 9 * 24 * HOUR if n % 7 == 0 else now) for n in range(50)]
    refusals = make_client(loki.url).deliver(entries_of(*records))
    assert [r.item.cursor.id for r in refusals] == [0, 7, 14, 21, 28, 35, 42, 49]
    assert len(loki.stored()) == 42


def test_a_too_large_request_is_halved(loki, make_client):
    loki.faults.extend([Fault(413, "too large")] * 3)
    assert make_client(loki.url).deliver(entries_of(*[make_record(n) for n in range(8)])) == []
    assert len(loki.stored()) == 8


def test_an_entry_that_is_too_large_alone_is_refused(loki, make_client):
    loki.faults.append(Fault(413, "too large"))
    [refusal] = make_client(loki.url).deliver(entries_of(make_record()))
    assert refusal.reason == "too large"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, "ingestion rate limit exceeded"),
        Fault(500, "boom"),
        Fault(503, "x"),
        Fault(reset=True),
        Fault(reset=True, store=True),
    ],
    ids=["429", "500", "503", "reset", "reset after storing"],
)
def test_what_may_pass_is_tried_again(loki, fault, make_client):
    loki.faults.extend([fault, fault])
    assert make_client(loki.url).deliver(entries_of(*[make_record(n) for n in range(3)])) == []
    assert loki.row_ids() == [0, 1, 2]
    assert len(loki.bodies) == 3


def test_a_slow_answer_is_a_timeout_and_sending_again_keeps_each_entry_once(loki, make_client):
    slow = threading.Event()
    loki.faults.append(Fault(store=True, hold=slow))
    try:
        assert make_client(loki.url, timeout=0.2).deliver(entries_of(make_record())) == []
    finally:
        slow.set()
    assert len(loki.stored()) == 1
    assert len(loki.bodies) == 2


@pytest.mark.parametrize("code", [301, 302, 401, 403, 404, 405])
def test_a_configuration_error_ends_it_at_once(loki, code, make_client):
    loki.faults.append(Fault(code, "no", {"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(Misconfigured, match=f"answered {code}"):
        make_client(loki.url).deliver(entries_of(make_record()))
    assert len(loki.bodies) == 1


def test_a_server_that_refuses_everything_with_400_is_not_loki(loki, make_client):
    loki.faults.extend([Fault(400, "Bad Request")] * 9)
    with pytest.raises(Misconfigured, match="refuses even an empty push"):
        make_client(loki.url).deliver(entries_of(make_record()))


def test_refused_connection_says_how_often_it_was_tried(make_client):
    with pytest.raises(
        Unavailable, match=r"^Loki at http://127.0.0.1:\d+ refused the connection after 3 tries$"
    ):
        make_client(f"http://127.0.0.1:{free_port()}").deliver(entries_of(make_record()))


def test_a_stop_signal_ends_the_wait_before_a_retry(loki, make_client):
    stop = threading.Event()
    loki.faults.append(Fault(503, "busy", {"Retry-After": "500"}))
    client = make_client(loki.url, stop=stop)
    client.retry.on_wait = lambda error, delay: stop.set()
    with pytest.raises(Stopped):
        client.deliver(entries_of(make_record()))


def test_retry_after_is_the_least_wait():
    retry = Retry(5, 0.5)
    assert retry.delay(1, 30.0) == 30.0
    assert retry.delay(1, 1e9) == 600.0
    for tries in range(1, 60):
        assert 0.25 <= retry.delay(tries, None) <= 60.0
    assert 1.0 <= retry.delay(3, None) <= 2.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_retry_after_as_number_or_date(text, seconds):
    response = requests.Response()
    response.headers["Retry-After"] = text
    assert asked_wait(response) == seconds


def test_retry_after_as_a_date_ahead():
    response = requests.Response()
    response.headers["Retry-After"] = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < asked_wait(response) <= 90


def test_requests_stay_below_their_size(loki, make_client):
    entries = entries_of(*[make_record(n, message="x" * 5000) for n in range(40)])
    make_client(loki.url, request_bytes=20_000).deliver(entries)
    assert loki.row_ids() == list(range(40))
    assert max(len(body) for body in loki.bodies) <= 20_000
    assert [e for part in in_requests(entries, 20_000) for e in part] == entries


def test_an_entry_beyond_the_request_size_goes_alone():
    entries = entries_of(make_record(1), make_record(2, message="x" * 900), make_record(3))
    assert [len(part) for part in in_requests(entries, 500)] == [1, 1, 1]


def test_tenant_and_token_travel_as_headers_and_show_nowhere(loki, make_client):
    from shipping.http import BearerAuth

    client = make_client(loki.url, tenant="ops", auth=BearerAuth("canary-token"))
    client.deliver(entries_of(make_record()))
    assert loki.headers[0]["X-Scope-OrgID"] == "ops"
    assert loki.headers[0]["Authorization"] == "Bearer canary-token"
    assert "canary-token" not in f"{client!r} {client} {client._session.auth!r}"
