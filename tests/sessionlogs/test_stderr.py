"""A host's standard error is an answer; a network device's refusal and our own errors are none."""

import pytest
from django.contrib.auth.models import Permission

from logsite.audit import Reader
from logsite.records import get_source
from logsite.records.query import Withheld
from sessionlogs.models import ErrorKind, EventType, ResponseView, Session
from sessionlogs.recording.recorder import SessionRecorder
from tests.factories import SessionLogFactory

pytestmark = pytest.mark.django_db
API, EVENTS = "/api/v2/session-logs/", "/admin/sessionlogs/sessionlog/"
STDERR, REFUSAL, OURS = "garply: permission denied", "% Invalid waldo", "no fred within 60 s"
LACKING = "sessionlogs.view_responses"


@pytest.fixture
def reader(teammate):
    """A teammate who may see sessions, but not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return teammate


@pytest.fixture
def events():
    """Two of a host, one that a network device refused, one without an end."""
    failed = {"event_type": EventType.COMMAND_FAILED}
    rows = {
        "warned": {"event_type": EventType.COMMAND_RESPONSE, "exit_code": 0, "error_message": STDERR},
        "failed": {**failed, "exit_code": 3, "error_message": STDERR},
        "refused": {**failed, "response": f"^\n{REFUSAL}", "error_message": REFUSAL},
        "endless": {**failed, "error_message": OURS},
    }
    return {name: SessionLogFactory(command=name, **row) for name, row in rows.items()}


def view_of(user):
    return get_source("session").view(Reader(user, "192.0.2.7", "api"))


def found(user, query):
    return {record.texts["command"] for record in view_of(user).page(query, limit=10)}


def test_words_are_looked_for_in_standard_error_with_the_permission_only(events, owner, reader):
    table = {
        "garply": {"warned", "failed"},
        "gar*": {"warned", "failed"},
        '"permission denied"': {"warned", "failed"},
        "NOT garply": {"refused", "endless"},
        "waldo": {"refused"},
        "error_message:fred": {"endless"},
        "error_message:garply": set(),
        "NOT error_message:*": {"warned", "failed"},
    }
    without = {
        **table,
        "garply": set(),
        "gar*": set(),
        '"permission denied"': set(),
        "NOT garply": set(events),
    }

    assert {query: found(owner, query) for query in table} == table
    assert {query: found(reader, query) for query in table} == without


def test_the_field_is_named_with_the_permission_only(events, owner, reader):
    assert found(owner, "stderr:garply") == found(owner, "stderr:*") == {"warned", "failed"}
    for query in ("stderr:garply", "NOT stderr:*", "stderr:gar*"):
        with pytest.raises(Withheld, match=LACKING):
            found(reader, query)


def test_a_record_says_how_much_is_withheld_and_by_which_permission(events, owner, reader):
    whole, cut = (view_of(user).get(events["failed"].pk) for user in (owner, reader))

    assert (whole.parts.stderr, whole.texts["stderr"], whole.withheld) == (STDERR, STDERR, {})
    assert "garply" not in repr(cut)
    assert cut.message == "STEP: 1 | COMMAND: failed | EXIT_CODE: 3 | STDOUT:"
    assert cut.withheld == {"stderr": (len(STDERR), LACKING)}


def test_a_refusal_of_a_network_device_stays_in_the_record(events, reader):
    record = view_of(reader).get(events["refused"].pk)

    assert record.message == f"STEP: 1 | COMMAND: refused | EXIT_CODE: 1 | STDERR: {REFUSAL}"


def test_the_api_withholds_it_as_it_withholds_a_response(events, api, owner, reader):
    def shown(user):
        answer = api(user).get(API).json()["results"]
        return {row["command"]: (row["error_message"], row["error_message_withheld"]) for row in answer}

    plain = {"refused": (REFUSAL, False), "endless": (OURS, False)}
    assert shown(owner) == plain | dict.fromkeys(("warned", "failed"), (STDERR, False))
    assert shown(reader) == plain | dict.fromkeys(("warned", "failed"), ("", True))


def test_the_old_search_does_not_look_into_it_without_the_permission(events, api, owner, reader):
    numbers = [
        len(api(user).get(API, {"search": text}).json()["results"])
        for text in ("arpl", "wald")
        for user in (owner, reader)
    ]
    assert numbers == [2, 0, 1, 1]


@pytest.mark.parametrize("page", ["session", "event"])
def test_pages_say_that_it_is_left_out(page, events, browser, owner, reader):
    event = events["failed"]
    url = {
        "session": f"/admin/sessionlogs/session/{event.session_id}/change/",
        "event": f"{EVENTS}{event.pk}/change/",
    }[page]
    whole, cut = (browser(user).get(url).content.decode() for user in (owner, reader))

    assert STDERR in whole
    assert "garply" not in cut
    assert "withheld: you lack the permission" in cut


def test_the_list_shows_it_to_nobody_and_names_the_exit_code(events, browser, owner):
    page = browser(owner).get(EVENTS).content.decode()

    assert "garply" not in page
    assert "exit code 3" in page
    assert REFUSAL in page


def test_seeing_it_is_on_record(events, api, browser, owner):
    event = events["warned"]
    for client, url in (
        (browser(owner), f"/admin/sessionlogs/session/{event.session_id}/change/"),
        (browser(owner), f"{EVENTS}{event.pk}/change/"),
        (api(owner), f"{API}{event.pk}/"),
    ):
        assert client.get(url).status_code == 200
    record = view_of(owner).get(event.pk)
    view_of(owner).note("export", "", 1, [record])

    assert list(ResponseView.objects.order_by("id").values_list("what", "count")) == [
        ("session", 1),
        ("event", 1),
        ("event", 1),
        ("list", 1),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_session_that_a_host_s_command_failed_names_the_exit_code_alone():
    recorder = SessionRecorder("web01")
    recorder.command_sent("cat notes")
    recorder.command_executed("cat notes", "", STDERR, 3, ErrorKind.DEVICE, 1000)
    recorder.finish(failed=True)
    recorder.event(EventType.DISCONNECTION)
    recorder.close()

    session = Session.objects.get()
    assert (session.error_kind, session.error_message) == ("device", "exit code 3")
    assert session.events.get(event_type=EventType.COMMAND_FAILED).error_message == STDERR
