"""Streamed responses under daphne: no more in memory than a client reads, and a failure that is seen as one.

daphne puts whatever it is given into the connection's buffer. It answers an exception of the application with an
error page, which cannot follow a response that has begun: its watch over all applications ends by that, and the
client waits. Twisted, below daphne, can do both: it tells a producer to pause, and it can abort a connection. Other
servers (Uvicorn, Hypercorn) wait in `send`, and break the connection off by themselves.
"""

import asyncio
import functools
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]


class StreamedResponses:
    """An ASGI application around `app`, for HTTP."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        request = _request_behind(send)
        if request is None:
            return await self.app(scope, receive, send)
        flow = Flow(request, send)
        try:
            return await self.app(scope, receive, flow.send)
        except Exception:
            if not flow.has_begun:
                raise
            log.exception("%s: the response broke off", scope["path"])
            flow.abort()
        finally:
            flow.close()
        return None


class Flow:
    """The way of one response to its client: Twisted's `IPushProducer`, which it calls in the thread of the loop."""

    def __init__(self, request: Any, send: Send) -> None:
        self.has_begun = False
        self._request, self._send = request, send
        self._is_producer = False
        self._open = asyncio.Event()
        self._open.set()

    async def send(self, message: dict[str, Any]) -> None:
        """Hand `message` on; a part of a body, once the parts before it are with the kernel."""
        self.has_begun = True
        if message.get("more_body"):
            self._register()
            await self._open.wait()
        else:
            self.close()
        await self._send(message)

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    stopProducing = resumeProducing  # the connection is lost: nothing is to be waited for

    def abort(self) -> None:
        """Break the connection off, so that no client takes what it has for the whole."""
        channel = self._request.channel
        if channel is not None:
            (getattr(channel, "transport", None) or channel).abortConnection()

    def close(self) -> None:
        """Let go of the connection; Twisted refuses to finish a response that still has a producer."""
        if self._is_producer:
            self._is_producer = False
            if self._request.channel is not None:
                self._request.unregisterProducer()
        self._open.set()

    def _register(self) -> None:
        if not self._is_producer and self._request.channel is not None and not self._request.finished:
            self._request.registerProducer(self, True)
            self._is_producer = True


def _request_behind(send: Any) -> Any:
    """daphne's request, which it has bound to the `send` of an application; None under another server."""
    if (daphne := sys.modules.get("daphne.http_protocol")) is None or not isinstance(send, functools.partial):
        return None
    return next((each for each in send.args if isinstance(each, daphne.WebRequest)), None)
