"""Names of devices and credentials show what they are; rows from before keep theirs and are shown escaped."""

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from devices.models import Credential, Device
from shipping.models import Destination
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db
BAD = [
    "rtr\x1b[2J01", "rtr\n01", "rtr\r01", "rtr\t01", "rtr\x0001", "rtr\x7f01", "rtr\x9b01", "rtr\u202e10",
    "\u2066rtr01\u2069",
    "rtr\u200b01", "rtr\u200d01", "rtr\ufeff01", "rtr\xad01", "rtr\u202801", "rtr\u206001", "rtr\u316401",
    "\U000e0041rtr01",
    "rtr\u034f01", "rtr01\u200e", "rtr\u061c01",
]  # fmt: skip
GOOD = ["rtr01.example.com", "Zürich core", "東京-01", "rtr01 (old)", "a", "שלום"]


@pytest.mark.parametrize(
    ("model", "field"),
    [(Device, "name"), (Credential, "name"), (Credential, "username"), (Destination, "name")],
)
def test_a_name_that_does_not_show_itself_is_refused(model, field):
    column = model._meta.get_field(field)

    def is_refused(name):
        try:
            column.run_validators(name)
        except ValidationError:
            return True
        return False

    assert [
        name for name in [*BAD, " rtr01", "rtr01 ", "\u3000rtr01", "rtr01\xa0"] if not is_refused(name)
    ] == []
    assert [name for name in GOOD if is_refused(name)] == []


def test_the_api_and_the_page_refuse_it_with_the_field(api, browser, owner):
    by_api, by_page = api(owner), browser(owner)
    body = {
        "host": "192.0.2.1",
        "platform": "cisco_ios",
        "port": 22,
        "agent_type": "network",
        "session_logging": "default",
    }
    wrong = []
    for name in BAD:
        answer = by_api.post("/api/v2/devices/", body | {"name": name})
        if answer.status_code != 400 or "name" not in answer.json():
            wrong.append(f"api {name!r}: {answer.status_code}")
        page = by_page.post("/admin/devices/device/add/", body | {"name": name})
        if page.status_code != 200 or "name" not in page.context["adminform"].form.errors:
            wrong.append(f"page {name!r}: {page.status_code}")

    assert wrong == []
    assert not Device.objects.exists()


def test_a_device_from_before_works_is_shown_escaped_and_can_be_renamed(api, browser, owner, capsys):
    device = DeviceFactory(name="rtr\u202e10\x1b[2J", credential=CredentialFactory(name="cred\u200b"))

    assert (str(device), str(device.credential)) == ("rtr<U+202E>10␛[2J", "cred<U+200B>")
    assert api(owner).patch(f"/api/v2/devices/{device.pk}/", {"enabled": False}).status_code == 200
    call_command("reparse", "--device", device.name)
    assert capsys.readouterr().out == "rtr<U+202E>10␛[2J: no responses stored\n"
    page = browser(owner).get(f"/admin/devices/device/{device.pk}/change/").content.decode()
    assert "rtr&lt;U+202E&gt;10" in page
    assert api(owner).patch(f"/api/v2/devices/{device.pk}/", {"name": "rtr01"}).json()["name"] == "rtr01"
