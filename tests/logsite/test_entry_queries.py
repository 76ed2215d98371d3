"""`?query=` of the API's lists of entries: what is found, what is refused, what nobody learns, what is on record."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError

from logsite.api import entries as entry_lists
from logsite.api import pagination
from logsite.audit.models import AuditEntry
from logsite.records import to_nanoseconds
from logsite.tables.deadlines import TooSlow
from prodlogs.api import reports
from prodlogs.models import ContainerLogEntry
from sessionlogs.models import EventType, ResponseView, SessionLog
from tests.factories import ContainerFactory, ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records_query.random_queries import hostile

pytestmark = pytest.mark.django_db
EVENTS, LOGS, ERRORS = "/api/v2/session-logs/", "/api/v2/prodlogs/logs/", "/api/v2/prodlogs/errors/"
SUMMARY = "/api/v2/prodlogs/error-summary/"
LISTS = (EVENTS, LOGS, ERRORS)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECRET = "FTX1840ABCD"


@pytest.fixture
def teammate(teammate):
    """A teammate who may see sessions, but not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return teammate


@pytest.fixture
def stored(db):
    """Three events, of which the second has a response, and three entries of containers, a second apart."""
    session = SessionFactory(device="rtr01", user="netops")
    plain = {"session": session, "step": 1, "command": "show inventory"}
    SessionLogFactory(**plain, event_type=EventType.COMMAND_SENT)
    SessionLogFactory(**plain, event_type=EventType.COMMAND_RESPONSE, response=f"serial number {SECRET}")
    SessionLogFactory(
        session=SessionFactory(device="rtr02", user="netops"),
        event_type=EventType.CONNECTION_FAILED,
        step=None,
        command="",
        error_message="connection refused",
    )
    for second, (name, level, message) in enumerate(
        [("web", "ERROR", "request timeout"), ("web", "INFO", "GET /health"), ("db", "CRITICAL", "disk full")]
    ):
        ContainerLogEntryFactory(
            container=ContainerFactory(name=name, host__name=f"docker-{name}-{second}"),
            level=level,
            message=message,
            timestamp=to_nanoseconds(NOON) + second * 10**9,
        )
    return session


def shown(client, address, **query):
    """The types of the events, or the messages of the entries, of a list; None where it is no list."""
    answer = client.get(address, query)
    if answer.status_code != 200:
        return answer.status_code, answer.json()
    key = "event_type" if address == EVENTS else "message"
    return sorted(row[key] for row in answer.json()["results"])


def audited():
    """The readings of sources that are on record."""
    rows = AuditEntry.objects.filter(event_type="sensitive_read").order_by("id")
    return [
        (
            row.user,
            row.via,
            row.what,
            row.target,
            row.count,
            row.details.get("query", ""),
            row.details.get("filters", ""),
        )
        for row in rows
    ]


# --- What is found -----------------------------------------------------------------------------------------


FOUND = [
    (EVENTS, {"query": "inventory"}, ["command_response", "command_sent"]),
    (EVENTS, {"query": SECRET.lower()}, ["command_response"]),
    (EVENTS, {"query": f"response:*{SECRET[3:7]}*"}, ["command_response"]),
    (EVENTS, {"query": "level:ERROR"}, ["connection_failed"]),
    (EVENTS, {"query": "inventory NOT event:command_sent"}, ["command_response"]),
    (EVENTS, {"query": "inventory", "event_type": "command_sent"}, ["command_sent"]),
    (EVENTS, {"query": "inventory", "search": "serial"}, ["command_response"]),
    (EVENTS, {"query": "inventory", "device": "rtr02"}, []),
    (EVENTS, {"query": ""}, ["command_response", "command_sent", "connection_failed"]),
    (LOGS, {"query": "level:>=ERROR"}, ["disk full", "request timeout"]),
    (LOGS, {"query": "container:web time*"}, ["request timeout"]),
    (LOGS, {"query": "container:web", "level": "INFO"}, ["GET /health"]),
    (LOGS, {"query": "container:web", "text": "TIME"}, ["request timeout"]),
    (LOGS, {"query": "container:web", "start_time": "2026-05-01T12:00:01Z"}, ["GET /health"]),
    (LOGS, {"query": "container:web", "host": "docker-db-2"}, []),
    (ERRORS, {"query": "container:web"}, ["request timeout"]),
    (ERRORS, {"query": "level:INFO"}, []),
]


def test_a_query_narrows_the_list_together_with_the_other_filters(api, owner, stored):
    client = api(owner)
    found = [(address, query, shown(client, address, **query)) for address, query, _ in FOUND]

    assert found == FOUND


def test_a_page_keeps_the_query(api, owner, stored):
    first = api(owner).get(LOGS, {"query": "level:>=ERROR", "limit": 1}).json()
    second = api(owner).get(first["next"]).json()

    assert [row["message"] for row in first["results"] + second["results"]] == [
        "disk full",
        "request timeout",
    ]
    assert second["next"] is None


def test_the_error_summary_takes_a_query(api, owner):
    container = ContainerFactory(name="web", host__enabled=True)
    now = to_nanoseconds(datetime.now(UTC))
    for number, message in enumerate(("request timeout", "disk full")):
        ContainerLogEntryFactory(
            container=container, level="ERROR", message=message, timestamp=now, sequence=number
        )
    answer = api(owner).get(SUMMARY, {"query": "timeout"}).json()

    assert answer["total_error_entries"] == 1
    assert [each["message"] for each in answer["error_breakdown"]["web"]["recent_errors"]] == [
        "request timeout"
    ]


# --- What is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [*LISTS, SUMMARY])
def test_a_query_that_cannot_be_read_is_answered_with_position_reason_and_hint(address, api, owner, stored):
    answer = api(owner).get(address, {"query": "level:ERROR (boom"})

    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "field": "query",
            "position": 12,
            "reason": "this bracket is not closed",
            "hint": "to search for the text itself, put it in quotes, or close it",
        }
    }


REFUSED = [
    ("  (boom", 2),  # the position counts the spaces
    ('"boom', 0),
    ("AND boom", 0),
    ("boom\0", 4),
    ("level:loud", 6),
    ("nosuchfield:1", 0),
    ("timestamp:yesterday", 10),
    ("x" * 10_001, 10_000),
]


def test_what_is_refused_shows_no_rows_and_says_where(api, owner, stored):
    client = api(owner)
    answers = {
        (address, query): client.get(address, {"query": query}) for address in LISTS for query, _ in REFUSED
    }
    found = {
        key: (answer.status_code, [*answer.json()], answer.json().get("error", {}).get("position"))
        for key, answer in answers.items()
    }

    assert found == {(address, query): (400, ["error"], at) for address in LISTS for query, at in REFUSED}


def test_two_queries_are_refused_rather_than_one_of_them_dropped(api, owner, stored):
    answer = api(owner).get(f"{LOGS}?query=container:db&query=container:web")

    assert (answer.status_code, answer.json()["error"]["reason"]) == (
        400,
        "the parameter query is given more than once",
    )


@pytest.mark.parametrize("address", LISTS)
def test_a_hostile_query_is_answered_or_refused_and_never_widens_the_list(address, api, teammate, stored):
    client, wrong = api(teammate), []
    everything = shown(client, address)
    for query in hostile(150, seed=7):
        answer = client.get(f"{address}?{urlencode({'query': query}, errors='surrogatepass')}")
        body = answer.json()
        if answer.status_code == 400 and set(body) == {"error"} and body["error"]["reason"]:
            continue
        if answer.status_code != 200 or len(body["results"]) > len(everything) or SECRET in str(body):
            wrong.append((query, answer.status_code, body))

    assert wrong == []


def test_a_query_that_takes_too_long_is_a_503_and_no_hang(api, owner, stored, monkeypatch):
    many = [SessionLog(**row) for row in _many_events(stored)]
    SessionLog.objects.bulk_create(many)
    monkeypatch.setattr(pagination, "PAGE_SECONDS", 0.001)
    slow = " OR ".join(f"*{word}*" for word in range(100_000, 100_300))
    answer = api(owner).get(EVENTS, {"query": slow})

    assert answer.status_code == 503
    assert answer.json() == {
        "error": {
            "field": "query",
            "reason": "reading took longer than 0.001 s",
            "hint": "narrow the time range",
        }
    }
    [view] = ResponseView.objects.all()
    assert (view.what, view.count, view.query) == ("search", 0, f"query={slow}")
    monkeypatch.undo()
    assert shown(api(owner), EVENTS, query="level:ERROR") == ["connection_failed"]


def _many_events(session):
    columns = {"session": session, "device": "rtr01", "event_type": EventType.COMMAND_SENT, "timestamp": NOON}
    return [{**columns, "command": f"show {number} " * 40} for number in range(500)]


def test_a_filter_that_looks_for_too_long_is_a_503_on_record(api, owner, teammate, stored, monkeypatch):
    SessionLog.objects.bulk_create([SessionLog(**row) for row in _many_events(stored)])
    monkeypatch.setattr(entry_lists, "FILTER_SECONDS", 0.001)
    answer = api(owner).get(EVENTS, {"search": "show " * 150})

    assert (answer.status_code, answer.json()["error"]["hint"]) == (503, "narrow the time range")
    assert ResponseView.objects.get().query.startswith("search=show")
    assert api(teammate).get(EVENTS, {"search": "show " * 150, "query": "level:INFO"}).status_code == 503
    assert [(*row[:6], row[6][:11]) for row in audited() if row[2] != "responses"] == [
        ("teammate", "api", "list", "session", 0, "level:INFO", "search=show")
    ]


def test_an_error_summary_that_takes_too_long_is_on_record(api, teammate, stored, monkeypatch):
    def slow(*_, **__):
        raise TooSlow(10.0)

    monkeypatch.setattr(reports, "error_summary", slow)
    assert api(teammate).get(SUMMARY, {"query": "timeout"}).status_code == 503
    assert audited() == [("teammate", "api", "error summary", "container", 0, "timeout", "")]


# --- What nobody learns ------------------------------------------------------------------------------------


def asking_for(word):
    """Ways to ask whether a response has `word` in it."""
    return [
        word,
        f'"number {word}"',
        f"{word[:4]}*",
        f"*{word[2:6]}*",
        f"NOT {word}",
        f"inventory -{word}",
        f"inventory AND NOT {word[:5]}*",
        f"{word} OR event:command_sent",
        f"(inventory OR {word}) NOT ({word} AND inventory)",
        f"response:{word}",
        f"response:*{word[1:5]}*",
        f"NOT response:{word}",
        f"event:command_sent OR response:{word}",
        f"error_message:{word}",
        f"message:{word}",
        f"response.x:{word}",
        f"RESPONSE:{word}",
    ]


def test_without_the_permission_no_query_tells_whether_a_response_has_a_word(api, teammate, stored):
    """Neither rows nor their number nor a refusal differ between a word that is there and one that is not."""
    client, there, absent = api(teammate), asking_for(SECRET), asking_for("XQZ0000QQQQ")
    answers = [[shown(client, EVENTS, query=query) for query in queries] for queries in (there, absent)]

    assert [str(answer).replace(SECRET, "WORD") for answer in answers[0]] == [
        str(answer).replace("XQZ0000QQQQ", "WORD") for answer in answers[1]
    ]
    assert SECRET not in client.get(EVENTS, {"query": "inventory"}).content.decode()


@pytest.mark.parametrize("query", ["response:x", "NOT response:x", "response:*", "inventory AND response:>x"])
def test_a_withheld_field_that_is_named_is_refused_with_the_permission(query, api, owner, teammate, stored):
    answer = api(teammate).get(EVENTS, {"query": query})

    assert answer.status_code == 400
    assert answer.json()["error"]["reason"] == (
        "response is withheld: you lack the permission sessionlogs.view_responses"
    )
    assert answer.json()["error"]["position"] == query.index("response")
    denied = AuditEntry.objects.filter(what="query")
    assert list(denied.values_list("event_type", "severity", "user", "via", "what", "target", "details")) == [
        ("authz_fail", "WARNING", "teammate", "api", "query", "session", {"query": query})
    ]


def test_an_outsider_learns_nothing_of_the_query_either(api, outsider, stored):
    for query in ("inventory", "(boom", "response:x"):
        answers = [api(outsider).get(address, {"query": query}) for address in (*LISTS, SUMMARY)]
        assert [answer.status_code for answer in answers] == [403] * 4
        assert [api(None).get(address, {"query": query}).status_code for address in LISTS] == [401] * 3


def test_the_events_of_a_session_need_the_permission_to_see_events(api, teammate, stored):
    address = f"/api/v2/sessions/{stored.pk}/"
    assert api(teammate).get(address).status_code == 200
    teammate.user_permissions.remove(Permission.objects.get(codename="view_sessionlog"))

    answer = api(type(teammate).objects.get(pk=teammate.pk)).get(address)
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "user teammate lacks the permission sessionlogs.view_sessionlog",
    )


# --- What is on record -------------------------------------------------------------------------------------


def test_each_reading_of_entries_is_on_record_also_of_none(api, teammate, stored):
    client, entry = api(teammate), ContainerLogEntry.objects.order_by("id").first()
    client.get(LOGS, {"query": "container:web", "limit": 1})
    client.get(ERRORS, {"query": "nothing"})
    client.get(f"{LOGS}{entry.pk}/")
    client.get(f"{LOGS}987654321/")
    client.get(SUMMARY, {"query": "nothing"})

    assert audited() == [
        ("teammate", "api", "list", "container", 1, "container:web", "limit=1"),
        ("teammate", "api", "list", "container", 0, "nothing", ""),
        ("teammate", "api", "entry", "container", 1, "", f"id={entry.pk}"),
        ("teammate", "api", "entry", "container", 0, "", "id=987654321"),
        ("teammate", "api", "error summary", "container", 0, "nothing", ""),
    ]


def test_sessions_and_statistics_are_on_record(api, teammate, stored):
    client, day = api(teammate), {"start_time": "2026-05-01T00:00:00Z", "end_time": "2026-05-02T00:00:00Z"}
    client.get("/api/v2/sessions/", {"device": "rtr01"})
    client.get("/api/v2/sessions/", {"device": "nowhere"})
    tables = client.get("/api/v2/sessions/statistics/", day).json()

    number = sum(len(rows) for rows in tables.values() if isinstance(rows, list))
    assert audited() == [
        ("teammate", "api", "list", "sessions", 1, "", "device=rtr01"),
        ("teammate", "api", "list", "sessions", 0, "", "device=nowhere"),
        ("teammate", "api", "statistics", "session", number, "", urlencode(day)),
    ]


@pytest.mark.parametrize(
    "parameter",
    ["query=response:serial*", "query=", "start_time=2026-01-01T00:00:00Z", "search=x", "limit=1"],
)
def test_a_single_entry_takes_no_query_and_no_filter(parameter, api, owner, stored):
    client, event = api(owner), SessionLog.objects.exclude(response="").get()
    entry = ContainerLogEntry.objects.first()
    addresses = (f"{EVENTS}{event.pk}/", f"{LOGS}{entry.pk}/", f"/api/v2/sessions/{stored.pk}/")
    answers = [client.get(f"{address}?{parameter}") for address in addresses]

    name = parameter.partition("=")[0]
    assert [(answer.status_code, [*answer.json()]) for answer in answers] == [(400, [name])] * 3
    assert (audited(), ResponseView.objects.count()) == ([], 0)
    assert [client.get(f"{address}?format=json").status_code for address in addresses] == [200] * 3


def test_no_padding_hides_what_was_searched_for(api, owner, stored):
    """A query is on record whole, before the filters; of a filter that is cut the record says so."""
    query = f"inventory {'(show) ' * 400}".ljust(9000, " ") + " response:serial*"
    api(owner).get(EVENTS, {"device": "x" * 50_000, "search": "FTX1841", "query": query})

    [view] = ResponseView.objects.all()
    assert view.query.startswith(f"query={query}&search=FTX1841&device=xxx")
    assert view.query.endswith(" more characters)")
    assert AuditEntry.objects.get(what="responses").details["query"].startswith(view.query[:39_000])


def test_events_without_a_response_are_on_record_in_the_audit(api, teammate, stored):
    client, event = api(teammate), SessionLog.objects.order_by("id").first()
    client.get(EVENTS, {"query": "inventory"})
    client.get(f"{EVENTS}{event.pk}/")
    client.get(f"{EVENTS}987654321/")
    client.get(f"/api/v2/sessions/{stored.pk}/")

    assert audited() == [
        ("teammate", "api", "list", "session", 2, "inventory", ""),
        ("teammate", "api", "entry", "session", 1, "", f"id={event.pk}"),
        ("teammate", "api", "entry", "session", 0, "", "id=987654321"),
        ("teammate", "api", "session", "session", 2, "", f"session_id={stored.pk}"),
    ]
    assert not ResponseView.objects.exists()


def test_a_list_without_a_response_leaves_no_response_view_for_who_may_see_them(api, owner, stored):
    api(owner).get(EVENTS, {"event_type": "command_sent"})

    assert audited() == [("owner", "api", "list", "session", 1, "", "event_type=command_sent")]
    assert not ResponseView.objects.exists()


def test_responses_that_are_shown_or_searched_are_on_record_once(api, owner, stored):
    client = api(owner)
    client.get(EVENTS, {"device": "rtr01"})
    client.get(EVENTS, {"query": "nothing"})
    client.get(f"/api/v2/sessions/{stored.pk}/")
    event = SessionLog.objects.exclude(response="").get()
    client.get(f"{EVENTS}{event.pk}/")

    views = ResponseView.objects.order_by("id").values_list("via", "what", "count", "query")
    assert list(views) == [
        ("api", "list", 1, "device=rtr01"),
        ("api", "search", 0, "query=nothing"),
        ("api", "session", 1, ""),
        ("api", "event", 1, ""),
    ]
    assert [row for row in audited() if row[2] != "responses"] == []


@pytest.mark.parametrize("address", [LOGS, ERRORS, SUMMARY, EVENTS])
def test_what_cannot_be_put_on_record_is_not_shown(address, api, teammate, stored, monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    monkeypatch.setattr(AuditEntry, "save", fail)
    client = api(teammate)
    client.raise_request_exception = False
    answer = client.get(address)

    assert answer.status_code in (500, 503)
    assert b"timeout" not in answer.content
    assert b"inventory" not in answer.content
