"""The line of a refused entry holds what a device answered: who may not see the entry does not see the line."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission

from logsite.audit.models import AuditEntry
from prodlogs.sources import ContainerSource
from shipping.models import Destination, RejectedEntry

pytestmark = pytest.mark.django_db
API, ADMIN = "/api/v2/shipping/rejected/", "/admin/shipping/rejectedentry/"
LINE = "STEP: 1 | COMMAND: show version | STDOUT: serial plugh"
RESPONSES, SESSIONS = "sessionlogs.view_responses", "sessionlogs.view_sessionlog"


@pytest.fixture(autouse=True)
def _containers(other_sources):
    other_sources["container"] = ContainerSource()


def lacking(user, *codes):
    user.user_permissions.remove(*Permission.objects.filter(codename__in=codes))
    return type(user).objects.get(pk=user.pk)


def refused(source):
    destination, _ = Destination.objects.get_or_create(name="loki", url="http://127.0.0.1:3100")
    return RejectedEntry.objects.create(
        destination=destination,
        source=source,
        row_id=RejectedEntry.objects.count() + 1,
        timestamp=datetime(2026, 5, 1, tzinfo=UTC),
        reason="too old",
        line=LINE,
    )


def shown(api, user):
    rows = api(user).get(API).json()["results"]
    return {row["source"]: (row["line"], row["line_withheld"]) for row in rows}


def lines_on_record():
    found = AuditEntry.objects.filter(event_type="sensitive_read", what="rejected").order_by("target", "id")
    return list(found.values_list("user", "target", "count"))


def test_the_api_shows_a_line_to_those_who_may_see_the_entry(api, teammate):
    for source in ("session", "container", "session@https://other.example.com", "gone"):
        refused(source)
    unknown = ("", "withheld: no source gone is known here that says who may see its entries")
    whole, without = (LINE, ""), ("", f"withheld: you lack the permission {RESPONSES}")
    names = ("session", "session@https://other.example.com")

    assert shown(api, teammate) == {**dict.fromkeys(names, whole), "container": whole, "gone": unknown}
    teammate = lacking(teammate, "view_responses")
    assert shown(api, teammate) == {**dict.fromkeys(names, without), "container": whole, "gone": unknown}
    teammate = lacking(teammate, "view_sessionlog")
    without = ("", f"withheld: you lack the permission {SESSIONS}")
    assert shown(api, teammate) == {**dict.fromkeys(names, without), "container": whole, "gone": unknown}


def test_the_page_of_an_entry_says_what_it_leaves_out(browser, teammate):
    url = f"{ADMIN}{refused('session').pk}/change/"

    assert LINE in browser(teammate).get(url).content.decode()
    page = browser(lacking(teammate, "view_responses")).get(url).content.decode()
    assert "plugh" not in page
    assert f"The line is withheld: you lack the permission {RESPONSES}." in page
    assert "too old" in page


def test_lines_that_are_shown_are_on_record_once_a_request(api, browser, owner, teammate):
    row = refused("session")
    for source in ("session@https://other.example.com", "container"):
        refused(source)

    api(owner).get(API)
    assert lines_on_record() == [("owner", "container", 1), ("owner", "session", 2)]
    browser(owner).get(f"{ADMIN}{row.pk}/change/")
    assert lines_on_record()[2:] == [("owner", "session", 1)]


def test_nothing_is_on_record_of_lines_that_are_withheld(api, browser, teammate):
    url = f"{ADMIN}{refused('session').pk}/change/"
    teammate = lacking(teammate, "view_responses")

    assert api(teammate).get(API).status_code == browser(teammate).get(url).status_code == 200
    assert lines_on_record() == []
