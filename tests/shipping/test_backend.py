"""Shipping from another LogSite's feed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from knox.models import AuthToken

from shipping.models import RejectedEntry, ShippingCursor
from tests.ports import free_port
from tests.shipping.builders import make_events, make_session
from tests.shipping.processes import finish, start_shipper

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "canary0123456789canary"


def token_of(user: User) -> str:
    token: str = AuthToken.objects.create(user)[1]
    return token


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """The address of a web server that answers every GET so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int, text: str = "", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def test_the_feed_ships_the_same_entries_as_the_database(live_server, loki, run, teammate):
    make_events(make_session(tags=["x"]), 12, response="ä\n𝄞")
    words = ["--loki", loki.url, "--batch-size", "5"]
    there = run(*words, "--backend", live_server.url, "--token", token_of(teammate))
    assert (there.code, there.err) == (0, "")
    assert there.out.startswith(f"session@{live_server.url}: shipped 12, rejected 0, left 0")
    assert "shipped 12" in run(*words).out
    assert len(loki.stored()) == 12  # byte for byte the same, or there would be 24


def test_the_second_run_ships_nothing(live_server, loki, run, teammate):
    make_events(make_session(), 3)
    words = ["--loki", loki.url, "--backend", live_server.url, "--token", token_of(teammate)]
    run(*words)
    assert "nothing to ship" in run(*words).out
    assert ShippingCursor.objects.get().source == f"session@{live_server.url}"


def test_a_window_and_a_dry_run(live_server, loki, run, teammate):
    now = timezone.now()
    session = make_session()
    for hours in (5, 3, 1):
        make_events(session, timestamp=now - timedelta(hours=hours))
    words = ["--loki", loki.url, "--backend", live_server.url, "--token", token_of(teammate)]
    assert "would ship 2 entries" in run(*words, "--since", "4h", "--dry-run").out
    assert "shipped 2," in run(*words, "--since", "4h").out
    assert {entry.labels["backfill"] for entry in loki.stored()} == {"true"}


def test_a_refused_entry_of_another_site_is_kept_apart(live_server, loki, run, teammate):
    make_events(make_session(), timestamp=timezone.now() - timedelta(days=9))
    run("--loki", loki.url, "--backend", live_server.url, "--token", token_of(teammate))
    run("--loki", loki.url)
    assert set(RejectedEntry.objects.values_list("source", flat=True)) == {
        "session",
        f"session@{live_server.url}",
    }


def test_the_token_from_the_settings(live_server, loki, run, teammate, settings):
    make_events(make_session())
    settings.SHIPPING_TOKEN = token_of(teammate)
    assert "shipped 1" in run("--loki", loki.url, "--backend", live_server.url).out


def test_a_wrong_token_and_a_missing_permission(live_server, loki, run, outsider):
    wrong = run("--loki", loki.url, "--backend", live_server.url, "--token", CANARY)
    assert wrong.code == 1
    assert wrong.err.startswith(f"LogSite at {live_server.url} answered 401: check the token")
    assert len(wrong.err.splitlines()) == 1
    forbidden = run("--loki", loki.url, "--backend", live_server.url, "--token", token_of(outsider))
    assert forbidden.code == 1
    assert "answered 403: check the token" in forbidden.err


def test_a_source_the_other_site_does_not_have(live_server, loki, run, teammate):
    result = run(
        "--loki", loki.url, "--backend", live_server.url, "--token", token_of(teammate), "--source", "nope"
    )
    assert result.code == 1
    assert "source 'nope' does not exist" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (status(200, "<html>"), "did not answer like the feed of a LogSite"),
        (status(200, "[]"), "did not answer like the feed of a LogSite"),
        (status(200, '{"results": [{"id": 1}]}'), "did not answer like the feed of a LogSite"),
        (status(200, '{"results": [7]}'), "did not answer like the feed of a LogSite"),
        (status(302, Location="http://127.0.0.1:9/"), "a redirect"),
        (status(404), "answered 404: check the address"),
        (status(503, Retry_After="0"), "answered 503"),
        (
            status(400, '{"cursor": ["cursor 9-9 is ahead of the database; see «After a restore»"]}'),
            "see «After a restore»",
        ),
    ],
    ids=["html", "list", "no cursor", "number", "redirect", "404", "503", "restored"],
)
def test_a_faulty_feed_is_one_clear_line_without_the_token(loki, run, answer, text):
    with answering(answer) as url:
        result = run("--loki", loki.url, "--backend", url, "--token", CANARY)
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert url in last
    assert text in last
    assert CANARY not in result.out + result.err
    assert loki.bodies == []


def test_a_feed_that_is_away(loki, run):
    url = f"http://127.0.0.1:{free_port()}"
    result = run("--loki", loki.url, "--backend", url, "--token", CANARY)
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        f"LogSite at {url} refused the connection after 3 tries; nothing is lost, all entries wait: "
        "run again when it is back"
    )


def test_the_token_is_in_no_output_exception_or_log(live_server, loki, caplog, run, teammate):
    """The canary: every way out of a real process, at the most talkative log level."""
    make_events(make_session(), 2)
    token = token_of(teammate)
    seen = []
    for words in (
        ["--backend", live_server.url, "--token", token],
        ["--backend", live_server.url, "--token", CANARY],
        ["--backend", f"http://127.0.0.1:{free_port()}", "--token", token],
        ["--token", token],
        ["--backend", "nonsense", "--token", token],
        ["--backend", live_server.url, "--token", token, "--since", "x", "--traceback"],
    ):
        process = start_shipper("--loki", loki.url, *words, LOG_LEVEL="DEBUG", SHIPPING_RETRIES="1")
        code, out, err = finish(process)
        seen.append(code)
        assert token not in out + err
        assert CANARY not in out + err
    assert seen == [0, 1, 1, 2, 2, 1]  # --traceback shows Python's own code
    assert token not in caplog.text


def test_no_repr_shows_the_token():
    from shipping.feed import BackendFeed
    from shipping.options import read_options
    from shipping.retry import Retry

    given = dict.fromkeys(
        ("loki", "backend", "token", "source", "since", "until", "follow", "from_start", "dry_run")
    )
    options = read_options(
        {**given, "batch_size": 1, "backend": "http://127.0.0.1:9", "token": CANARY}, timezone.now()
    )
    [feed] = options.feeds(Retry(0, 1))
    assert isinstance(feed, BackendFeed)
    assert CANARY not in f"{options!r} {options} {feed!r} {feed} {feed._session.auth!r}"
