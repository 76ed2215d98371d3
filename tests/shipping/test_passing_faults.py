"""What may pass is tried again, by `--follow` without end; only a setting ends it."""

import json
import os
import signal
import sqlite3
import threading
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from logsite.records import Cursor
from shipping.errors import Misconfigured, Unavailable
from shipping.feed import BackendFeed
from shipping.management.commands.ship_logs_to_loki import Command
from shipping.models import ShippingCursor, ShippingRun
from shipping.receivers.loki.encoding import Encoder
from shipping.retry import Retry
from tests.ports import free_port
from tests.shipping.builders import make_client, make_events, make_record, make_session
from tests.shipping.faulty_servers import alert, make_certificate, over_tls, saying, serving
from tests.shipping.loki_stand_in import LokiStandIn
from tests.shipping.processes import database_url, finish, start_shipper

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENTRIES = Encoder("aoss", 262_144).entries(Cursor(0, 1), make_record(1))
PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def of_the_network(folder):
    """Faults: the scheme, the server, and the sentence's last words where a setting is at fault, else None."""
    own = make_certificate(folder / "own.pem")
    expired = make_certificate(folder / "expired.pem", days=0)
    return {
        # the public report: it reads the ClientHello and hangs up
        "TLS: hangs up after the hello": ("https", saying(), None),
        "TLS: hangs up at once": ("https", saying(hear=False), None),
        "TLS: resets": ("https", saying(reset=True), None),
        "TLS: internal error": ("https", saying(alert(80)), None),
        "TLS: handshake failure": ("https", saying(alert(40)), None),
        "TLS: user canceled": ("https", saying(alert(90)), None),
        "TLS: wrong version": ("https", saying(alert(70)), None),
        "TLS: half a record": ("https", saying(b"\x16\x03\x03\x40\x00abc"), None),
        "TLS: plain HTTP": ("https", saying(PLAIN), "begins with http://"),
        "TLS: a certificate of its own": (
            "https",
            over_tls(own, saying()),
            "certificate that can be verified",
        ),
        "TLS: an expired certificate": (
            "https",
            over_tls(expired, saying()),
            "certificate that can be verified",
        ),
        "hangs up": ("http", saying(), None),
        "hangs up at once": ("http", saying(hear=False), None),
        "resets": ("http", saying(reset=True), None),
        "garbage": ("http", saying(b"\x00\xffgarbage\r\n\r\n"), None),
        "half a head": ("http", saying(b"HTTP/1."), None),
        "half a header": ("http", saying(b"HTTP/1.1 503 No\r\nRetry-Af"), None),
        "a header without end": ("http", saying(b"HTTP/1.1 204 No Content\r\nX: " + b"x" * 70_000), None),
        "too many headers": ("http", saying(b"HTTP/1.1 204 No Content\r\n" + b"A: b\r\n" * 150), None),
        "half a body": ("http", saying(HEAD + b"Content-Length: 999\r\n\r\n{"), None),
        "half a chunk": ("http", saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"), None),
        "a chunk that is none": ("http", saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{"), None),
        "half a gzip": (
            "http",
            saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08" + b"\0" * 9),
            None,
        ),
        "408": ("http", saying(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), None),
        "425": ("http", saying(b"HTTP/1.1 425 Too Early\r\nContent-Length: 0\r\n\r\n"), None),
        "429": ("http", saying(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"), None),
        "500": ("http", saying(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), None),
        "502": ("http", saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), None),
        "503": ("http", saying(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), None),
    }


def outcome(action):
    """None for what may pass, the sentence for a setting."""
    with pytest.raises((Unavailable, Misconfigured)) as told:
        action()
    return None if told.type is Unavailable else str(told.value)


@pytest.mark.parametrize("towards", ["loki", "backend"])
def test_what_may_pass_on_the_network_is_unavailable_and_a_setting_is_not(towards, tmp_path):
    wrong = {}
    for name, (scheme, server, sentence) in of_the_network(tmp_path).items():
        with serving(server) as port:
            url = f"{scheme}://127.0.0.1:{port}"
            if towards == "loki":
                client = make_client(url, retries=0)
                told = outcome(lambda client=client: client.deliver(ENTRIES))
                client.close()
            else:
                feed = BackendFeed(url, "token", "session", Retry(0, 0.001), timeout=5)
                told = outcome(lambda feed=feed: feed.read(Cursor(), 10))
                feed._session.close()
        if (told is None) != (sentence is None) or (sentence and sentence not in told):
            wrong[name] = told
    assert wrong == {}


@pytest.mark.django_db(transaction=True)
def test_follow_outlives_a_server_that_hangs_up_in_the_handshake():
    """The public report, with a real process: it was over at the first look, with exit code 1."""
    make_events(make_session(), 1)
    with serving(saying()) as port:
        process = start_shipper("--loki", f"https://127.0.0.1:{port}", "--follow")
        try:
            lines = [process.stderr.readline() for _ in range(4)]
            assert all("trying again in" in line for line in lines), lines
            process.send_signal(signal.SIGTERM)
            code, out, _ = finish(process)
        finally:
            process.kill()
    assert (code, out) == (0, "session: shipped 0, rejected 0, left 1\n")


# --- The database ---------------------------------------------------------------------------------------------


class SqliteFault:
    """Another process holds the write lock from `cause` to `mend`."""

    def __init__(self):
        self.other = None

    def cause(self):
        self.other = sqlite3.connect(
            connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False
        )
        self.other.execute("BEGIN IMMEDIATE")

    def mend(self):
        if self.other:
            self.other.rollback()
            self.other.close()
            self.other = None


class PostgresFault:
    """The server ends all connections, as it does when it starts anew."""

    def cause(self):
        import psycopg

        with psycopg.connect(database_url().replace("postgres://", "postgresql://"), autocommit=True) as sql:
            sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def mend(self):
        pass


@pytest.fixture
def fault(monkeypatch):
    """`cause()` makes the database fail for whoever ships, until `mend()`."""
    on_sqlite = connection.vendor == "sqlite"
    made = SqliteFault() if on_sqlite else PostgresFault()
    if on_sqlite:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    connection.close()  # the next connection waits no longer than that for a lock
    yield made
    made.mend()
    connection.close()


@contextmanager
def waits(monkeypatch, action):
    """`action` at the first wait of the command; the sentences it said."""
    said = []
    say = Command._say_wait

    def heard(self, error, delay):
        said.append(str(error))
        action()
        say(self, error, delay)

    monkeypatch.setattr(Command, "_say_wait", heard)
    yield said


def end_run():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before the first look", "at the cursor's move", "between two looks"])
def test_follow_waits_for_a_database_that_fails(loki, run, fault, monkeypatch, moment):
    """The public report: another process held the write lock, and `--follow` ended with five rows left."""
    events = make_events(make_session(), 5)
    later = []

    def write(count):
        """As another process does; what it writes last ends the run once it has arrived."""
        with transaction.atomic():
            later.extend(make_events(make_session(device="fw02"), count))
        connection.close()

    def break_off():
        write(2)
        fault.cause()

    def mend():
        fault.mend()
        in_a_thread(write, 1)
        loki.on_answered = lambda: set(loki.row_ids()) == ids(events, later) and end_run()

    if moment == "before the first look":
        fault.cause()
    elif moment == "at the cursor's move":
        loki.on_stored = lambda: loki.answers or fault.cause()
    else:
        loki.on_answered = lambda: len(loki.answers) == 1 and in_a_thread(break_off)
    with waits(monkeypatch, mend) as said:
        result = run("--loki", loki.url, "--follow")
    assert said
    assert all("database" in sentence for sentence in said)
    assert result.code == 0, result.err
    assert sorted(sent_to(loki)) == sorted(ids(events, later))
    assert sorted(loki.row_ids()) == sorted(ids(events, later))
    row, shipping_run = ShippingCursor.objects.get(), ShippingRun.objects.get()
    assert (row.row_id, row.shipped) == (max(loki.row_ids()), len(loki.row_ids()))
    assert (shipping_run.status, shipping_run.shipped, shipping_run.left) == ("success", row.shipped, 0)
    assert result.out == f"session: shipped {row.shipped}, rejected 0, left 0\n"


def sent_to(loki):
    """The id of the row of every entry that was ever pushed; of one that was pushed twice, twice."""
    streams = [stream for body in loki.bodies for stream in json.loads(body)["streams"]]
    return [int(value[2]["row_id"]) for stream in streams for value in stream["values"]]


def ids(*events):
    return {event.pk for some in events for event in some}


def in_a_thread(action, *given):
    thread = threading.Thread(target=action, args=given)
    thread.start()
    thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["before the first look", "at the cursor's move"])
def test_a_signal_ends_a_follow_that_waits_for_its_database_with_0(
    loki, run, fault, monkeypatch, moment, number
):
    if connection.vendor != "sqlite":
        pytest.skip("a connection that was ended is there again at the next try")
    events = make_events(make_session(), 2)
    if moment == "before the first look":
        fault.cause()
    else:
        loki.on_stored = fault.cause
    with waits(monkeypatch, lambda: os.kill(os.getpid(), number)) as said:
        result = run("--loki", loki.url, "--follow")
    assert (result.code, len(said)) == (0, 1), result.err
    fault.mend()
    loki.on_stored = lambda: None
    assert "shipped 2, rejected 0, left 0" in run("--loki", loki.url).out
    assert sorted(loki.row_ids()) == sorted(ids(events))


@pytest.mark.django_db(transaction=True)
def test_an_outage_of_many_tries_is_said_once(loki, run, fault, monkeypatch):
    if connection.vendor != "sqlite":
        pytest.skip("a connection that was ended is there again at the next try")
    make_events(make_session(), 1)
    tries, delay = [], Retry.delay

    def mend_at_the_fourth(self, number, asked):
        tries.append(number)
        if number == 4:
            fault.mend()
        return delay(self, number, asked)

    monkeypatch.setattr(Retry, "delay", mend_at_the_fourth)
    fault.cause()
    loki.on_answered = end_run
    result = run("--loki", loki.url, "--follow")
    assert (result.code, tries) == (0, [1, 2, 3, 4])
    assert result.out == "session: shipped 1, rejected 0, left 0\n"
    [line] = result.err.splitlines()
    assert line.startswith("the database is locked by another process; nothing is lost; trying again in")


@pytest.mark.django_db(transaction=True)
def test_a_commit_whose_answer_is_lost_is_not_made_twice(loki, run, monkeypatch):
    """The database has it, the connection breaks before it says so: nothing is sent or counted a second time."""
    events = make_events(make_session(), 3)
    commit, lost = connection.commit, []

    def lose_the_answer():
        commit()
        if loki.answers and not lost:
            lost.append(True)
            fault = sqlite3.OperationalError("disk I/O error")
            fault.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise OperationalError from fault

    monkeypatch.setattr(connection, "commit", lose_the_answer)
    monkeypatch.setattr(Command, "_advance", lambda self, bar, push: end_run())
    with waits(monkeypatch, lambda: None) as said:
        result = run("--loki", loki.url, "--follow")
    assert (result.code, len(said), lost) == (0, 1, [True]), result.err
    assert sorted(sent_to(loki)) == sorted(ids(events))
    row, shipping_run = ShippingCursor.objects.get(), ShippingRun.objects.get()
    assert (row.row_id, row.shipped, shipping_run.shipped) == (events[-1].pk, 3, 3)
    assert result.out == "session: shipped 3, rejected 0, left 0\n"


@pytest.mark.django_db(transaction=True)
def test_tables_that_are_missing_end_even_a_follow(loki, run):
    with connection.cursor() as sql:
        sql.execute("ALTER TABLE shipping_shippingrun RENAME TO elsewhere")
    try:
        result = run("--loki", loki.url, "--follow")
    finally:
        with connection.cursor() as sql:
            sql.execute("ALTER TABLE elsewhere RENAME TO shipping_shippingrun")
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "run `manage.py migrate`" in result.err


@pytest.mark.django_db(transaction=True)
def test_without_follow_a_failing_database_ends_it_with_one_line(loki, run, fault):
    if connection.vendor != "sqlite":
        pytest.skip("a connection that was ended is there again at the next use")
    make_events(make_session(), 1)
    fault.cause()
    result = run("--loki", loki.url)
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "the database is locked by another process; nothing is lost, run again" in result.err


@pytest.mark.django_db(transaction=True)
def test_follow_outlives_every_fault_in_turn(run, monkeypatch):
    """Loki is away, comes back, is away again: one run, nothing lost, nothing twice."""
    port = free_port()
    events = make_events(make_session(), 3)
    started = []

    def start():
        if not started:
            started.append(LokiStandIn(port).__enter__())
            started[0].on_answered = end_run

    try:
        with waits(monkeypatch, start):
            result = run("--loki", f"http://127.0.0.1:{port}", "--follow")
        assert (result.code, started[0].row_ids()) == (0, [event.pk for event in events])
    finally:
        for stand_in in started:
            stand_in.__exit__()
