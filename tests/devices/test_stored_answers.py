"""Stored answers: their pages in the admin, their place in the API, and who may see their text."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from devices.models import Device, Response
from sessionlogs.models import ResponseView
from tests.factories import AddressFactory, DeviceFactory, InterfaceFactory, ResponseFactory, SessionFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/devices/response/"
API = "/api/v2/device-responses/"
TEXT = "GigabitEthernet0/0 is up, line protocol is up\n  serial number FTX1840ABCD\n"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def stored():
    session = SessionFactory(device="rtr01")
    return ResponseFactory(
        device=DeviceFactory(name="rtr01"),
        raw=TEXT,
        template="cisco_ios.toml: interface",
        template_version="sha256:0123456789ab",
        rows=1,
        session_id=session.pk,
    )


@pytest.fixture
def two_stored(db):
    """`show version` of rtr01, which was read, and an hour before it `show clock` of rtr02, which was not."""
    ResponseFactory(
        device=DeviceFactory(name="rtr01"),
        command="show version",
        template="own",
        collected_at=NOON + timedelta(hours=1),
    )
    ResponseFactory(
        device=DeviceFactory(name="rtr02"),
        command="show clock",
        template="ntc_show_clock",
        error="192.0.2.1 belongs to no interface",
        collected_at=NOON,
    )


@pytest.fixture
def reader(db):
    """May look at everything, but for what devices answered."""
    user = User.objects.create_user("reader", password="reader-password", is_staff=True)
    codes = Permission.objects.filter(
        codename__startswith="view_", content_type__app_label__in=("devices", "sessionlogs")
    )
    user.user_permissions.set(codes.exclude(codename="view_responses"))
    return user


def views():
    """What is on record of who saw stored answers."""
    columns = ("user", "via", "what", "count", "stored_id", "session_id")
    return list(ResponseView.objects.order_by("id").values_list(*columns))


def listed(browser, user, query=""):
    """The commands of the rows; for an answer without rows, its status code."""
    page = browser(user).get(f"{LIST}{query}")
    if page.status_code != 200:
        return page.status_code
    return [row.command for row in page.context["cl"].result_list]


def page(browser, user, stored, rest="change/"):
    return browser(user).get(f"{LIST}{stored.pk}/{rest}").content.decode()


# --- the admin's list -----------------------------------------------------------------------------------------


def test_the_list_is_newest_first_and_does_not_show_or_read_the_text(browser, teammate):
    device = DeviceFactory(name="rtr01")
    for minutes, command in ((1, "show old"), (2, "show new")):
        ResponseFactory(
            device=device, command=command, raw=TEXT, collected_at=NOON + timedelta(minutes=minutes)
        )
    with CaptureQueriesContext(connection) as queries:
        assert listed(browser, teammate) == ["show new", "show old"]
    rows = [query["sql"] for query in queries if 'FROM "devices_response"' in query["sql"]]
    assert len(rows) == 2  # the page, and the capped count
    assert not any('"raw"' in sql for sql in rows)
    assert views() == []


def test_a_filter_keeps_what_it_names(browser, teammate, two_stored):
    wanted = {
        "?device__name=RTR01": ["show version"],
        "?command=show+clock": ["show clock"],
        "?template=ntc": ["show clock"],
        "?read=failed": ["show clock"],
        "?read=ok": ["show version"],
        "?since=2026-05-01T12:30": ["show version"],
        "?until=2026-05-01T12:30": ["show clock"],
        "?q=belongs": ["show clock"],
    }
    assert {query: listed(browser, teammate, query) for query in wanted} == wanted


def test_the_list_pages_by_key(browser, teammate):
    device = DeviceFactory()
    for number in range(101):
        ResponseFactory(device=device, command=f"show {number}", collected_at=NOON)
    first = browser(teammate).get(LIST).context["cl"]
    assert len(first.result_list) == 100
    assert listed(browser, teammate, first.older_url) == ["show 0"]


def test_nobody_asks_by_a_filter_what_stands_in_the_text(browser, owner, stored):
    assert browser(owner).get(f"{LIST}?raw__contains=FTX1840").status_code == 400


# --- one stored answer ----------------------------------------------------------------------------------------


def test_the_page_shows_the_text_what_read_it_and_the_way_to_the_session(browser, teammate, stored):
    text = page(browser, teammate, stored)
    assert "serial number FTX1840ABCD" in text
    assert "<details open>" in text
    assert "cisco_ios.toml: interface" in text
    assert "sha256:0123456789ab" in text
    assert f"/admin/sessionlogs/session/{stored.session_id}/change/" in text


def test_a_long_answer_is_folded(browser, teammate):
    text = page(browser, teammate, ResponseFactory(raw="a line\n" * 1000))
    assert "<details><summary>1000 lines</summary>" in text


def test_markup_in_an_answer_stays_text(browser, teammate):
    text = page(browser, teammate, ResponseFactory(raw="<script>alert(1)</script>"))
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_says_why_an_answer_could_not_be_read(browser, teammate):
    assert "no interface in 7 characters" in page(
        browser, teammate, ResponseFactory(error="'show version': no interface in 7 characters")
    )


def test_the_raw_page_is_the_text_and_nothing_else(browser, teammate, stored):
    answer = browser(teammate).get(f"{LIST}{stored.pk}/raw/")
    assert (answer.content.decode(), answer.headers["Content-Type"]) == (TEXT, "text/plain; charset=utf-8")


def test_the_device_page_leads_to_its_answers(browser, teammate, stored):
    text = browser(teammate).get(f"/admin/devices/device/{stored.device_id}/change/").content.decode()
    assert '<a href="/admin/devices/response/?device__name=rtr01">Stored responses of rtr01</a>' in text


@pytest.mark.parametrize("rest", ["change/", "raw/"])
def test_seeing_a_stored_answer_is_on_record(rest, browser, teammate, stored):
    browser(teammate).get(f"{LIST}{stored.pk}/{rest}")
    assert views() == [("teammate", "admin", "stored", 1, stored.pk, stored.session_id)]


def test_the_record_is_shown_by_the_answer_s_number(browser, teammate, owner, stored):
    page(browser, teammate, stored)
    text = browser(owner).get(f"/admin/sessionlogs/responseview/?q={stored.pk}").content.decode()
    assert f"stored response {stored.pk}" in text


def test_without_the_permission_the_page_says_what_is_left_out(browser, reader, stored):
    text = page(browser, reader, stored)
    assert "FTX1840" not in text
    assert "The response is withheld: you lack the permission sessionlogs.view_responses" in text
    assert "sha256:0123456789ab" in text
    assert browser(reader).get(f"{LIST}{stored.pk}/raw/").status_code == 403
    assert views() == []


def test_an_empty_answer_is_no_view(browser, teammate):
    assert "The response is empty." in page(browser, teammate, ResponseFactory(raw=""))
    assert views() == []


def test_a_device_with_answers_and_interfaces_can_be_removed(browser, owner, stored):
    AddressFactory(interface=InterfaceFactory(device=stored.device))
    answer = browser(owner).post(f"/admin/devices/device/{stored.device_id}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert not Device.objects.exists()
    assert not Response.objects.exists()


# --- the API --------------------------------------------------------------------------------------------------


def test_a_list_of_the_api_leaves_the_text_out(api, teammate, stored):
    [row] = api(teammate).get(API).data["results"]
    assert row == {
        "id": stored.pk,
        "device": "rtr01",
        "position": 0,
        "command": "show interfaces",
        "template": "cisco_ios.toml: interface",
        "template_version": "sha256:0123456789ab",
        "rows": 1,
        "error": "",
        "session_id": str(stored.session_id),
        "collected_at": "2026-05-01T12:00:00Z",
    }
    assert views() == []


def test_one_answer_of_the_api_has_its_text_and_is_on_record(api, teammate, stored):
    answer = api(teammate).get(f"{API}{stored.pk}/").data
    assert (answer["raw"], answer["raw_withheld"]) == (TEXT, False)
    assert views() == [("teammate", "api", "stored", 1, stored.pk, stored.session_id)]


def test_the_api_leaves_the_text_out_without_the_permission(api, reader, stored):
    answer = api(reader).get(f"{API}{stored.pk}/").data
    assert (answer["raw"], answer["raw_withheld"], answer["rows"]) == ("", True, 1)
    assert views() == []


def test_a_list_of_the_api_is_filtered(api, teammate, two_stored):
    wanted = {
        "device=rtr01": ["show version"],
        "command=CLOCK": ["show clock"],
        "template=ntc": ["show clock"],
        "failed=true": ["show clock"],
        "failed=false": ["show version"],
        "start_time=2026-05-01T12:30:00Z": ["show version"],
        "end_time=2026-05-01T12:30:00Z": ["show clock"],
        "session_id=06787c15-dded-47cd-a9d5-91f4d8f7687d": [],
    }
    client = api(teammate)
    answers = {query: client.get(f"{API}?{query}") for query in wanted}
    assert {query: answer.data for query, answer in answers.items() if answer.status_code != 200} == {}
    rows = {query: answer.data["results"] for query, answer in answers.items()}
    assert {query: [row["command"] for row in found] for query, found in rows.items()} == wanted


def test_a_list_of_the_api_pages_by_key(api, teammate):
    device = DeviceFactory()
    for number in range(3):
        ResponseFactory(device=device, command=f"show {number}", collected_at=NOON)
    first = api(teammate).get(f"{API}?limit=2").data
    second = api(teammate).get(first["next"]).data
    assert [row["command"] for page in (first, second) for row in page["results"]] == [
        "show 2",
        "show 1",
        "show 0",
    ]


@pytest.mark.parametrize("query", ["failed=maybe", "session_id=x", "raw=x", "start_time=yesterday"])
def test_a_filter_that_is_none_names_its_field(query, api, teammate):
    answer = api(teammate).get(f"{API}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.data


@pytest.mark.parametrize("key", ["0", "x", "99999999999999999999999"])
def test_what_is_not_there_is_not_found(key, api, teammate):
    assert api(teammate).get(f"{API}{key}/").status_code == 404
