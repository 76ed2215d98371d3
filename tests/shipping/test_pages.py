"""What shipping shows on pages of other rooms: what waits and why, what was refused, by destination and source."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from logsite.api import pages
from logsite.api.pages import Badge
from logsite.audit import Reader
from shipping.models import Destination, RejectedEntry, RunStatus, ShippingCursor, ShippingRun
from shipping.pages import entries_refused, not_shipped, shipping_lanes, waiting_entries
from tests.shipping.builders import make_events, make_session

pytestmark = pytest.mark.django_db(transaction=True)  # only committed rows are shipped
SITE = Reader(None, "", "system")
LATE = "entries wait, and no run ships them"


def destination(name="loki", **fields):
    return Destination.objects.create(name=name, url=f"http://{name}.example.com:3100", **fields)


def cursor(place, source="session", *, minutes=0, **fields):
    """A cursor that last moved `minutes` ago."""
    row = ShippingCursor.objects.create(destination=place, source=source, **fields)
    moved = timezone.now() - timedelta(minutes=minutes)
    ShippingCursor.objects.filter(pk=row.pk).update(updated_at=moved)
    return row


def run(place, status, error="", source="session"):
    return ShippingRun.objects.create(
        destination=place, source=source, started=timezone.now(), status=status, error=error
    )


def waiting(count, minutes=0):
    """`count` events that wait since `minutes`; returns the oldest one's time."""
    moment = timezone.now() - timedelta(minutes=minutes)
    make_events(make_session(started_at=moment), count, timestamp=moment)
    return moment


def state(card):
    return card.text, card.ok, card.why


# --- What waits ---------------------------------------------------------------------------------------------


def test_without_a_destination_nothing_is_shipped_and_the_card_is_quiet():
    destination("off", enabled=False)

    assert state(not_shipped(SITE)) == ("nothing is shipped: no destination is enabled", True, "")


def test_a_destination_that_was_never_shipped_to_is_a_fault():
    destination()

    assert state(not_shipped(SITE)) == ("0 entries not shipped", False, "loki: nothing was ever shipped")


@pytest.mark.parametrize(
    ("minutes", "status", "error", "why"),
    [
        (0, RunStatus.RUNNING, "", ""),
        (4, RunStatus.RUNNING, "", ""),
        (6, RunStatus.RUNNING, "", f"loki, session: {LATE}"),
        (6, RunStatus.SUCCESS, "", ""),
        (59, RunStatus.SUCCESS, "", ""),
        (61, RunStatus.SUCCESS, "", f"loki, session: {LATE}"),
        (0, RunStatus.FAILED, "loki: 503", "loki, session: loki: 503"),
    ],
)
def test_entries_that_wait_are_a_fault_when_a_run_failed_or_has_not_shipped_for_long(
    minutes, status, error, why
):
    place = destination()
    cursor(place, minutes=minutes)
    run(place, RunStatus.FAILED, "an older run")
    run(place, status, error)
    oldest = waiting(3, minutes)
    card = not_shipped(SITE)

    assert state(card) == ("3 entries not shipped", not why, why)
    assert card.since == oldest


def test_nothing_waits_behind_the_cursor():
    place = destination()
    waiting(2, 600)
    last = make_events(make_session(), 1)[0]
    cursor(place, xact=last.xact, row_id=last.pk, minutes=600)
    card = not_shipped(SITE)

    assert (*state(card), card.since) == ("0 entries not shipped", True, "", None)


def test_more_than_ten_thousand_are_not_counted(monkeypatch):
    for module in ("shipping.pages", "shipping.progress.lanes"):
        monkeypatch.setattr(f"{module}.COUNTED", 5)
    cursor(destination())
    waiting(7)

    assert not_shipped(SITE).text == "more than 5 entries not shipped"
    assert shipping_lanes(SITE).rows[0][2] == "more than 5 entries"


def test_a_cursor_ahead_of_the_database_is_a_fault():
    cursor(destination(), xact=2**40, row_id=2**40)

    assert "ahead of the database" in not_shipped(SITE).why


def test_the_panel_has_a_row_for_each_destination_and_source_faults_first():
    place = destination()
    cursor(place, rejected=3)
    cursor(place, "session@http://other.example.com")
    cursor(place, "session 2026-05-01T00:00:00+00:00/")
    other = destination("other")
    cursor(other)
    run(other, RunStatus.FAILED, "other: 503 <b>")
    oldest = waiting(2)
    rows = [(row[0].text, row[1], row[2], row[3], row[4].text, row[5]) for row in shipping_lanes(SITE).rows]

    assert rows == [
        ("other", "session", "2 entries", oldest, "0", "other: 503 <b>"),
        ("loki", "session", "2 entries", oldest, "3", ""),
        ("loki", "session@http://other.example.com", "not known", None, "0", ""),
    ]


def test_the_refused_entries_are_a_link_for_those_who_may_see_them(outsider):
    cursor(destination(), rejected=3)
    outsider.user_permissions.add(Permission.objects.get(codename="view_shippingcursor"))

    assert shipping_lanes(Reader(outsider, "", "admin")).rows[0][4] == "3"
    assert shipping_lanes(SITE).rows[0][4].url.startswith("/admin/shipping/rejectedentry/")


def test_the_badge_is_the_number_that_waits():
    cursor(destination())
    waiting(4)

    assert waiting_entries(SITE) == Badge("Shipping", 4, "/admin/shipping/shippingcursor/")


# --- What was refused ---------------------------------------------------------------------------------------


def refused(place, row_id, reason, hours=0):
    row = RejectedEntry.objects.create(
        destination=place, source="session", row_id=row_id, timestamp=timezone.now(), reason=reason
    )
    moment = timezone.now() - timedelta(hours=hours)
    RejectedEntry.objects.filter(pk=row.pk).update(rejected_at=moment)
    return moment


def test_entries_that_were_refused_today_give_a_card_with_the_newest_reason():
    place = destination()
    refused(place, 1, "too old", hours=30)
    quiet = entries_refused(SITE)
    refused(place, 2, "too old", hours=2)
    moment = refused(place, 3, "line too long")
    card = entries_refused(SITE)

    assert state(quiet) == ("0 entries refused in 24 hours", True, "")
    assert state(card) == ("2 entries refused in 24 hours", False, "loki: line too long")
    assert card.since == moment


# --- Who sees it --------------------------------------------------------------------------------------------


def test_three_actors(browser, owner, teammate, outsider):
    cursor(destination())
    waiting(1)
    seen = {}
    for user in (owner, teammate, outsider):
        reader = Reader(user, "", "admin")
        cards = [
            card.text for card in pages.cards(reader) if "shipped" in card.text or "refused" in card.text
        ]
        panels = [panel.kind for panel in pages.panels(reader) if panel.kind == "shipping"]
        seen[user.username] = cards, panels, [badge.number for badge in pages.badges(reader)]
    all_of_it = ["1 entry not shipped", "0 entries refused in 24 hours"], ["shipping"], [1]

    assert seen == {"owner": all_of_it, "teammate": all_of_it, "outsider": ([], [], [])}
