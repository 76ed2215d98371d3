"""A request that is too large is halved, whatever the code by which that is said; the rest is tried again."""

import pytest

from logsite.records import Cursor
from shipping.errors import Unavailable
from shipping.models import RejectedEntry, ShippingCursor
from shipping.receivers.loki.encoding import Encoder
from shipping.receivers.loki.reasons import kind_of
from tests.shipping.builders import ListFeed, make_client, make_record, make_shipper, ship
from tests.shipping.loki_stand_in import Fault, LokiStandIn

ENCODER = Encoder("aoss", 262_144)
RATE = (
    "Ingestion rate limit exceeded for user fake (limit: {} bytes/sec) while attempting to ingest '8' lines "
    "totaling '{}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased"
)
PER_STREAM = (
    "Per stream rate limit exceeded (limit: {}/sec) while attempting to ingest for stream '{{job=\"a\"}}' "
    "totaling {}, consider splitting a stream via additional labels or contact your Loki administrator"
)
GRPC = "rpc error: code = ResourceExhausted desc = "
# Answers by which senders were told that a request is too large: those with a gRPC error are from public reports.
TOO_LARGE = [
    (413, "request entity too large"),
    (413, "<html><head><title>413 Request Entity Too Large</title></head>"),
    (413, ""),
    (500, f"{GRPC}grpc: received message larger than max (5229930 vs. 4194304)"),
    (500, f"{GRPC}grpc: received message larger than max (4239391 vs . 4194304)"),
    (500, f"{GRPC}grpc: received message after decompression larger than max (4239391 vs. 4194304)"),
    (500, f"{GRPC}trying to send message larger than max (4311296 vs. 4194304)"),
    (500, f"{GRPC}grpc: trying to send message larger than max (4311296 vs. 4194304)"),
    (500, f"rpc error: code = Code(500) desc = {GRPC}trying to send message larger than max (4 vs. 3)"),
    (429, f"{GRPC}grpc: received message larger than max (5229930 vs. 4194304)"),
    (429, "grpc: received message larger than max (5229930 vs. 4194304)"),
    (502, f"{GRPC}grpc: received message larger than max (5229930 vs. 4194304)"),
    (503, f"failed pushing to ingester: {GRPC}grpc: received message larger than max (5 vs. 4)"),
    (500, "http: request body too large"),
    (429, "Request body too large"),
    (500, "message size too large than max (size: 105 MB, max: 100 MB)"),
]
RATES = [
    (429, RATE.format(4194304, 6494575)),
    (429, RATE.format(4194304, 6494575).replace(" for user fake", "")),
    (429, RATE.format(10, 11).lower()),
    (429, PER_STREAM.format("3MB", "5.2MB")),
    (429, PER_STREAM.format("512kB", "1.1MB")),
    (429, PER_STREAM.format("900B", "1.1kB")),
]
PASSING = [
    (429, RATE.format(4194304, 102169)),
    (429, RATE.format(4194304, 4194304)),
    (429, PER_STREAM.format("3MB", "512kB")),
    (429, PER_STREAM.format("1.2.3MB", "9.9.9MB")),
    (429, "Too Many Requests"),
    (429, ""),
    (
        429,
        f"Per stream rate limit exceeded (limit: 3MB/sec) for stream '{{app=\"{TOO_LARGE[3][1]}\"}}' totaling 1kB",
    ),
    (429, "stream '{app=\"http: request body too large\"}' is limited"),
    (500, RATE.format(4194304, 6494575)),
    (500, "internal error"),
    (500, f"{GRPC}the queue is full"),
    (500, 'pusher failed for {app="request body too large"}'),
    (503, "at least 2 live replicas required, could only find 1"),
    (504, "context deadline exceeded"),
]


def entries_of(*records):
    return [entry for record in records for entry in ENCODER.entries(Cursor(0, record.id), record)]


def brought(faults, *, entries=8, retries=0):
    """The kinds of what was refused, or the error's name; the ids that arrived; the number of requests."""
    with LokiStandIn() as loki:
        client = make_client(loki.url, retries=retries)
        loki.faults.extend(Fault(code, text) for code, text in faults)
        try:
            refusals = client.deliver(entries_of(*[make_record(n) for n in range(entries)]))
            told = [refusal.kind for refusal in refusals]
        except Unavailable as error:
            told = str(error)
        client.close()
        return told, loki.row_ids(), len(loki.bodies)


def wrong_rows(rows, right, bring):
    return {row: found for row in rows if (found := bring(row)) != right}


def test_what_is_too_large_is_sent_in_halves_without_a_wait():
    right = ([], list(range(8)), 5)

    assert wrong_rows(TOO_LARGE + RATES, right, lambda row: brought([row] * 2)) == {}


def test_what_may_pass_is_sent_again_whole():
    right = ([], list(range(8)), 3)

    assert wrong_rows(PASSING, right, lambda row: brought([row] * 2, retries=2)) == {}


def test_a_single_entry_that_is_too_large_is_refused():
    right = (["request too large"], [], 1)

    assert wrong_rows(TOO_LARGE, right, lambda row: brought([row], entries=1)) == {}


def test_a_single_entry_beyond_the_rate_waits_for_the_burst():
    assert wrong_rows(RATES, ([], [0], 2), lambda row: brought([row], entries=1, retries=1)) == {}


class SmallLoki(LokiStandIn):
    """A Loki whose ingester takes no request of more than 4,000 bytes, and says so as its distributor does."""

    def push(self, body):
        if len(body) > 4000:
            return 500, f"{GRPC}grpc: received message larger than max ({len(body)} vs. 4000)\n"
        return super().push(body)


@pytest.mark.django_db
def test_of_entries_that_loki_takes_only_in_small_requests_the_one_too_large_is_on_record_and_the_others_arrive():
    records = [make_record(n, message="x" * (9000 if n == 6 else 500)) for n in range(1, 31)]
    with SmallLoki() as loki:
        shipper = make_shipper(loki.url, ListFeed(records), client=make_client(loki.url, retries=0))
        ship(shipper)
        ids = loki.row_ids()

    assert ids == [n for n in range(1, 31) if n != 6]
    entry, row = RejectedEntry.objects.get(), ShippingCursor.objects.get()
    assert (entry.row_id, entry.line) == (6, "x" * 1000)
    assert "received message larger than max" in entry.reason
    assert (row.row_id, row.shipped, row.rejected) == (30, 29, 1)
    assert shipper.totals.reasons == {"request too large": 1}


def test_a_reason_of_many_characters_is_read_in_time():
    text = (
        "Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for stream '"
        + "a: " * 2600
    )
    with LokiStandIn() as loki:
        client = make_client(loki.url, retries=1)
        loki.faults.extend([Fault(429, text), Fault(500, "a = b: " * 1100)])
        with pytest.raises(Unavailable):
            client.deliver(entries_of(make_record(1), make_record(2)))
        client.close()
    assert kind_of(text) == text[:120]
