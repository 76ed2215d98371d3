"""Recording on and off: for a device, for a platform, for one run."""

import pytest
from django.core.management import call_command

from devices.collecting.one_device import collect_device
from devices.models import Device, PlatformLogging
from sessionlogs.models import Session
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v2/devices/"


@pytest.mark.parametrize(
    ("device", "platform", "recorded"),
    [
        ("default", None, True),
        ("default", True, True),
        ("default", False, False),
        ("on", False, True),
        ("off", True, False),
        ("off", None, False),
    ],
)
def test_the_device_s_setting_overrides_the_platform_s(device, platform, recorded, router, device_of):
    if platform is not None:
        PlatformLogging.objects.create(platform="cisco_ios", record=platform)
    PlatformLogging.objects.create(platform="linux", record=not recorded)  # another platform's
    result = collect_device(device_of(router, session_logging=device))
    assert result.ok, result.error
    assert Session.objects.count() == int(recorded)
    assert (result.session_id is not None) == recorded


def test_no_session_log_wins_over_on(router, device_of, capsys):
    device = device_of(router, name="rtr01", session_logging="on")
    call_command("collect_interfaces", "--device", device.name, "--no-session-log")
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "the default"),
        ({"session_logging": "off"}, "off: no session is recorded"),
        ({"platform": "linux"}, "off: no session is recorded"),
        ({"platform": "linux", "session_logging": "on"}, "set for the device"),
    ],
)
def test_the_device_s_page_says_whether_it_is_recorded(options, text, browser, teammate):
    PlatformLogging.objects.create(platform="linux", record=False)
    device = DeviceFactory(**options)
    assert text in browser(teammate).get(f"/admin/devices/device/{device.pk}/change/").content.decode()


def test_the_api_shows_and_sets_it(api, owner):
    PlatformLogging.objects.create(platform="linux", record=False)
    device = DeviceFactory(platform="linux")
    address = f"{API}{device.pk}/"
    assert api(owner).get(address).json()["recorded"] is False
    answer = api(owner).patch(address, {"session_logging": "on"}).json()
    assert (answer["session_logging"], answer["recorded"]) == ("on", True)
    assert Device.objects.get().session_logging == "on"
    assert api(owner).patch(address, {"session_logging": "maybe"}).status_code == 400


def test_the_list_can_be_filtered_by_it_and_costs_the_same_for_many(
    api, owner, django_assert_max_num_queries
):
    for number in range(5):
        DeviceFactory(session_logging="off" if number else "default")
    with django_assert_max_num_queries(4):
        rows = api(owner).get(API, {"session_logging": "off"}).json()["results"]
    assert [row["recorded"] for row in rows] == [False] * 4


def test_who_may_set_the_platform_s(browser, owner, teammate, outsider):
    page = "/admin/devices/platformlogging/add/"
    assert browser(teammate).get(page).status_code == 403
    assert browser(outsider).get(page).status_code == 302
    answer = browser(owner).post(page, {"platform": "linux"})
    assert answer.status_code == 302
    assert not PlatformLogging.objects.get().record
