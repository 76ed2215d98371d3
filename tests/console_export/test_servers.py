"""Exports under a real daphne: a client that leaves, one that does not read, one that is cut off."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient
from knox.models import AuthToken

from console.export.responses import AsyncBody
from logsite.web.streaming import Flow
from prodlogs.models import ContainerLogEntry
from sessionlogs.models import SessionLog
from tests.console_export.conftest import ADDRESS, ends, notes
from tests.factories import ContainerFactory, SessionFactory
from tests.serving import Site, serving

pytestmark = pytest.mark.django_db(transaction=True)
ROWS, CHARACTERS = 24_000, 1000  # more than all buffers between server and client hold
FIRST = 1_777_636_800_000_000_000


def fill(rows: int = ROWS) -> None:
    container = ContainerFactory()
    entries = (
        ContainerLogEntry(
            container=container,
            container_name="web",
            stream="stdout",
            timestamp=FIRST + n,
            message="x" * CHARACTERS,
        )
        for n in range(rows)
    )
    ContainerLogEntry.objects.bulk_create(entries, batch_size=2000)


def until(found: Callable[[], Any]) -> Any:
    ends_at = time.monotonic() + 60
    while not (answer := found()):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    return answer


@pytest.fixture
def token(owner) -> str:
    return str(AuthToken.objects.create(owner)[1])


@contextmanager
def asking(site: Site, token: str, body: bytes = b"{}") -> Iterator[socket.socket]:
    """A client with a small buffer that has asked for an export and read nothing yet."""
    host, _, port = site.address.removeprefix("http://").partition(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect((host, int(port)))
        head = f"POST {ADDRESS} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Token {token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        yield client


def test_a_client_that_leaves_ends_the_reading_and_is_on_record(token):
    fill()
    with serving() as site, asking(site, token) as client:
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.close()

        [(_, number, state)] = until(lambda: [end for end in ends() if end[0] == "container"])

    assert state == "incomplete: the reader went away"
    assert 0 < number < ROWS
    assert len([name for name, _ in notes() if name == "container"]) < ROWS / 1000


def test_a_client_that_leaves_before_the_answer_is_on_record(token):
    """The view works on, through the rows of the second source, and its response reaches nobody."""
    event = {
        "event_type": "command_response",
        "step": 1,
        "command": "show clock",
        "response": "x " * CHARACTERS,
    }
    event |= {"session": SessionFactory(), "timestamp": datetime(2026, 5, 1, tzinfo=UTC)}
    SessionLog.objects.bulk_create((SessionLog(**event) for _ in range(6000)), batch_size=1000)
    with serving() as site:
        for number in range(3):
            begun = len(notes())
            with asking(site, token, b'{"query": "*nothing*"}'):
                until(lambda before=begun: len(notes()) > before)
            # Of three sources. Before that, a note may be of this request and not of the next one.
            found = until(lambda ended=3 * number + 3: len(ends()) >= ended and ends())
        assert "SynchronousOnlyOperation" not in "".join(site.said)

    assert [number for _, number, _ in found] == [0] * 9


def test_a_client_that_does_not_read_fills_no_memory_and_gets_all_in_the_end(token):
    fill()
    with serving() as site, asking(site, token) as client:
        until(lambda: len(notes()) > 2)
        seen = [0, 1]
        while len(set(seen[-10:])) > 1 or len(seen) < 10:  # until no page has been read for a while
            seen.append(len(notes()))
            time.sleep(0.05)
        assert seen[-1] < ROWS / 1000 / 2

        answer = http.client.HTTPResponse(client, method="POST")
        answer.begin()
        entries = json.loads(answer.read())

    assert len(entries) == ROWS
    assert ("container", ROWS, "complete") in ends()


def test_an_export_that_fails_on_the_way_is_cut_off_and_the_server_goes_on(token, owner):
    fill()
    with serving() as site, asking(site, token) as client:
        until(lambda: len(notes()) > 2)
        AuthToken.objects.all().delete()
        answer = http.client.HTTPResponse(client, method="POST")
        answer.begin()

        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            answer.read()

        states = {state for *_, state in until(ends)}
        assert states == {"incomplete: user owner has logged out"}
        token = str(AuthToken.objects.create(owner)[1])
        ContainerLogEntry.objects.filter(timestamp__gte=FIRST + 5).delete()
        with asking(site, token) as second:
            whole = http.client.HTTPResponse(second, method="POST")
            whole.begin()
            assert len(json.loads(whole.read())) == 5
        said = "".join(site.said)

    assert "already been started" not in said
    assert "the response broke off" in said


@pytest.mark.asyncio
async def test_an_asynchronous_server_gets_the_file_in_blocks(owner):
    await sync_to_async(fill)(500)
    client = AsyncClient()
    await client.aforce_login(owner)

    answer = await client.post(ADDRESS, {"format": "txt"}, content_type="application/json")
    blocks = [block async for block in answer.streaming_content]

    assert len(blocks) > 3
    assert b"".join(blocks).endswith(b"\n# 500 entries, complete\n")


class Connection:
    """What of daphne's request a response needs."""

    def __init__(self) -> None:
        self.channel, self.transport, self.finished = self, self, False
        self.producer: Any = None
        self.aborted = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def abortConnection(self) -> None:
        self.aborted = True


PART = {"type": "http.response.body", "body": b"x", "more_body": True}


@pytest.mark.asyncio
async def test_a_part_waits_while_the_connection_is_full():
    sent: list[Any] = []

    async def send(message):
        sent.append(message)

    flow = Flow(connection := Connection(), send)
    await flow.send({"type": "http.response.start", "status": 200})
    await flow.send(PART)
    connection.producer.pauseProducing()
    waiting = asyncio.ensure_future(flow.send(PART))
    await asyncio.sleep(0)
    assert len(sent) == 2

    connection.producer.resumeProducing()
    await waiting
    await flow.send({"type": "http.response.body"})

    assert len(sent) == 4
    assert connection.producer is None


@pytest.mark.asyncio
async def test_a_connection_that_is_lost_lets_no_part_wait():
    async def send(message):
        pass

    flow = Flow(connection := Connection(), send)
    await flow.send(PART)
    connection.producer.pauseProducing()
    connection.producer.stopProducing()

    await flow.send(PART)


@pytest.mark.asyncio
async def test_a_body_that_nobody_has_closed_is_closed_in_a_thread_of_its_own():
    threads, closed = [], threading.Event()

    def blocks():
        try:
            yield "first"
        finally:
            threads.append(threading.current_thread())
            closed.set()

    begun = blocks()
    body = AsyncBody(next(begun), begun)
    del body, begun

    assert await asyncio.to_thread(closed.wait, 60)
    assert threads[0] is not threading.current_thread()
