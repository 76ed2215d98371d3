"""The WebSocket that says «there is more, up to here»."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import OperationalError, connection
from django.test import Client

from console import stream
from logsite.asgi import application
from logsite.records import Cursor, live
from sessionlogs.sources import SessionSource
from tests.factories import SessionFactory, SessionLogFactory

PATH = "/api/v2/logs/stream"
ORIGIN = "http://127.0.0.1:8000"
SOON = 60  # seconds; far below LONG
LONG = 600  # seconds between two looks, where a test must not be helped by them

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _only_by_publish(monkeypatch):
    """A watcher that was not told does not look by itself within a test's time."""
    monkeypatch.setattr(stream, "POLL", LONG)
    monkeypatch.setattr(stream, "INTERVAL", 0)


def cookie_of(user):
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


class Watcher(WebsocketCommunicator):
    """A browser's WebSocket that gives a busy machine the time it needs."""

    async def connect(self, timeout=SOON):
        return await super().connect(timeout)

    async def disconnect(self, code=1000, timeout=SOON):
        await super().disconnect(code, timeout)


@asynccontextmanager
async def watching(user, query="", origin=ORIGIN):
    """A WebSocket as `user`'s browser opens it."""
    headers = [(b"origin", origin.encode())]
    if user is not None:
        headers.append((b"cookie", f"sessionid={await sync_to_async(cookie_of)(user)}".encode()))
    socket = Watcher(application, PATH + query, headers)
    try:
        yield socket
    finally:
        await socket.disconnect()


async def close_code(socket):
    message = await socket.receive_output(SOON)
    assert message["type"] == "websocket.close"
    return message["code"]


def write():
    """A row, written on another thread and by another connection."""

    def work():
        try:
            SessionLogFactory(session=SessionFactory())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def publish_from_a_thread():
    """As the writer does: on a thread that has no event loop."""
    thread = threading.Thread(target=live.publish, args=("session",))
    thread.start()
    thread.join()


async def end():
    return str(await database_sync_to_async(SessionSource().end)())


# --- Who may watch -----------------------------------------------------------------------------------------


async def test_without_a_login_it_closes_with_4401():
    async with watching(None) as socket:
        await socket.connect()

        assert await close_code(socket) == 4401


async def test_without_the_permission_it_closes_with_4403(outsider):
    async with watching(outsider) as socket:
        await socket.connect()

        assert await close_code(socket) == 4403


@pytest.mark.parametrize(
    "query", ["?source=nothing", "?source=%00", "?source=%ff", "?source=session&source=x"]
)
async def test_an_unknown_source_is_explained_and_closes_with_4400(owner, query):
    async with watching(owner, query) as socket:
        await socket.connect()
        message = await socket.receive_json_from(SOON)

        assert message["type"] == "error"
        assert message["field"] == "source"
        assert "does not exist; known sources: " in message["message"]
        assert await close_code(socket) == 4400


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://127.0.0.1.evil.example.com", "null"])
async def test_a_page_of_another_host_is_refused(owner, origin):
    async with watching(owner, origin=origin) as socket:
        connected, _ = await socket.connect()

        assert not connected


async def test_who_may_see_the_rows_may_watch(owner, teammate):
    for user in (owner, teammate):
        async with watching(user, "?source=session") as socket:
            await socket.connect()
            answer = await socket.receive_json_from(SOON)

        assert answer == {"type": "committed", "source": "session", "cursor": str(Cursor())}


# --- What is told ------------------------------------------------------------------------------------------


async def test_the_first_message_says_how_far_the_rows_go(owner):
    await asyncio.to_thread(write)
    async with watching(owner) as socket:
        await socket.connect()

        assert (await socket.receive_json_from(SOON))["cursor"] == await end()


async def test_publishing_tells_at_once_of_rows_another_connection_wrote(owner):
    async with watching(owner) as socket:
        await socket.connect()
        before = await socket.receive_json_from(SOON)

        await asyncio.to_thread(write)
        await asyncio.to_thread(publish_from_a_thread)
        after = await socket.receive_json_from(SOON)

        assert after["cursor"] == await end() != before["cursor"]


async def test_publishing_wakes_an_event_loop_that_sleeps(owner):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        await asyncio.to_thread(write)
        wanted = await end()

        # Nothing else happens on this loop until the thread publishes.
        timer = threading.Timer(0.3, live.publish, ["session"])
        timer.start()
        try:
            assert (await socket.receive_json_from(SOON))["cursor"] == wanted
        finally:
            timer.join()


async def test_publishing_inside_a_request_tells_too(owner):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)

        await asyncio.to_thread(write)
        await sync_to_async(live.publish)("session")

        assert (await socket.receive_json_from(SOON))["cursor"] == await end()


async def test_every_watcher_is_told(owner, teammate):
    async with watching(owner) as one, watching(teammate) as two:
        for socket in (one, two):
            await socket.connect()
            await socket.receive_json_from(SOON)

        await asyncio.to_thread(write)
        await asyncio.to_thread(publish_from_a_thread)

        assert (await one.receive_json_from(SOON)) == (await two.receive_json_from(SOON))


async def test_rows_that_nobody_published_are_found_by_looking(owner, monkeypatch):
    monkeypatch.setattr(stream, "POLL", 0.05)
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)

        await asyncio.to_thread(write)

        assert (await socket.receive_json_from(SOON))["cursor"] == await end()


async def test_publishing_without_new_rows_tells_nothing(owner):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)

        await asyncio.to_thread(publish_from_a_thread)

        assert await socket.receive_nothing(0.2)


async def test_publishing_another_source_wakes_nobody(owner):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        await asyncio.to_thread(write)

        await asyncio.to_thread(live.publish, "container")

        assert await socket.receive_nothing(0.2)


def test_publishing_to_nobody_is_no_error():
    live.publish("session")


async def test_who_left_is_forgotten(owner):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        assert len(live.wakers["session"]) == 1

    assert not live.wakers["session"]


@pytest.mark.parametrize("text", ["garbage", "[]", '{"type":"update_filter"}', "\0"])
async def test_what_a_watcher_sends_is_passed_over(owner, text):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        await socket.send_to(text_data=text)
        await socket.send_to(bytes_data=b"\xff")

        await asyncio.to_thread(write)
        await asyncio.to_thread(publish_from_a_thread)

        assert (await socket.receive_json_from(SOON))["type"] == "committed"


async def test_a_database_that_goes_away_closes_so_that_the_browser_comes_back(owner, monkeypatch):
    def fail(self):
        raise OperationalError("gone")

    monkeypatch.setattr(SessionSource, "end", fail)
    async with watching(owner) as socket:
        await socket.connect()

        assert await close_code(socket) == 1011


# --- Over Redis --------------------------------------------------------------------------------------------


@pytest.fixture
def redis(settings, service):
    settings.REDIS_URL = service("LOGSITE_TEST_REDIS")
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [settings.REDIS_URL]},
        }
    }


async def test_over_redis_another_process_can_tell(owner, redis, monkeypatch):
    async with watching(owner) as socket:
        await socket.connect()
        await socket.receive_json_from(SOON)
        await asyncio.to_thread(write)

        monkeypatch.setattr(live, "wakers", {})  # as in another process, which knows no watcher
        await asyncio.to_thread(publish_from_a_thread)
        monkeypatch.undo()

        assert (await socket.receive_json_from(SOON))["cursor"] == await end()


def test_a_redis_that_is_away_does_not_fail_who_publishes(settings, caplog):
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [settings.REDIS_URL]},
        }
    }

    live.publish("session")

    assert "watchers of session were not notified: ConnectionError" in caplog.text
    assert "hunter2" not in caplog.text
