"""A database that is locked, full, read-only or away: 503 with Retry-After, one line in the log, one sentence."""

import json
import logging
import socket
import sqlite3

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, OperationalError, ProgrammingError, connection
from django.test import Client

from logsite.tables import outages

pytestmark = pytest.mark.django_db(transaction=True)
LOCKED = "the database is locked by another process"


@pytest.fixture
def sqlite(on_postgres):
    if on_postgres:
        pytest.skip("of SQLite")


@pytest.fixture
def locked(sqlite):
    """Another process writes, and does not end."""
    with connection.cursor() as sql:
        sql.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(connection.settings_dict["NAME"])
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()
    connection.close()


@pytest.fixture
def full(sqlite):
    """No page can be added to the file."""
    with connection.cursor() as sql:
        sql.execute("VACUUM")  # pages that earlier tests have emptied would take the rows
        sql.execute("PRAGMA page_count")
        sql.execute(f"PRAGMA max_page_count = {sql.fetchone()[0]}")
    yield
    connection.close()


@pytest.fixture
def read_only(on_postgres):
    statement = "SET default_transaction_read_only = on" if on_postgres else "PRAGMA query_only = on"
    with connection.cursor() as sql:
        sql.execute(statement)
    yield
    connection.close()


@pytest.fixture
def away(on_postgres, monkeypatch):
    """The address of a server that does not listen."""
    if not on_postgres:
        pytest.skip("of PostgreSQL")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "PORT", str(free.getsockname()[1]))
        yield
        connection.close()


@pytest.fixture
def client(owner):
    """Logged in, before the database fails."""
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    return client


def is_out(answer, reason):
    """What a client does with it is to come back."""
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")
    return reason in answer.content.decode()


def write_by_api(client, number=0):
    body = {"name": f"{'x' * 200}{number}", "host": "192.0.2.1", "platform": "cisco_ios"}
    return client.post("/api/v2/devices/", json.dumps(body), content_type="application/json")


def write_by_page(client, number=0):
    return client.post("/admin/devices/tag/add/", {"name": f"edge-{number}"})


@pytest.mark.parametrize("fault", ["locked", "full", "read_only"])
def test_a_write_that_the_database_cannot_take_is_a_503(fault, client, request, caplog):
    request.getfixturevalue(fault)
    caplog.clear()

    answers = []
    for number in range(100 if fault == "full" else 1):  # until the last page is full
        answers = [write_by_api(client, number), write_by_page(client, number)]
        if answers[0].status_code == answers[1].status_code == 503:
            break

    reason = {"locked": "locked", "full": "full", "read_only": "read-only"}[fault]
    assert [is_out(answer, reason) for answer in answers] == [True, True]
    assert answers[0].json()["detail"].endswith("try again in 5 seconds")
    assert "<h1>Not available right now</h1>" in answers[1].content.decode()
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [bool(record.exc_info) for record in lines[:2]] == [False, False]
    assert "POST /api/v2/devices/" in lines[0].getMessage()


def test_without_a_server_every_page_says_so_and_asks_it_nothing(client, away, caplog):
    paths = [
        "/admin/",
        "/admin/devices/device/",
        "/api/v2/devices/",
        "/api/v2/auth/login/",
        "/metrics",
        "/api/schema/",
    ]
    answers = {path: client.get(path) for path in paths if path != "/api/v2/auth/login/"}
    answers["/api/v2/auth/login/"] = client.post("/api/v2/auth/login/", {"username": "a", "password": "b"})

    assert [path for path, answer in answers.items() if not is_out(answer, outages.NO_ANSWER)] == []
    assert client.get("/healthz").status_code == 200
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert len(caplog.records) == len(answers)
    assert "postgres" not in caplog.text.lower().replace("postgresql", "")


# Raised by the server, with the code that it has for the fault; the text is the server's.
STATES = {
    "53100": "the disk of the database is full",
    "53300": "the database server has too many connections",
    "53400": "the database server lacks resources",
    "57014": "the statement took too long, and the database ended it",
    "57P03": "the database server is shutting down or starting",
    "25006": "the database is read-only",
    "40P01": "another transaction changed the same rows",
    "55P03": "a lock of the database is held by another process",
    "58030": "the database server cannot read or write its files",
    "08006": "the connection to the database broke",
    "22003": None,
    "23505": None,
    "42703": None,
    "XX000": None,
}


@pytest.mark.postgres
def test_what_a_server_says_of_itself_is_an_outage_and_what_it_says_of_us_is_none():
    found = {}
    for state in STATES:
        with pytest.raises(Exception) as error, connection.cursor() as sql:  # noqa: PT011
            sql.execute(f"DO $$ BEGIN RAISE EXCEPTION 'host=db password=x' USING ERRCODE = '{state}'; END $$")
        found[state] = outages.outage(error.value)

    assert found == STATES


@pytest.mark.postgres
def test_a_connection_that_the_administrator_ends_is_an_outage():
    with pytest.raises(OperationalError) as error, connection.cursor() as sql:
        sql.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close()

    assert outages.outage(error.value) == "the database server is shutting down or starting"


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_an_outage():
    with connection.cursor() as sql:
        sql.execute("SET statement_timeout = 1")
        with pytest.raises(OperationalError) as error:
            sql.execute("SELECT pg_sleep(60)")
    connection.close()

    assert outages.outage(error.value) == "the statement took too long, and the database ended it"


def test_a_defect_of_ours_is_none():
    with pytest.raises((ProgrammingError, OperationalError)) as error, connection.cursor() as sql:
        sql.execute("SELECT no_such_column FROM no_such_table")
    connection.close()

    assert outages.outage(error.value) is None
    assert [outages.outage(other) for other in (ValueError(), OperationalError("x"), DataError(), None)] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [("locked", f"{LOCKED}; nothing is lost, run again"), ("read_only", "read-only")],
)
def test_a_command_says_one_sentence(fault, said, owner, request):
    request.getfixturevalue(fault)

    with pytest.raises(CommandError) as error:
        call_command("create_token", "owner")

    assert said in str(error.value)
    assert error.value.returncode == 1
