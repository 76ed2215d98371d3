"""What a device answered comes out at no address and on no other room's page without `sessionlogs.view_responses`.

A word is in all that a device says: its output, a host's standard error, the error of the session that it ended, a
stored response and the line of a refused entry.
"""

import pytest
from django.contrib.auth.models import Permission, User

from devices.models import Response
from logsite.api import pages
from logsite.audit import Reader
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog
from sessionlogs.recording.recorder import SessionRecorder
from shipping.models import Destination, RejectedEntry
from tests.test_actors import OURS, Asking, addresses, filled, ids  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db(transaction=True)
WORD, BEGINNING = (
    "xyzzyplugh",
    "xyzzyplu",
)  # an answer may repeat what was asked for: that is the beginning alone
SHOWN = (*OURS, "admin/shipping/", "api/v2/shipping", "metrics")
SEARCHES = [
    f"/admin/sessionlogs/sessionlog/?query={BEGINNING}*",
    f"/admin/sessionlogs/sessionlog/?q={BEGINNING}",
    f"/admin/sessionlogs/session/?q={BEGINNING}",
    f"/api/v2/session-logs/?query={BEGINNING}*",
    f"/api/v2/session-logs/?search={BEGINNING}",
    "/admin/shipping/rejectedentry/?reason=old",
    "/api/v2/shipping/rejected/?reason=old",
    "/api/monitoring/logs?source=session",
    "/admin/",
    f"/api/v2/logs/entries?query={BEGINNING}*",
    f"/api/v2/logs/patterns?query={BEGINNING}*",
    f"/api/v2/logs/facets?query={BEGINNING}*",
]
OWNERS = {  # where the owner reads it
    "admin/sessionlogs/session/{id}/change/",
    "admin/sessionlogs/session/{id}/events/",
    "admin/sessionlogs/sessionlog/{id}/change/",
    "admin/sessionlogs/sessionlog/{id}/response/",
    "admin/devices/response/{id}/change/",
    "admin/shipping/rejectedentry/{id}/change/",
    "api/v2/sessions/{id}/",
    "api/v2/session-logs/",
    "api/v2/session-logs/{id}/",
    "api/v2/device-responses/{id}/",
    "api/v2/shipping/rejected/",
    "/api/monitoring/logs?source=session",
    "api/v2/logs/entries",
    "api/v2/logs/entries/{id}/{id}",
    "api/v2/logs/entries/{id}/{id}/context",
    "api/v2/logs/patterns",
    f"/api/v2/logs/entries?query={BEGINNING}*",
    f"/api/v2/logs/patterns?query={BEGINNING}*",
    f"/api/v2/session-logs/?query={BEGINNING}*",
    f"/api/v2/session-logs/?search={BEGINNING}",
}


@pytest.fixture
def colleague(teammate):
    """Sees everything, but not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return User.objects.get(pk=teammate.pk)


@pytest.fixture
def spoken(ids):  # noqa: F811
    """The ids, with the word in all that devices have said."""
    event = {"response": WORD, "error_message": f"cat: {WORD}", "exit_code": 3}
    SessionLog.objects.update(**event, event_type=EventType.COMMAND_FAILED, error_kind=ErrorKind.DEVICE)
    Response.objects.update(raw=WORD)
    recorder = SessionRecorder("web01")
    recorder.command_sent("cat notes")
    recorder.command_executed("cat notes", WORD, f"cat: {WORD}", 3, ErrorKind.DEVICE, 1000)
    recorder.finish(failed=True)
    recorder.event(EventType.DISCONNECTION)
    recorder.close()
    destination = Destination.objects.create(name="loki", url="http://127.0.0.1:3100")
    refused = RejectedEntry.objects.create(
        destination=destination,
        source="session",
        row_id=1,
        timestamp=recorder.session.started_at,
        reason="too old",
        line=f"STEP: 1 | COMMAND: cat notes | EXIT_CODE: 3 | STDOUT: {WORD}",
    )
    return {
        **ids,
        "shipping/destination/": destination.pk,
        "shipping/rejectedentry/": refused.pk,
    }


def answers(actor, found):
    """Of each address what it answers."""
    routes = [route for route in addresses() if route.startswith(SHOWN)]
    asked = {route: filled(route, found) for route in routes} | {url: url for url in SEARCHES}
    return {route: actor.ask("get", url).content.decode(errors="replace") for route, url in asked.items()}


@pytest.mark.parametrize("form", ["json", "csv", "txt"])
def test_the_word_is_in_no_export_of_the_colleague(form, spoken, owner, colleague, api):
    given = [{"format": form}, {"format": form, "query": f"{BEGINNING}*"}]

    def exported(user):
        return "".join(b"".join(api(user).post("/api/v2/logs/export", body)).decode() for body in given)

    assert WORD not in exported(colleague)
    assert WORD in exported(owner)


def pages_of_other_rooms(user):
    reader = Reader(user, "192.0.2.7", "admin")
    found = pages.cards(reader), pages.panels(reader), pages.badges(reader), pages.find(BEGINNING, reader)
    return repr(found)


@pytest.mark.timeout(600)
def test_the_word_is_nowhere_for_the_colleague_and_in_its_places_for_the_owner(
    spoken, owner, colleague, browser, api
):
    said = answers(Asking(colleague, browser, api), spoken)
    showing = [route for route, text in said.items() if WORD in text]
    shown = {route for route, text in answers(Asking(owner, browser, api), spoken).items() if WORD in text}

    assert showing == []
    assert OWNERS - shown == set()


def test_the_word_is_on_no_page_of_another_room(spoken, owner, colleague):
    assert Session.objects.get(device="web01").error_message == "exit code 3"
    for user in (owner, colleague):
        shown = pages_of_other_rooms(user)
        assert WORD not in shown
        assert "web01" in shown
