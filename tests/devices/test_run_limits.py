"""Running commands on many devices keeps to the limits that collecting keeps to."""

import json
import threading
from contextlib import closing
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from devices.commands import NOT_RUN, run_on_device, run_on_devices
from devices.connectors.limits import LoginSlot
from devices.models import Device
from sessionlogs.models import Session
from tests.devices.deadlines import HeldDeadlines, deadline_timers
from tests.devices.light_fleet import light_fleet
from tests.devices.test_fleet import eventually, stock

pytestmark = pytest.mark.django_db(transaction=True)
SHOW = "show interfaces"
SECONDS = 0.3  # from when a device has the command whose answer it never ends
OVER = f"the device did not finish within its deadline of {SECONDS} s"


def routers(*behaviours):
    """A plan of IOS routers with one username, each named after what it does."""
    return [
        {
            "name": f"{number}-{behaviour}",
            "platform": "cisco_ios",
            "behaviour": behaviour,
            "username": "netops",
        }
        for number, behaviour in enumerate(behaviours)
    ]


@pytest.fixture
def deadlines(monkeypatch, settings):
    settings.COLLECT_DEADLINE = SECONDS
    return HeldDeadlines(monkeypatch)


@pytest.fixture
def mixed(deadlines):
    """Four routers in the inventory, of which two never end their answer and are cut off by their deadline."""
    with light_fleet(routers("hang", "well", "trickle", "well")) as running:
        stock(running)
        with deadlines.of_endless(running):
            yield running


@pytest.mark.parametrize("behaviour", ["hang", "trickle"])
def test_a_device_that_never_ends_its_answer_is_a_timeout(behaviour, deadlines, settings):
    before = deadline_timers()
    with light_fleet(routers(behaviour)) as running:
        stock(running)
        with deadlines.of_endless(running):
            found = run_on_device(Device.objects.get(), [SHOW, "show ip interface"], None, any_command=False)
        assert eventually(lambda: running.counts()["connections"] == 0)
    assert [(answer.error, answer.error_kind) for answer in found.answers] == [
        (OVER, "timeout"),
        (NOT_RUN, "timeout"),
    ]
    assert found.seconds < settings.DEVICE_READ_TIMEOUT  # by which the command itself would be given up
    session = Session.objects.get()
    assert (session.status, session.error_kind, session.commands) == ("failed", "timeout", 1)
    assert deadline_timers() <= before


def test_the_others_go_on_beside_and_behind_it(mixed):
    runs = run_on_devices(Device.objects.order_by("name"), [SHOW], None, any_command=False, workers=2)
    found = {run.device.name: run.answers[0].error_kind for run in runs}
    assert found == {"0-hang": "timeout", "1-well": "", "2-trickle": "timeout", "3-well": ""}


def test_the_command_line_names_who_overran(mixed):
    out = StringIO()
    names = Device.objects.values_list("name", flat=True)
    with pytest.raises(CommandError, match="2 of 4 devices failed: 0-hang, 2-trickle") as raised:
        call_command("run_commands", "--device", *names, SHOW, "--json", stdout=out)
    assert raised.value.returncode == 1
    runs = {run["device"]: run["answers"][0] for run in map(json.loads, out.getvalue().splitlines())}
    assert runs["0-hang"]["error"] == runs["2-trickle"]["error"] == OVER
    assert "GigabitEthernet" in runs["1-well"]["stdout"]
    assert "GigabitEthernet" in runs["3-well"]["stdout"]


def test_the_api_answers_with_the_timeout(mixed, api, owner):
    device = Device.objects.get(name="0-hang")
    response = api(owner).post(reverse("device-run", args=[device.pk]), {"commands": [SHOW]}, format="json")
    [answer] = response.json()["answers"]
    assert (response.json()["status"], answer["error_kind"], answer["error"]) == ("failed", "timeout", OVER)


def test_the_page_shows_the_others_answers_beside_the_timeout(mixed, browser, owner):
    chosen = ",".join(str(device.pk) for device in Device.objects.all())
    url = f"{reverse('admin:devices_device_run_commands')}?devices={chosen}"
    page = browser(owner).post(url, {"commands": SHOW, "run": "1"}).content.decode()
    assert page.count(OVER) == 2
    assert page.count("line protocol is up") >= 2


def test_no_more_logins_at_a_time_than_the_credential_allows(settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 3
    with light_fleet(routers(*["well"] * 12), latency=0.05) as running:
        stock(running)
        before = deadline_timers()
        runs = run_on_devices(Device.objects.all(), [SHOW], None, any_command=False, workers=12)
        assert all(run.ok for run in runs)
        assert deadline_timers() <= before
        assert running.counts()["most_logins"] == {"netops": 3}


def test_who_gets_no_login_in_time_has_a_timeout(router, device_of, settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL, settings.COLLECT_DEADLINE = 1, 0.3
    device = device_of(router)
    held = LoginSlot(device.credential_id)
    held.acquire()
    try:
        found = run_on_device(device, ["show clock"], None, any_command=False)
    finally:
        held.release()
    assert (found.error_kind, len(router.logins)) == ("timeout", 0)
    assert "all 1 logins of the credential" in found.error


def test_a_refused_login_gives_its_slot_back(router, device_of, settings):
    settings.COLLECT_LOGINS_PER_CREDENTIAL = 1
    device = device_of(router, password="Wrong-Horse-9")
    for _ in range(3):
        assert run_on_device(device, ["show clock"], None, any_command=False).error_kind == "authentication"


def test_who_stops_listening_begins_no_further_device(router, device_of):
    """The second device is under way and stays so until its caller has the result of the first."""
    has_first = threading.Event()
    router.on_command = lambda line: len(router.logins) == 1 or has_first.wait(120)
    devices = [device_of(router, name=f"rtr{number}") for number in range(6)]
    with closing(run_on_devices(devices, [SHOW], None, any_command=False, workers=1)) as runs:
        assert next(runs).ok
        has_first.set()
    assert len(router.logins) == 2
