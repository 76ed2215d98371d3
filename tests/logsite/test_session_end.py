"""A session that nobody uses ends, and an open WebSocket ends with its session, its user or its right."""

import threading
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from console import stream
from logsite.asgi import application
from logsite.records import live
from tests.factories import SessionFactory as DeviceSessionFactory
from tests.logsite.test_live import ORIGIN, PATH, SOON, Watcher, close_code, watching

pytestmark = pytest.mark.django_db
HOUR = 3600
IDLE = 8 * HOUR  # the default
PAGE = "/admin/sessionlogs/session/"
API = "/api/v2/sessions/"


@pytest.fixture
def clock(monkeypatch):
    """`clock.at(seconds)` after now."""
    real = time.time

    class Clock:
        def at(self, seconds):
            monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return Clock()


def is_in(client, address=PAGE):
    return client.get(address).status_code == 200


def session_writes(queries):
    return [
        each["sql"] for each in queries if "django_session" in each["sql"] and "SELECT" not in each["sql"][:7]
    ]


# --- Idle sessions -----------------------------------------------------------------------------------------


def test_a_session_that_nobody_uses_ends(browser, teammate, clock):
    client = browser(teammate)
    clock.at(IDLE + 60)

    response = client.get(PAGE)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_it_ends_for_the_api_too(teammate, clock):
    client = APIClient()
    client.force_login(teammate)
    assert is_in(client, API)
    clock.at(IDLE + 60)

    assert client.get(API).status_code == 401


def test_a_session_that_is_used_goes_on(browser, teammate, clock):
    client = browser(teammate)
    for hours in range(0, 40, 7):
        clock.at(hours * HOUR)
        assert is_in(client), hours


def test_using_a_session_renews_its_cookie(browser, teammate, clock):
    client = browser(teammate)
    clock.at(HOUR)
    response = client.get(PAGE)

    assert response.cookies["sessionid"]["max-age"] == IDLE
    assert Session.objects.get().expire_date > timezone.now() + timedelta(seconds=IDLE - 60)


def test_calls_of_the_api_count_as_use(teammate, clock):
    client = APIClient()
    client.force_login(teammate)
    for hours in range(0, 30, 7):
        clock.at(hours * HOUR)
        assert is_in(client, API), hours


def test_not_every_request_writes(browser, teammate, clock):
    client = browser(teammate)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        for second in range(0, 50, 10):
            clock.at(second)
            assert is_in(client)

    assert session_writes(seen.captured_queries) == []


def test_a_used_session_is_written_once_a_minute(browser, teammate, clock):
    client = browser(teammate)
    with CaptureQueriesContext(connection) as seen:
        for second in range(0, 200, 20):
            clock.at(second)
            assert is_in(client)

    assert 1 <= len(session_writes(seen.captured_queries)) <= 3


POLLED = ["/admin/prodlogs/follow/entries/", "/admin/sessionlogs/session/{id}/events/?after=0"]


@pytest.mark.parametrize("address", POLLED)
def test_a_page_that_looks_for_news_does_not_keep_its_session_alive(address, browser, teammate, clock):
    client = browser(teammate)
    address = address.format(id=DeviceSessionFactory().pk)
    for hours in (2, 4, 6):
        clock.at(hours * HOUR)
        assert is_in(client, address)
    clock.at(IDLE + 60)

    assert not is_in(client, address)
    assert not is_in(client)


def test_a_page_that_is_opened_does(browser, teammate, clock):
    client = browser(teammate)
    clock.at(7 * HOUR)
    assert is_in(client, "/admin/prodlogs/follow/")
    clock.at(14 * HOUR)

    assert is_in(client)


def test_a_token_does_not_end_with_idleness(teammate, clock):
    client = APIClient()
    token = client.post(
        "/api/v2/auth/login/", {"username": "teammate", "password": "teammate-password"}
    ).json()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token['token']}")
    clock.at(IDLE + 60)

    assert is_in(client, API)


def test_a_shorter_limit_holds_for_sessions_that_are_open(browser, teammate, clock, settings):
    client = browser(teammate)
    clock.at(HOUR)
    assert is_in(client)
    settings.SESSION_COOKIE_AGE = 600
    clock.at(HOUR + 660)

    assert not is_in(client)


def test_a_clock_that_was_set_back_ends_no_session(browser, teammate, clock):
    client = browser(teammate)
    clock.at(-2 * HOUR)

    assert is_in(client)


def test_what_needs_no_session_looks_none_up(browser, teammate, django_assert_num_queries):
    client = browser(teammate)
    with django_assert_num_queries(0):
        assert is_in(client, "/healthz")
        style = client.get("/static/logsite/admin.css")
        assert style.getvalue()
        style.close()


def test_a_message_for_nobody_makes_no_session(client):
    client.get("/admin/login/")

    assert not Session.objects.exists()


def test_logging_out_beside_a_slow_request_is_no_error(browser, teammate, clock, monkeypatch):
    """The request would renew a session that is gone."""
    client = browser(teammate)
    clock.at(HOUR)
    read = DeviceSessionFactory._meta.model.objects.none

    def gone_meanwhile(self, request):
        Session.objects.all().delete()
        return read()

    monkeypatch.setattr("sessionlogs.admin.sessions.SessionAdmin.get_queryset", gone_meanwhile)

    assert client.get(PAGE).status_code in (200, 302)


COOKIES = [
    '"\\000aaaaaaaaaaaaaaaa"', "a" * 31 + "\\0", "x" * 5000, "ÿ" * 32, "' OR 1=1 --", "名" * 32, '""',
    "a b", '"\\', "sessionid", "%00%00%00%00%00%00%00%00%00", "A" * 32, "../../../../etc/passwd", "0" * 40,
]  # fmt: skip


def sent(cookie):
    """The header as a server hands it on: bytes as Latin-1."""
    return f"sessionid={cookie}".encode().decode("latin-1")


def test_a_session_cookie_that_cannot_be_one_is_none(db):
    wrong = []
    for cookie in COOKIES:
        found = Client().get(PAGE, HTTP_COOKIE=sent(cookie)).status_code
        if found != 302:
            wrong.append((cookie, found))

    assert wrong == []


MISFITS = [(0, "logsite.E002"), (-5, "logsite.E002"), (20_161, "logsite.E020"), (10**30, "logsite.E020")]


def test_an_idle_time_that_does_not_fit_is_a_check_with_a_hint():
    wrong = []
    for minutes, expected in MISFITS:
        with override_settings(SESSION_IDLE_MINUTES=minutes):
            found = [each for each in run_checks(tags=["logsite"]) if "SESSION_IDLE_MINUTES" in each.msg]
        if [each.id for each in found] != [expected] or not found[0].hint:
            wrong.append((minutes, found))

    assert wrong == []


# --- Open WebSockets ---------------------------------------------------------------------------------------

committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def often(monkeypatch):
    """Looks at the right at once; news are not looked for within a test's time."""
    monkeypatch.setattr(stream, "POLL", 600)
    monkeypatch.setattr(stream, "INTERVAL", 0)
    monkeypatch.setattr(stream, "RECHECK_SECONDS", 0.05)


@asynccontextmanager
async def open_socket(user, query=""):
    async with watching(user, query) as socket:
        await socket.connect()
        assert (await socket.receive_json_from(SOON))["type"] == "committed"
        yield socket


def change_password(user):
    user.set_password("another-password")
    user.save()


def take_right(user):
    user.user_permissions.remove(Permission.objects.get(codename="view_sessionlog"))


def take_all_rights(user):
    user.user_permissions.clear()


def past(**columns):
    Session.objects.update(**columns)


def grow_old(user):
    store = Session.get_session_store_class()(Session.objects.get().pk)
    store.load()
    past(session_data=store.encode({**store.load(), "seen": int(time.time()) - IDLE - 60}))


ENDS = [
    ("the user logs out", lambda user: Session.objects.all().delete(), 4401),
    ("the session has expired", lambda user: past(expire_date=timezone.now() - timedelta(seconds=1)), 4401),
    ("nobody used the session", grow_old, 4401),
    ("the session's data are garbage", lambda user: past(session_data="garbage"), 4401),
    ("the password was changed", change_password, 4401),
    ("the user was switched off", lambda user: User.objects.update(is_active=False), 4401),
    ("the user was deleted", lambda user: user.delete(), 4401),
    ("the right was taken", take_right, 4403),
    ("all rights were taken", take_all_rights, 4403),
]


@committed
@pytest.mark.parametrize(("act", "code"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
async def test_a_stream_ends_when(act, code, teammate, often):
    async with open_socket(teammate) as socket:
        await database_sync_to_async(act)(teammate)

        assert await close_code(socket) == code


@committed
async def test_a_stream_ends_with_the_group_that_gave_the_right(outsider, often):
    def join():
        group = Group.objects.create(name="operators")
        group.permissions.add(Permission.objects.get(codename="view_sessionlog"))
        outsider.groups.add(group)

    await database_sync_to_async(join)()
    async with open_socket(outsider) as socket:
        await database_sync_to_async(outsider.groups.clear)()

        assert await close_code(socket) == 4403


@committed
async def test_a_stream_ends_when_its_owner_runs_the_site_no_more(owner, often):
    async with open_socket(owner, "?source=container") as socket:
        await database_sync_to_async(User.objects.update)(is_superuser=False)

        assert await close_code(socket) == 4403


@committed
async def test_a_log_out_in_the_browser_ends_its_stream(teammate, often):
    client = Client()
    await sync_to_async(client.force_login)(teammate)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    socket = Watcher(application, PATH, [(b"origin", ORIGIN.encode()), (b"cookie", cookie)])
    await socket.connect()
    await socket.receive_json_from(SOON)
    await sync_to_async(client.post)("/admin/logout/")

    assert await close_code(socket) == 4401
    await socket.disconnect()


@committed
async def test_a_stream_goes_on_as_long_as_all_three_do(teammate, often):
    async with open_socket(teammate) as socket:
        assert await socket.receive_nothing(0.5)

        await sync_to_async(live.publish)("session")
        assert await socket.receive_nothing(0.2)


@committed
async def test_the_streams_of_others_go_on(owner, teammate, often):
    async with open_socket(owner) as other, open_socket(teammate) as socket:
        await database_sync_to_async(take_right)(teammate)

        assert await close_code(socket) == 4403
        assert await other.receive_nothing(0.3)


@committed
async def test_a_stream_without_its_right_tells_nothing_more(teammate, often):
    async with open_socket(teammate) as socket:
        await database_sync_to_async(take_right)(teammate)
        assert await close_code(socket) == 4403
        await database_sync_to_async(DeviceSessionFactory)()
        await sync_to_async(live.publish)("session")

        assert await socket.receive_nothing(0.2)


@committed
async def test_a_database_that_fails_at_the_look_closes_so_that_the_browser_comes_back(
    teammate, often, monkeypatch
):
    def fail(*_):
        raise OperationalError("gone")

    async with open_socket(teammate) as socket:
        monkeypatch.setattr(Session.get_session_store_class(), "load", fail)

        assert await close_code(socket) == 1011


def test_a_look_and_its_wait_take_less_than_a_minute():
    assert stream.RECHECK_SECONDS + stream.ANSWER_SECONDS < 60


@committed
async def test_a_database_that_does_not_answer_closes_the_stream(teammate, often, monkeypatch):
    monkeypatch.setattr(stream, "ANSWER_SECONDS", 0.05)
    answer, load = threading.Event(), Session.get_session_store_class().load

    def wait(store):
        answer.wait(SOON)
        return load(store)

    async with open_socket(teammate) as socket:
        monkeypatch.setattr(Session.get_session_store_class(), "load", wait)
        code = await close_code(socket)
        answer.set()

    assert code == 1011


# --- Addresses that nobody has -----------------------------------------------------------------------------

UNKNOWN = [
    "/", "", "/api/v2/logs/", "/api/v2/logs/stream/", "/api/v2/logs/stream/x", "/ws", "/api/v2/logs/STREAM",
    "/api/v2/logs/stream\n", "/api/v2/logs/stream;x", "/\x00", "/名", "/%2e%2e/", "/\udcff",
    "/" + "a" * 10_000,
]  # fmt: skip


@committed
async def test_an_unknown_address_closes_with_4404(teammate):
    wrong = []
    for path in UNKNOWN:
        async with watching(teammate) as socket:
            socket.scope["path"] = path
            await socket.connect()
            code = await close_code(socket)
            if code != 4404:
                wrong.append((path[:30], code))

    assert wrong == []


ORIGINS = [
    "http://[", "http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:x", "http://a]b", "", "\xff", "//", "http://",
    "http://127.0.0.1:-1", "[", "http://[v1.x]:80", "http://127.0.0.1\u2100",
]  # fmt: skip


@committed
async def test_an_origin_that_cannot_be_read_is_refused(teammate):
    wrong = []
    for origin in ORIGINS:
        async with watching(teammate, origin=origin) as socket:
            connected, _ = await socket.connect()
            if connected:
                wrong.append(origin)

    assert wrong == []
