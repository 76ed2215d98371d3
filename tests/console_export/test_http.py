"""POST /api/v2/logs/export: what is in the file, who may have it, and what is on record."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError
from knox.models import AuthToken

from console.export import pages
from console.export.pages import Incomplete
from logsite.audit.models import AuditEntry
from logsite.records import get_source
from logsite.records.views import SourceView
from sessionlogs.models import EventType, ResponseView
from tests.console_export.conftest import ADDRESS, ends, leave, notes
from tests.factories import ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records.toy_source import START, Tick, ticks

pytestmark = pytest.mark.django_db
ANSWER = "serial number FTX1840ABCD"
# The handbook's «Export logs», word for word.
CONTRACT = """{
  "format": "json",
  "level": "WARNING",
  "start_time": "2024-01-01T00:00:00Z",
  "end_time": "2024-01-31T23:59:59Z"
}"""


def ids(text):
    return [entry["id"].partition("-")[2] for entry in json.loads(text)]


def messages(text):
    return [entry["message"] for entry in json.loads(text)]


# --- What is in it ------------------------------------------------------------------------------------------


def test_the_handbook_s_call_exports_what_it_asks_for(toy, browser, owner):
    january = START.replace(year=2024, month=1)
    for level in ("INFO", "WARNING", "ERROR", "SECURITY"):
        Tick.objects.create(timestamp=january, level=level, message=level, room="a")
    Tick.objects.create(timestamp=START, level="ERROR", message="later", room="a")

    answer = browser(owner).post(ADDRESS, CONTRACT, content_type="application/json")

    assert answer.status_code == 200
    assert messages(b"".join(answer)) == ["WARNING", "ERROR", "SECURITY"]


def test_a_file_is_an_attachment_that_nobody_stores(toy, api, owner):
    found = {}
    for name in ("json", "csv", "txt"):
        answer = api(owner).post(ADDRESS, {"format": name})
        found[name] = answer["Content-Type"].partition(";")[0]
        assert answer.streaming
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Disposition"].startswith('attachment; filename="logs_')
        assert answer["Content-Disposition"].endswith(f'.{name}"')
        b"".join(answer)

    assert found == {"json": "application/json", "csv": "text/csv", "txt": "text/plain"}


def test_what_a_client_accepts_does_not_matter(toy, api, owner):
    answer = api(owner).post(ADDRESS, {"format": "csv"}, headers={"accept": "text/csv"})

    assert answer.status_code == 200
    b"".join(answer)


# (the fields of the body beside the format, the numbers of the ticks): even ticks are errors in room a
SELECTED = [
    ({}, range(10)),
    ({"level": "WARNING"}, range(0, 10, 2)),
    ({"level": "SECURITY"}, []),
    ({"query": "room:b"}, range(1, 10, 2)),
    ({"search_query": "room:b level:ERROR"}, []),
    ({"query": "room:b OR room:a", "level": "ERROR"}, range(0, 10, 2)),
    ({"since": (START + timedelta(seconds=3)).isoformat(), "until": (START + timedelta(seconds=6)).isoformat()},
    [3, 4, 5]),
    ({"source": ["session", "container"]}, []),
    ({"source": "toy", "query": '"tick 7"'}, [7]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "numbers"), SELECTED)
def test_each_field_narrows_the_export(body, numbers, toy, export, owner):
    ticks()

    assert messages(export(owner, format="json", **body)) == [f"tick {number}" for number in numbers]


@pytest.mark.parametrize("level", ["SECURITY", "AUDIT"])
def test_a_level_that_is_no_severity_is_itself_alone(level, toy, export, owner):
    for each in ("INFO", "AUDIT", "WARNING", "SECURITY", "CRITICAL"):
        Tick.objects.create(timestamp=START, level=each, message=each, room="a")

    assert messages(export(owner, level=level)) == [level]


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 1000])
def test_pages_of_any_size_give_every_entry_of_all_sources_once_in_order(
    rows, toy, export, owner, monkeypatch
):
    monkeypatch.setattr(pages, "PAGE_ROWS", rows)
    ticks()
    ticks()
    session = SessionFactory()
    for second in (2, 5, 5):
        SessionLogFactory(session=session, timestamp=START + timedelta(seconds=second))
        ContainerLogEntryFactory(timestamp=START + timedelta(seconds=second))

    entries = json.loads(export(owner))

    assert len({entry["id"] for entry in entries}) == len(entries) == 26
    assert [entry["timestamp"] for entry in entries] == sorted(entry["timestamp"] for entry in entries)


def test_a_page_is_bounded_by_bytes(toy, export, owner, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_BYTES", 2500)
    ticks(message="x" * 1000)

    assert len(ids(export(owner, source="toy"))) == 10
    assert [number for _, number in notes()] == [2] * 5


def test_entries_that_are_stored_meanwhile_do_not_keep_it_from_ending(toy, api, owner, small_pages):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})
    found = []
    for block in answer:
        found.append(block)
        Tick.objects.create(
            timestamp=START + timedelta(hours=len(found)), level="INFO", message="new", room="a"
        )
        assert len(found) < 50

    assert messages(b"".join(found)) == [f"tick {number}" for number in range(10)]


def test_rows_that_are_removed_meanwhile_break_nothing(toy, api, owner, small_pages):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})
    blocks = iter(answer)
    first = next(blocks)
    Tick.objects.filter(message__in=["tick 3", "tick 4", "tick 5", "tick 6"]).delete()

    assert messages(first + b"".join(blocks)) == [f"tick {number}" for number in (0, 1, 2, 7, 8, 9)]


# --- Who may have it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        (None, {}, 401),
        ("outsider", {}, 403),
        ("outsider", {"source": "session"}, 403),
        ("teammate", {"source": "session"}, 200),
        ("owner", {}, 200),
    ],
)
def test_who_may_export(who, body, status, api, request):
    actor = who and request.getfixturevalue(who)

    answer = api(actor).post(ADDRESS, body)

    assert answer.status_code == status
    if status == 200:
        b"".join(answer)
    else:
        assert not AuditEntry.objects.filter(what__startswith="export").exists()


def test_a_source_that_the_reader_may_not_see_is_denied_and_left_out_of_all(toy, export, api, outsider):
    outsider.user_permissions.add(Permission.objects.get(codename="view_containerlogentry"))
    ContainerLogEntryFactory(message="ready")
    ticks()

    assert messages(export(outsider)) == ["ready"]
    assert api(outsider).post(ADDRESS, {"source": ["container", "session"]}).status_code == 403


@pytest.fixture
def answered():
    """One response of a device, with a word that only its readers may see."""
    event = SessionLogFactory(
        session=SessionFactory(), event_type=EventType.COMMAND_RESPONSE, response=ANSWER, timestamp=START
    )
    SessionLogFactory(session=event.session, timestamp=START)
    return event


@pytest.mark.parametrize("name", ["json", "csv", "txt"])
def test_what_a_device_answered_is_withheld_in_every_format(name, answered, export, owner, colleague):
    assert ANSWER in export(owner, format=name)
    found = export(colleague, format=name)

    assert ANSWER not in found
    assert "withheld" in found


def test_a_withheld_field_says_its_size_and_the_permission(answered, export, colleague):
    [entry, _] = json.loads(export(colleague))

    permission = "sessionlogs.view_responses"
    assert entry["withheld"] == {"response": {"bytes": len(ANSWER), "permission": permission}}


def test_a_withheld_field_cannot_be_searched(answered, api, colleague):
    answer = api(colleague).post(ADDRESS, {"query": "response:FTX1840ABCD"})

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "query")
    assert AuditEntry.objects.filter(event_type="authz_fail", what="query").count() == 1


# --- On record ----------------------------------------------------------------------------------------------


def test_each_page_is_on_record_before_it_leaves_and_the_end_behind_it(toy, api, owner, small_pages):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})
    assert (notes(), ends()) == ([("toy", 3)], [])

    blocks = iter(answer)
    for _ in range(4):
        block = next(blocks)
    assert b"tick 3" in block
    assert (notes(), ends()) == ([("toy", 3), ("toy", 3)], [])

    b"".join(blocks)
    assert notes() == [("toy", 3), ("toy", 3), ("toy", 3), ("toy", 1)]
    assert ends() == [("toy", 10, "complete")]


def test_the_record_says_who_what_and_which_export(toy, export, owner):
    export(owner, source="toy", query="tick", level="ERROR", format="csv")

    page, end = AuditEntry.objects.filter(what__startswith="export").order_by("id")
    assert (page.user, page.via, page.details["query"]) == ("owner", "export", "tick")
    number = page.details["filters"].partition("&")[0]
    assert page.details["filters"] == f"{number}&format=csv&level=ERROR"
    assert end.details["filters"] == f"{number}&state=complete&format=csv&level=ERROR"


def test_an_export_of_nothing_is_on_record(toy, export, owner):
    assert json.loads(export(owner)) == []

    names = ["app", "container", "session", "toy"]
    assert sorted(notes()) == [(name, 0) for name in names]
    assert sorted(ends()) == [(name, 0, "complete") for name in names]


def test_who_was_shown_what_devices_answered_is_on_record(answered, export, owner, colleague):
    export(owner)
    export(colleague)

    assert [(each.user, each.via, each.count) for each in ResponseView.objects.all()] == [
        ("owner", "export", 1)
    ]


def test_what_cannot_be_put_on_record_does_not_leave(toy, api, owner, monkeypatch):
    ticks()

    def fail(*args, **options):
        raise DatabaseError("no audit")

    monkeypatch.setattr(SourceView, "note", fail)
    client = api(owner)
    client.raise_request_exception = False

    assert client.post(ADDRESS, {"source": "toy"}).status_code >= 500


def test_a_page_that_cannot_be_put_on_record_does_not_leave(toy, api, owner, monkeypatch, small_pages):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})

    def fail(*args, **options):
        raise DatabaseError("no audit")

    monkeypatch.setattr(SourceView, "note", fail)
    assert messages(broken_off(answer, DatabaseError) + "\n]") == ["tick 0", "tick 1", "tick 2"]


# --- What ends it before its end ----------------------------------------------------------------------------


def broken_off(answer, error=Incomplete):
    """What had left when the response failed."""
    found = []

    def read():
        for block in answer:
            found.append(block)

    with pytest.raises(error):
        read()
    return b"".join(found).decode()


@pytest.mark.parametrize("name", ["json", "csv", "txt"])
def test_a_file_that_broke_off_does_not_look_whole(name, toy, api, owner, small_pages):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy", "format": name})
    owner.is_active = False
    owner.save()

    text = broken_off(answer)

    assert "tick 2" in text
    assert "]\n" not in text
    assert "complete" not in text
    assert ends() == [("toy", 3, "incomplete: the account of user owner was disabled")]


def disable(user):
    user.is_active = False
    user.save()


def take_the_source(user):
    user.user_permissions.remove(Permission.objects.get(codename="view_sessionlog"))


def take_the_responses(user):
    user.user_permissions.remove(Permission.objects.get(codename="view_responses"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (disable, "was disabled"),
        (lambda user: user.delete(), "was disabled"),
        (take_the_source, "lacks the permission sessionlogs.view_sessionlog"),
        (take_the_responses, "may no longer see secret of toy"),
    ],
    ids=["disabled", "removed", "without the source", "without responses"],
)
def test_a_right_that_ends_on_the_way_ends_the_export(change, reason, toy, api, teammate, small_pages):
    ticks()
    answer = api(teammate).post(ADDRESS, {"source": "toy"})
    change(type(teammate).objects.get(pk=teammate.pk))

    assert "tick 2" in broken_off(answer)
    [(_, number, state)] = ends()
    assert number == 3
    assert reason in state


def test_a_token_that_is_revoked_on_the_way_ends_the_export(toy, api, owner, small_pages):
    ticks()
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(owner)[1]}")
    answer = client.post(ADDRESS, {"source": "toy"})
    AuthToken.objects.all().delete()

    assert "tick 2" in broken_off(answer)
    assert ends() == [("toy", 3, "incomplete: user owner has logged out")]


def test_a_session_that_is_closed_on_the_way_ends_the_export(toy, browser, owner, small_pages):
    ticks()
    client = browser(owner)
    answer = client.post(ADDRESS, {"source": "toy"}, content_type="application/json")
    blocks = iter(answer)
    next(blocks)
    client.session.flush()

    assert "tick 2" in broken_off(blocks)
    assert ends() == [("toy", 3, "incomplete: user owner has logged out")]


def test_an_export_whose_reader_goes_away_reads_no_more(toy, api, owner, small_pages, row_queries):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})
    blocks = iter(answer)
    next(blocks)

    with row_queries() as queries:
        leave(answer)

    assert [sql for sql in queries if '"ticks"' in sql] == []
    assert ends() == [("toy", 1, "incomplete: the reader went away")]


def test_a_page_that_is_too_slow_is_read_once_more(toy, export, owner, small_pages, slow):
    ticks()
    slow |= {"after": 1, "slow": 1}

    assert len(ids(export(owner, source="toy"))) == 10
    assert slow["reads"] == 5


def test_a_page_that_is_too_slow_twice_ends_the_export(toy, api, owner, small_pages, slow):
    ticks()
    slow |= {"after": 1, "slow": 2}
    answer = api(owner).post(ADDRESS, {})

    text = broken_off(answer)

    assert "tick 2" in text
    assert "tick 3" not in text
    reason = "incomplete: source toy did not answer: reading took longer than 0.5 s"
    assert ("toy", 3, reason) in ends()


def test_a_source_that_is_late_at_once_is_a_503_and_leaves_nothing_out(toy, api, owner, slow):
    ContainerLogEntryFactory()
    ticks()
    slow["slow"] = 2

    answer = api(owner).post(ADDRESS, {})

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/json")
    assert "source toy did not answer" in answer.json()["detail"]
    assert all("incomplete" in state for _, _, state in ends())
    assert len(ends()) == 4


def test_a_defect_on_the_way_is_no_whole_file(toy, api, owner, small_pages, monkeypatch):
    ticks()
    answer = api(owner).post(ADDRESS, {"source": "toy"})
    monkeypatch.setattr(type(get_source("toy")), "to_record", lambda self, row: 1 / 0)

    assert "tick 2" in broken_off(answer, ZeroDivisionError)
    assert ends() == [("toy", 3, "incomplete: ZeroDivisionError")]


# --- Garbage ------------------------------------------------------------------------------------------------


GARBAGE = [
    "\x1b]0;owned\x07", "\u202egnp.exe", "=HYPERLINK(\"http://x\")", '"', '""",""', "]\n", "\n]\n",
    "# 9 entries, complete",
    "\r\n\"# 9 entries, complete\"\r\n", "}{", "\\u0000", "\N{PILE OF POO}" * 100, "\ufeffx", "a\tb", " ",
    "x" * 70_000,
]  # fmt: skip


def test_no_text_of_an_entry_makes_a_file_unreadable_or_whole(toy, export, owner):
    for text in GARBAGE:
        Tick.objects.create(timestamp=START, level=text[:16], message=text, room=text[:16], secret=text)

    entries = json.loads(export(owner, source="toy"))
    lines = export(owner, source="toy", format="txt").split("\n")

    assert [entry["message"] for entry in entries] == GARBAGE
    assert len(lines) == len(GARBAGE) + 2
    assert all(line.isprintable() and line.startswith("[2026-05-01 12:00:00] [") for line in lines[:-2])
    assert lines[-2:] == [f"# {len(GARBAGE)} entries, complete", ""]
