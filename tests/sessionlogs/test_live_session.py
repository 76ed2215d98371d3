"""A running session, watched in the browser."""

import json
import os
import re
import subprocess
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission
from django.test import Client

from console import stream
from sessionlogs.admin import session_page
from sessionlogs.models import EventType, ResponseView, Session, SessionStatus
from sessionlogs.recording.recorder import SessionRecorder
from tests.factories import SessionFactory, SessionLogFactory, issue_session
from tests.logsite.test_live import SOON, watching

pytestmark = pytest.mark.django_db


def news(client, session, after=0):
    answer = client.get(f"/admin/sessionlogs/session/{session.pk}/events/?after={after}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def what(page):
    """The kinds of events in a page of news."""
    return [re.search(r'class="what">(\w+)<', entry["html"])[1] for entry in page["entries"]]


@pytest.fixture
def running(db):
    return SessionFactory(status=SessionStatus.RUNNING)


# --- What the page asks for -------------------------------------------------------------------------------------


def test_the_page_of_a_running_session_waits_for_news(browser, teammate, running):
    event = SessionLogFactory(session=running)
    text = browser(teammate).get(f"/admin/sessionlogs/session/{running.pk}/change/").content.decode()
    assert (
        f'data-cursor="{event.pk}" data-news="/admin/sessionlogs/session/{running.pk}/events/" data-live'
        in text
    )


def test_the_page_of_a_session_that_has_ended_does_not(browser, teammate):
    session = issue_session()
    assert (
        " data-live"
        not in browser(teammate).get(f"/admin/sessionlogs/session/{session.pk}/change/").content.decode()
    )


def test_news_are_the_events_behind_the_last_one_seen(browser, teammate, running):
    first = SessionLogFactory(session=running, event_type=EventType.CONNECTION_START, step=None)
    second = SessionLogFactory(session=running, event_type=EventType.CONNECTION_SUCCESS, step=None)
    SessionLogFactory(session=SessionFactory())
    page = news(browser(teammate), running, after=first.pk)
    assert what(page) == ["connection_success"]
    assert (page["cursor"], page["over"], page["more"]) == (second.pk, False, False)


def test_without_news_the_cursor_stays(browser, teammate, running):
    event = SessionLogFactory(session=running)
    assert news(browser(teammate), running, after=event.pk)["cursor"] == event.pk


def test_an_answer_takes_the_place_of_its_command(browser, teammate, running):
    sent = SessionLogFactory(session=running)
    [command] = news(browser(teammate), running)["entries"]
    assert "no response yet" in command["html"]
    SessionLogFactory(session=running, event_type=EventType.COMMAND_RESPONSE, response="up", duration_ms=12.0)
    [answer] = news(browser(teammate), running, after=sent.pk)["entries"]
    assert answer["key"] == command["key"] == f"event-{sent.pk}"
    assert '<pre class="response">up</pre>' in answer["html"]


def test_the_second_of_two_equal_commands_has_a_place_of_its_own(browser, teammate, running):
    keys = set()
    for step in (1, 2):
        SessionLogFactory(session=running, step=step)
        SessionLogFactory(session=running, step=step, event_type=EventType.COMMAND_RESPONSE, response="up")
    keys = {entry["key"] for entry in news(browser(teammate), running)["entries"]}
    assert len(keys) == 2


def test_many_news_come_in_pages(browser, teammate, running, monkeypatch):
    monkeypatch.setattr(session_page, "NEWS", 2)
    ids = [
        SessionLogFactory(session=running, step=None, event_type=EventType.CONNECTION_START).pk
        for _ in range(3)
    ]
    first = news(browser(teammate), running)
    assert (first["cursor"], first["more"]) == (ids[1], True)
    assert (news(browser(teammate), running, first["cursor"])["cursor"]) == ids[2]


def test_the_end_and_the_outcome_are_news(browser, teammate, running):
    Session.objects.filter(pk=running.pk).update(
        status=SessionStatus.FAILED, error_message="the device hung up"
    )
    page = news(browser(teammate), running)
    assert page["over"] is True
    assert "Failed" in page["facts"]
    assert "the device hung up" in page["facts"]


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30, "²"])
def test_garbage_is_refused_by_name(after, browser, teammate, running):
    answer = browser(teammate).get(f"/admin/sessionlogs/session/{running.pk}/events/", {"after": after})
    assert answer.status_code == 400
    assert list(answer.json()) == ["after"]


def test_news_leave_answers_out_for_whom_may_not_see_them(browser, teammate, running):
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    SessionLogFactory(session=running, event_type=EventType.COMMAND_RESPONSE, response="FTX1840")
    [entry] = news(browser(teammate), running)["entries"]
    assert "FTX1840" not in entry["html"]
    assert "of response withheld" in entry["html"]
    assert not ResponseView.objects.exists()


def test_seeing_answers_live_is_noted(browser, teammate, running):
    SessionLogFactory(session=running, event_type=EventType.COMMAND_RESPONSE, response="FTX1840")
    news(browser(teammate), running)
    assert ResponseView.objects.values_list("what", "count").get() == ("session", 1)


# --- Being told -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_recorded_session_is_followed_event_by_event(teammate, monkeypatch):
    """What session.js does: at each message it asks for what is behind the last event it has."""
    monkeypatch.setattr(stream, "INTERVAL", 0)
    client = Client()
    await sync_to_async(client.force_login)(teammate)
    recorder = await sync_to_async(SessionRecorder)(device="rtr01", user="netops")
    seen, cursor = [], 0
    async with watching(teammate) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        for act in (
            lambda: recorder.command_sent("show version"),
            lambda: recorder.command_response("show version", "up", 1_000_000),
            lambda: (recorder.finish(failed=False), recorder.event(EventType.DISCONNECTION)),
        ):
            act()
            await sync_to_async(recorder.close)()
            assert (await socket.receive_json_from(SOON))["type"] == "committed"
            page = await database_sync_to_async(news)(client, recorder.session, cursor)
            cursor = page["cursor"]
            seen += what(page)
    assert seen == ["command_sent", "command_response", "disconnection"]
    assert page["over"] is True


@pytest.mark.django_db(transaction=True)
async def test_who_comes_back_after_a_restart_misses_nothing(teammate, running):
    client = Client()
    await sync_to_async(client.force_login)(teammate)
    async with watching(teammate) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
    written = await database_sync_to_async(SessionLogFactory)(session=running)  # while nobody was connected
    async with watching(teammate) as socket:
        await socket.connect()
        assert (await socket.receive_json_from(SOON))["type"] == "committed"  # at once, without news
        page = await database_sync_to_async(news)(client, running, 0)
    assert page["cursor"] == written.pk


# --- In a real browser ------------------------------------------------------------------------------------------

PAGE = """
<ol id="timeline" data-cursor="0" data-news="/events" data-live></ol>
<p id="live-state"></p><div id="facts"></div>
<form id="find"><input name="text"><output></output></form>
<script>
  const entry = (key, text) => ({ key, html: `<li id="${key}"><pre class="response">${text}</pre></li>` });
  const pages = [
    { entries: [entry("event-1", "sent")], cursor: 1, more: false, over: false, facts: "running" },
    { entries: [entry("event-1", "needle one needle")], cursor: 2, more: true, over: false, facts: "running" },
    { entries: [entry("event-3", "needle")], cursor: 3, more: false, over: true, facts: "done" },
  ];
  const asked = [];
  let calls = 0;
  window.fetch = async (address) => {
    asked.push(address.split("=")[1]);
    calls += 1;
    if (calls === 2) throw new TypeError("the server is restarting");
    const page = pages.shift() ?? { entries: [], cursor: 3, more: false, over: true, facts: "done" };
    return { ok: true, json: async () => page };
  };
  const sockets = [];
  window.WebSocket = class {
    constructor() { sockets.push(this); setTimeout(() => this.onmessage({ data: '{"type":"committed"}' }), 10); }
    close() { document.title = "closed"; }
  };
  setTimeout(() => sockets[0].onclose({ code: 1006 }), 200);
  setTimeout(() => {
    const field = document.querySelector("#find input");
    field.value = "needle";
    field.dispatchEvent(new Event("input"));
    setTimeout(() => field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" })), 300);
  }, 7000);
  const text = (place) => document.querySelector(place).textContent;
  setTimeout(() => {
    const keys = [...document.querySelectorAll("li")].map((item) => item.id);
    const result = { asked, keys, sockets: sockets.length, found: text("output") };
    Object.assign(result, { state: text("#live-state"), facts: text("#facts") });
    document.body.dataset.result = JSON.stringify(result);
  }, 9000);
</script>
"""


def test_the_page_s_script_in_a_real_browser(service: Callable[[str], str], tmp_path, settings):
    """News are placed, a lost connection and a failed request are made good, and the text is found."""
    assets = settings.BASE_DIR / "logsite/assets/logsite"
    script = (assets / "stream.js").read_text() + (assets / "session.js").read_text()
    (tmp_path / "page.html").write_text(f"<!doctype html><body>{PAGE}<script>{script}</script></body>")
    shown = subprocess.run(
        [service("LOGSITE_TEST_CHROMIUM"), "--headless", "--no-sandbox", "--disable-gpu",
         "--virtual-time-budget=12000",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{tmp_path / 'page.html'}"],
        capture_output=True, text=True, timeout=120, check=True, env=os.environ | {"HOME": str(tmp_path)},
    ).stdout  # fmt: skip
    result = json.loads(re.search(r'data-result="([^"]*)"', shown)[1].replace("&quot;", '"'))
    assert result["keys"] == ["event-1", "event-3"]
    assert result["asked"][:4] == ["0", "1", "1", "2"]  # the failed request is asked again
    assert result["sockets"] == 2
    assert (result["state"], result["facts"]) == ("The session has ended.", "done")
    assert result["found"] == "1 of 3"
