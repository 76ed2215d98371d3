"""What only a real process shows: kill -9, SIGTERM, exit codes."""

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from shipping.models import RejectedEntry, ShippingCursor
from tests.ports import free_port
from tests.shipping.builders import make_events, make_session
from tests.shipping.loki_stand_in import Fault
from tests.shipping.processes import database_url, finish, start_shipper

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def locked_cursors() -> Iterator[None]:
    """Nobody else can write a cursor meanwhile."""
    if connection.vendor == "sqlite":
        other = sqlite3.connect(
            connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
        )
        other.execute("BEGIN IMMEDIATE")
    else:
        import psycopg

        other = psycopg.connect(database_url().replace("postgres://", "postgresql://"))
        other.execute("SELECT * FROM shipping_shippingcursor FOR UPDATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def killed_after_204(loki, *words):
    """Run the command and kill it when the 204 is out, while its cursor cannot be written yet."""
    answered = threading.Event()
    locks = []

    def lock():
        locks.append(locked_cursors())
        locks[0].__enter__()

    loki.on_stored = lock
    loki.on_answered = answered.set
    process = start_shipper("--loki", loki.url, *words)
    try:
        assert answered.wait(60), process.communicate(timeout=1)
    finally:
        process.kill()
        process.communicate()
        for held in locks:
            held.__exit__(None, None, None)
    loki.on_stored = loki.on_answered = lambda: None
    assert process.returncode == -signal.SIGKILL


def test_killed_between_204_and_the_cursors_commit(loki):
    events = make_events(make_session(), 30)
    killed_after_204(loki, "--batch-size", "10")
    assert loki.answers == [204]
    assert ShippingCursor.objects.get().row_id == 0
    code, out, err = finish(start_shipper("--loki", loki.url, "--batch-size", "10"))
    assert (code, err) == (0, "")
    assert "shipped 30, rejected 0, left 0" in out
    assert len(loki.bodies) == 4  # the first batch twice
    assert loki.bodies[0] == loki.bodies[1]
    assert loki.row_ids() == [event.pk for event in events]


def test_killed_after_loki_stored_and_before_its_answer(loki):
    events = make_events(make_session(), 5)
    started = threading.Event()
    processes = []

    def kill():
        started.wait(120)
        processes[0].kill()
        processes[0].wait(120)

    loki.on_stored = kill
    processes.append(start_shipper("--loki", loki.url))
    started.set()
    assert processes[0].wait(120) == -signal.SIGKILL
    processes[0].communicate()
    loki.on_stored = lambda: None
    assert ShippingCursor.objects.get().row_id == 0
    assert finish(start_shipper("--loki", loki.url))[0] == 0
    assert loki.row_ids() == [event.pk for event in events]
    assert not RejectedEntry.objects.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_follow_ships_what_comes_and_ends_on_a_signal_with_0(loki, number):
    make_events(make_session(), 3)
    process = start_shipper("--loki", loki.url, "--follow")
    try:
        assert loki.pushed.acquire(timeout=120)
        with transaction.atomic():
            make_events(make_session(), 2)
        assert loki.pushed.acquire(timeout=120)
        process.send_signal(number)
        code, out, err = finish(process)
    finally:
        process.kill()
    assert (code, err) == (0, "")
    assert out == "session: shipped 5, rejected 0, left 0\n"
    assert ShippingCursor.objects.get().shipped == 5


def test_a_signal_lets_the_batch_in_hand_finish(loki):
    make_events(make_session(), 20)
    hold = threading.Event()
    arrived = threading.Event()
    loki.on_stored = arrived.set
    loki.faults.append(Fault(store=True, hold=hold))
    process = start_shipper("--loki", loki.url, "--batch-size", "10")
    try:
        assert arrived.wait(120)
        process.send_signal(signal.SIGTERM)
        hold.set()
        code, out, _ = finish(process)
    finally:
        process.kill()
    assert code == 0
    assert out == "session: shipped 10, rejected 0, left 10\n"
    assert ShippingCursor.objects.get().shipped == 10


def test_follow_goes_on_trying_and_a_signal_ends_even_that():
    make_events(make_session(), 1)
    process = start_shipper("--loki", f"http://127.0.0.1:{free_port()}", "--follow", SHIPPING_RETRIES="1")
    try:
        lines = [process.stderr.readline() for _ in range(4)]  # more tries than a run without --follow has
        assert all("refused the connection; trying again in" in line for line in lines)
        process.send_signal(signal.SIGTERM)
        code, out, _ = finish(process)
    finally:
        process.kill()
    assert (code, out) == (0, "session: shipped 0, rejected 0, left 1\n")


def test_exit_codes_and_single_lines():
    make_events(make_session(), 1)
    url = f"http://127.0.0.1:{free_port()}"
    code, _, err = finish(start_shipper("--loki", url, SHIPPING_RETRIES="0"))
    assert code == 1
    assert err == (
        f"CommandError: Loki at {url} refused the connection after 1 try; nothing is lost, 1 entries wait: "
        "run again when it is back\n"
    )
    code, _, err = finish(start_shipper("--since", "x"))
    assert code == 2
    assert len(err.splitlines()) == 1
