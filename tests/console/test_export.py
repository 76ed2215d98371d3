"""Exports: each form, of any size in constant memory, on record, and never a part that looks whole."""

import csv
import gc
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tracemalloc
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from knox.models import AuthToken

from applogs.models import LogEntry
from console.asking import asked
from console.export.formats import form_of
from console.export.running import Export, ExportFailed
from logsite.audit import Reader
from logsite.audit.models import AuditEntry
from logsite.records.search import Search
from tests.applogs.entries import store
from tests.console.test_entries_api import ANSWER, rows  # noqa: F401  a fixture
from tests.factories import LogEntryFactory
from tests.serving import serving
from tests.shipping.processes import ROOT, database_url

pytestmark = pytest.mark.django_db
URL = "/api/v2/logs/export"
SITE = Reader(None, "", "system")


def many(number, size=100):
    store(
        [
            LogEntryFactory.build(
                timestamp=10**18 + row * 1000, message=f"entry {row} {'x' * size}", app="shop"
            )
            for row in range(number)
        ]
    )


@pytest.fixture
def post(api):
    def asked_for(user, status=200, **body):
        answer = api(user).post(URL, body, format="json")
        if status != 200:
            assert answer.status_code == status, answer.content[:300]
            return answer.json()
        assert answer.status_code == 200
        return b"".join(answer.streaming_content).decode()

    return asked_for


def test_json_is_one_array_of_entries_oldest_first(post, owner, rows):  # noqa: F811
    text = post(owner, format="json")
    entries = json.loads(text)

    assert text.endswith("\n]\n")
    assert [entry["source"] for entry in entries] == ["app", "container", "session"] * 3
    assert json.loads(post(owner, format="json", app="nobody")) == []


def test_csv_has_a_row_for_each_entry_and_a_last_one_that_counts(post, owner, rows):  # noqa: F811
    table = list(csv.reader(io.StringIO(post(owner, format="csv", source=["app"]), newline="")))

    assert [len(row) for row in table] == [len(table[0])] * 4 + [1]
    first = dict(zip(table[0], table[1], strict=True))
    assert (first["message"], first["app"], json.loads(first["context"])) == (
        "order 0 of shop",
        "shop",
        {"user_id": "u0"},
    )
    assert table[-1] == ["# 3 entries, complete"]


def test_txt_has_a_line_for_each_entry_and_a_last_one_that_counts(post, owner):
    LogEntryFactory(
        timestamp=1_777_636_800_000_000_000, level="ERROR", app="shop", message="two\nlines \x1b[31mred\u202e"
    )
    lines = post(owner, format="txt").splitlines()

    assert lines == [
        "[2026-05-01 12:00:00] [ERROR   ] shop: two␊lines ␛[31mred<U+202E>",
        "# 1 entries, complete",
    ]


@pytest.mark.parametrize(
    ("message", "cell", "plain"),
    [
        ("=1+1", "'=1+1", "=1+1"),
        ("+49 30 1234", "'+49 30 1234", "+49 30 1234"),
        ("-5", "'-5", "-5"),
        ("@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"),
        ("\t=1", "'\t=1", "\t=1"),
        ("＝1", "'＝1", "＝1"),
        ("a=1", "a=1", "a=1"),
        ('say "hi", twice', 'say "hi", twice', 'say "hi", twice'),
    ],
)
def test_a_text_cell_is_no_formula_unless_a_program_asks_for_it_plain(post, owner, message, cell, plain):
    LogEntryFactory(message=message, line=-5)

    for asks, wanted in ((False, cell), (True, plain)):
        table = list(csv.reader(io.StringIO(post(owner, format="csv", csv_plain=asks), newline="")))
        row = dict(zip(table[0], table[1], strict=True))
        assert (row["message"], row["line"]) == (wanted, "-5")  # a number stays a number


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "format"),
        ({"format": "xml"}, "format"),
        ({"format": "json", "levle": "ERROR"}, "levle"),
        ({"format": "json", "level": 5}, "level"),
        ({"format": "json", "level": "LOUD"}, "level"),
        ({"format": "json", "query": ["a", "b"]}, "query"),
        ({"format": "json", "query": "(unclosed"}, "error"),
        ({"format": "json", "source": "nobody"}, "source"),
        ({"format": "json", "start_time": "yesterday"}, "start_time"),
        ({"format": "csv", "csv_plain": "yes"}, "csv_plain"),
    ],
)
def test_what_cannot_be_read_is_a_400_that_names_it_and_no_file(post, owner, body, field):
    assert field in post(owner, 400, **body)


def test_only_what_the_reader_may_see_is_exported(post, api, owner, teammate, outsider, rows):  # noqa: F811
    from django.contrib.auth.models import Permission

    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    teammate = type(teammate).objects.get(pk=teammate.pk)

    assert ANSWER in post(owner, format="json")
    assert ANSWER not in post(teammate, format="json")
    assert "withheld" in post(teammate, format="json")
    post(outsider, 403, format="json")
    assert api(None).post(URL, {"format": "json"}).status_code == 401


def states():
    details = AuditEntry.objects.filter(what="export").order_by("id").values_list("count", "details")
    return [
        (count, dict(part.split("=") for part in found["filters"].split("&"))["state"])
        for count, found in details
    ]


def test_an_export_is_on_record_before_its_first_byte_and_at_its_end(api, owner):
    many(150)
    answer = api(owner).post(URL, {"format": "json", "source": "app"}, format="json")
    before = states()
    b"".join(answer.streaming_content)

    assert (before, states()) == ([(0, "begins")], [(0, "begins"), (150, "complete")])


def test_a_reader_that_goes_away_ends_the_work(owner, django_assert_max_num_queries):
    many(3000)
    pieces = Export(asked({"source": ["app"]}, SITE), form_of("json"), "json").pieces()
    next(pieces), next(pieces)
    with django_assert_max_num_queries(4):
        pieces.close()

    assert states() == [(0, "begins"), (100, "incomplete")]


@pytest.mark.parametrize("form", ["json", "csv", "txt"])
def test_an_export_that_fails_in_the_middle_does_not_look_whole(owner, monkeypatch, form):
    many(300)
    export = Export(asked({"source": ["app"]}, Reader(owner, "", "export")), form_of(form), form)
    written = []

    def run():
        for piece in export.pieces():
            written.append(piece)
            type(owner).objects.update(is_active=False)

    with pytest.raises(ExportFailed, match="lost a permission"):
        run()
    text = "".join(written)

    assert text
    assert not text.endswith("]\n")
    assert "complete" not in text
    assert states()[-1][1] == "incomplete"


def test_a_source_that_is_late_twice_ends_the_export(owner, monkeypatch):
    many(10)
    page = Search.page
    monkeypatch.setattr(Search, "page", lambda *a, **k: page(*a, **k)._replace(late_sources=["app"]))

    with pytest.raises(ExportFailed, match="app does not answer in time"):
        list(Export(asked({}, SITE), form_of("txt"), "txt").pieces())


def peak_of(number):
    LogEntry.objects.all().delete()
    many(number)
    gc.collect()
    tracemalloc.start()
    written = sum(map(len, Export(asked({"source": ["app"]}, SITE), form_of("json"), "json").pieces()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > number * 100
    return peak


def test_ten_times_the_entries_take_no_more_memory():
    peak_of(100)  # what is loaded once

    assert peak_of(20_000) < 1.5 * peak_of(2000)


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_writes_a_whole_file_of_its_own_and_what_http_writes(post, owner, rows, tmp_path):  # noqa: F811
    path = tmp_path / "logs.json"
    call_command("export_logs", "--format", "json", "--output", str(path), stderr=StringIO())
    out = StringIO()
    call_command(
        "export_logs",
        "--format",
        "csv",
        "--source",
        "app",
        "--level",
        "ERROR",
        "--query",
        "order",
        stdout=out,
    )

    assert path.read_text() == post(owner, format="json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "# 2 entries, complete" in out.getvalue()
    assert [each.name for each in tmp_path.iterdir()] == ["logs.json"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--query", "(unclosed"], "--query:"),
        (["--since", "yesterday"], "--since: expected a time"),
        (["--level", "LOUD"], "--level: level 'LOUD' does not exist"),
        (["--source", "nobody"], "--source: source 'nobody' does not exist"),
        (["--user", "outsider"], "user outsider lacks the permission"),
        (["--output", "/nowhere/logs.json"], "--output: /nowhere/logs.json: name a file"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(outsider, words, text):
    with pytest.raises(CommandError) as error:
        call_command("export_logs", "--format", "json", *words)
    assert str(error.value).startswith(text)
    assert error.value.returncode == 2


def command(*words):
    return [sys.executable, str(ROOT / "manage.py"), "export_logs", *words], {
        **os.environ,
        "DATABASE_URL": database_url(),
    }


@pytest.mark.django_db(transaction=True)
def test_the_command_stops_at_a_signal_without_a_file_and_ends_quietly_at_a_closed_pipe(tmp_path):
    many(20_000)
    words, environment = command("--format", "txt")
    with subprocess.Popen(
        words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read(10)
        process.stdout.close()
        assert (process.wait(120), process.stderr.read()) == (0, b"")
    words, environment = command("--format", "json", "--output", str(tmp_path / "logs.json"))
    with subprocess.Popen(words, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not [
            each for each in tmp_path.iterdir() if each.name.startswith(".logs")
        ]:
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (143, "CommandError: stopped: no file was written\n")
    assert [each.name for each in tmp_path.iterdir()] == []


# --- over the network ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_over_daphne_a_whole_file_ends_cleanly_and_a_client_that_leaves_ends_the_work(owner):
    many(30_000)
    token = AuthToken.objects.create(owner)[1]
    body = b'{"format":"txt","source":"app"}'
    head = (
        f"Authorization: Token {token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    with serving() as site:
        host, _, port = urlsplit(site.address).netloc.partition(":")
        asks = f"POST {URL} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{head}\r\n".encode() + body
        with socket.create_connection((host, int(port))) as sock:
            sock.sendall(asks)
            whole = b"".join(iter(lambda: sock.recv(65536), b""))
        assert whole.endswith(b"# 30000 entries, complete\n\r\n0\r\n\r\n")
        with socket.create_connection((host, int(port))) as sock:
            sock.sendall(asks)
            assert sock.recv(1000)
        assert ended(2)
    assert [state for _, state in states()] == ["begins", "complete", "begins", "incomplete"]


def ended(number):
    """Wait until so many exports have ended, by their entries in the audit."""
    while sum(state != "begins" for _, state in states()) < number:
        connection.close()
    return True
