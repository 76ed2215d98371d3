"""Owner, colleague (without view_responses) and outsider: no word that is withheld comes out by any way of a view."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logsite.audit.models import AuditEntry
from logsite.records import EVER, Cursor, entry_of, get_source
from logsite.records.query import QueryError, Withheld
from logsite.records.search import Search, context, views_of
from logsite.records.views import PermissionMissing
from sessionlogs.models import EventType, ResponseView
from tests.factories import SessionFactory, SessionLogFactory
from tests.records.conftest import reader
from tests.records.toy_source import ticks

pytestmark = pytest.mark.django_db
WORD = "grault"  # only what the device answered has it
ASKED = [  # queries that the word would answer, if a reader could search for it
    WORD,
    f'"a {WORD} in"',
    "gra*",
    "*rault*",
    f"NOT NOT {WORD}",
    f"command:show AND {WORD}",
    f"({WORD} OR nothinglikethat)",
]
NAMED = [  # queries that name the field
    f"response:{WORD}",
    f"NOT response:{WORD}",
    "response:*",
    "NOT response:*",
    "response:gra*",
    f'device:fw01.example.com OR response:"{WORD}"',
    "response:>a",
    "response:[a TO z]",
    "response:nothinglikethat",
]


@pytest.fixture
def answered():
    """A command with its answer, and one that failed with a text of its own."""
    session = SessionFactory()
    return [
        SessionLogFactory(
            session=session,
            event_type=EventType.COMMAND_RESPONSE,
            command="show vlan",
            response=f"a {WORD} in VLAN 7, größer",
            timestamp=session.started_at,
        ),
        SessionLogFactory(session=session, event_type=EventType.COMMAND_SENT, command="show clock", step=2),
    ]


def session_view(user):
    return get_source("session").view(reader(user))


@pytest.mark.parametrize("query", ASKED)
def test_the_owner_finds_what_the_colleague_does_not(answered, owner, colleague, query):
    for user, number in ((owner, 1), (colleague, 0)):
        search = Search(views_of(reader(user)), query)
        counted = [n for bucket in search.histogram(60).buckets for n in bucket.counts.values()]
        facets = search.facets(["device", "event"]).values

        assert len(search.page().records) == number
        assert sum(counted) == number
        assert [len(values) for values in facets.values()] == [number, number]


@pytest.mark.parametrize("query", NAMED)
def test_the_colleague_cannot_name_the_field_whether_the_word_is_there_or_not(answered, colleague, query):
    for text in (query, query.replace(WORD, "absent")):
        with pytest.raises(Withheld, match=r"you lack the permission sessionlogs\.view_responses") as error:
            Search(views_of(reader(colleague)), text)

        assert WORD not in str(error.value)


@pytest.mark.parametrize("query", [*ASKED, "show", "device:fw01.example.com", ""])
def test_no_statement_of_the_colleague_compares_the_response(answered, colleague, query):
    with CaptureQueriesContext(
        connection,
    ) as statements:
        search = Search(views_of(reader(colleague)), query)
        search.page()
        search.histogram(60)
        search.facets(["device"])

    for statement in statements.captured_queries:
        where = statement["sql"].partition("WHERE")[2]
        assert '"response"' not in where


def test_the_colleague_gets_the_record_with_its_size_and_the_permission_named(answered, colleague):
    page = Search(views_of(reader(colleague))).page()

    shown = json.dumps([entry_of(record) for record in page.records], ensure_ascii=False)
    [command] = [record for record in page.records if record.id == answered[0].id]

    assert WORD not in shown
    assert "VLAN" not in shown
    assert page.withheld == 1
    size = len(answered[0].response.encode())
    assert entry_of(command)["withheld"] == {
        "response": {"bytes": size, "permission": "sessionlogs.view_responses"}
    }
    assert command.message == "STEP: 1 | COMMAND: show vlan | EXIT_CODE: 0 | STDERR:"


def test_no_other_way_of_the_view_gives_the_word(answered, colleague):
    view = session_view(colleague)
    around = context(view, answered[1].id)
    shown = [
        *around.before,
        *around.after,
        *(record for _, record in view.committed_after(Cursor(), 10)),
        view.get(answered[0].id),
    ]

    assert all(WORD not in repr(record) for record in shown)
    assert "response" not in [suggestion.name for suggestion in view.suggestions()]


@pytest.mark.django_db(transaction=True)
def test_a_live_filter_says_no_more_than_a_search(answered, owner, colleague):
    [(_, whole), _] = session_view(owner).committed_after(Cursor(), 2)
    [(_, cut), _] = session_view(colleague).committed_after(Cursor(), 2)

    assert session_view(owner).matches(WORD)(whole)
    assert not session_view(colleague).matches(WORD)(cut)
    assert not session_view(colleague).matches(WORD)(whole)
    assert session_view(colleague).matches("vlan")(cut)


@pytest.mark.parametrize("name", ["response", "secret"])
def test_a_protected_field_is_neither_counted_nor_listed(answered, toy, colleague, name):
    ticks()
    search = Search(views_of(reader(colleague)))
    [view] = [view for view in search.views if name in view.fields]

    with pytest.raises(Withheld):
        search.facets(["source", name])
    with pytest.raises(Withheld):
        view.values(name)
    denied = AuditEntry.objects.filter(event_type="authz_fail", what="query")
    assert (
        list(denied.values_list("user", "target", "details"))
        == [(colleague.username, view.name, {"query": name})] * 2
    )


def test_a_source_without_code_of_its_own_withholds_an_attribute(toy, owner, colleague):
    rows = ticks()

    whole, cut = (toy.view(reader(user)).get(rows[0].id) for user in (owner, colleague))

    assert (whole.attributes, whole.withheld) == ({"secret": "s3same"}, {})
    assert (cut.attributes, cut.withheld) == ({}, {"secret": (6, "sessionlogs.view_responses")})
    assert toy.view(reader(colleague)).page("s3same", limit=10) == []


def test_a_text_of_the_response_has_no_facet_for_anybody(answered, owner):
    with pytest.raises(QueryError, match="response is a text"):
        Search(views_of(reader(owner))).facets(["response"])


def test_the_outsider_gets_no_view(answered, outsider):
    for name in ("session", "container"):
        with pytest.raises(PermissionMissing, match="user outsider lacks the permission"):
            get_source(name).view(reader(outsider))


def test_a_search_is_on_record_even_if_it_found_nothing(answered, owner):
    search = Search(views_of(reader(owner)), "nothinglikethat")

    search.note("search", search.page().records)

    noted = (
        AuditEntry.objects.filter(event_type="sensitive_read")
        .order_by("target")
        .values_list("target", "what", "user", "count", "details")
    )
    assert list(noted) == [
        (name, "search", "owner", 0, {"query": "nothinglikethat"}) for name in ("app", "container", "session")
    ]
    assert ResponseView.objects.get().query == "nothinglikethat"


def test_a_search_that_names_a_withheld_field_is_on_record(answered, colleague):
    with pytest.raises(Withheld):
        Search(views_of(reader(colleague)), f"response:{WORD}")

    denied = AuditEntry.objects.get(event_type="authz_fail")
    assert (denied.what, denied.target, denied.details["query"]) == ("query", "session", f"response:{WORD}")


def test_a_note_says_what_the_reader_could_not_search(answered, colleague):
    session_view(colleague).note("search", "vlan", 1)

    assert AuditEntry.objects.get(event_type="sensitive_read").details == {
        "query": "vlan",
        "withheld": ["response", "stderr"],
    }
    assert not ResponseView.objects.exists()


def test_what_was_shown_in_records_is_a_response_view(answered, owner):
    view = session_view(owner)
    records = view.page(window=EVER, limit=10)

    view.note("export", "", len(records), records)

    assert ResponseView.objects.get().count == 1
