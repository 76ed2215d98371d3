"""The blocks of an export as the body of a response, in memory of one block at a time.

Django would read a plain iterator whole under ASGI, and an asynchronous one whole under WSGI: each has its own.
Both are closed with the response, by which the reading of the database ends.
"""

import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Self

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connections
from django.http import HttpRequest, StreamingHttpResponse

UNREAD_SECONDS = 15.0  # from the view's return to the first block that is asked for


class _Body:
    """`first` is the block that the view has read already; `blocks` are the others."""

    def __init__(self, first: str, blocks: Generator[str, None, None]) -> None:
        self._first: str | None = first
        self._blocks = blocks
        self._is_closed = False

    def next_block(self) -> bytes | None:
        """None behind the last block."""
        block, self._first = self._first, None
        if block is None:
            block = next(self._blocks, None)
        return None if block is None else block.encode("utf-8", "backslashreplace")

    def close(self) -> None:
        """End the reading of the database, and put the end on record."""
        self._is_closed = True
        self._blocks.close()


class SyncBody(_Body, Iterator[bytes]):
    """For WSGI."""

    def __next__(self) -> bytes:
        if (block := self.next_block()) is None:
            raise StopIteration
        return block


class AsyncBody(_Body, AsyncIterator[bytes]):
    """For ASGI: each block is made in the thread of the request, which has its connection to the database.

    The response to a client that leaves before the view has returned reaches nobody, and nobody closes it: what is
    not asked for within UNREAD_SECONDS ends then.
    """

    def __init__(self, first: str, blocks: Generator[str, None, None]) -> None:
        super().__init__(first, blocks)
        self._begins = threading.Lock()
        self._has_begun = False
        self._unread = threading.Timer(UNREAD_SECONDS, self._end_unread)
        self._unread.daemon = True
        self._unread.start()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._has_begun:
            self._begin()
        block = await sync_to_async(self._next_in_thread)()
        if block is None:
            raise StopAsyncIteration
        return block

    def close(self) -> None:
        self._unread.cancel()
        super().close()

    def _begin(self) -> None:
        """Raises RuntimeError where the export has been ended."""
        self._unread.cancel()
        with self._begins:
            if self._is_closed:
                raise RuntimeError(f"the export ended: nobody read it for {UNREAD_SECONDS:g} s")
            self._has_begun = True

    def _end_unread(self) -> None:
        with self._begins:
            if self._has_begun or self._is_closed:
                return
            self._is_closed = True
        try:
            self._blocks.close()
        finally:
            connections.close_all()

    def _next_in_thread(self) -> bytes | None:
        try:
            return self.next_block()
        except Exception:
            close_old_connections()  # Django closes no response that fails
            raise


def streamed(
    request: HttpRequest, first: str, blocks: Generator[str, None, None], **options: str
) -> StreamingHttpResponse:
    """A response of `first` and then `blocks`, as the server of `request` takes it."""
    body = AsyncBody if isinstance(request, ASGIRequest) else SyncBody
    return StreamingHttpResponse(body(first, blocks), **options)
