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
    """For ASGI: each block is made in the thread of the request, which has its connection to the database."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        block = await sync_to_async(self._next_in_thread)()
        if block is None:
            raise StopAsyncIteration
        return block

    def __del__(self) -> None:
        """A client that leaves before the view has returned: its response reaches nobody, and nobody closes it.

        The event loop, which may let go of it, has no way to the database.
        """
        if not self._is_closed:
            threading.Thread(target=self._close_in_thread, name="export without a reader").start()

    def _close_in_thread(self) -> None:
        try:
            self.close()
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
