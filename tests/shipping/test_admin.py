"""The admin pages: destinations to edit, the rest to read."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from tests.shipping.builders import make_events, make_session

# A row is handed out once its transaction has ended, so the rows must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)
READ_ONLY = ["shippingcursor", "shippingrun", "rejectedentry"]
FORM = {"name": "main", "kind": "loki", "url": "http://127.0.0.1:3100", "tenant": "", "enabled": "on"}


@pytest.fixture
def shipped(loki, run):
    make_events(make_session(), 2, timestamp=timezone.now() - timedelta(days=8))
    run("--loki", loki.url)


def test_three_actors_see_the_lists_or_not(browser, owner, teammate, outsider, shipped):
    clients = [browser(who) for who in (owner, teammate, outsider, None)]
    lists = [f"/admin/shipping/{model}/" for model in ("destination", *READ_ONLY)]
    found = {url: [client.get(url).status_code for client in clients] for url in lists}
    assert found == {url: [200, 200, 302, 302] for url in lists}


@pytest.mark.parametrize("model", [ShippingCursor, ShippingRun, RejectedEntry])
def test_what_the_shipper_writes_is_read_only(browser, owner, shipped, model):
    row = model.objects.first()
    base = f"/admin/shipping/{model._meta.model_name}/"
    client = browser(owner)
    page = client.get(f"{base}{row.pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert client.get(f"{base}add/").status_code == 403
    assert client.post(f"{base}{row.pk}/change/", {}).status_code == 403
    assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_filters(browser, owner, shipped):
    client = browser(owner)
    for url in (
        "/admin/shipping/rejectedentry/?reason=too+old&since=2020-01-01T00:00",
        "/admin/shipping/shippingrun/?source=session",
        "/admin/shipping/shippingcursor/?source=session",
    ):
        assert client.get(url).status_code == 200, url
    page = client.get("/admin/shipping/rejectedentry/?reason=behind")
    assert page.context["cl"].result_count == 0


def test_a_destination_is_made_and_its_token_is_never_shown(browser, owner):
    client = browser(owner)
    assert (
        client.post("/admin/shipping/destination/add/", {**FORM, "new_token": "canary-token"}).status_code
        == 302
    )
    destination = Destination.objects.get()
    assert str(destination.token) == "canary-token"
    url = f"/admin/shipping/destination/{destination.pk}/change/"
    assert b"canary" not in client.get(url).content
    client.post(url, {**FORM, "tenant": "ops"})
    destination.refresh_from_db()
    assert (destination.tenant, str(destination.token)) == ("ops", "canary-token")
    client.post(url, {**FORM, "remove_token": "on"})
    destination.refresh_from_db()
    assert str(destination.token) == ""


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://u:canary@h:3100", "http://[::1"])
def test_a_bad_address_is_told(browser, owner, url):
    page = browser(owner).post("/admin/shipping/destination/add/", {**FORM, "url": url})
    assert page.status_code == 200
    assert "url" in page.context["adminform"].form.errors
    assert not Destination.objects.exists()


def test_a_teammate_cannot_change_a_destination(browser, teammate):
    destination = Destination.objects.create(name="main", url="http://127.0.0.1:3100")
    client = browser(teammate)
    url = f"/admin/shipping/destination/{destination.pk}/change/"
    assert client.get(url).status_code == 200
    assert client.post(url, FORM).status_code == 403
