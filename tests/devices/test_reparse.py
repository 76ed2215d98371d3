"""Raw answers are kept beside what was made of them, and can be parsed again without connecting."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.collecting.one_device import (
    COLLECTIONS_KEPT,
    collect_device,
    store_interfaces,
    store_responses,
)
from devices.interfaces import parsing
from devices.interfaces.normalised import InterfaceData
from devices.interfaces.parsing import Answer, Template
from devices.models import Response
from devices.platforms import InterfaceCommand
from sessionlogs.models import SessionLog
from tests.devices.conftest import SHOW_INTERFACES, SHOW_IP_INTERFACE
from tests.devices.emulator import PASSWORD, Box
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = datetime(2026, 5, 1, 12, tzinfo=UTC)


def reparse(*arguments):
    """What the command prints, and its exit code."""
    output = StringIO()
    try:
        call_command("reparse", *arguments, stdout=output)
    except CommandError as error:
        return output.getvalue() + str(error), error.returncode
    return output.getvalue(), 0


def keep(device, **raws):
    """Stored answers of one collection: `keep(device, show_interfaces="…")`."""
    answers = [Answer(InterfaceCommand(name.replace("_", " ")), raw) for name, raw in raws.items()]
    store_responses(device, answers, None)
    return answers


def stored(device):
    return {
        interface.name: [str(address) for address in interface.addresses.all()]
        for interface in device.interfaces.all()
    }


# --- what is kept ---------------------------------------------------------------------------------------------


def test_a_collection_keeps_each_answer_with_template_version_and_session(router, device_of):
    device = device_of(router)
    result = collect_device(device)
    first, second = device.responses.all()
    assert (first.command, first.raw.rstrip(), first.rows) == ("show interfaces", SHOW_INTERFACES.rstrip(), 1)
    assert (first.template, first.error) == ("cisco_ios.toml: interface", "")
    assert first.template_version.startswith("sha256:")
    assert first.session_id == second.session_id == result.session_id
    assert first.collected_at == second.collected_at
    assert second.command == "show ip interface"


def test_without_a_session_log_the_answers_are_kept_too(router, device_of):
    device = device_of(router)
    collect_device(device, record=False)
    assert [response.session_id for response in device.responses.all()] == [None, None]


def test_no_secret_is_kept(device_of):
    answer = SHOW_INTERFACES.replace("uplink to ISP A", f"backdoor {PASSWORD} password 7 094F471A1A0A")
    with Box({"show interfaces": answer}) as box:
        device = device_of(box)
        assert collect_device(device).ok
    (response,) = device.responses.all()
    assert PASSWORD not in response.raw
    assert "094F471A1A0A" not in response.raw
    assert "<redacted:" in response.raw


def test_what_does_not_parse_is_kept_and_said(device_of):
    unknown = SHOW_INTERFACES + "  Tertiary address: 192.0.2.201/29\n"
    with Box({"show interfaces": unknown, "show ip interface": SHOW_IP_INTERFACE}) as box:
        device = device_of(box)
        result = collect_device(device)
    assert (result.ok, result.error_kind) == (False, "parse")
    assert "'show interfaces': template cisco_ios.toml: interface: 192.0.2.201 in the line" in result.error
    failed, read = device.responses.all()
    assert (failed.raw.rstrip(), failed.rows, failed.error) == (unknown.rstrip(), 0, result.error)
    assert (read.rows, read.error) == (1, "")
    event = SessionLog.objects.get(session_id=result.session_id, event_type="interface_collection_failed")
    assert (event.error_message, event.error_kind) == (result.error, "parse")


def test_a_collection_that_broke_off_keeps_no_half(device_of):
    with Box({"show interfaces": "<the connection breaks>"}) as box:
        device = device_of(box)
        assert not collect_device(device).ok
    assert not device.responses.exists()


def test_the_oldest_collections_answers_go():
    device, other = DeviceFactory(), DeviceFactory()
    keep(other, show_interfaces="theirs")
    for number in range(COLLECTIONS_KEPT + 2):
        keep(device, show_interfaces=f"answer {number}", show_ip_interface="")
    raws = list(device.responses.filter(command="show interfaces").values_list("raw", flat=True))
    assert raws == [f"answer {number}" for number in range(COLLECTIONS_KEPT + 1, 1, -1)]
    assert device.responses.count() == COLLECTIONS_KEPT * 2
    assert other.responses.count() == 1


# --- parsing again --------------------------------------------------------------------------------------------


def test_reparse_reads_the_newest_answers_without_connecting():
    device = DeviceFactory(name="rtr01", port=9)  # nobody listens there
    keep(device, show_interfaces=SHOW_INTERFACES.replace("192.0.2.1/30", "192.0.2.99/30"))
    keep(device, show_interfaces=SHOW_INTERFACES, show_ip_interface=SHOW_IP_INTERFACE)
    assert reparse("--device", "rtr01") == (
        "rtr01: 1 interfaces, 2 addresses, 1 changed: GigabitEthernet0/0: new\n",
        0,
    )
    assert stored(device) == {"GigabitEthernet0/0": ["192.0.2.1/30", "192.0.2.129/25"]}


def test_the_interfaces_are_as_old_as_the_answers():
    device = DeviceFactory(name="rtr01")
    keep(device, show_interfaces=SHOW_INTERFACES)
    device.responses.update(collected_at=BEFORE)
    reparse("--all")
    assert device.interfaces.get().collected_at == BEFORE


def test_what_changed_is_said():
    device = DeviceFactory(name="rtr01")
    keep(device, show_interfaces=SHOW_INTERFACES)
    store_interfaces(device, [InterfaceData("GigabitEthernet0/0", mtu=9000), InterfaceData("Gone0")])
    output, code = reparse("--all")
    assert code == 0
    assert "2 changed: GigabitEthernet0/0: enabled none → True, state unknown → up" in output
    assert "mtu 9000 → 1500" in output
    assert "addresses none → 192.0.2.1/30; Gone0: gone" in output


def test_where_nothing_changed_that_is_said():
    device = DeviceFactory(name="rtr01")
    keep(device, show_interfaces=SHOW_INTERFACES)
    reparse("--all")
    assert reparse("--all") == ("rtr01: 1 interfaces, 1 addresses, nothing changed\n", 0)


def test_a_dry_run_changes_nothing():
    device = DeviceFactory(name="rtr01")
    keep(device, show_interfaces=SHOW_INTERFACES)
    output, code = reparse("--all", "--dry-run")
    assert ("1 would change: GigabitEthernet0/0: new" in output, code) == (True, 0)
    assert stored(device) == {}
    assert Response.objects.get().template == ""


def test_an_answer_that_cannot_be_read_leaves_the_device_as_it_was_and_the_others_are_done():
    bad, good = DeviceFactory(name="bad"), DeviceFactory(name="good")
    store_interfaces(bad, [InterfaceData("Known0")])
    keep(bad, show_interfaces="gibberish")
    keep(good, show_interfaces=SHOW_INTERFACES)
    output, code = reparse("--all")
    assert code == 1
    assert "bad: failed, 'show interfaces': template cisco_ios.toml: interface" in output
    assert "1 of 2 devices could not be parsed: bad" in output
    assert (stored(bad), list(stored(good))) == ({"Known0": []}, ["GigabitEthernet0/0"])
    assert bad.responses.get().error.startswith("'show interfaces'")


def test_a_better_template_reads_what_an_older_one_could_not(monkeypatch):
    device = DeviceFactory(name="rtr01")
    keep(device, show_interfaces="a format from the future")
    assert reparse("--all")[1] == 1
    better = Template(
        "future", "v2", lambda output: [{"interface": "Quantum0", "ip_address": "192.0.2.1/24"}]
    )
    monkeypatch.setattr(parsing, "template_for", lambda *_: better)
    assert reparse("--all")[1] == 0
    assert stored(device) == {"Quantum0": ["192.0.2.1/24"]}
    response = device.responses.get()
    assert (response.template, response.template_version, response.rows, response.error) == (
        "future",
        "v2",
        1,
        "",
    )


def test_a_device_without_answers_is_no_failure():
    DeviceFactory(name="new")
    assert reparse("--all") == ("new: no responses stored\n", 0)


def test_while_a_collection_runs_the_device_is_left_alone():
    device = DeviceFactory(name="rtr01", claimed_until=timezone.now() + timedelta(minutes=1))
    keep(device, show_interfaces=SHOW_INTERFACES)
    output, code = reparse("--all")
    assert ("a collection of this device is running" in output, code) == (True, 1)
    assert stored(device) == {}


def test_a_platform_nobody_knows_any_more_is_said():
    device = DeviceFactory(name="rtr01", platform="forgotten_os")
    keep(device, show_interfaces=SHOW_INTERFACES)
    output, code = reparse("--all")
    assert ("'forgotten_os' is not known" in output, code) == (True, 1)


def test_a_name_that_is_not_in_the_inventory_is_refused():
    assert reparse("--device", "nobody") == ("--device: not in the inventory: nobody", 2)
