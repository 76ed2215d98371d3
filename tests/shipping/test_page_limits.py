"""A page of another machine's feed is bounded: bytes on the wire, bytes unpacked, values, depth, time."""

import gzip
import json
import os
import subprocess
import sys
import time

import pytest

from logsite.records import Cursor
from shipping.errors import Misconfigured, Unavailable
from shipping.feed import BackendFeed
from shipping.retry import Retry
from tests.shipping.bombs import RECORD, bombs, giving, page
from tests.shipping.processes import ROOT
from tests.shipping.test_backend import answering, status

PEAK_MEBIBYTES = 400  # of a process with Django; a gzip of 1 GiB took 3,000


def test_no_answer_takes_more_memory_than_a_page_may():
    """In a process of its own, whose peak the kernel knows: every bomb ends with a sentence, from Loki, too."""
    answers = bombs()
    with giving(answers) as url:
        urls = [f"{url}/{name}" for name in answers]
        done = subprocess.run(
            [sys.executable, "-m", "tests.shipping.bombs", *urls],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "logsite.settings"},
            capture_output=True,
            text=True,
            timeout=170,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    wrong = {
        name: sentence[:200]
        for name, sentence in found["told"].items()
        if not sentence.startswith(("Misconfigured: LogSite at http://", "Misconfigured: Loki at http://"))
        or "\n" in sentence
        or len(sentence) > 400
    }
    assert wrong == {}
    assert found["peak"] < PEAK_MEBIBYTES
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gzip", "SHIPPING_PAGE_BYTES"),
        ("plain", "SHIPPING_PAGE_BYTES"),
        ("br", "Content-Encoding 'br'"),
        ("gzip-of-gzip", "Content-Encoding 'gzip, gzip'"),
        ("deep-lists", "did not answer like the feed of a LogSite"),
        ("401", "answered 401: check the token"),
    ],
)
def test_a_bomb_is_told_in_a_sentence_that_names_the_way_out(name, words):
    with giving({name: bombs()[name]}) as url, pytest.raises(Misconfigured, match=words):
        feed_at(f"{url}/{name}").read(Cursor(), 1000)


def feed_at(url, **fields):
    return BackendFeed(url, "token", "session", Retry(0, 0.001), **{"timeout": 10, **fields})


def records(count, size):
    return [RECORD | {"id": n, "cursor": f"0-{n}", "message": "x" * size} for n in range(1, count + 1)]


def test_a_page_too_large_is_asked_for_in_smaller_ones():
    """A feed of long answers is no bomb: the reader asks for fewer entries, and gets all of them."""
    stored, asked = records(40, 100_000), []

    def answer(handler):
        query = dict(part.split("=") for part in handler.path.split("?")[1].split("&"))
        asked.append(int(query["limit"]))
        start = int(query["cursor"].split("-")[1])
        status(200, page(*stored[start : start + asked[-1]]).decode())(handler)

    with answering(answer) as url:
        feed, cursor, seen = feed_at(url, page_bytes=1_000_000), Cursor(), []
        while found := feed.read(cursor, 32):
            seen += [record.id for _, record in found]
            cursor = found[-1][0]
    assert seen == list(range(1, 41))
    assert asked[:2] == [32, 8]
    assert len(asked) < 20


def test_one_entry_beyond_the_limit_ends_it_with_the_setting():
    with answering(status(200, page(*records(1, 100_000)).decode())) as url:
        feed = feed_at(url, page_bytes=50_000)
        with pytest.raises(Misconfigured, match="SHIPPING_PAGE_BYTES"):
            feed.read(Cursor(), 1000)


def test_a_page_at_the_limit_is_read():
    text = page(*records(10, 1000))
    with answering(status(200, text.decode())) as url:
        assert len(feed_at(url, page_bytes=len(text)).read(Cursor(), 10)) == 10
        with pytest.raises(Misconfigured, match="SHIPPING_PAGE_BYTES"):
            feed_at(url, page_bytes=len(text) - 1).read(Cursor(), 10)


@pytest.mark.parametrize("members", [1, 3])
def test_a_page_in_gzip_is_read(members):
    text = page(*records(9, 1000))
    third = len(text) // members + 1
    data = b"".join(gzip.compress(text[start : start + third]) for start in range(0, len(text), third))

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with answering(answer) as url:
        assert [record.id for _, record in feed_at(url).read(Cursor(), 10)] == list(range(1, 10))


def test_an_answer_that_never_ends_has_a_deadline():
    """A byte now and then outlives every timeout of a single read."""

    def trickle(handler):
        handler.send_response(200)
        handler.end_headers()
        while not handler.wfile.closed:
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.01)  # the server's slowness is the fault

    with answering(trickle) as url, pytest.raises(Unavailable, match="did not end its answer within"):
        feed_at(url, timeout=0.1).read(Cursor(), 1000)


# What is no page of a LogSite's feed: the record is changed, or the page.
WRONG_RECORDS = {
    "another source": {"source": "container"},
    "no cursor": {"cursor": None},
    "an unreadable cursor": {"cursor": "1"},
    "a cursor that is a number": {"cursor": 1},
    "an id that is a text": {"id": "x"},
    "an id beyond 64 bits": {"id": 2**63},
    "a time beyond 64 bits": {"timestamp": str(2**63)},
    "a time before 1970": {"timestamp": "-1"},
    "an unreadable time": {"timestamp": "yesterday"},
    "labels that are a list": {"labels": []},
    "attributes that are a text": {"attributes": "x"},
    "parts that are a list": {"parts": []},
    "a step that is a text": {
        "parts": {"step": "1", "command": "c", "exit_code": 0, "stdout": "", "stderr": ""}
    },
    "parts without a command": {"parts": {"step": 1}},
    "an output that is a number": {
        "parts": {"step": 1, "command": "c", "exit_code": 0, "stdout": 7, "stderr": ""}
    },
}
WRONG_PAGES = {
    "another API's empty page": {"count": 0, "next": None, "previous": None, "results": []},
    "no results": {"source": "session", "next_cursor": "0-0", "has_more": False},
    "another source": {"source": "container", "next_cursor": "0-0", "has_more": False, "results": []},
    "no next cursor": {"source": "session", "has_more": False, "results": []},
    "more records than asked": {
        "source": "session",
        "next_cursor": "0-9",
        "has_more": False,
        "results": records(9, 1),
    },
    "the same record twice": {
        "source": "session",
        "next_cursor": "0-1",
        "has_more": False,
        "results": [RECORD, RECORD],
    },
    "a page from before the cursor": {
        "source": "session",
        "next_cursor": "0-1",
        "has_more": True,
        "results": [RECORD | {"id": 7, "cursor": "0-0"}],
    },
}


def test_what_is_no_page_of_the_feed_ends_it_and_ships_nothing():
    """An empty page of another API would say that all is shipped; a page said again would be shipped for ever."""
    pages = {f"record: {name}": page(RECORD | change) for name, change in WRONG_RECORDS.items()}
    pages |= {f"page: {name}": json.dumps(found).encode() for name, found in WRONG_PAGES.items()}
    wrong = {}
    for name, text in pages.items():
        with answering(status(200, text.decode())) as url:
            try:
                found = feed_at(url).read(Cursor(), 5)
            except Misconfigured as error:
                found = str(error)
        if not isinstance(found, str) or "did not answer like the feed of a LogSite" not in found:
            wrong[name] = found
    assert wrong == {}
