"""Search in commands, answers and errors."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection

from sessionlogs import checks, fulltext
from sessionlogs.fulltext import COMMANDS, EVERYTHING, search, words_of
from sessionlogs.models import EventType, SessionLog
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENTS, API = "/admin/sessionlogs/sessionlog/", "/api/v2/session-logs/"


def answer(text, **options):
    return SessionLogFactory(
        event_type=EventType.COMMAND_RESPONSE, command="show version", response=text, **options
    )


def found(text, columns=EVERYTHING):
    return sorted(row.response for row in search(SessionLog.objects.all(), text, columns))


@pytest.mark.parametrize("rare", [5000, 0], ids=["a rare word", "a frequent word"])
def test_a_search_finds_parts_of_words(rare, monkeypatch):
    monkeypatch.setattr(fulltext, "RARE", rare)
    for response in ("serial FTX1840ABCD", "serial JAD2", "load 100%_\\", "Gi0/1 is up"):
        answer(response)
    wanted = {
        "ftx1840": ["serial FTX1840ABCD"],
        "FTX1840abcd": ["serial FTX1840ABCD"],
        "1840": ["serial FTX1840ABCD"],
        "serial": ["serial FTX1840ABCD", "serial JAD2"],
        "serial jad": ["serial JAD2"],
        '"serial jad"': ["serial JAD2"],
        '"jad serial"': [],
        "100%": ["load 100%_\\"],
        "%_\\": ["load 100%_\\"],
        "0/1": ["Gi0/1 is up"],
        "zz": [],
        "nowhere": [],
    }
    assert {text: found(text) for text in wanted} == wanted


@pytest.mark.parametrize("rare", [5000, 0])
def test_commands_and_errors_are_searched_too(rare, monkeypatch):
    monkeypatch.setattr(fulltext, "RARE", rare)
    SessionLogFactory(command="show zebra", response="a")
    SessionLogFactory(error_message="zebra is not known", response="b")
    SessionLogFactory(response="zebra")
    assert found("zebra") == ["a", "b", "zebra"]
    assert found("zebra", COMMANDS) == ["a", "b"]


def test_without_words_nothing_is_left_out():
    answer("x")
    assert found("  ") == found('""') == ["x"]


def test_quotes_hold_words_together():
    assert words_of('one "two three" four\'s') == ["one", "two three", "four's"]


@pytest.mark.parametrize("rare", [5000, 0])
def test_the_newest_stands_first(rare, browser, api, teammate, monkeypatch):
    monkeypatch.setattr(fulltext, "RARE", rare)
    for hours in (1, 3, 2):
        answer(
            "needle", session=SessionFactory(device=f"rtr{hours}"), timestamp=NOON + timedelta(hours=hours)
        )
    shown = browser(teammate).get(f"{EVENTS}?q=needle").context["cl"].result_list
    assert [row.device for row in shown] == ["rtr3", "rtr2", "rtr1"]
    rows = api(teammate).get(f"{API}?search=needle").json()["results"]
    assert [row["device"] for row in rows] == ["rtr3", "rtr2", "rtr1"]


def test_the_pages_of_a_search_follow_one_another(api, teammate):
    for hours in range(5):
        answer("needle", timestamp=NOON + timedelta(hours=hours))
    hours, address = [], f"{API}?search=needle&limit=2"
    while address:
        page = api(teammate).get(address).json()
        hours += [int(row["timestamp"][11:13]) for row in page["results"]]
        address = page["next"]
    assert hours == [16, 15, 14, 13, 12]


def test_a_search_keeps_to_the_time_range(browser, api, teammate):
    for hours in (0, 2):
        answer(
            "needle", session=SessionFactory(device=f"rtr{hours}"), timestamp=NOON + timedelta(hours=hours)
        )
    shown = browser(teammate).get(f"{EVENTS}?q=needle&since=2026-05-01T13:00:00").context["cl"].result_list
    assert [row.device for row in shown] == ["rtr2"]
    rows = api(teammate).get(f"{API}?search=needle&end_time=2026-05-01T13:00:00Z").json()["results"]
    assert [row["device"] for row in rows] == ["rtr0"]


def test_a_nul_is_no_search(browser, api, teammate):
    assert api(teammate).get(f"{API}?search=a%00b").status_code == 400
    assert browser(teammate).get(f"{EVENTS}?q=a%00b").status_code in (200, 302)


def test_the_search_box_says_what_it_looks_in(browser, teammate):
    assert "A part of a command, a response or an error" in browser(teammate).get(EVENTS).content.decode()


# --- The index of PostgreSQL ------------------------------------------------------------------------------------


def plan(rows):
    return rows.explain()


@pytest.mark.postgres
def test_the_index_serves_what_the_search_asks():
    assert fulltext.has_index()
    with connection.cursor() as sql:  # a table of no rows is read fastest from end to end
        sql.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    condition = fulltext._any(EVERYTHING, "FTX1840")
    assert fulltext.INDEX in plan(SessionLog.objects.filter(condition).values("id"))


@pytest.mark.postgres
def test_a_frequent_word_is_walked_for_in_the_order_of_time():
    rows = fulltext._walked(SessionLog.objects.all(), ["interface"], EVERYTHING)
    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")
    assert "session_log_newest" in plan(rows.order_by("-timestamp", "-id")[:101])
    assert fulltext.INDEX not in plan(rows.order_by("-timestamp", "-id")[:101])


@pytest.mark.postgres
def test_without_the_right_to_create_the_extension_there_is_no_index_but_a_hint(monkeypatch, caplog):
    with connection.cursor() as sql:
        sql.execute(f"DROP INDEX {fulltext.INDEX}")
        sql.execute("DROP EXTENSION pg_trgm")
        sql.execute("CREATE ROLE clerk; GRANT CREATE, USAGE ON SCHEMA public TO clerk; SET LOCAL ROLE clerk")
    assert fulltext.create_index() is False
    assert "no index for full-text search" in caplog.text
    [warning] = checks.check_fulltext_index(None, databases=["default"])
    assert warning.id == "sessionlogs.W001"
    assert "CREATE EXTENSION pg_trgm" in warning.hint


@pytest.mark.postgres
def test_the_next_migrate_makes_the_index_once_the_extension_is_there():
    with connection.cursor() as sql:
        sql.execute(f"DROP INDEX {fulltext.INDEX}")
    assert [warning.id for warning in checks.check_fulltext_index(None, databases=["default"])] == [
        "sessionlogs.W001"
    ]
    call_command("migrate", verbosity=0)
    assert checks.check_fulltext_index(None, databases=["default"]) == []


def test_the_check_looks_only_when_asked_for_the_database(monkeypatch):
    def fail(using="default"):
        raise ProgrammingError("asked")

    monkeypatch.setattr(fulltext, "has_index", fail)
    assert checks.check_fulltext_index(None) == []
    assert checks.check_fulltext_index(None, databases=["default"]) == []


def test_sqlite_gets_no_index_and_no_complaint(on_postgres):
    assert fulltext.create_index() is on_postgres
    assert checks.check_fulltext_index(None, databases=["default"]) == []
