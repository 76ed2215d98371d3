"""GET /api/v2/logs/entries: pages over all sources, filters, and who sees what."""

from datetime import timedelta
from itertools import chain

import pytest
from django.utils import timezone
from knox.models import AuthToken

from logsite.audit.models import AuditEntry
from logsite.tables.deadlines import TooSlow
from sessionlogs.models import ResponseView
from tests.console.conftest import WORD
from tests.factories import ContainerLogEntryFactory, SessionLogFactory
from tests.records.toy_source import START

pytestmark = pytest.mark.django_db
PERMISSION = "sessionlogs.view_responses"


def ids(answer):
    return [entry["id"] for entry in answer["results"]]


def on_record(what):
    found = AuditEntry.objects.filter(what=what).order_by("id")
    return list(found.values_list("user", "target", "count", "details"))


@pytest.mark.parametrize("limit", [1, 3, 5, 14, 100])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_lead_on_to_the_end_and_back_to_the_start(busy, get, owner, limit, order):
    whole = busy if order == "newest" else busy[::-1]
    pages, url = [], "entries"
    answer = get(owner, "entries", limit=limit, order=order).json()
    pages.append(ids(answer))
    while url := answer["next"]:
        answer = get(owner, url).json()
        pages.append(ids(answer))
    back = [ids(answer)]
    while url := answer["previous"]:
        answer = get(owner, url).json()
        back.append(ids(answer))

    assert list(chain(*pages)) == whole
    assert back[::-1] == pages


def test_behind_the_newest_entry_a_page_leads_back_to_the_first_page(busy, get, owner):
    newest = f"{int((START + timedelta(seconds=9)).timestamp()) * 10**9}-{busy[0]}"

    empty = get(owner, "entries", limit=2, cursor=f"back-{newest}").json()

    assert (empty["results"], empty["previous"]) == ([], None)
    assert ids(get(owner, empty["next"]).json()) == busy[:2]


def test_an_entry_has_the_fields_of_every_interface(busy, get, owner):
    [entry] = get(owner, "entries", source="container", limit=1).json()["results"]

    assert entry["timestamp"] == "2026-05-01T12:00:05.000000000Z"
    assert (entry["level"], entry["message"], entry["labels"]["container"]) == (
        "WARNING",
        "GET /health",
        "web",
    )


@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({"level": "ERROR"}, {"toy": 5}),
        ({"level": "warning"}, {"toy": 5, "container": 2}),
        ({"level": ["WARNING", "INFO"]}, {"toy": 5, "container": 2, "session": 2}),
        ({"level": "SECURITY"}, {}),
        ({"level": "TRACE"}, {"toy": 10, "container": 2, "session": 2}),
        ({"source": ["session", "container"]}, {"session": 2, "container": 2}),
        ({"app": "billing"}, {}),
        ({"app": "billing", "query": "tick OR health"}, {}),
        ({"category": ["network", "device"]}, {}),
        ({"query": "room:a OR container:web"}, {"toy": 5, "container": 2}),
        ({"search_query": "health"}, {"container": 2}),
        ({"search": "health", "query": "health"}, {"container": 2}),
        ({"start_time": "2026-05-01T12:00:05Z"}, {"toy": 5, "container": 1, "session": 1}),
        ({"until": "2026-05-01T14:00:02+02:00"}, {"toy": 2}),
        ({"since": "2026-05-01T12:00:01", "end_time": "2026-05-01T12:00:03Z", "source": "toy"}, {"toy": 2}),
        ({"start_time": "2026-05-01T12:00:09Z", "since": "2026-05-01T14:00:09+02:00"}, {"toy": 1}),
        ({"start_time": "0001-01-01", "end_time": "9999-12-31"}, {"toy": 10, "container": 2, "session": 2}),
        ({"range": "1h"}, {}),
    ],
)  # fmt: skip
def test_parameters_narrow_the_entries_of_every_source(busy, get, owner, parameters, numbers):
    found = get(owner, "entries", **parameters).json()["results"]

    counted = dict.fromkeys(("toy", "container", "session", "app"), 0)
    for entry in found:
        counted[entry["source"]] += 1
    assert counted == {"toy": 0, "container": 0, "session": 0, "app": 0} | numbers


def test_a_field_that_a_source_has_narrows_that_source_and_empties_the_others(
    busy, get, owner, toy, monkeypatch
):
    fields = {**toy.fields, "app": toy.fields["room"]}
    monkeypatch.setattr(type(toy), "fields", fields)

    found = get(owner, "entries", app="a", level="ERROR").json()["results"]
    either = get(owner, "entries", app=["a", "b"], query="tick").json()["results"]

    assert {entry["labels"]["room"] for entry in found} == {"a"}
    assert (len(found), len(either)) == (5, 10)


def test_a_range_begins_where_it_began_when_pages_are_turned(get, owner):
    now = timezone.now()
    for minutes in (1, 2, 90):
        ContainerLogEntryFactory(timestamp=int((now - timedelta(minutes=minutes)).timestamp()) * 10**9)

    first = get(owner, "entries", range="1h", limit=1).json()
    second = get(owner, first["next"]).json()

    assert "range" not in first["next"]
    assert "start_time" in first["next"]
    assert (len(second["results"]), second["next"]) == (1, None)


def test_a_token_and_the_session_of_a_log_in_open_the_api(busy, get, api, browser, owner):
    _, token = AuthToken.objects.create(owner)
    answers = [
        api(None).get("/api/v2/logs/entries", headers={"authorization": f"Token {token}"}),
        browser(owner).get("/api/v2/logs/entries"),
        api(None).get("/api/v2/logs/entries"),
        api(None).get("/api/v2/logs/entries", headers={"authorization": "Token nonsense"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]


def test_each_actor_sees_the_sources_they_hold(busy, get, owner, colleague, porter):
    sources = [
        {entry["source"] for entry in get(user, "entries").json()["results"]}
        for user in (owner, colleague, porter)
    ]

    assert sources == [{"toy", "session", "container"}, {"toy", "session", "container"}, {"container"}]


@pytest.mark.parametrize("path", ["entries", "histogram", "facets", "patterns", "stats"])
def test_who_holds_no_source_is_denied(busy, get, outsider, path):
    denied = get(outsider, path)

    assert denied.status_code == 403
    assert "user outsider lacks the permission to see any source" in denied.json()["detail"]


def test_a_named_source_that_one_may_not_see_is_denied(busy, get, porter):
    denied = get(porter, "entries", source=["container", "session"])

    assert denied.status_code == 403
    assert "sessionlogs.view_sessionlog" in denied.json()["detail"]


def test_what_is_withheld_is_neither_shown_nor_found(busy, get, owner, colleague):
    assert get(owner, "entries", query=WORD).json()["withheld"] == 0
    assert len(get(owner, "entries", query=WORD).json()["results"]) == 2
    assert get(colleague, "entries", query=WORD).json()["results"] == []
    seen = get(colleague, "entries", source="session")
    assert WORD not in seen.content.decode()
    assert seen.json()["withheld"] == 2
    assert seen.json()["results"][0]["withheld"] == {
        "response": {"bytes": len(WORD), "permission": PERMISSION}
    }


@pytest.mark.parametrize("path", ["entries", "histogram", "facets", "patterns"])
def test_a_withheld_field_cannot_be_named_and_the_try_is_on_record(busy, get, colleague, path):
    denied = get(colleague, path, query=f"tick OR response:{WORD}")

    assert denied.status_code == 400
    error = denied.json()["error"]
    assert (error["field"], error["position"]) == ("query", 8)
    assert PERMISSION in error["reason"]
    assert AuditEntry.objects.get(event_type="authz_fail", what="query").target == "session"


def test_reading_is_on_record_with_query_and_filters_for_every_source_asked(busy, get, owner):
    get(owner, "entries", query="health", level="WARNING", limit=1)

    details = {"query": "health", "filters": "level=WARNING&limit=1"}
    assert on_record("list") == [
        ("owner", "app", 0, details),
        ("owner", "container", 1, details),
        ("owner", "session", 0, details),
        ("owner", "toy", 0, details),
    ]


def test_a_search_by_an_old_name_that_finds_nothing_is_on_record_as_a_query(busy, get, owner):
    get(owner, "entries", text="nothinglikethat", source="session")

    assert on_record("list") == [
        ("owner", "session", 0, {"query": "nothinglikethat", "filters": "source=session"})
    ]
    assert ResponseView.objects.get().query == "nothinglikethat"


@pytest.fixture
def late(monkeypatch):
    """Lets the sources of these names be too slow."""

    def let(*names):
        from logsite.records import SourceView

        for method in ("page", "counts", "facets"):
            original = getattr(SourceView, method)

            def slow(view, *arguments, original=original, **options):
                if view.name in names:
                    raise TooSlow(10)
                return original(view, *arguments, **options)

            monkeypatch.setattr(SourceView, method, slow)

    return let


@pytest.mark.parametrize("path", ["entries", "histogram", "facets", "patterns", "stats"])
def test_a_late_source_is_named_and_the_others_answer(busy, get, owner, late, path):
    late("session")

    found = get(owner, path)

    assert (found.status_code, found.json()["late_sources"]) == (200, ["session"])
    assert found.json().get("exact", False) is False


def test_behind_a_late_source_a_page_leads_on(busy, get, owner, late):
    late("session")

    assert get(owner, "entries").json()["next"] is not None


@pytest.mark.parametrize("path", ["entries", "histogram", "facets", "patterns", "stats"])
def test_where_every_source_is_late_the_answer_is_a_503_and_on_record(busy, get, owner, late, path):
    late("session", "container", "toy", "app")

    found = get(owner, path)

    assert found.status_code == 503
    assert set(found.json()["error"]) >= {"field", "reason"}
    assert AuditEntry.objects.filter(event_type="sensitive_read", count=0).count() == 4


# --- One entry, and what is around it -----------------------------------------------------------------------


def test_an_entry_is_found_by_its_source_and_number(busy, get, owner):
    source, number = busy[0].split("-")

    found = get(owner, f"entries/{source}/{number}").json()

    assert found["id"] == busy[0]
    assert on_record("entry") == [("owner", "toy", 1, {"query": "", "filters": f"id={number}"})]


def test_a_colleague_sees_the_entry_without_what_the_device_answered(busy, get, colleague, owner):
    event = SessionLogFactory._meta.model.objects.first()

    assert WORD in get(owner, f"entries/session/{event.id}").content.decode()
    for rest in ("", "/context"):
        assert WORD not in get(colleague, f"entries/session/{event.id}{rest}").content.decode()


@pytest.mark.parametrize("rest", ["", "/context"])
@pytest.mark.parametrize("path", ["session/999999", "nosuch/1", "session/-1", "session/1.0", "session/²"])
def test_no_entry_is_a_404(busy, get, owner, path, rest):
    assert get(owner, f"entries/{path}{rest}").status_code == 404


def test_an_entry_that_is_not_there_is_on_record(busy, get, owner):
    get(owner, "entries/session/999999")

    assert on_record("entry") == [("owner", "session", 0, {"query": "", "filters": "id=999999"})]


@pytest.mark.parametrize("rest", ["", "/context"])
def test_an_entry_of_a_source_that_one_may_not_see_is_denied(busy, get, porter, rest):
    assert get(porter, f"entries/session/1{rest}").status_code == 403


def test_the_context_is_of_the_same_stream_oldest_first(busy, get, owner, toy):
    [fourth] = get(owner, "entries", query='"tick 4"').json()["results"]
    number = fourth["id"].split("-")[1]

    found = get(owner, f"entries/toy/{number}/context", before=1, after=2).json()

    messages = [entry["message"] for entry in (*found["before"], found["entry"], *found["after"])]
    assert messages == ["tick 2", "tick 4", "tick 6", "tick 8"]
    assert (found["more_before"], found["more_after"]) == (True, False)
    details = {"query": "", "filters": f"id={number}&before=1&after=2"}
    assert on_record("context") == [("owner", "toy", 4, details)]
