"""One step: read, push, move the cursor."""

import threading
import time

import pytest

from logsite.records import Cursor
from shipping.engine import plan
from shipping.errors import LostRace, Unavailable
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from shipping.receivers.loki.encoding import Encoder
from shipping.receivers.loki.receiver import LokiReceiver
from shipping.retry import Retry
from shipping.run import follow, step_each
from tests.shipping.builders import ListFeed, make_client, make_record, make_shipper, ship
from tests.shipping.loki_stand_in import HOUR, Fault

pytestmark = pytest.mark.django_db


def test_a_step_ships_a_batch_and_moves_the_cursor(loki):
    feed = ListFeed([make_record(n) for n in range(1, 8)])
    shipper = make_shipper(loki.url, feed, batch_size=3)
    with shipper:
        assert shipper.step()
        row = ShippingCursor.objects.get()
        assert (row.row_id, row.shipped, loki.row_ids()) == (3, 3, [1, 2, 3])
        assert shipper.step()
        assert shipper.step()
        assert not shipper.step()
    shipper.receiver.close()
    run = ShippingRun.objects.get()
    assert (run.status, run.shipped, run.left, run.error) == ("success", 7, 0, "")


def test_the_second_run_ships_nothing(loki):
    feed = ListFeed([make_record(n) for n in range(1, 4)])
    ship(make_shipper(loki.url, feed))
    ship(make_shipper(loki.url, feed))
    assert len(loki.bodies) == 1


def test_refused_entries_are_recorded_with_the_cursor(loki):
    now = time.time_ns()
    old = make_record(2, timestamp=now - 8 * 24 * HOUR, message="y" * 3000, labels={"server_tag": "fw9"})
    shipper = make_shipper(loki.url, ListFeed([make_record(1), old, make_record(3)]))
    ship(shipper)
    entry = RejectedEntry.objects.get()
    assert (entry.row_id, entry.source, entry.run_id, entry.part) == (2, "list", shipper.run.pk, "")
    assert "timestamp too old" in entry.reason
    assert entry.labels["server_tag"] == "fw9"
    assert entry.line == "y" * 1000
    row = ShippingCursor.objects.get()
    assert (row.row_id, row.shipped, row.rejected) == (3, 2, 1)
    assert shipper.totals.reasons == {"older than Loki accepts": 1}
    assert loki.row_ids() == [1, 3]


def test_a_batch_sent_again_does_not_double_what_it_records(loki):
    feed = ListFeed([make_record(1, timestamp=time.time_ns() - 8 * 24 * HOUR)])
    ship(make_shipper(loki.url, feed))
    ShippingCursor.objects.update(row_id=0)
    ship(make_shipper(loki.url, feed))
    assert RejectedEntry.objects.count() == 1


def test_cursor_counters_and_refusals_are_one_transaction(loki, monkeypatch):
    feed = ListFeed([make_record(1, timestamp=time.time_ns() - 8 * 24 * HOUR)])

    def fail(*args, **kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(RejectedEntry.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        ship(make_shipper(loki.url, feed))
    assert ShippingCursor.objects.get().row_id == 0
    run = ShippingRun.objects.get()
    assert (run.status, run.rejected, run.error) == ("failed", 0, "RuntimeError")


def test_the_cursor_stays_when_loki_is_away(loki):
    loki.faults.extend([Fault(503, "away")] * 3)
    with pytest.raises(Unavailable, match="answered 503"):
        ship(make_shipper(loki.url, ListFeed([make_record(1)])))
    assert ShippingCursor.objects.get().row_id == 0
    run = ShippingRun.objects.get()
    assert (run.status, run.left) == ("failed", 1)
    assert "503" in run.error


def test_a_push_on_its_way_is_settled_even_if_reading_ahead_fails(loki):
    class Failing(ListFeed):
        def read(self, cursor, limit):
            if cursor.id:
                raise Unavailable("the feed is away")
            return super().read(cursor, limit)

    with pytest.raises(Unavailable, match="the feed is away"):
        ship(make_shipper(loki.url, Failing([make_record(1), make_record(2)]), batch_size=1))
    assert ShippingCursor.objects.get().row_id == 1
    assert loki.row_ids() == [1]


def test_of_two_shippers_the_second_stops(loki):
    feed = ListFeed([make_record(n) for n in range(1, 4)])
    first, second = make_shipper(loki.url, feed), make_shipper(loki.url, feed)
    with second:
        ship(first)
        with pytest.raises(LostRace, match="another shipper moved the cursor of list at loki"):
            second.step()
    second.receiver.close()
    row = ShippingCursor.objects.get()
    assert (row.row_id, row.shipped) == (3, 3)
    assert loki.row_ids() == [1, 2, 3]


def test_a_run_that_was_killed_is_marked_by_the_next(loki):
    destination = Destination.objects.create(name="loki", url=loki.url)
    shipper = make_shipper(loki.url, ListFeed([]))
    shipper.__enter__()
    ship(make_shipper(loki.url, ListFeed([])))
    shipper.__exit__(None, None, None)
    statuses = (
        ShippingRun.objects.filter(destination=destination).order_by("id").values_list("status", flat=True)
    )
    assert list(statuses) == ["success", "success"]  # the first one lived after all and said so


def test_pushes_are_bounded_in_bytes_and_keep_records_whole():
    receiver = LokiReceiver(make_client("http://loki", request_bytes=3000), Encoder("aoss", 1000))
    records = [(Cursor(0, n), make_record(n, message="x" * 700)) for n in range(10)]
    records.append((Cursor(0, 10), make_record(10, message="x" * 9000)))
    pushes = plan(records, receiver)
    assert all(push.size <= 3000 for push in pushes[:-1])
    assert (len(pushes[-1].records), pushes[-1].split, len(pushes[-1].items)) == (1, 1, 9)
    assert sum(len(push.records) for push in pushes) == 11


def test_no_stream_spans_more_than_an_hour_in_a_push():
    """Sent again, an entry more than an hour behind the newest of its own push would be refused."""
    now = time.time_ns()
    streams = [{"server_tag": "a"}, {"server_tag": "b"}]
    records = [
        (Cursor(0, n), make_record(n, timestamp=now + n * HOUR // 4, labels=streams[n % 2]))
        for n in range(20)
    ]
    pushes = plan(records, LokiReceiver(make_client("http://loki"), Encoder("aoss", 1000)))
    assert sum(len(push.records) for push in pushes) == 20
    assert len(pushes) > 1
    assert all(high - low <= HOUR for push in pushes for low, high in push.notes.values())


def test_a_stored_batch_that_spans_hours_is_sent_again_without_a_refusal(loki):
    """The connection breaks after Loki stored; entries in one stream lie hours apart."""
    now = time.time_ns()
    feed = ListFeed([make_record(n, timestamp=now - (20 - n) * HOUR // 2) for n in range(1, 20)])
    loki.faults.extend([Fault(reset=True, store=True), Fault(store=True)] * 20)
    ship(make_shipper(loki.url, feed))
    assert loki.row_ids() == list(range(1, 20))
    assert not RejectedEntry.objects.exists()


def test_a_record_in_parts_that_is_larger_than_a_request_moves_the_cursor_once(loki):
    line = "ä" * 20_000
    encoder = Encoder("aoss", 4096)
    client = make_client(loki.url, request_bytes=10_000)
    feed = ListFeed([make_record(1, message=line), make_record(2)])
    shipper = make_shipper(loki.url, feed, encoder=encoder, client=client)
    ship(shipper)
    parts = [entry for entry in loki.stored() if entry.metadata["row_id"] == "1"]
    parts.sort(key=lambda entry: int(entry.metadata["part"].split("/")[0]))
    assert "".join(entry.line for entry in parts) == line
    assert (shipper.totals.shipped, shipper.totals.split) == (2, 1)
    assert len(loki.bodies) >= 5


def test_reading_ahead_asks_once_for_each_batch(loki):
    feed = ListFeed([make_record(n) for n in range(1, 11)])
    ship(make_shipper(loki.url, feed, batch_size=5))
    assert feed.reads <= 4


def test_step_each_gives_every_feed_its_turn(loki):
    shippers = [make_shipper(loki.url, ListFeed([make_record(1, source=k)], key=k)) for k in ("a", "b")]
    with shippers[0], shippers[1]:
        assert step_each(shippers, threading.Event())
        assert {entry.labels["source"] for entry in loki.stored()} == {"a", "b"}
        assert not step_each(shippers, threading.Event())
    for shipper in shippers:
        shipper.receiver.close()


def test_follow_ends_with_the_stop_event(loki):
    stop = threading.Event()
    feed = ListFeed([make_record(1)])
    shipper = make_shipper(loki.url, feed, on_push=lambda push: stop.set())
    with shipper:
        follow([shipper], Retry(None, 0.01, stop), 60)
    shipper.receiver.close()
    assert loki.row_ids() == [1]
