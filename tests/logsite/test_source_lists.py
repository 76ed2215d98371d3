"""The admin's lists of entries and its live page take a query; their rows come from the reader's view alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.html import escape

from logsite.admin import source_list
from logsite.audit.models import AuditEntry
from logsite.records import SourceView, to_nanoseconds
from prodlogs.admin import follow_page
from sessionlogs.models import EventType, ResponseView
from tests.factories import ContainerFactory, ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records_query.random_queries import hostile

pytestmark = pytest.mark.django_db
ENTRIES, EVENTS = "/admin/prodlogs/containerlogentry/", "/admin/sessionlogs/sessionlog/"
FOLLOW, NEWS = "/admin/prodlogs/follow/", "/admin/prodlogs/follow/entries/"
LISTS = (ENTRIES, EVENTS)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = "FTX1840ABCD"
ENDLESS = """(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
    SELECT COUNT(*) FROM n)"""


@pytest.fixture
def reader(teammate):
    """A teammate who may see sessions, but not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return teammate


@pytest.fixture
def entries():
    web = ContainerFactory(name="web-1", host__name="docker01")
    db = ContainerFactory(name="db", host__name="docker02")
    kinds = [
        (web, "ERROR", "stderr", "connection refused by 10.0.0.1"),
        (web, "INFO", "stdout", "connection opened"),
        (db, "CRITICAL", "stderr", "out of memory"),
    ]
    return [
        ContainerLogEntryFactory(container=container, level=level, stream=stream, message=message)
        for container, level, stream, message in kinds
    ]


@pytest.fixture
def events():
    session = SessionFactory(device="rtr01", user="anna", started_at=NOON)
    other = SessionFactory(device="sw02", user="ben", started_at=NOON + timedelta(hours=1))
    return [
        SessionLogFactory(session=session, command="show version"),
        SessionLogFactory(
            session=session,
            event_type=EventType.COMMAND_RESPONSE,
            command="show version",
            response=f"serial number {SECRET}",
            duration_ms=12.0,
        ),
        SessionLogFactory(
            session=other,
            event_type=EventType.COMMAND_FAILED,
            command="show clock",
            error_message="no prompt within 60 s",
            step=2,
        ),
    ]


@pytest.fixture
def rows(entries, events):
    """By the list that shows them."""
    return {ENTRIES: entries, EVENTS: events}


def shown(answer):
    """The keys of the rows in a list, oldest first."""
    return sorted(row.pk for row in answer.context["cl"].result_list)


def sentence(answer):
    """What stands under the field of the query, as text; None where nothing does."""
    found = re.search(r'id="query-problem"[^>]*role="alert">([^<]*)</p>', answer.content.decode())
    return found and found[1]


def notes():
    """What is on record as read: what, source, query, count."""
    read = AuditEntry.objects.filter(event_type="sensitive_read").order_by("id")
    return [(row.what, row.target, row.details.get("query"), row.count) for row in read]


# --- What a query finds ---------------------------------------------------------------------------------------

FOUND = [
    (ENTRIES, "", [0, 1, 2]),
    (ENTRIES, "*", [0, 1, 2]),
    (ENTRIES, "   ", [0, 1, 2]),
    (ENTRIES, "connection", [0, 1]),
    (ENTRIES, '"connection refused"', [0]),
    (ENTRIES, "connection -refused", [1]),
    (ENTRIES, "level:>=ERROR", [0, 2]),
    (ENTRIES, "container:web* AND NOT level:ERROR", [1]),
    (ENTRIES, "host:docker02", [2]),
    (ENTRIES, "stream:stderr memory", [2]),
    (ENTRIES, "timestamp:2020", []),
    (ENTRIES, "[error]", []),
    (EVENTS, "", [0, 1, 2]),
    (EVENTS, "version", [0, 1]),
    (EVENTS, "device:rtr01", [0, 1]),
    (EVENTS, "level:ERROR", [2]),
    (EVENTS, "step:>1", [2]),
    (EVENTS, f"response:{SECRET}", [1]),
    (EVENTS, SECRET, [1]),
    (EVENTS, "NOT user:anna", [2]),
    (EVENTS, "status:failed OR duration_ms:>10", [1, 2]),
]


def test_a_list_shows_what_the_query_finds(browser, teammate, rows):
    client, wrong = browser(teammate), {}
    for address, query, numbers in FOUND:
        answer = client.get(address, {"query": query})
        wanted = [rows[address][number].pk for number in numbers]
        if (answer.status_code, shown(answer)) != (200, wanted):
            wrong[address, query] = (answer.status_code, shown(answer))
    assert wrong == {}


BESIDE = [
    (ENTRIES, {"query": "connection", "q": "refused"}, [0]),
    (ENTRIES, {"query": "connection", "level": "INFO"}, [1]),
    (ENTRIES, {"query": "level:CRITICAL", "container": "web-1"}, []),
    (ENTRIES, {"query": "level:ERROR", "stream__exact": "stderr", "host": "docker01"}, [0]),
    (EVENTS, {"query": "version", "q": "serial"}, [1]),
    (EVENTS, {"query": "show", "device": "sw02"}, [2]),
    (EVENTS, {"query": "show", "since": "2026-05-01T12:30"}, [2]),
    (EVENTS, {"query": "show", "event_type__exact": "command_sent"}, [0]),
]


def test_the_query_stands_beside_text_and_filters(browser, teammate, rows):
    client, wrong = browser(teammate), {}
    for address, query, numbers in BESIDE:
        answer = client.get(address, query)
        wanted = [rows[address][number].pk for number in numbers]
        if (answer.status_code, shown(answer)) != (200, wanted):
            wrong[address, str(query)] = (answer.status_code, shown(answer))
    assert wrong == {}


def test_pages_of_a_query_follow_one_another(browser, teammate, monkeypatch):
    monkeypatch.setattr("prodlogs.admin.entries.ContainerLogEntryAdmin.list_per_page", 2)
    made = [ContainerLogEntryFactory(message="boom" if number % 2 else "calm").pk for number in range(10)]
    client = browser(teammate)
    first = client.get(ENTRIES, {"query": "boom"})
    second = client.get(ENTRIES + first.context["cl"].older_url)
    third = client.get(ENTRIES + second.context["cl"].older_url)
    assert [shown(page) for page in (first, second, third)] == [made[7::2], made[3:7:2], made[1:3:2]]


def test_the_errors_take_a_query_along(browser, teammate, entries):
    answer = browser(teammate).get("/admin/prodlogs/errors/", {"query": "memory OR opened"}, follow=True)
    assert shown(answer) == [entries[2].pk]
    assert answer.request["QUERY_STRING"] == "query=memory+OR+opened&level=errors"


# --- The form -----------------------------------------------------------------------------------------------


def inputs(answer):
    """The fields of the search form with their values, but for the button."""
    [form] = re.findall(r'<form id="changelist-search".*?</form>', answer.content.decode(), re.DOTALL)
    fields = [dict(re.findall(r'(\w+)="([^"]*)"', each)) for each in re.findall(r"<input[^>]*>", form)]
    return {field["name"]: field.get("value") for field in fields if field.get("type") != "submit"}


@pytest.mark.parametrize("query", ['level:"ERROR"', '("<b>'])
def test_the_form_keeps_the_query_and_all_other_fields(browser, teammate, rows, query):
    for address, others in [
        (ENTRIES, {"level": "errors", "host": "docker01", "since": "2026-05-01T10:00"}),
        (EVENTS, {"device": "rtr01", "user": "anna", "until": "2026-05-02T10:00"}),
    ]:
        answer = browser(teammate).get(address, {"query": query, "q": "a word", **others})
        assert inputs(answer) == {"query": escape(query), "q": "a word", **others}


def test_a_side_bar_filter_keeps_the_query(browser, teammate, events):
    text = browser(teammate).get(EVENTS, {"query": "show", "device": "rtr01"}).content.decode()
    forms = re.findall(r'<form method="get" class="form-filter">.*?</form>', text, re.DOTALL)
    assert len(forms) >= 3
    assert all('<input type="hidden" name="query" value="show">' in form for form in forms)


def test_the_field_has_a_label_and_a_link_to_the_help(browser, teammate):
    for address in (*LISTS, FOLLOW):
        text = browser(teammate).get(address).content.decode()
        assert re.search(r'<label[^>]*>Query|<label for="query">Query</label>', text)
        assert 'href="/admin/query-language/' in text
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|<[^>]*\sstyle=", text) == []


# --- What is refused ------------------------------------------------------------------------------------------

REFUSED = [
    ("(boom", "Position 0", "bracket is not closed"),
    ('"boom', "Position 0", ""),
    ("boom OR", "Position 7", ""),
    ("level:loud", "Position 6", "loud"),
    ("nosuchfield:x", "Position 0", "no field &#x27;nosuchfield&#x27;"),
    ("boom~2", "Position 4", ""),
    ("timestamp:yesterday", "Position 10", "yesterday"),
    ("id:x", "Position 3", "x"),
    ("a\0b", "Position 1", "U+0000"),
    ("x" * 10_001, "Position 10000", "10,000 characters"),
    ("(" * 51 + "a" + ")" * 51, "Position ", ""),
    (" ".join(["a"] * 501), "Position ", ""),
    ("*" * 60 + "a", "Position 0", ""),
]


def test_a_query_that_cannot_be_read_shows_no_row_and_says_where_and_why(browser, teammate, rows):
    client, wrong = browser(teammate), {}
    for address in LISTS:
        for query, position, reason in REFUSED:
            answer = client.get(address, {"query": query})
            said = sentence(answer) or ""
            kept = answer.context["cl"].query_text == query
            if (answer.status_code, shown(answer), kept) != (400, [], True) or not (
                said.startswith(position) and reason in said
            ):
                wrong[address, query[:20]] = (answer.status_code, shown(answer), said)
    assert wrong == {}


def test_a_refused_query_is_not_made_good_by_other_filters(browser, teammate, rows):
    for address, others in [(ENTRIES, {"level": "errors", "q": "memory"}), (EVENTS, {"device": "rtr01"})]:
        answer = browser(teammate).get(address, {"query": "(boom", **others})
        assert (answer.status_code, shown(answer)) == (400, [])


def test_hostile_queries_are_read_or_refused(browser, teammate, rows):
    client, wrong, read = browser(teammate), [], 0
    for query in hostile(60, seed=12):
        query = query.encode("utf-8", "replace").decode()
        for address in (*LISTS, NEWS):
            answer = client.get(address, {"query": query})
            read += answer.status_code == 200
            if answer.status_code not in (200, 400):
                wrong.append((address, query, answer.status_code))
            elif answer.status_code == 400 and address != NEWS and shown(answer):
                wrong.append((address, query, shown(answer)))
    assert wrong == []
    assert read


def test_the_longest_queries_are_answered(browser, teammate, rows, monkeypatch):
    """Beside every other filter, and a search of their own. How long that takes depends on the machine's load."""
    monkeypatch.setattr("logsite.admin.source_list.DEADLINE_SECONDS", 300.0)
    longest = [
        " OR ".join(f"level:ERROR word{number}" for number in range(240)),
        "NOT (" * 49 + "boom" + ")" * 49,
        " ".join(f"-a{number}*" for number in range(490)),
    ]
    client = browser(teammate)
    for query in longest:
        for address, others in [
            (ENTRIES, {"q": "o", "level": "warnings", "host": "docker01", "container": "web-1"}),
            (EVENTS, {"q": "show", "device": "rtr01", "user": "anna"}),
        ]:
            assert (
                client.get(address, {"query": query, "since": "2020-01-01T00:00", **others}).status_code
                == 200
            )


# --- What is withheld -------------------------------------------------------------------------------------------

OF_RESPONSES = [
    f"response:{SECRET}",
    "response:FTX*",
    "response:*",
    "NOT response:*",
    f"NOT response:{SECRET}",
    f"device:rtr01 OR response:{SECRET}",
    "response:nothing_like_it",
    "_exists_:response",
    "response:[a TO z]",
]


def test_who_may_not_see_responses_cannot_name_them(browser, reader, events):
    client, wrong = browser(reader), {}
    for query in OF_RESPONSES:
        answer = client.get(EVENTS, {"query": query})
        said = sentence(answer) or ""
        if (answer.status_code, shown(answer)) != (400, []) or "No entries" not in said:
            wrong[query] = (answer.status_code, shown(answer), said)
    assert wrong == {}
    denied = AuditEntry.objects.filter(event_type="authz_fail", what="query").order_by("id")
    assert [(row.user, row.via, row.what, row.target, row.details["query"]) for row in denied] == [
        ("teammate", "admin", "query", "session", query) for query in OF_RESPONSES
    ]


def test_whether_a_response_matches_changes_nothing_for_them(browser, reader, events):
    """Rows, counts and sentences are the same for a word that responses hold and for one that they lack."""
    client = browser(reader)
    absent = "FTX9999ZZZZ"
    for form in (
        "{}",
        "NOT {}",
        "{}*",
        "*{}*",
        '"number {}"',
        "device:rtr01 {}",
        "response:{}",
        "-{} version",
    ):
        there, nowhere = (
            client.get(EVENTS, {"query": form.format(word)}) for word in (SECRET[:11], absent[:11])
        )
        assert there.status_code == nowhere.status_code, form
        assert shown(there) == shown(nowhere), form
        assert there.context["cl"].count_text == nowhere.context["cl"].count_text, form
        assert sentence(there) == sentence(nowhere), form


@pytest.mark.parametrize(("who", "number"), [("owner", 1), ("teammate", 1), ("reader", 0)])
def test_a_word_of_a_response_is_found_by_whom_may_see_it(browser, request, events, who, number):
    answer = browser(request.getfixturevalue(who)).get(EVENTS, {"query": SECRET})
    assert (answer.status_code, len(shown(answer))) == (200, number)


def test_the_help_names_no_field_that_is_withheld(browser, reader, owner):
    help_of = [browser(user).get("/admin/query-language/").content.decode() for user in (owner, reader)]
    assert ["<code>response</code>" in text for text in help_of] == [True, False]
    assert all("<code>error_message</code>" in text for text in help_of)


def test_a_stranger_gets_no_row(browser, outsider, rows):
    for address in (*LISTS, FOLLOW, NEWS):
        assert browser(outsider).get(address, {"query": "show"}).status_code == 302
    outsider.is_staff = True
    outsider.save()
    for address in (*LISTS, FOLLOW, NEWS, "/admin/query-language/"):
        assert browser(outsider).get(address, {"query": "show"}).status_code == 403


# --- What takes too long ------------------------------------------------------------------------------------------


@pytest.fixture
def endless(monkeypatch):
    """Reading rows takes minutes, and a tenth of a second is allowed."""
    rows_of = SourceView.rows

    def slow(self, *arguments):
        rows = rows_of(self, *arguments)
        return rows.annotate(endless=RawSQL(ENDLESS, ())).filter(endless__gt=0)

    monkeypatch.setattr(SourceView, "rows", slow)
    monkeypatch.setattr(source_list, "DEADLINE_SECONDS", 0.1)
    monkeypatch.setattr(follow_page, "DEADLINE_SECONDS", 0.1)


@pytest.mark.parametrize(
    ("address", "query"),
    [(ENTRIES, {"query": "memory"}), (EVENTS, {"query": "show"}), (EVENTS, {"query": "show", "q": "show"})],
)
def test_a_list_that_takes_too_long_says_to_narrow_the_time_range(
    browser, teammate, rows, endless, address, query
):
    answer = browser(teammate).get(address, query)
    assert (answer.status_code, shown(answer)) == (503, [])
    assert "narrow the time range" in sentence(answer)
    assert inputs(answer)["query"] == query["query"]
    assert len(notes()) == 1


def test_the_live_page_says_so_as_well(browser, teammate, entries, endless):
    answer = browser(teammate).get(NEWS, {"query": "memory"})
    assert (answer.status_code, list(answer.json())) == (503, ["query"])
    assert "narrow the time range" in answer.json()["query"][0]
    assert notes() == [("follow", "container", "memory", 0)]


# --- The live page --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_new_entries_of_the_live_page_obey_the_query(browser, teammate):
    client = browser(teammate)
    cursor = client.get(NEWS, {"query": "boom"}).json()["cursor"]
    for message in ("boom", "calm", "boom too"):
        ContainerLogEntryFactory(message=message)
    for query in ({"query": "boom"}, {"query": "boom", "after": cursor}):
        found = client.get(NEWS, query).json()["entries"]
        assert [entry["message"] for entry in found] == ["boom", "boom too"]


def test_the_live_page_keeps_and_refuses_a_query(browser, teammate, entries):
    client = browser(teammate)
    for query, position, _ in REFUSED:
        page = client.get(FOLLOW, {"query": query})
        assert (page.status_code, (sentence(page) or "").startswith(position)) == (400, True), query[:20]
        assert f'name="query" value="{escape(query)}"' in page.content.decode()
        fetched = client.get(NEWS, {"query": query})
        assert (fetched.status_code, list(fetched.json())) == (400, ["query"]), query[:20]


# --- What is on record --------------------------------------------------------------------------------------------


def test_what_a_page_of_entries_shows_is_on_record(browser, teammate, entries):
    client, key = browser(teammate), entries[0].pk
    for address, query, note in [
        (ENTRIES, {}, ("list", "container", "", 3)),
        (ENTRIES, {"query": "memory"}, ("list", "container", "memory", 1)),
        (ENTRIES, {"query": "nothing"}, ("list", "container", "nothing", 0)),
        (f"{ENTRIES}{key}/change/", {}, ("entry", "container", "", 2)),
        (FOLLOW, {"query": "boom"}, ("follow", "container", "boom", 0)),
        (NEWS, {"query": "memory"}, ("follow", "container", "memory", 1)),
        (NEWS, {"query": "nothing"}, ("follow", "container", "nothing", 0)),
    ]:
        AuditEntry.objects.all().delete()
        assert client.get(address, query).status_code == 200
        assert notes() == [note], address
    row = AuditEntry.objects.get()
    assert (row.user, row.via, row.address) == ("teammate", "admin", "127.0.0.1")


def test_the_record_names_the_other_filters(browser, teammate, entries):
    browser(teammate).get(ENTRIES, {"query": "memory", "host": "docker02", "q": "out", "container": ""})
    browser(teammate).get(f"{ENTRIES}{entries[0].pk}/change/")
    found = AuditEntry.objects.filter(event_type="sensitive_read").order_by("id")
    assert [row.details["filters"] for row in found] == ["host=docker02, q=out", f"id={entries[0].pk}"]


def test_a_refused_query_is_no_read(browser, teammate, rows):
    for address in (*LISTS, FOLLOW, NEWS):
        assert browser(teammate).get(address, {"query": "(boom"}).status_code == 400
    assert notes() == []


def test_what_cannot_be_put_on_record_is_not_shown(browser, teammate, rows, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr("logsite.records.views.record", fail)
    client = browser(teammate)
    client.raise_request_exception = False
    entry, event = rows[ENTRIES][2], rows[EVENTS][0]
    for address in (*LISTS, FOLLOW, NEWS, f"{ENTRIES}{entry.pk}/change/", f"{EVENTS}{event.pk}/change/"):
        answer = client.get(address)
        assert answer.status_code == 500
        assert not re.search("out of memory|show version", answer.content.decode())


def test_a_session_read_without_a_response_is_on_record_once(browser, reader, events):
    client, event, session = browser(reader), events[1], events[1].session_id
    for address, query, note in [
        ("/admin/sessionlogs/session/", {}, ("list", "sessions", None, 2)),
        (EVENTS, {}, ("list", "session", "", 3)),
        (EVENTS, {"query": "version"}, ("list", "session", "version", 2)),
        (EVENTS, {"q": "version"}, ("list", "session", "", 2)),
        (f"{EVENTS}{event.pk}/change/", {}, ("entry", "session", "", 1)),
        (f"/admin/sessionlogs/session/{session}/change/", {}, ("session", "session", "", 2)),
        (f"/admin/sessionlogs/session/{session}/events/", {}, ("session", "session", "", 2)),
        ("/admin/sessionlogs/statistics/", {"since": "2026-05-01"}, ("statistics", "session", "", 9)),
    ]:
        AuditEntry.objects.all().delete()
        assert client.get(address, query).status_code == 200
        found = notes()
        assert [(each[:3], each[3] > 0) for each in found] == [(note[:3], True)], address
    assert ResponseView.objects.count() == 0


def test_where_responses_are_shown_or_searched_their_own_row_says_it(browser, teammate, events):
    """The row of the response views is the one on record: the source's own would say the same."""
    client, event, session = browser(teammate), events[1], events[1].session_id
    for address, query in [
        (f"{EVENTS}{event.pk}/change/", {}),
        (f"{EVENTS}{event.pk}/response/", {}),
        (f"/admin/sessionlogs/session/{session}/change/", {}),
        (EVENTS, {"q": "version", "query": "show"}),
    ]:
        ResponseView.objects.all().delete()
        assert client.get(address, query).status_code == 200
        assert ResponseView.objects.count() == 1, address
        assert [note for note in notes() if note[1] == "session"] == [], address
    assert ResponseView.objects.get().query == "version query=show"


# --- Rows of the view, and no others ----------------------------------------------------------------------------


def test_a_page_shows_the_rows_of_the_view_and_no_others(browser, owner, rows, monkeypatch):
    """As rights to single rows will be: a restriction of the view holds on every page."""
    rows_of = SourceView.rows

    def some(self, *arguments):
        found = rows_of(self, *arguments)
        mine = Q(device="sw02") if self.name == "session" else Q(container_name="db")
        return found.filter(mine)

    monkeypatch.setattr(SourceView, "rows", some)
    client = browser(owner)
    [_, hidden_event, seen_event], [hidden_entry, _, seen_entry] = rows[EVENTS], rows[ENTRIES]
    assert shown(client.get(EVENTS)) == shown(client.get(EVENTS, {"query": "show"})) == [seen_event.pk]
    assert shown(client.get(ENTRIES)) == shown(client.get(ENTRIES, {"q": "o"})) == [seen_entry.pk]
    assert [entry["message"] for entry in client.get(NEWS).json()["entries"]] == ["out of memory"]
    for address, status in [
        (f"{EVENTS}{hidden_event.pk}/change/", 302),
        (f"{EVENTS}{hidden_event.pk}/response/", 404),
        (f"{EVENTS}{hidden_event.pk}/diff/", 404),
        (f"{ENTRIES}{hidden_entry.pk}/change/", 302),
        (f"/admin/sessionlogs/session/{hidden_event.session_id}/events/", 200),
        (f"/admin/sessionlogs/session/{hidden_event.session_id}/change/", 200),
        ("/admin/sessionlogs/statistics/?since=2026-05-01&until=2026-05-03", 200),
    ]:
        answer = client.get(address)
        assert answer.status_code == status, address
        assert not re.search(f"{SECRET}|show version", answer.content.decode()), address


def test_the_page_of_a_session_asks_for_the_permission_to_see_events(browser, teammate, events):
    teammate.user_permissions.remove(Permission.objects.get(codename="view_sessionlog"))
    client, page = browser(teammate), f"/admin/sessionlogs/session/{events[0].session_id}/"
    assert client.get("/admin/sessionlogs/session/").status_code == 200
    for address in (f"{page}change/", f"{page}events/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "sessionlogs.view_sessionlog" in answer.content.decode()


def test_who_may_not_see_entries_sees_no_number_of_errors(browser, teammate, entries):
    ContainerLogEntryFactory(
        container=entries[0].container, level="ERROR", timestamp=to_nanoseconds(timezone.now())
    )
    client = browser(teammate)
    counts = []
    for _ in range(2):
        found = client.get("/admin/prodlogs/container/").context["cl"].result_list
        counts.append(sorted(((row.name, row.errors) for row in found), key=str))
        teammate.user_permissions.remove(Permission.objects.get(codename="view_containerlogentry"))
    assert counts == [[("db", 0), ("web-1", 1)], [("db", None), ("web-1", None)]]


# --- The help -----------------------------------------------------------------------------------------------------


def test_the_help_shows_each_example_of_the_documentation(browser, teammate, settings):
    document = (settings.BASE_DIR / "docs/query-language.md").read_text(encoding="utf-8")
    table = document.partition("## In short")[2].partition("## Words")[0]
    examples = [each.replace("\\|", "|") for each in re.findall(r"`([^`]+)`", table)]
    text = browser(teammate).get("/admin/query-language/").content.decode()
    shown_code = text.replace("&quot;", '"').replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
    assert len(examples) > 30
    assert [each for each in examples if f"<code>{each}</code>" not in shown_code] == []
