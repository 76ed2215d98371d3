"""A page of rows here is bounded by rows and by bytes."""

import tracemalloc

import pytest

from logsite.audit import SITE
from logsite.records import Cursor, get_source
from shipping.engine import plan
from shipping.feed import LocalFeed, Window, read_page
from shipping.receivers.loki.encoding import Encoder
from shipping.receivers.loki.receiver import LokiReceiver
from shipping.run import rehearse
from tests.shipping.builders import ListFeed, make_client, make_events, make_record, make_session

# A row is handed out once its transaction has ended, so the rows must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)
MIB = 2**20
URL = "/api/monitoring/logs"

# The bytes of each row's response, the rows and bytes of a page, and the rows of each page that comes of it.
PAGES = [
    ([100] * 7, 3, 10_000, [3, 3, 1]),
    ([100] * 4, 10, 10_000, [4]),
    ([1000] * 6, 10, 3500, [3, 3]),
    ([1000] * 6, 2, 3500, [2, 2, 2]),
    ([9000, 10, 10, 9000, 10], 10, 3500, [1, 2, 1, 1]),
    ([9000, 9000], 10, 1, [1, 1]),
    ([10] * 5 + [9000] * 3, 10, 3500, [5, 1, 1, 1]),
    ([0] * 5, 10, 1, [1] * 5),  # the command has bytes, too
    ([], 10, 3500, []),
]


@pytest.mark.parametrize(("sizes", "limit", "page_bytes", "pages"), PAGES)
def test_a_page_ends_at_rows_or_bytes(sizes, limit, page_bytes, pages):
    session = make_session()
    events = [make_events(session, response="x" * size, command="sh")[0] for size in sizes]
    feed, cursor, seen, found = LocalFeed(get_source("session"), page_bytes=page_bytes), Cursor(), [], []
    while page := feed.read(cursor, limit):
        cursor = page[-1][0]
        found.append(len(page))
        seen += [record.id for _, record in page]

    assert (found, seen) == (pages, [event.pk for event in events])


def test_bytes_are_those_of_all_texts_of_a_row_in_utf_8():
    session = make_session()
    for texts in (
        {"response": "ä" * 500},
        {"command": "c" * 1000},
        {"error_message": "e" * 1000},
        {"timing": {"t": "j" * 992}},
    ):
        make_events(session, **{"command": "", "response": "", **texts})

    lengths = {
        size: len(read_page(get_source("session").view(SITE), Cursor(), 9, Window(), page_bytes=size)[0])
        for size in (1999, 2100, 2999, 3100, 3900, 4200)
    }

    assert lengths == {1999: 1, 2100: 2, 2999: 2, 3100: 3, 3900: 3, 4200: 4}


def test_a_page_within_a_window_is_bounded_alike():
    session = make_session()
    first, *rest = [make_events(session, response="x" * 1000)[0] for _ in range(5)]
    window = Window(until=rest[-1].timestamp)
    type(first).objects.exclude(pk=rest[-1].pk).update(timestamp=first.timestamp.replace(year=2020))

    page, more = read_page(get_source("session").view(SITE), Cursor(), 10, window, page_bytes=2500)

    assert ([record.id for _, record in page], more) == ([first.pk, rest[0].pk], True)


def test_the_memory_of_a_run_follows_the_bytes_of_a_page_and_not_its_rows():
    """The public report: 400 rows of 1 MB took 861 MB."""
    make_events(make_session(), 100, response="x" * MIB)
    receiver = LokiReceiver(make_client("http://loki"), Encoder("aoss", 262_144, output_characters=300))
    feed = LocalFeed(get_source("session"), page_bytes=5 * MIB)
    tracemalloc.start()
    try:
        found = rehearse(feed, Cursor(), receiver, batch_size=1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        receiver.close()

    assert found.records == 100
    assert peak < 40 * MIB


def test_the_feed_hands_out_pages_bounded_in_bytes_to_the_end(api, owner, settings):
    settings.SHIPPING_PAGE_BYTES = 3500
    events = make_events(make_session(), 7, response="x" * 1000)
    client, cursor, sizes, seen, more = api(owner), "0-0", [], [], True
    while more:
        page = client.get(URL, {"cursor": cursor, "limit": 5}).json()
        sizes.append(len(page["results"]))
        seen += [item["id"] for item in page["results"]]
        cursor, more = page["next_cursor"], page["has_more"]

    assert (sizes, seen) == ([3, 3, 1], [event.pk for event in events])


def test_the_command_ships_all_rows_in_pages_of_the_setting(loki, run, settings):
    settings.SHIPPING_PAGE_BYTES = 3500
    events = make_events(make_session(), 7, response="x" * 1000)

    assert run("--loki", loki.url).out == "session: shipped 7, rejected 0, left 0\n"
    assert (loki.row_ids(), len(loki.bodies)) == ([event.pk for event in events], 3)


def test_a_push_is_as_large_as_a_request_may_be_and_a_rehearsal_says_how_large(loki):
    """The public report: the labels of a stream were counted for every entry, and a push was half as large."""
    streams = [{"server_tag": f"fw{n}", "note": "y" * 300} for n in range(10)]
    records = [make_record(n, message="x" * 200, labels=streams[n % 10]) for n in range(1, 1001)]
    client = make_client(loki.url, request_bytes=50_000)
    receiver = LokiReceiver(client, Encoder("aoss", 262_144))

    found = rehearse(ListFeed(records), Cursor(), receiver, batch_size=5000)
    pushes = plan([(Cursor(0, record.id), record) for record in records], receiver)
    for push in pushes:
        receiver.deliver(push.items, uncertain=False)
    receiver.close()

    sent = [len(body) for body in loki.bodies]
    assert len(sent) == len(pushes) == found.pushes
    assert max(sent) <= 50_000
    assert min(sent[:-1]) > 49_000
    assert sum(sent) * 0.999 < found.size < sum(sent) * 1.001
