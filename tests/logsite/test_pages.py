"""Cards, finders, panels and badges that rooms register: who gets them, for how long, what becomes of a fault."""

import time
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from devices.models import Device
from logsite.api import pages
from logsite.api.pages import Badge, Card, Hit, Link, Panel
from logsite.audit import Reader
from prodlogs.models import HostStatus, SnapshotStatus
from sessionlogs.models import SessionStatus
from shipping.models import Destination, RejectedEntry, ShippingCursor
from tests.factories import (
    ContainerLogEntryFactory,
    DeviceFactory,
    DockerHostFactory,
    LogEntryFactory,
    LogSnapshotFactory,
    SessionFactory,
    SessionLogFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CARD = Card("1 of 4 toys broken", NOON, "the bear: an eye is lost", "/toys/", ok=False)
HIT = Hit("bear", "/toys/1/", "toy")
PANEL = Panel("Toys", ("Name", "Eyes"), [("bear", 1)], "/toys/")
BADGE = Badge("Toys", 4, "/toys/")
PERMISSION = "devices.view_tag"


def as_reader(user, via="admin"):
    return Reader(user, "", via)


def everything(reader, text="bear"):
    """What the four functions return for `reader`."""
    return pages.cards(reader), pages.find(text, reader), pages.panels(reader), pages.badges(reader)


def fresh(user):
    """The user as another request loads it: a user object keeps the permissions that it has asked for."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def nothing_registered(monkeypatch):
    for name in ("_cards", "_finders", "_panels", "_badges"):
        monkeypatch.setattr(pages, name, [])


@pytest.fixture
def calls(nothing_registered):
    """How often the toys were asked; one of each kind is registered, and the site's own are not."""
    asked = []

    def answering(answer):
        def toy(*arguments):
            asked.append(type(answer).__name__)
            return answer

        return toy

    pages.register_card(answering(CARD), permission=PERMISSION, queries=0)
    pages.register_finder(answering([HIT]), permission=PERMISSION)
    pages.register_panel("toys", answering(PANEL), permission=PERMISSION, queries=0)
    pages.register_badge(answering(BADGE), permission=PERMISSION)
    return asked


# --- Permissions --------------------------------------------------------------------------------------------


def test_a_toy_of_each_kind_is_returned_to_those_with_its_permission(calls, owner, teammate, outsider):
    toys = ([CARD], [HIT], [Panel("Toys", ("Name", "Eyes"), [("bear", 1)], "/toys/", "toys")], [BADGE])
    readers = [
        ("owner", as_reader(owner), toys),
        ("teammate", as_reader(teammate), toys),
        ("outsider", as_reader(outsider), ([], [], [], [])),
        ("the site itself", Reader(None, "", "system"), toys),
        ("a command", Reader(None, "", "cli"), toys),
        *(
            (f"nobody via {via}", Reader(None, "", via), ([], [], [], []))
            for via in ("admin", "api", "stream")
        ),
    ]

    assert [name for name, reader, wanted in readers if everything(reader) != wanted] == []


def test_a_function_is_not_called_for_a_reader_without_its_permission(calls, outsider):
    everything(as_reader(outsider))

    assert calls == []


def test_a_user_who_is_not_active_sees_nothing(calls, owner):
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert everything(as_reader(fresh(owner))) == ([], [], [], [])


# --- The cache ----------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Moves the time of the cache on."""
    now = [time.time()]
    monkeypatch.setattr("django.core.cache.backends.locmem.time.time", lambda: now[0])
    monkeypatch.setattr("django.core.cache.backends.base.time.time", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_cards_panels_and_badges_are_cached_for_five_seconds(calls, clock, owner):
    everything(as_reader(owner))
    clock(4.9)
    everything(as_reader(owner))
    in_time = sorted(calls)
    clock(0.2)
    everything(as_reader(owner))

    assert in_time == ["Badge", "Card", "Panel", "list", "list"]  # a finder is asked each time
    assert len(calls) == len(in_time) + 4


def test_each_user_has_a_cache_of_their_own(nothing_registered, owner, teammate):
    pages.register_card(lambda reader: Card(str(reader.user)), permission=PERMISSION, queries=0)

    assert [card.text for user in (owner, teammate) for card in pages.cards(as_reader(user))] == [
        "owner",
        "teammate",
    ]


def test_each_zone_of_a_viewer_has_a_cache_of_its_own(nothing_registered, owner):
    pages.register_card(lambda reader: Card(pages.filter_time(NOON)), permission=PERMISSION, queries=0)
    texts = []
    for zone in ("UTC", "Asia/Kolkata"):
        with timezone.override(zone):
            texts += [card.text for card in pages.cards(as_reader(owner))]

    assert texts == ["2026-05-01T12:00:00", "2026-05-01T17:30:00"]


def test_a_permission_that_is_taken_away_takes_the_cached_card_away(calls, teammate):
    before = pages.cards(as_reader(fresh(teammate)))
    teammate.user_permissions.remove(Permission.objects.get(codename="view_tag"))

    assert (before, pages.cards(as_reader(fresh(teammate)))) == ([CARD], [])


def test_a_card_that_shows_less_without_another_permission_is_made_anew(nothing_registered, teammate):
    def card(reader):
        return Card("all" if pages.may(reader, "devices.view_device") else "less")

    pages.register_card(card, permission=PERMISSION, queries=0)
    before = pages.cards(as_reader(fresh(teammate)))
    teammate.user_permissions.remove(Permission.objects.get(codename="view_device"))

    assert [card.text for card in before + pages.cards(as_reader(fresh(teammate)))] == ["all", "less"]


# --- Faults -------------------------------------------------------------------------------------------------


def test_a_fault_is_logged_and_takes_no_other_function_down(calls, owner, caplog):
    def broken(*arguments):
        raise RuntimeError("the shelf fell down")

    pages.register_card(broken, permission=PERMISSION, queries=0)
    pages.register_finder(broken, permission=PERMISSION)
    pages.register_panel("broken", broken, permission=PERMISSION, queries=0)
    pages.register_badge(broken, permission=PERMISSION)
    cards, hits, panels, badges = everything(as_reader(owner))

    assert (cards[0], hits[0], panels[0].title, badges[0]) == (CARD, HIT, "Toys", BADGE)
    assert (cards[1].ok, badges[1].number, hits[1].kind) == (False, None, "error")
    assert panels[1].kind == "broken"
    assert all("internal error in " in text for text in (cards[1].text, hits[1].title, panels[1].title))
    assert "the shelf fell down" not in repr((cards, hits, panels, badges))
    assert caplog.text.count("RuntimeError: the shelf fell down") == 4


def test_a_query_that_fails_breaks_no_transaction_of_the_page(nothing_registered, owner):
    def broken(reader):
        with connection.cursor() as sql:
            sql.execute("SELECT nothing FROM nowhere")

    def counting(reader):
        return Card(f"{Device.objects.count()} devices")

    pages.register_card(broken, permission=PERMISSION, queries=1)
    pages.register_card(counting, permission=PERMISSION, queries=1)
    with transaction.atomic():
        found = pages.cards(as_reader(owner))

    assert (found[0].ok, found[1]) == (False, Card("0 devices"))
    with pytest.raises(DatabaseError), transaction.atomic():
        broken(None)


# --- Texts --------------------------------------------------------------------------------------------------


def test_texts_are_plain_printable_and_short():
    hostile = mark_safe("<b>\x1b[31m\u202egnp.exe\nroot#")
    plain = "<b>␛[31m<U+202E>gnp.exe␊root#"
    panel = Panel("Toys", ("Name",), [(hostile,), (Link(hostile, "/1/"),), (5,), (NOON,), (None,)])
    texts = [
        Card(hostile).text,
        Card("", why=hostile).why,
        Hit(hostile, "", "toy").title,
        panel.rows[0][0],
        panel.rows[1][0].text,
    ]

    assert texts == [plain] * 5
    assert [text for text in texts if isinstance(text, SafeString)] == []
    assert [row[0] for row in panel.rows[2:]] == [5, NOON, None]
    assert Card("x" * 1000).text == f"{'x' * pages.TEXT_CHARACTERS}…"


def test_a_panel_has_eight_rows_at_most():
    assert [row[0] for row in Panel("Toys", ("Number",), [(n,) for n in range(20)]).rows] == list(range(8))


def test_a_text_that_no_column_can_hold_finds_nothing(calls, owner):
    texts = ("", "  ", "bear\0", "\ud800", "x" * 300)

    assert [text for text in texts if pages.find(text, as_reader(owner))] == []
    assert calls == []


def test_the_find_passes_a_text_on_without_spaces_around_it(nothing_registered, owner):
    pages.register_finder(lambda text, reader: [Hit(text, "", "toy")] * 20, permission=PERMISSION)

    assert pages.find("  bear ", as_reader(owner)) == [Hit("bear", "", "toy")] * pages.FINDER_HITS


# --- What is registered -------------------------------------------------------------------------------------


def some_rows(number):
    """`number` of everything that a card or a panel counts."""
    now = datetime.now(UTC)
    DeviceFactory.create_batch(number, outcome="failed", attempted_at=now)
    DockerHostFactory.create_batch(number, status=HostStatus.FAILED)
    LogSnapshotFactory.create_batch(number, status=SnapshotStatus.GAP, started_at=now)
    stamps = [int(now.timestamp()) * 10**9 - n for n in range(number)]
    for stamp in stamps:
        ContainerLogEntryFactory(level="ERROR", timestamp=stamp)
        LogEntryFactory(level="ERROR", severity=17, app=f"app{stamp}", timestamp=stamp)
    for session in SessionFactory.create_batch(number, status=SessionStatus.FAILED, started_at=now):
        SessionLogFactory(session=session)
    destination, _ = Destination.objects.get_or_create(name="loki", url="http://127.0.0.1:9")
    for source in ("session", "container"):
        ShippingCursor.objects.get_or_create(destination=destination, source=source)
    for row in range(number):
        RejectedEntry.objects.create(
            destination=destination,
            source="session",
            row_id=number * 100 + row,
            timestamp=now,
            reason="too old",
        )


def test_no_card_and_no_panel_makes_more_queries_than_it_has_registered():
    reader, counted = Reader(None, "", "system"), {}
    for number in (1, 12):
        some_rows(number)
        for registered in pages._cards + pages._panels:
            pages.cache.clear()
            with CaptureQueriesContext(connection) as queries:
                registered.call(reader)
            counted[registered.name, number] = (len(queries), registered.queries)

    assert {name: numbers for name, numbers in counted.items() if numbers[0] > numbers[1]} == {}
    assert len(counted) == 24


def test_every_link_of_cards_panels_and_badges_opens_for_those_who_see_it(browser, owner, teammate):
    some_rows(2)
    for user in (owner, teammate):
        reader, client = as_reader(user), browser(user)
        panels = pages.panels(reader)
        cells = [cell for panel in panels for row in panel.rows for cell in row if isinstance(cell, Link)]
        urls = {each.url for each in (*pages.cards(reader), *panels, *pages.badges(reader), *cells)}

        assert {url: code for url in urls if (code := client.get(url).status_code) != 200} == {}
        assert len(urls) > 10


def test_without_any_row_all_cards_are_quiet(owner):
    found = pages.cards(as_reader(owner))

    assert [card.text for card in found if not card.ok] == []
    assert len(found) == 6
