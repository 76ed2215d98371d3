"""From a device's answers to interfaces in one shape."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from devices.errors import ParseFailed
from devices.interfaces.normalised import Address, merge, normalise
from devices.interfaces.parsing import parse, template_for
from devices.platforms import InterfaceCommand, get_platform

OWN = Path(__file__).parent / "samples" / "own"


def read(platform_name):
    """The interfaces of a platform's own samples, as a collection puts them together."""
    platform = get_platform(platform_name)
    rows = []
    for command in platform.interface_commands:
        answer = OWN / f"{platform_name}_{command.command.replace(' ', '_')}.txt"
        if answer.is_file():
            rows += parse(platform, command, answer.read_text(encoding="utf-8"))
    return {interface.name: interface for interface in merge(platform, rows)}


def addresses(interface):
    return [str(address) for address in interface.addresses]


# --- PAN-OS ---------------------------------------------------------------------------------------------------


def test_panos_hardware_and_logical_rows_are_one_interface():
    interface = read("paloalto_panos")["ethernet1/1"]
    assert (interface.mac_address, interface.speed, interface.state) == ("b4:0c:25:aa:00:10", "1000", "up")
    assert (interface.zone, interface.vsys, interface.vrf) == ("untrust", "1", "default")


def test_panos_secondary_addresses_are_kept_after_the_primary():
    assert addresses(read("paloalto_panos")["ethernet1/1"]) == ["192.0.2.2/29", "192.0.2.3/29"]


def test_panos_na_is_no_address_and_no_forwarding():
    interface = read("paloalto_panos")["ethernet1/2"]
    assert (interface.addresses, interface.vrf, interface.zone, interface.vlan) == ([], "", "", "")
    assert (interface.state, interface.speed) == ("down", "")


def test_panos_subinterfaces_carry_tag_zone_vsys_and_router():
    interface = read("paloalto_panos")["ethernet1/2.110"]
    assert (interface.vlan, interface.zone, interface.vsys, interface.vrf) == ("110", "dmz", "2", "guest")


def test_panos_interfaces_keep_the_device_s_order():
    assert list(read("paloalto_panos")) == [
        "ethernet1/1",
        "ethernet1/2",
        "vlan",
        "tunnel",
        "ethernet1/2.110",
        "tunnel.10",
    ]


# --- IOS ------------------------------------------------------------------------------------------------------


def test_ios_addresses_of_both_families_come_from_three_commands():
    assert addresses(read("cisco_ios")["GigabitEthernet0/0"]) == [
        "192.0.2.1/30",
        "192.0.2.129/25",
        "2001:db8:a::1/64",
        "2001:db8:b:0:5054:ff:feaa:1/64",
        "fe80::5054:ff:feaa:1",
    ]


def test_ios_facts_of_one_interface():
    interface = read("cisco_ios")["GigabitEthernet0/0"]
    assert (interface.enabled, interface.state, interface.mtu) == (True, "up", 1500)
    assert (interface.description, interface.mac_address) == ("uplink to ISP A", "52:54:00:aa:00:01")
    assert (interface.vrf, interface.speed) == ("blue", "1Gbps")


def test_ios_an_interface_that_is_shut_down():
    interface = read("cisco_ios")["GigabitEthernet0/1"]
    assert (interface.enabled, interface.state, interface.addresses) == (False, "down", [])


# --- EOS ------------------------------------------------------------------------------------------------------


def test_eos_addresses_come_from_both_commands_once():
    found = read("arista_eos")
    assert addresses(found["Ethernet1"]) == ["192.0.2.2/26"]
    assert addresses(found["Management1"]) == ["198.51.100.4/24"]


@pytest.mark.parametrize(
    ("name", "enabled", "state"),
    [("Ethernet1", True, "up"), ("Ethernet2", True, "down"), ("Ethernet3", False, "down")],
)
def test_eos_states(name, enabled, state):
    interface = read("arista_eos")[name]
    assert (interface.enabled, interface.state) == (enabled, state)


# --- FRR ------------------------------------------------------------------------------------------------------


def test_frr_facts_of_one_interface():
    interface = read("frr")["eth0"]
    assert (interface.enabled, interface.state, interface.mtu, interface.vrf) == (True, "up", 1500, "red")
    assert (interface.description, interface.mac_address) == (
        "uplink to ISP A, circuit 4711",
        "02:00:00:aa:00:01",
    )
    assert addresses(interface) == ["192.0.2.2/30", "192.0.2.65/26", "2001:db8:a::2/64", "fe80::ff:feaa:1/64"]


def test_frr_says_of_an_interface_that_is_shut_down_only_that_it_is_down():
    interface = read("frr")["eth1"]
    assert (interface.enabled, interface.state, addresses(interface)) == (
        False,
        "down",
        ["198.51.100.129/25"],
    )


# --- what cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform_name", ["cisco_ios", "arista_eos", "paloalto_panos", "frr", "cisco_nxos"])
@pytest.mark.parametrize("answer", ["", "\n\n", "Tomorrow will be sunny.\nWith some clouds."])
def test_an_answer_nobody_can_read_is_a_failure_that_names_command_and_template(platform_name, answer):
    platform = get_platform(platform_name)
    command = platform.interface_commands[0]
    template = template_for(platform, command).name
    with pytest.raises(ParseFailed) as caught:
        parse(platform, command, answer)
    assert repr(command.command) in str(caught.value)
    assert template in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_optional_command_may_find_nothing():
    assert parse(get_platform("cisco_ios"), InterfaceCommand("show ip interface", optional=True), "") == []


def test_an_optional_command_that_cannot_be_read_is_still_a_failure():
    with pytest.raises(ParseFailed):
        parse(
            get_platform("cisco_ios"), InterfaceCommand("show ip interface", optional=True), "gibberish here"
        )


def test_a_prefix_length_that_is_none_is_a_failure():
    with pytest.raises(ParseFailed, match=r"'192\.0\.2\.9' with prefix '99' is not an address"):
        normalise(
            get_platform("cisco_ios"), {"interface": "x", "ip_address": "192.0.2.9", "prefix_length": "99"}
        )


# --- the shape ------------------------------------------------------------------------------------------------


def one(**row):
    return normalise(get_platform("cisco_ios"), {"interface": "x", **row})


@pytest.mark.parametrize(
    "nothing",
    ["", "N/A", "unassigned", "--", "dhcp", "0.0.0.0", "[n/a]", "x.x.x.x", "269.1.1.1", "224.0.0.5"],
)
def test_words_for_nothing_are_no_addresses(nothing):
    assert one(ip_address=nothing).addresses == []


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"ip_address": "192.0.2.1", "netmask": "255.255.255.128"}, "192.0.2.1/25"),
        ({"ip_address": "192.0.2.1/26"}, "192.0.2.1/26"),
        ({"ip_address": "192.0.2.1"}, "192.0.2.1"),
        ({"primary_ip_address": "192.0.2.33", "primary_ip_subnet": "192.0.2.32/27"}, "192.0.2.33/27"),
        ({"ip_addresses": ["192.0.2.1"], "ip_masks": ["28"]}, "192.0.2.1/28"),
        ({"ipv6_address": ["2001:DB8::1"], "ipv6_prefix": ["2001:DB8::/48"]}, "2001:db8::1/48"),
    ],
)
def test_prefix_lengths_come_from_wherever_the_template_puts_them(row, text):
    assert addresses(one(**row)) == [text]


def test_an_address_told_twice_is_one():
    assert addresses(one(ip_address=["192.0.2.1", "192.0.2.1"], prefix_length=["24", "24"])) == [
        "192.0.2.1/24"
    ]


def test_a_later_row_fills_in_the_prefix_length_an_earlier_one_left_open():
    platform = get_platform("cisco_ios")
    rows = [{"interface": "x", "ip_address": "192.0.2.1"}, {"interface": "x", "ip_address": "192.0.2.1/24"}]
    assert addresses(merge(platform, rows)[0]) == ["192.0.2.1/24"]


def test_a_later_row_does_not_overwrite_what_is_known():
    platform = get_platform("cisco_ios")
    rows = [
        {"interface": "x", "description": "first"},
        {"interface": "x", "description": "second", "mtu": "9000"},
    ]
    (interface,) = merge(platform, rows)
    assert (interface.description, interface.mtu) == ("first", 9000)


@pytest.mark.parametrize(
    "text", ["5254.00AA.0001", "52:54:00:aa:00:01", "5254-00aa-0001", "52-54-00-AA-00-01"]
)
def test_mac_addresses_are_written_one_way(text):
    assert one(mac_address=text).mac_address == "52:54:00:aa:00:01"


@pytest.mark.parametrize(
    ("row", "enabled", "state"),
    [
        ({}, None, "unknown"),
        ({"link_status": "up", "protocol_status": "up (connected)"}, True, "up"),
        ({"link_status": "up", "protocol_status": "down"}, True, "down"),
        ({"link_status": "administratively down", "protocol_status": "down"}, False, "down"),
        ({"link_status": "Up", "admin_state": "Administratively down"}, False, "down"),  # Junos
        ({"admin_status": "up", "link_status": "down"}, True, "down"),  # NX-OS
        ({"state": "up"}, None, "up"),  # PAN-OS
        ({"status": "connected"}, True, "up"),
        ({"status": "notconnect"}, True, "down"),
    ],
)
def test_states(row, enabled, state):
    found = one(**row)
    assert (found.enabled, found.state) == (enabled, state)


def test_an_address_prints_with_its_prefix_length_where_it_is_known():
    assert str(Address(IPv4Address("192.0.2.1"), 24)) == "192.0.2.1/24"
    assert str(Address(IPv4Address("192.0.2.1"))) == "192.0.2.1"
