"""The live stream: a WebSocket that sends the newest committed cursor of a source.

It sends positions, not entries, and the page fetches the entries by cursor: channel layers lose messages in a
burst, and a client that does not read would let the server's memory grow. Without Redis a process learns of the
rows of another process by asking the database once a second. Every 20 s the stream checks that its session,
user and permission still exist.
"""

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.security import websocket
from django.db import Error
from django.urls import path, re_path

from logsite.audit import EventType, Severity, record
from logsite.logins.sessions import user_of_session
from logsite.records import LogSource, PermissionMissing, get_source
from logsite.records.live import group_of, wakers
from logsite.web.readers import reader_of_socket

log = logging.getLogger(__name__)
INTERVAL = 0.25  # seconds between two messages to one watcher
POLL = 1.0  # seconds; rows written by another process without Redis between are found by looking
RECHECK_SECONDS = 20.0  # between two looks at session, user and permission
ANSWER_SECONDS = 20.0  # for the database to say how these are


class LogStream(AsyncJsonWebsocketConsumer):
    """`/api/v2/logs/stream?source=session`: {"type": "committed", "source", "cursor"} whenever rows come.

    Closes with 4401 without a login, 4403 without the source's permission, 4400 for an unknown source. Closes
    within a minute when the session, the user or the permission ends.
    """

    async def connect(self) -> None:
        await self.accept()
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        if not self.scope["user"].is_authenticated:
            return await self.close(4401)
        try:
            self.source: LogSource = get_source(query.get("source", ["session"])[-1])
        except ValueError as error:
            await self.send_json({"type": "error", "field": "source", "message": str(error)})
            return await self.close(4400)
        try:
            code = await database_sync_to_async(self._begin)()
        except Error as error:
            code = _away(error)
        if code:
            return await self.close(code)
        self.woken = asyncio.Event()
        self.wake = partial(asyncio.get_running_loop().call_soon_threadsafe, self.woken.set)
        await self.channel_layer.group_add(group_of(self.source.name), self.channel_name)
        wakers.setdefault(self.source.name, set()).add(self.wake)
        self.watching = asyncio.create_task(self._watch())
        return None

    def _begin(self) -> int | None:
        """The code to close with, as `_refusal` says; a stream that begins is on record before it tells anything."""
        if code := self._refusal():
            return code
        self.view.note("stream", "", 0)
        return None

    def _refusal(self) -> int | None:
        """The code to close with where the session's user may not watch, by what the database says now.

        That a permission is missing is on record.
        """
        user = user_of_session(self.scope["session"].session_key)
        if not user.is_authenticated:
            return 4401
        reader = reader_of_socket(self.scope, user)
        try:
            self.view = self.source.view(reader)
        except PermissionMissing:
            pass
        else:
            return None
        record(EventType.AUTHZ_FAIL, Severity.WARNING, reader, what="stream", target=self.source.name)
        return 4403

    async def disconnect(self, code: int) -> None:
        if task := getattr(self, "watching", None):
            wakers[self.source.name].discard(self.wake)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.channel_layer.group_discard(group_of(self.source.name), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any) -> None:
        """The stream takes no messages; what a watcher sends is passed over."""

    async def rows_committed(self, message: dict[str, Any]) -> None:
        self.woken.set()

    async def _watch(self) -> None:
        """Tell until the right to it ends, then close; nothing is told behind the close."""
        telling = asyncio.create_task(self._tell())
        ending = asyncio.create_task(self._ending())
        try:
            await asyncio.wait([telling, ending], return_when=asyncio.FIRST_COMPLETED)
            code = ending.result() if ending.done() else telling.result()
        except (Error, TimeoutError) as error:
            code = _away(error)
        finally:
            telling.cancel()
            ending.cancel()
        await asyncio.wait([telling, ending])
        await self.close(code)

    async def _ending(self) -> int:
        """The code to close with, once the user may not watch any more."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            look = database_sync_to_async(self._refusal)()
            if code := await asyncio.wait_for(look, ANSWER_SECONDS):
                return code

    async def _tell(self) -> NoReturn:
        last = None
        while True:
            end = await database_sync_to_async(self.view.end)()
            if end != last:
                last = end
                await self.send_json({"type": "committed", "source": self.source.name, "cursor": str(end)})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), POLL)
            self.woken.clear()
            await asyncio.sleep(INTERVAL)


def _away(error: Exception) -> int:
    """The code after which the browser connects again, after a while."""
    log.warning("live: the database does not answer: %s", type(error).__name__)
    return 1011


class NoStream(AsyncJsonWebsocketConsumer):
    """Any other address: accepted, so that the browser gets to see the code, and closed with 4404."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(4404)


class OriginValidator(websocket.OriginValidator):
    """Refuses other sites' pages, and an Origin that cannot be read."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        try:
            for name, value in scope["headers"]:
                if name == b"origin":
                    urlsplit(value.decode("latin1")).port  # noqa: B018
        except ValueError:
            return await websocket.WebsocketDenier()(scope, receive, send)
        return await super().__call__(scope, receive, send)


websocket_urlpatterns = [path("api/v2/logs/stream", LogStream.as_asgi()), re_path("", NoStream.as_asgi())]
