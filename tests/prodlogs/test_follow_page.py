"""The page that shows entries as they come: what it asks for, and what it makes of the answers in a browser."""

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import stream
from logsite.records import live
from prodlogs.admin import follow_page
from tests.conftest import service_address
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory
from tests.logsite.test_live import SOON, watching

pytestmark = pytest.mark.django_db
URL = "/admin/prodlogs/follow/"


def news(client, **query):
    answer = client.get(f"{URL}entries/", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def messages(page):
    return [entry["message"] for entry in page["entries"]]


# --- What the page asks for -------------------------------------------------------------------------------------

committed = pytest.mark.django_db(transaction=True)  # PostgreSQL hands out what is committed, and no more


def test_it_begins_with_the_newest_entries_in_the_order_of_their_times(browser, teammate, monkeypatch):
    monkeypatch.setattr(follow_page, "TAIL", 2)
    for number, second in enumerate((3, 1, 2)):
        ContainerLogEntryFactory(message=str(number), timestamp=10**18 + second)
    assert messages(news(browser(teammate))) == ["2", "0"]


def test_an_entry_is_all_that_a_row_shows(browser, teammate):
    container = ContainerFactory(name="web", host__name="docker01")
    entry = ContainerLogEntryFactory(
        container=container,
        stream="stderr",
        level="ERROR",
        message="a\x1b[31m",
        timestamp=1777636800123456789,
    )
    assert news(browser(teammate))["entries"] == [
        {
            "id": str(entry.pk),
            "timestamp": "1777636800123456789",
            "host": "docker01",
            "container": "web",
            "stream": "stderr",
            "level": "ERROR",
            "message": "a^[[31m",
            "url": f"/admin/prodlogs/containerlogentry/{entry.pk}/change/",
        }
    ]


@committed
def test_news_are_the_entries_since_the_cursor(browser, teammate):
    ContainerLogEntryFactory(message="old")
    first = news(browser(teammate))
    ContainerLogEntryFactory(message="new")
    second = news(browser(teammate), after=first["cursor"])
    assert (messages(second), second["more"]) == (["new"], False)
    assert messages(news(browser(teammate), after=second["cursor"])) == []


@committed
def test_an_old_line_that_comes_late_is_news_too(browser, teammate):
    ContainerLogEntryFactory(timestamp=10**18)
    cursor = news(browser(teammate))["cursor"]
    ContainerLogEntryFactory(timestamp=10**17, message="backfilled")
    assert messages(news(browser(teammate), after=cursor)) == ["backfilled"]


@committed
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"host": "docker01"}, ["1", "2"]),
        ({"container": "db"}, ["3"]),
        ({"level": "errors"}, ["1", "3"]),
        ({"level": "warnings"}, ["1", "3"]),
        ({"level": "INFO"}, ["2"]),
        ({"stream": "stdout"}, ["2"]),
        ({"text": "3"}, ["3"]),
        ({"host": "nowhere"}, []),
    ],
)
def test_the_choice_holds_for_the_beginning_and_for_news(browser, teammate, query, found):
    web = ContainerFactory(name="web", host=DockerHostFactory(name="docker01"))
    db = ContainerFactory(name="db", host=DockerHostFactory(name="docker02"))
    empty = news(browser(teammate), **query)["cursor"]
    kinds = [(web, "ERROR", "stderr"), (web, "INFO", "stdout"), (db, "CRITICAL", "stderr")]
    for number, (container, level, written_to) in enumerate(kinds, 1):
        ContainerLogEntryFactory(container=container, level=level, stream=written_to, message=str(number))
    assert messages(news(browser(teammate), **query)) == found
    assert messages(news(browser(teammate), after=empty, **query)) == found


@committed
def test_many_news_come_in_pages(browser, teammate, monkeypatch):
    monkeypatch.setattr(follow_page, "NEWS", 2)
    cursor = news(browser(teammate))["cursor"]
    for number in range(3):
        ContainerLogEntryFactory(message=str(number))
    first = news(browser(teammate), after=cursor)
    assert (messages(first), first["more"]) == (["0", "1"], True)
    assert messages(news(browser(teammate), after=first["cursor"])) == ["2"]


@committed
def test_who_is_far_behind_goes_on_at_the_end(browser, teammate, monkeypatch):
    for name, value in (("NEWS", 2), ("BEHIND", 5), ("TAIL", 3)):
        monkeypatch.setattr(follow_page, name, value)
    cursor = news(browser(teammate))["cursor"]
    for number in range(6):
        ContainerLogEntryFactory(message=str(number))
    page = news(browser(teammate), after=cursor)
    assert (messages(page), page["skipped"]) == (["3", "4", "5"], True)
    assert messages(news(browser(teammate), after=page["cursor"])) == []


@committed
def test_news_without_a_match_move_the_cursor_on(browser, teammate):
    cursor = news(browser(teammate))["cursor"]
    ContainerLogEntryFactory(message="of no interest")
    page = news(browser(teammate), after=cursor, text="wanted")
    assert page["entries"] == []
    assert page["cursor"] != cursor


def test_a_very_long_message_is_cut(browser, teammate):
    ContainerLogEntryFactory(message="x" * 100_000)
    [entry] = news(browser(teammate))["entries"]
    assert len(entry["message"]) == follow_page.LONGEST + 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"),
        ({"after": "999999999999-1"}, "after"),
        ({"level": "LOUD"}, "level"),
        ({"stream": "stdin"}, "stream"),
        ({"text": "x" * 201}, "text"),
        ({"host": "a\0"}, "host"),
    ],
)
def test_garbage_is_refused_by_name(browser, teammate, query, field):
    answer = browser(teammate).get(f"{URL}entries/", query)
    assert (answer.status_code, list(answer.json())) == (400, [field])


@pytest.mark.parametrize("path", [URL, f"{URL}entries/"])
def test_following_asks_for_the_permission_to_see_entries(browser, teammate, path):
    teammate.user_permissions.remove(Permission.objects.get(codename="view_containerlogentry"))
    assert browser(teammate).get(path).status_code == 403


def test_more_entries_take_no_more_queries(browser, teammate):
    def count():
        with CaptureQueriesContext(connection) as seen:
            news(client)
        # One query more where another transaction of the server, such as autovacuum's, runs right then.
        return sum("pg_locks" not in query["sql"] for query in seen)

    client = browser(teammate)
    ContainerLogEntryFactory()
    count()
    few = count()
    for _ in range(5):
        ContainerLogEntryFactory()
    assert count() == few


def test_the_page_offers_what_there_is_and_keeps_what_was_chosen(browser, teammate):
    ContainerFactory(name="shop-web", host__name="docker01")
    text = browser(teammate).get(URL, {"host": "docker01", "container": "shop-web"}).content.decode()
    assert "<option selected>docker01</option>" in text
    assert '<option value="shop-web" data-host="docker01" selected>shop-web</option>' in text


def test_the_page_has_no_script_of_its_own(browser, teammate):
    text = browser(teammate).get(URL).content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|<[^>]*\sstyle=", text) == []


@pytest.mark.django_db(transaction=True)
async def test_who_watches_is_told_of_each_commit_without_redis(teammate, monkeypatch):
    """What follow.js does: at each message it asks for what is behind its cursor."""
    assert not settings.REDIS_URL
    monkeypatch.setattr(stream, "INTERVAL", 0)
    client = Client()
    await sync_to_async(client.force_login)(teammate)
    cursor = (await database_sync_to_async(news)(client))["cursor"]
    seen = []
    async with watching(teammate, "?source=container") as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        for number in range(3):
            await database_sync_to_async(ContainerLogEntryFactory)(message=str(number))
            await sync_to_async(live.publish)("container")
            assert (await socket.receive_json_from(SOON))["type"] == "committed"
            page = await database_sync_to_async(news)(client, after=cursor)
            cursor = page["cursor"]
            seen += messages(page)
    assert seen == ["0", "1", "2"]


# --- In a real browser ------------------------------------------------------------------------------------------

PAGE = """
<form id="choose">
  <select name="host"><option value="">All</option><option>docker01</option></select>
  <select name="container"><option value="">All</option><option value="web" data-host="docker01">web</option></select>
  <select name="level"><option value="">All</option></select>
  <select name="stream"><option value="">Both</option></select>
  <input name="query"><input name="text"><a id="older" href="/list/">Older</a>
</form>
<p id="query-problem" hidden></p>
<div class="tail" id="tail" data-news="/news">
  <div class="scroller" tabindex="0"><div class="canvas"><div class="rows"></div></div></div>
  <button class="unread" hidden></button>
</div>
<p id="live-state"></p>
<script>
  let made = 0;
  const entry = (message, seconds) => {
    made += 1;
    const timestamp = String(1777636800000 + (seconds ?? made) * 1000) + "000000";
    return { id: String(made), timestamp, host: "docker01", container: "web", stream: made % 2 ? "stdout" : "stderr",
      level: "ERROR", message, url: `/entry/${made}/` };
  };
  const many = Array.from({ length: 20000 }, (_, number) => entry(`line ${number}`));
  const trace = entry("Traceback\\n" + "  a line of it\\n".repeat(20) + "the end of it");
  let answers = [{ entries: [...many, trace], cursor: "0-1", more: false, skipped: false }];
  const asked = [];
  window.fetch = async (address) => {
    asked.push(address.split("?")[1]);
    if (answers[0] === "away") { answers.shift(); throw new TypeError("the server is restarting"); }
    const answer = answers.shift() ?? { entries: [], cursor: "0-9", more: false, skipped: false };
    const status = answer.query ? 400 : 200;
    return { ok: status === 200, status, json: async () => answer };
  };
  const sockets = [];
  window.WebSocket = class { constructor() { sockets.push(this); } };
  const tell = () => sockets.at(-1).onmessage({ data: '{"type": "committed"}' });

  const place = (selector) => document.querySelector(selector);
  const scroller = place(".scroller");
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const until = async (holds) => {  // what never comes true fails the test that is about it
    const end = performance.now() + 20000;
    while (!holds() && performance.now() < end) await wait(20);
    for (let frames = 0; frames < 3; frames += 1) await new Promise(requestAnimationFrame);
  };
  const said = [];
  new MutationObserver(() => said.push(place("#live-state").textContent)).observe(
    place("#live-state"), { childList: true },
  );
  const inSight = () => {
    const box = scroller.getBoundingClientRect();
    return [...document.querySelectorAll(".row")].filter((row) => {
      const here = row.getBoundingClientRect();
      return here.top >= box.top - 1 && here.bottom <= box.bottom + 1;
    });
  };
  const texts = () => inSight().map((row) => row.querySelector(".text").textContent);
  const atEnd = () => scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1;
  const endsWith = (text) => atEnd() && texts().at(-1) === text;
  const result = {};
  const steps = async () => {
    await until(() => endsWith("Traceback"));
    result.elements = document.querySelectorAll(".row").length;
    result.last = texts().at(-1);
    result.beganAtEnd = atEnd();

    answers = [{ entries: [entry("one more")], cursor: "0-2", more: false, skipped: false }];
    tell();
    await until(() => endsWith("one more"));
    result.followed = [texts().at(-1), atEnd()];

    scroller.scrollTop = 100 * 20;
    await until(() => texts().length);
    const before = texts();
    answers = [{ entries: [entry("late", 3), entry("a"), entry("b")], cursor: "0-3", more: false, skipped: false }];
    tell();
    await until(() => !place(".unread").hidden && texts().length);
    result.stayed = JSON.stringify(texts()) === JSON.stringify(before);
    result.read = before[0];
    result.unread = place(".unread").hidden ? "" : place(".unread").textContent;
    result.paused = place("#live-state").textContent;
    place(".unread").click();
    await until(() => endsWith("b"));
    result.returned = [texts().at(-1), place(".unread").hidden];

    answers = ["away", { entries: [entry("after the restart")], cursor: "0-4", more: false, skipped: false }];
    said.length = 0;
    sockets[0].onclose({ code: 1006 });
    await until(() => endsWith("after the restart") && sockets.length > 1);
    result.trouble = said[0];
    result.recovered = [texts().at(-1), sockets.length, asked.slice(-2)];

    scroller.scrollTop = scroller.scrollHeight - 400;
    const traceRow = () => inSight().find((each) => each.textContent.includes("Traceback"));
    await until(traceRow);
    const height = scroller.scrollHeight;
    traceRow().querySelector(".fold").click();
    await until(() => scroller.scrollHeight > height + 300);
    result.unfolded = [
      [...document.querySelectorAll(".row.open .text")].map((text) => text.textContent.split("\\n").length)[0],
      scroller.scrollHeight > height + 300,
    ];
    const rows = [...document.querySelectorAll(".row")].map((each) => each.getBoundingClientRect());
    result.apart = rows.every((box, number) => !number || Math.abs(box.top - rows[number - 1].bottom) < 1);

    answers = [{ entries: [entry("a needle in <b>hay</b>")], cursor: "0-5", more: false, skipped: false }];
    place("[name=text]").value = "Needle";
    place("[name=text]").dispatchEvent(new Event("input", { bubbles: true }));
    await until(() => place("mark"));
    result.chosen = [asked.filter((query) => query.includes("text")).at(0), place("#older").search, texts()];
    result.marked = [...document.querySelectorAll("mark")].map((mark) => mark.textContent);

    const complaint = place("#query-problem");
    answers = [{ query: ["Position 0: a bracket is alone."] }];
    place("[name=query]").value = "(boom";
    place("[name=query]").dispatchEvent(new Event("input", { bubbles: true }));
    await until(() => !complaint.hidden && !document.querySelector(".row"));
    const askedBefore = asked.length;
    tell();
    tell();
    await until(() => true);
    result.refused = [complaint.textContent, document.querySelectorAll(".row").length, asked.length - askedBefore];
    result.typed = [asked.at(-1), place("[name=query]").getAttribute("aria-invalid") !== null];
    place("[name=query]").value = "boom";
    answers = [{ entries: [entry("boom")], cursor: "0-6", more: false, skipped: false }];
    place("[name=query]").dispatchEvent(new Event("input", { bubbles: true }));
    await until(() => endsWith("boom"));
    result.mended = [complaint.hidden, place("#older").search];

    answers = [{ entries: [entry("much later")], cursor: "0-6", more: false, skipped: true }];
    tell();
    await until(() => place(".divider"));
    result.skipped = place(".divider")?.textContent ?? "";
  };
  const tellTheTest = () => {
    const answer = new XMLHttpRequest();
    answer.open("POST", "/");
    answer.send(JSON.stringify(result));
  };
  setTimeout(() => steps().catch((error) => { result.error = String(error); }).then(tellTheTest), 0);
</script>
"""


class Place(BaseHTTPRequestHandler):
    """Serves the page, and takes what its script found out."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.server.page if self.path == "/" else b"")

    def do_POST(self) -> None:
        self.server.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silence."""


@contextmanager
def serving(page: str) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Place) as server:
        server.page, server.results = page.encode(), Queue()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def chromium(address: str, folder: Path) -> Iterator[None]:
    """A browser at `address`. In real time: animation frames do not come in virtual time."""
    process = subprocess.Popen(
        [
            service_address("LOGSITE_TEST_CHROMIUM"),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1200,900",
            "--remote-debugging-port=0",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={folder}",
            address,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"HOME": str(folder)},
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the page's script did in Chromium, step by step."""
    assets = settings.BASE_DIR / "logsite/assets/logsite"
    script = (assets / "stream.js").read_text() + (assets / "follow.js").read_text()
    style = (assets / "containers.css").read_text()
    page = (
        f"<!doctype html><style>{style} .tail {{ height: 600px; }}</style>"
        f"<body class=follow>{PAGE}<script>{script}</script></body>"
    )
    with serving(page) as server:
        folder = tmp_path_factory.mktemp("chromium")
        with chromium(f"http://127.0.0.1:{server.server_port}/", folder):
            found = server.results.get(timeout=150)
    assert "error" not in found, found
    return found


def test_of_twenty_thousand_entries_only_those_in_sight_are_elements(shown):
    assert 30 <= shown["elements"] <= 60


def test_the_newest_stands_at_the_bottom(shown):
    assert (shown["last"], shown["beganAtEnd"]) == ("Traceback", True)


def test_new_entries_are_followed(shown):
    assert shown["followed"] == ["one more", True]


def test_who_reads_further_up_is_left_in_peace(shown):
    """Also where an entry comes in before the ones in sight."""
    assert shown["stayed"] is True
    assert shown["read"] == "line 102"  # two have gone: 20,000 are kept


def test_who_reads_further_up_sees_how_many_are_new(shown):
    assert shown["unread"] == "3 new lines ↓"
    assert "paused" in shown["paused"]


def test_one_click_leads_back_to_the_end(shown):
    assert shown["returned"] == ["b", True]


def test_a_server_that_restarts_is_made_good(shown):
    assert "trying again" in shown["trouble"]
    assert shown["recovered"][:2] == ["after the restart", 2]
    assert set(shown["recovered"][2]) == {"after=0-3"}


def test_a_trace_unfolds_and_moves_what_stands_below(shown):
    assert shown["unfolded"] == [22, True]
    assert shown["apart"] is True


def test_another_choice_begins_anew_and_marks_what_was_looked_for(shown):
    asked, older, texts = shown["chosen"]
    assert (asked, older) == ("text=Needle", "?q=Needle")
    assert texts == ["a needle in <b>hay</b>"]
    assert shown["marked"] == ["needle"]


def test_a_refused_query_stands_under_its_field_and_is_not_asked_again(shown):
    assert shown["refused"] == ["Position 0: a bracket is alone.", 0, 0]
    assert shown["typed"] == ["query=%28boom&text=Needle", True]


def test_a_query_that_can_be_read_again_shows_its_rows(shown):
    assert shown["mended"] == [True, "?query=boom&q=Needle"]


def test_entries_left_out_are_not_passed_over_in_silence(shown):
    assert "has those that are missing here" in shown["skipped"]
