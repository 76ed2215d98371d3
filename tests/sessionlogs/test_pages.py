"""What sessions show on pages of other rooms: failed sessions, who did what, lost events, finders."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from logsite.api import pages
from logsite.audit import Reader
from logsite.housekeeping import counters
from sessionlogs.models import EventType, SessionStatus
from sessionlogs.pages import events_lost, failed_sessions, find_session, find_users, newest_sessions
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db
SITE = Reader(None, "", "system")


def session(hours, **fields):
    return SessionFactory(started_at=timezone.now() - timedelta(hours=hours), **fields)


def failed(hours, device, reason):
    return session(hours, device=device, status=SessionStatus.FAILED, error_message=reason)


def test_failed_sessions_are_folded_by_device_and_reason_and_lead_to_their_list(browser, teammate):
    for hours, device, reason in (
        (1, "sw02", "password refused"),
        (3, "sw02", "password refused"),
        (2, "sw02", "no prompt"),
        (4, "rtr01", "password refused"),
        (30, "rtr01", "password refused"),
    ):
        failed(hours, device, reason)
    session(1, device="fw01", status=SessionStatus.SUCCESS)
    panel = failed_sessions(SITE)
    client = browser(teammate)

    assert [(row[1].text, row[2], row[3]) for row in panel.rows] == [
        ("sw02", "password refused", 2),
        ("sw02", "no prompt", 1),
        ("rtr01", "password refused", 1),
    ]
    assert len(client.get(panel.url).context["cl"].result_list) == 4
    listed = client.get(panel.rows[0][1].url).context["cl"].result_list
    assert {(each.device, each.status) for each in listed} == {("sw02", "failed")}


def test_the_panel_of_who_did_what_has_the_newest_sessions_of_the_day(browser, teammate):
    session(2, user="anna", device="rtr01", commands=4)
    newest = session(1, user="ben", device="fw01", commands=1)
    session(30, user="carl")
    rows = newest_sessions(SITE).rows

    assert [(row[1], row[2].text, row[3], row[4]) for row in rows] == [
        ("ben", "fw01", 1, "success"),
        ("anna", "rtr01", 4, "success"),
    ]
    assert rows[0][2].url == f"/admin/sessionlogs/session/{newest.pk}/change/"
    assert browser(teammate).get(rows[0][2].url).status_code == 200


def test_lost_events_give_a_card_whose_link_is_for_those_who_may_open_it(outsider):
    quiet = events_lost(SITE)
    counters.add({counters.LOST: 1200, counters.TRUNCATED: 5})
    outsider.user_permissions.add(Permission.objects.get(codename="view_sessionlog"))
    card = events_lost(Reader(outsider, "", "admin"))

    assert (quiet.text, quiet.ok) == ("0 events of sessions lost", True)
    assert (card.text, card.ok, card.url) == ("1,200 events of sessions lost", False, "")
    assert events_lost(SITE).url == "/admin/sessionlogs/statistics/"


def test_a_session_is_found_by_its_id_alone():
    mine = session(1, user="anna", device="rtr01")
    found = (str(mine.pk), str(mine.pk).upper(), mine.pk.hex)
    nothing = (str(mine.pk)[:-1], "06787c15-dded-47cd-a9d5-91f4d8f7687d", "rtr01", "-" * 32)

    assert {text for text in found if [hit.title for hit in find_session(text, SITE)] != [TITLE]} == set()
    assert {text for text in nothing if find_session(text, SITE)} == set()
    assert find_session(found[0], SITE)[0].url == f"/admin/sessionlogs/session/{mine.pk}/change/"


TITLE = "session of anna with rtr01"


def test_users_are_found_by_the_beginning_of_their_name_once_each():
    for user in ("anna", "anna", "ann.other", "joanna", ""):
        session(1, user=user)
    table = {"ann": ["ann.other", "anna"], "ANNA": ["anna"], "oanna": [], "a%": [], "": []}

    found = {text: [hit.title for hit in pages.find(text, SITE)] for text in table}
    assert found == table
    assert [hit.title for hit in find_users("anna", SITE)] == ["anna"]


def test_no_finder_finds_by_what_a_device_answered_or_what_was_typed(owner):
    event = SessionLogFactory(
        event_type=EventType.COMMAND_RESPONSE,
        command="FTX-TYPED",
        response="FTX1840ABCD is the serial number",
    )

    texts = ("FTX1840ABCD", "FTX1840", "FTX-TYPED", event.response)
    assert [text for text in texts if pages.find(text, Reader(owner, "", "admin"))] == []


def test_an_outsider_finds_no_session_and_no_user(teammate, outsider):
    mine = session(1, user="anna")

    found = {
        name: [
            hit.kind for text in ("anna", str(mine.pk)) for hit in pages.find(text, Reader(user, "", "api"))
        ]
        for name, user in (("teammate", teammate), ("outsider", outsider), ("nobody", None))
    }
    assert found == {"teammate": ["user", "session"], "outsider": [], "nobody": []}
