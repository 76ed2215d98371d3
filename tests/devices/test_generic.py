"""Platforms without a file: ntc-templates read their answers, and no address may be passed over."""

import pytest

from devices.collecting.one_device import collect_device
from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import Answer, interfaces_of, parse
from devices.platforms import InterfaceCommand, get_platform
from sessionlogs.models import SessionLog
from tests.devices.emulator import Box


def addresses(platform_name, command, text):
    """The addresses by interface."""
    platform = get_platform(platform_name)
    found = merge(platform, parse(platform, command, text))
    return {interface.name: [str(address) for address in interface.addresses] for interface in found}


ALLIED = """\
Interface vlan1
  Link is UP, administrative state is UP
  Hardware is VLAN, address is 0000.cd38.026c
  Description: to 203.0.113.7, floor 3
  IPv4 address 192.0.2.1/24 broadcast 192.0.2.255
  index 301 metric 1 mtu 1500
"""
VYOS = """\
Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down
Interface        IP Address                        S/L  Description
---------        ----------                        ---  -----------
eth0             192.0.2.1/24                      u/u  WAN, peer is 203.0.113.9
                 2001:db8::1/64
lo               127.0.0.1/8                       u/u  loop
"""
S300 = """\
Gateway IP Address    Activity status    Type
--------------------- --------------- ---------
192.0.2.254           Active            static

    IP Address         I/F       Type     Status
------------------- ---------- --------- ---------
192.0.2.1/24        vlan 1     Static    Valid
"""
RUCKUS = """\
GigabitEthernet1/1/1 is up, line protocol is up
  Hardware is GigabitEthernet, address is 748e.f8e7.c001 (bia 748e.f8e7.c001)
  Internet address is 192.0.2.1/24, IP MTU 1500 bytes
"""
ONEOS = """\
GigabitEthernet 0/0 is up, line protocol is up
  Internet address is 192.0.2.1/24, broadcast address is 192.0.2.255
  Secondary address is 198.51.100.1/25
  IPv6 address is 2001:db8::1/64
"""
GAIA = """\
Interface eth0
    state on
    mac-addr 00:1c:7f:00:00:01
    type ethernet
    link-state link up
    mtu 1500
    auto-negotiation Not configured
    speed 1000M
    ipv6-autoconfig Not configured
    duplex full
    monitor-mode Not configured
    link-speed Not configured
    comments {}
    ipv4-address 192.0.2.1/24
    ipv6-address Not Configured
    ipv6-local-link-address fe80::1/64
"""


@pytest.mark.parametrize(
    ("platform_name", "command", "text", "found"),
    [
        ("allied_telesis_awplus", "show interface", ALLIED, {"vlan1": ["192.0.2.1/24"]}),
        (
            "vyos",
            "show interfaces",
            VYOS,
            {"eth0": ["192.0.2.1/24", "2001:db8::1/64"], "lo": ["127.0.0.1/8"]},
        ),
        ("cisco_s300", "show ip interface", S300, {"vlan 1": ["192.0.2.1/24"]}),
        (
            "oneaccess_oneos",
            "show interfaces",
            ONEOS,
            {"GigabitEthernet 0/0": ["192.0.2.1/24", "198.51.100.1/25", "2001:db8::1/64"]},
        ),
        ("checkpoint_gaia", "show interfaces all", GAIA, {"eth0": ["192.0.2.1/24", "fe80::1/64"]}),
    ],
)
def test_the_addresses_are_found_and_those_of_others_do_no_harm(platform_name, command, text, found):
    assert addresses(platform_name, command, text) == found


@pytest.mark.parametrize(
    "line",
    [
        "  Internet address is 198.51.100.1/24 secondary",  # of two the template keeps one
        "  IPv6 address is 2001:db8::77/64",
        "  Something new in this release: 192.0.2.77",
    ],
)
def test_an_address_that_the_template_passes_over_is_a_failure(line):
    with pytest.raises(ParseFailed, match="belongs to no interface") as caught:
        parse(get_platform("ruckus_fastiron"), "show interfaces", RUCKUS + line + "\n")
    assert "'show interfaces': template ruckus_fastiron_show_interfaces.textfsm: " in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "  Description: to 203.0.113.7",
        "  Helper address is 203.0.113.7",
        "  broadcast is 192.0.2.255, network is 192.0.2.0, mask is 255.255.255.0",
        "  Multicast groups joined: 224.0.0.5",
        "  VRRP virtual address 192.0.2.100",
    ],
)
def test_the_addresses_of_others_are_no_loss(line):
    parse(get_platform("ruckus_fastiron"), "show interfaces", RUCKUS + line + "\n")


def test_what_one_answer_leaves_out_another_of_the_collection_may_tell():
    platform = get_platform("cisco_s300")
    status = (
        "                                             Flow Link          Back   Mdix\n"
        "Port     Type         Duplex  Speed Neg      ctrl State       Pressure Mode\n"
        "-------- ------------ ------  ----- -------- ---- ----------- -------- -------\n"
        "gi1      1G-Copper    Full    1000  Enabled  Off  Up          Disabled On\n"
    )
    answers = [
        Answer(InterfaceCommand("show interfaces status"), f"{status}\nManaged over 192.0.2.1\n"),
        Answer(InterfaceCommand("show ip interface"), S300),
    ]
    assert {row.name for row in interfaces_of(platform, answers)} == {"gi1", "vlan 1"}


def test_the_failed_answer_says_so_and_keeps_its_text():
    text = RUCKUS + "  Internet address is 198.51.100.1/24 secondary\n"
    answer = Answer(InterfaceCommand("show interfaces"), text)
    with pytest.raises(ParseFailed):
        interfaces_of(get_platform("ruckus_fastiron"), [answer])
    assert (answer.rows, answer.raw) == (0, text)
    assert answer.template == "ruckus_fastiron_show_interfaces.textfsm"
    assert "in the line 'Internet address is 192.0.2.1/24, IP MTU 1500 bytes'" in answer.error


def test_rows_that_name_no_interface_are_no_success():
    text = "Gateway IP Address    Activity status    Type\n---------- -------- ------\n192.0.2.254 Active static\n"
    with pytest.raises(ParseFailed, match="no interface found"):
        parse(get_platform("eltex"), "show ip interface", text)


@pytest.mark.django_db(transaction=True)
def test_a_collection_that_would_lose_an_address_fails_on_record_and_keeps_the_answer(device_of):
    text = RUCKUS + "  Internet address is 198.51.100.1/24 secondary\n"
    with Box({"show interfaces": text, "skip-page-display": ""}) as box:
        device = device_of(box, platform="ruckus_fastiron")
        result = collect_device(device)
    event = SessionLog.objects.get(session_id=result.session_id, event_type="interface_collection_failed")
    assert (result.ok, event.error_kind) == (False, "parse")
    assert "'show interfaces': template ruckus_fastiron_show_interfaces.textfsm: " in event.error_message
    assert device.responses.get().raw.rstrip() == text.rstrip()
    assert not device.interfaces.exists()
