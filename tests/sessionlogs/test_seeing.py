"""The session page: where the time went, long answers, commands with their answers; and the device's page."""

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from paramiko.buffered_pipe import BufferedPipe

from devices.connectors import get_connector
from devices.connectors.timing import Wire
from sessionlogs import timeline
from sessionlogs.models import EventType, SessionLog, SessionStatus
from tests.devices.emulator import PASSWORD, USERNAME, Box
from tests.factories import DeviceFactory, SessionFactory, SessionLogFactory, issue_session

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def page(client, row):
    name = "sessionlog" if isinstance(row, SessionLog) else "session"
    answer = client.get(f"/admin/sessionlogs/{name}/{row.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def response(text, **options):
    return SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response=text, **options)


# --- Where the time went ----------------------------------------------------------------------------------------


@pytest.fixture
def recorded(transactional_db):
    """The events of a real SSH session with one command, by type."""
    with Box({"show clock": "12:00"}) as box:
        connector = get_connector(
            "cisco_ios", box.host, USERNAME, PASSWORD, device_id="rtr01", user_id="netops", port=box.port
        )
        with connector:
            connector.run("show clock")
    return {event.event_type: event for event in SessionLog.objects.filter(session_id=connector.session_id)}


def test_a_login_is_split_into_authentication_preparation_and_polling(recorded):
    event = recorded["connection_success"]
    assert set(event.timing) == {"login", "preparation", "polling"}
    assert all(spent > 0 for spent in event.timing.values())
    assert sum(event.timing.values()) == pytest.approx(event.duration_ms)


def test_a_command_is_split_into_the_device_s_time_and_polling(recorded):
    event = recorded["command_response"]
    assert set(event.timing) == {"first_byte", "answer", "polling"}
    assert sum(event.timing.values()) == pytest.approx(event.duration_ms)
    assert event.timing["polling"] > event.timing["first_byte"] > 0  # a box in this process answers at once


def test_what_has_no_duration_has_no_split(recorded):
    assert recorded["command_sent"].timing == recorded["connection_start"].timing == {}


@pytest.fixture
def clock(monkeypatch):
    """`clock(5)` sets the time to 5 ns."""
    moment = [0]
    monkeypatch.setattr("devices.connectors.timing.now", lambda: moment[0])

    def at(nanoseconds):
        moment[0] = nanoseconds

    return at


def play(wire, clock, *acts):
    for moment, act in acts:
        clock(moment)
        act()


def test_the_first_byte_and_the_prompt_are_told_apart(clock):
    wire = Wire()
    wire.begin()
    play(wire, clock, (10, wire.wrote), (30, wire.set), (40, wire.set), (90, wire.set))
    assert wire.split(200) == {"first_byte": 20, "answer": 60, "polling": 120}


def test_several_writes_of_one_command_are_added_up(clock):
    wire = Wire()
    wire.begin()
    asked = [
        (10, wire.wrote),
        (15, wire.set),
        (19, wire.set),
        (60, wire.wrote),
        (67, wire.set),
        (68, wire.set),
    ]
    play(wire, clock, *asked)
    assert wire.split(100) == {"first_byte": 12, "answer": 5, "polling": 83}


def test_a_channel_is_watched_before_its_first_byte(clock):
    wire, channel = Wire(), SimpleNamespace(in_buffer=BufferedPipe())
    wire.watch(channel)
    play(wire, clock, (10, wire.wrote), (30, lambda: channel.in_buffer.feed(b"rtr01#")))
    assert wire.split(100) == {"first_byte": 20, "answer": 0, "polling": 80}


def test_bytes_that_nobody_asked_for_count_for_nothing(clock):
    wire = Wire()
    play(wire, clock, (5, wire.set))
    wire.begin()
    play(wire, clock, (10, wire.wrote))
    assert wire.split(100) == {}


def test_the_bar_stands_with_its_numbers_in_text(browser, teammate):
    event = response("up", duration_ms=100, timing={"first_byte": 10, "answer": 15, "polling": 75})
    text = page(browser(teammate), event.session)
    assert '<rect class="part-polling" x="25.000" width="75.000"' in text
    assert "device, until the first byte <b>10 ms</b>" in text
    assert "polling (Netmiko&#x27;s pauses) <b>75 ms</b>" in text


def test_the_session_s_time_is_summed_up(browser, teammate):
    session = SessionFactory()
    for step in (1, 2):
        response("up", session=session, step=step, timing={"first_byte": 10.0, "polling": 30.0})
    text = page(browser(teammate), session)
    assert "Where the time went" in text
    assert "polling (Netmiko&#x27;s pauses) <b>60 ms</b>" in text


def test_events_of_before_have_no_bar(browser, teammate):
    text = page(browser(teammate), issue_session())
    assert 'class="bar"' not in text
    assert "Where the time went" not in text


def test_the_api_gives_the_split_in_milliseconds(api, teammate):
    event = response("up", timing={"first_byte": 10.0, "polling": 30.0})
    answer = api(teammate).get(f"/api/v2/session-logs/{event.pk}/").json()
    assert answer["timing"] == {"first_byte": 10.0, "polling": 30.0}


# --- Commands and answers ---------------------------------------------------------------------------------------


def test_a_command_and_its_answer_are_one_entry():
    session = issue_session()
    rows = SessionLog.objects.all()
    found = timeline.entries(rows, list(timeline.events_of(rows, session)), visible=True)
    assert [(entry.event.event_type, entry.sent and entry.sent.event_type) for entry in found] == [
        ("interface_collection_start", None),
        ("command_response", "command_sent"),
    ]


def test_the_session_page_offers_copy_raw_and_compare_for_a_response(browser, teammate):
    event = response("up")
    text = page(browser(teammate), event.session)
    assert "data-copy" in text
    assert f'href="/admin/sessionlogs/sessionlog/{event.pk}/response/"' in text
    assert f'href="/admin/sessionlogs/sessionlog/{event.pk}/diff/"' in text


def test_a_large_answer_comes_when_it_is_opened(browser, teammate):
    large = "\n".join(f"line {number:05d}" for number in range(20_000))
    event = response(large)
    text = page(browser(teammate), event.session)
    assert len(text) < 50_000
    assert f'<pre class="response" data-src="/admin/sessionlogs/sessionlog/{event.pk}/response/">' in text
    raw = browser(teammate).get(f"/admin/sessionlogs/sessionlog/{event.pk}/response/")
    assert raw.content.decode() == large
    assert raw["Content-Type"] == "text/plain; charset=utf-8"
    assert raw["X-Content-Type-Options"] == "nosniff"


def test_a_page_holds_no_more_than_it_can_carry(browser, teammate, monkeypatch):
    monkeypatch.setattr(timeline, "INLINE", 250)
    session = SessionFactory()
    for step in range(1, 4):
        response("x" * 100, session=session, step=step)
    assert page(browser(teammate), session).count("data-src=") == 1


# --- The device's page ------------------------------------------------------------------------------------------


def device_page(client, device):
    answer = client.get(f"/admin/devices/device/{device.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_device_s_page_shows_its_newest_sessions_failures_first(browser, teammate):
    device = DeviceFactory(name="rtr01")
    for hours, status in enumerate((SessionStatus.SUCCESS, SessionStatus.FAILED, SessionStatus.SUCCESS)):
        SessionFactory(device="rtr01", status=status, started_at=NOON + timedelta(hours=hours))
    SessionFactory(device="rtr02", started_at=NOON + timedelta(hours=9))
    text = device_page(browser(teammate), device)
    shown = re.findall(r"/admin/sessionlogs/session/[0-9a-f-]{36}/change/\">2026-05-01 (\d\d)", text)
    assert shown == ["13", "14", "12"]


def test_a_device_s_page_keeps_sessions_from_whom_may_not_see_them(browser, teammate):
    teammate.user_permissions.remove(
        Permission.objects.get(
            content_type__model="session", codename="view_session", content_type__app_label="sessionlogs"
        )
    )
    SessionFactory(device="rtr01")
    assert "newest-sessions" not in device_page(browser(teammate), DeviceFactory(name="rtr01"))


def test_a_device_s_page_shows_its_last_outcome_in_the_viewer_s_zone(browser, teammate):
    device = DeviceFactory(outcome="failed", error_message="refused", attempted_at=NOON)
    client = browser(teammate)
    client.cookies["timezone"] = "Asia/Tokyo"
    text = device_page(client, device)
    assert "2026-05-01 21:00:00 JST refused" in text


# --- view_session_logs ------------------------------------------------------------------------------------------


def shown(*arguments):
    """The devices that `view_session_logs` shows."""
    out = StringIO()
    call_command("view_session_logs", "--json", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line)["device"] for line in out.getvalue().splitlines()]


@pytest.fixture
def two_sessions(db):
    """A slow success of `netops` at noon, and a quick failure of `eve` an hour later."""
    good = SessionFactory(device="good", started_at=NOON, slowest_ms=1500.0)
    bad = SessionFactory(
        device="bad", user="eve", started_at=NOON + timedelta(hours=1), status=SessionStatus.FAILED
    )
    response("up", session=good, duration_ms=1500.0)
    SessionLogFactory(session=bad, event_type=EventType.COMMAND_FAILED, duration_ms=20.0)


@pytest.mark.parametrize("listed", [[], ["--list"]], ids=["events", "list"])
def test_the_command_filters(listed, two_sessions):
    wanted = {
        "--user eve": ["bad"],
        "--failed": ["bad"],
        "--slow 1000": ["good"],
        "--since 2026-05-01T12:30:00Z": ["bad"],
        "--until 2026-05-01T12:30:00Z": ["good"],
        "--failed --user netops": [],
        "--since 1h": [],
    }
    assert {arguments: shown(*listed, *arguments.split()) for arguments in wanted} == wanted


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_time_that_is_none_is_an_error_that_names_its_option(option):
    with pytest.raises(CommandError, match=f"{option}: 'noon' is not a time") as caught:
        shown(option, "noon")
    assert caught.value.returncode == 2
