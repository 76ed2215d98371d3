"""An interface's addresses are its own: a heading that is not known never leaves them to the interface above."""

from typing import NamedTuple

import pytest

from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import parse
from devices.platforms import file_names, get_platform


class Headed(NamedTuple):
    """An answer of two interfaces: the first with its heading, the second's heading, what stands below it."""

    platform: str
    command: str
    first: str
    heading: str
    below: str
    name: str
    address: str = "198.51.100.1"


UP = "is up, line protocol is up"
ANSWERS = {
    "ios": Headed(
        "cisco_ios", "show interfaces", f"GigabitEthernet0/0 {UP}\n  Internet address is 192.0.2.1/24\n",
        f"GigabitEthernet0/1 {UP}", "  Internet address is 198.51.100.1/25\n", "GigabitEthernet0/1",
    ),
    "ios without an address above": Headed(
        "cisco_ios", "show interfaces", f"GigabitEthernet0/0 {UP}\n  MTU 1500 bytes, BW 1000 Kbit\n",
        f"GigabitEthernet0/1 {UP}", "  Internet address is 198.51.100.1/25\n", "GigabitEthernet0/1",
    ),
    "ios ip": Headed(
        "cisco_ios", "show ip interface", f"Vlan10 {UP}\n  Internet address is 192.0.2.1/24\n  MTU is 1500 bytes\n",
        f"Vlan20 {UP}", "  Internet address is 198.51.100.1/25\n", "Vlan20",
    ),
    "ios ipv6": Headed(
        "cisco_ios", "show ipv6 interface", f"Vlan10 {UP}\n  IPv6 is enabled, link-local address is FE80::1\n",
        f"Vlan20 {UP}", "  Global unicast address(es):\n    2001:DB8:2::1, subnet is 2001:DB8:2::/64\n", "Vlan20", "2001:db8:2::1",
    ),
    "ios ipv6 brief": Headed(
        "cisco_ios", "show ipv6 interface brief", "GigabitEthernet0/0     [up/up]\n    FE80::1\n",
        "GigabitEthernet0/1     [up/up]", "    2001:DB8:2::1\n", "GigabitEthernet0/1", "2001:db8:2::1",
    ),
    "ios configuration": Headed(
        "cisco_ios", "show running-config interface", "interface Vlan10\n ip address 192.0.2.1 255.255.255.0\n",
        "interface Vlan20", " ip address 198.51.100.1 255.255.255.128\n", "Vlan20",
    ),
    "ios-xe": Headed(
        "cisco_xe", "show interfaces", f"TwentyFiveGigE1/0/1 {UP}\n  Internet address is 192.0.2.1/24\n",
        f"TwentyFiveGigE1/0/2 {UP}", "  Internet address is 198.51.100.1/25\n", "TwentyFiveGigE1/0/2",
    ),
    "nx-os": Headed(
        "cisco_nxos", "show interface", "Ethernet1/1 is up\nadmin state is up\n  Internet Address is 192.0.2.1/24\n",
        "Ethernet1/2 is up", "admin state is up\n  Internet Address is 198.51.100.1/25\n", "Ethernet1/2",
    ),
    "nx-os ip": Headed(
        "cisco_nxos", "show ip interface vrf all",
        "Vlan10, Interface status: protocol-up/link-up/admin-up, iod: 5,\n  IP address: 192.0.2.1, IP subnet: 192.0.2.0/24\n",
        "Vlan20, Interface status: protocol-up/link-up/admin-up, iod: 6,",
        "  IP address: 198.51.100.1, IP subnet: 198.51.100.0/25\n", "Vlan20",
    ),
    "nx-os ipv6": Headed(
        "cisco_nxos", "show ipv6 interface vrf all",
        "Vlan10, Interface status: protocol-up/link-up/admin-up, iod: 5\n  IPv6 address: 2001:db8::1/64 [VALID]\n",
        "Vlan20, Interface status: protocol-up/link-up/admin-up, iod: 6",
        "  IPv6 address: \n    2001:db8:2::1/64 [VALID]\n", "Vlan20", "2001:db8:2::1",
    ),
    "nx-os configuration": Headed(
        "cisco_nxos", "show running-config interface", "interface Vlan10\n  ip address 192.0.2.1/24\n",
        "interface Vlan20", "  ip address 198.51.100.1/25\n", "Vlan20",
    ),
    "xr": Headed(
        "cisco_xr", "show interfaces", f"GigabitEthernet0/0/0/0 {UP}\n  Internet address is 192.0.2.1/24\n",
        f"GigabitEthernet0/0/0/1 {UP}", "  Internet address is 198.51.100.1/25\n", "GigabitEthernet0/0/0/1",
    ),
    "xr ip": Headed(
        "cisco_xr", "show ipv4 vrf all interface", "Loopback0 is Up, ipv4 protocol is Up\n  Internet address is 192.0.2.1/32\n",
        "Loopback1 is Up, ipv4 protocol is Up", "  Internet address is 198.51.100.1/32\n", "Loopback1",
    ),
    "xr ipv6": Headed(
        "cisco_xr", "show ipv6 vrf all interface",
        "Loopback0 is Up, ipv6 protocol is Up, Vrfid is default (0x60000000)\n  IPv6 is enabled, link-local address is fe80::1\n",
        "Loopback1 is Up, ipv6 protocol is Up, Vrfid is default (0x60000000)",
        "  Global unicast address(es):\n    2001:db8:2::1, subnet is 2001:db8:2::/64\n", "Loopback1", "2001:db8:2::1",
    ),
    "eos": Headed(
        "arista_eos", "show interfaces", f"Ethernet1 {UP} (connected)\n  Internet address is 192.0.2.1/24\n",
        f"Ethernet2 {UP} (connected)", "  Internet address is 198.51.100.1/25\n", "Ethernet2",
    ),
    "eos configuration": Headed(
        "arista_eos", "show running-config interfaces", "interface Ethernet1\n   ip address 192.0.2.1/24\n",
        "interface Ethernet2", "   ip address 198.51.100.1/25\n", "Ethernet2",
    ),
    "asa": Headed(
        "cisco_asa", "show interface",
        f'Interface GigabitEthernet0/0 "outside", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.0\n',
        f'Interface GigabitEthernet0/1 "inside", {UP}', "\tIP address 198.51.100.1, subnet mask 255.255.255.128\n", "GigabitEthernet0/1",
    ),
    "asa ipv6": Headed(
        "cisco_asa", "show ipv6 interface", f"outside {UP}\n  IPv6 is enabled, link-local address is fe80::1\n",
        f"inside {UP}", "  Global unicast address(es):\n    2001:db8:2::1, subnet is 2001:db8:2::/64\n", "inside", "2001:db8:2::1",
    ),
    "junos": Headed(
        "juniper_junos", "show interfaces",
        "Physical interface: ge-0/0/0, Enabled, Physical link is Up\n  Logical interface ge-0/0/0.0 (Index 3)\n    Protocol inet, MTU: 1500\n"
        "        Destination: 192.0.2.0/24, Local: 192.0.2.1, Broadcast: 192.0.2.255\n",
        "  Logical interface ge-0/0/0.9 (Index 4)",
        "    Protocol inet, MTU: 1500\n        Destination: 198.51.100.0/25, Local: 198.51.100.1, Broadcast: 198.51.100.127\n", "ge-0/0/0.9",
    ),
    "junos terse": Headed(
        "juniper_junos", "show interfaces terse", "ge-0/0/0.0              up    up   inet     192.0.2.1/24\n",
        "ge-0/0/1.0              up    up", "                                   inet     198.51.100.1/25\n", "ge-0/0/1.0",
    ),
    "fortios": Headed(
        "fortinet", "show full-configuration system interface",
        'config system interface\n    edit "port1"\n        set ip 192.0.2.1 255.255.255.0\n    next\n',
        '    edit "port2"', "        set ip 198.51.100.1 255.255.255.128\n    next\nend\n", "port2",
    ),
    "fortios physical": Headed(
        "fortinet", "get system interface physical", "\t==[port1]\n\t\tip: 192.0.2.1 255.255.255.0\n",
        "\t==[port2]", "\t\tip: 198.51.100.1 255.255.255.128\n", "port2",
    ),
    "fortios ifconfig": Headed(
        "fortinet", "fnsysctl ifconfig", "port1\tLink encap:Ethernet  HWaddr 52:54:00:AA:00:01\n\tinet addr:192.0.2.1  Mask:255.255.255.0\n",
        "port2\tLink encap:Ethernet  HWaddr 52:54:00:AA:00:02", "\tinet addr:198.51.100.1  Mask:255.255.255.128\n", "port2",
    ),
    "vrp": Headed(
        "huawei_vrp", "display interface", "Vlanif10 current state : UP\nInternet Address is 192.0.2.1/24\n",
        "Vlanif20 current state : UP", "Internet Address is 198.51.100.1/25\n", "Vlanif20",
    ),
    "vrp ipv6": Headed(
        "huawei_vrp", "display ipv6 interface", "Vlanif10 current state : UP\nIPv6 is enabled, link-local address is FE80::1\n",
        "Vlanif20 current state : UP", "  Global unicast address(es):\n    2001:DB8:2::1, subnet is 2001:DB8:2::/64\n", "Vlanif20", "2001:db8:2::1",
    ),
    "comware": Headed(
        "hp_comware", "display interface", "Vlan-interface10\nCurrent state: UP\nInternet address: 192.0.2.1/24 (primary)\n",
        "Vlan-interface20", "Current state: UP\nInternet address: 198.51.100.1/25 (primary)\n", "Vlan-interface20",
    ),
    "comware 5": Headed(
        "hp_comware", "display interface", " Vlan-interface10 current state: UP\n Internet Address is 192.0.2.1/24 Primary\n",
        " Vlan-interface20 current state: UP", " Internet Address is 198.51.100.1/25 Primary\n", "Vlan-interface20",
    ),
    "comware configuration": Headed(
        "hp_comware", "display current-configuration interface", "#\ninterface Vlan-interface10\n ip address 192.0.2.1 255.255.255.0\n",
        "interface Vlan-interface20", " ip address 198.51.100.1 255.255.255.128\n#\n", "Vlan-interface20",
    ),
    "routeros": Headed(
        "mikrotik_routeros", "/ip address print detail without-paging",
        " 0   address=192.0.2.1/24 network=192.0.2.0 interface=ether1 actual-interface=ether1\n\n",
        " 1   ;;; lan", "     address=198.51.100.1/25 network=198.51.100.0 interface=ether2 actual-interface=ether2\n", "ether2",
    ),
    "linux": Headed(
        "linux", "ip address show", "2: eth0: <BROADCAST,UP> mtu 1500 state UP\n    inet 192.0.2.1/24 scope global eth0\n",
        "3: eth1: <BROADCAST,UP> mtu 1500 state UP", "    inet 198.51.100.1/25 scope global eth1\n", "eth1",
    ),
    "linux ifconfig": Headed(
        "linux", "ifconfig", "eth0: flags=4163<UP,RUNNING>  mtu 1500\n        inet 192.0.2.1  netmask 255.255.255.0\n",
        "eth1: flags=4163<UP,RUNNING>  mtu 1500", "        inet 198.51.100.1  netmask 255.255.255.128\n", "eth1",
    ),
    "pan-os": Headed(
        "paloalto_panos", "show interface logical",
        "ethernet1/1         16    1    untrust          vr:default               0      192.0.2.1/24\n",
        "ethernet1/2         17    1    trust            vr:default               0      N/A",
        "                                                                                198.51.100.1/25\n", "ethernet1/2",
    ),
    "frr": Headed(
        "frr", "show interface", f"Interface eth0 {UP}\n  inet 192.0.2.1/24\n", f"Interface eth1 {UP}", "  inet 198.51.100.1/25\n", "eth1",
    ),
    # --- read by ntc-templates' templates
    "fastiron of ruckus": Headed(
        "ruckus_fastiron", "show interfaces", f"GigabitEthernet1/1/1 {UP}\n  Hardware is GigabitEthernet\n  MTU 1500 bytes\n",
        f"GigabitEthernet1/1/2 {UP}", "  Internet address is 198.51.100.1/25\n  MTU 1500 bytes\n", "GigabitEthernet1/1/2",
    ),
    "netiron": Headed(
        "brocade_netiron", "show interfaces", f"GigabitEthernet1/1 {UP}\n  MTU 9216 bytes, encapsulation ethernet\n",
        f"GigabitEthernet1/2 {UP}", "  Internet address is 198.51.100.1/25, IP MTU 1500 bytes, encapsulation ethernet\n", "GigabitEthernet1/2",
    ),
    "gaia": Headed(
        "checkpoint_gaia", "show interfaces all", "Interface eth0\n    state on\n    ipv4-address Not Configured\n\n",
        "Interface eth1", "    state on\n    ipv4-address 198.51.100.1/25\n\nStatistics:\n", "eth1",
    ),
    "aw+": Headed(
        "allied_telesis_awplus", "show interface", "Interface vlan1\n  Link is UP, administrative state is UP\n",
        "Interface vlan2", "  Link is UP, administrative state is UP\n  IPv4 address 198.51.100.1/25 broadcast 198.51.100.127\n", "vlan2",
    ),
    "oneos": Headed(
        "oneaccess_oneos", "show interfaces", f"GigabitEthernet 0/0 {UP}\n  Promiscuous mode active\n",
        f"GigabitEthernet 0/1 {UP}", "  Internet address is 198.51.100.1/25\n", "GigabitEthernet 0/1",
    ),
    "zxros": Headed(
        "zte_zxros", "show interface", "xgei-1/1/0/1 is up, ifindex: 1\n  IP MTU 1500 bytes\n",
        "xgei-1/1/0/2 is up, ifindex: 2", "  Internet address is 198.51.100.1/25\n", "xgei-1/1/0/2",
    ),
}  # fmt: skip
INDENTS = ["", " ", "  ", "   ", "    ", "     ", " " * 8, " " * 10, " " * 21, " " * 40, "\t", " \t ", "\t\t"]


def found_in(answer, *lines):
    """The addresses by interface; None where the reader says that one has no interface."""
    platform = get_platform(answer.platform)
    try:
        interfaces = merge(
            platform, parse(platform, answer.command, "".join([answer.first, *lines, answer.below]))
        )
    except ParseFailed:
        return None
    return {found.name: [str(address.ip) for address in found.addresses] for found in interfaces}


def at_home(answer, found):
    """Whether the second interface's address is on no other interface, and not lost."""
    return found is None or [name for name, addresses in found.items() if answer.address in addresses] == [
        answer.name
    ]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_heading_is_read_where_it_stands(name):
    answer = ANSWERS[name]
    found = found_in(answer, f"{answer.heading}\n")
    assert found is not None
    assert found[answer.name] == [answer.address]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_heading_deeper_than_usual_leaves_its_address_to_no_other(name):
    answer = ANSWERS[name]
    heading = answer.heading.strip()
    wrong = {
        indent: found
        for indent in INDENTS
        if not at_home(answer, found := found_in(answer, f"{indent}{heading}\n"))
    }
    assert not wrong


# What a heading may be that no pattern knows. Residue of a pager or a device's message stands before some.
UNKNOWN = [
    "{name} glows", "{name} is odd", "{name} was seen, line protocol was seen", "{name}: seen", "{name} (seen)", "{name}, seen",
    "{name} current mood : GOOD", "{name}", "{name}:",
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in ANSWERS if ANSWERS[name].platform in file_names()])
def test_an_unknown_heading_leaves_its_address_to_no_other(name):
    """At the depth of what the interface above says, and deeper."""
    answer = ANSWERS[name]
    named = answer.name if any(character.isdigit() for character in answer.name) else "Vlan20"
    wrong = [
        (indent, form, found)
        for form in UNKNOWN
        for indent in INDENTS
        if not at_home(answer, found := found_in(answer, f"{indent}{form.format(name=named)}\n"))
    ]
    assert not wrong, f"{len(wrong)}: {wrong}"


@pytest.mark.parametrize("platform_name", ["arista_eos", "cisco_ios", "cisco_xe", "cisco_nxos", "cisco_xr"])
def test_an_echoed_command_and_a_prompt_begin_no_interface(platform_name):
    platform = get_platform(platform_name)
    command = f"show interface{'' if platform_name == 'cisco_nxos' else 's'} description"
    heading = f"{'Interface':<31}{'Status':<15}{'Protocol':<19}Description\n"
    row = f"{'Ethernet1/1':<31}{'up':<15}{'up':<19}x\n"
    for prompt in ("rtr01#", "RP/0/RSP0/CPU0:rtr01#", "rtr01>"):
        found = parse(platform, command, f"{prompt}{command}\n{heading}{row}{prompt}up and running\n")
        assert [each["interface"] for each in found] == ["Ethernet1/1"]


def test_every_platform_with_a_file_is_tried():
    assert set(file_names()) - {answer.platform for answer in ANSWERS.values()} == {"huawei"}


# --- names that are another interface's ------------------------------------------------------------------------

OUTSIDE = (
    f'Interface GigabitEthernet0/0 "outside", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.252\n'
)
ASA = {
    "a name that is another's nameif": (
        f'{OUTSIDE}Interface outside "outside-3", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n', "",
        {"GigabitEthernet0/0": ["192.0.2.1/30"], "outside": ["198.51.100.9/29"]},
    ),
    "the other way round": (
        f'Interface outside "outside-3", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n{OUTSIDE}', "",
        {"outside": ["198.51.100.9/29"], "GigabitEthernet0/0": ["192.0.2.1/30"]},
    ),
    "without a nameif of its own": (
        f'{OUTSIDE}Interface outside "", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n', "",
        {"GigabitEthernet0/0": ["192.0.2.1/30"], "outside": ["198.51.100.9/29"]},
    ),
    "each has the other's": (
        f'Interface a "b", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.252\n'
        f'Interface b "a", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n', "",
        {"a": ["192.0.2.1/30"], "b": ["198.51.100.9/29"]},
    ),
    "a ring of three": (
        f'Interface a "b", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.252\nInterface b "c", {UP}\n'
        f'Interface c "a", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n', "",
        {"a": ["192.0.2.1/30"], "b": [], "c": ["198.51.100.9/29"]},
    ),
    "its own": (
        f'Interface inside "inside", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.252\n', "",
        {"inside": ["192.0.2.1/30"]},
    ),
    "IPv6, by nameif": (
        OUTSIDE, f"outside {UP}\n  Global unicast address(es):\n    2001:db8::1, subnet is 2001:db8::/64\n",
        {"GigabitEthernet0/0": ["192.0.2.1/30", "2001:db8::1/64"]},
    ),
    "IPv6, by a nameif that is another's name": (
        f'{OUTSIDE}Interface outside "outside-3", {UP}\n\tIP address 198.51.100.9, subnet mask 255.255.255.248\n',
        f"outside {UP}\n    2001:db8::1, subnet is 2001:db8::/64\noutside-3 {UP}\n    2001:db8:3::1, subnet is 2001:db8:3::/64\n",
        {"GigabitEthernet0/0": ["192.0.2.1/30", "2001:db8::1/64"], "outside": ["198.51.100.9/29", "2001:db8:3::1/64"]},
    ),
    "IPv6, by the nameif of two that have each other's": (
        f'Interface a "b", {UP}\nInterface b "a", {UP}\n', f"a {UP}\n    2001:db8::1, subnet is 2001:db8::/64\n",
        {"a": [], "b": ["2001:db8::1/64"]},
    ),
    "IPv6 alone": ("", f"outside {UP}\n    2001:db8::1, subnet is 2001:db8::/64\n", {"outside": ["2001:db8::1/64"]}),
    "no name but the nameif": (
        f'{OUTSIDE}Interface  "nlp_int_tap", {UP}\n\tMAC address 0200.5e00.0180, MTU 1500\n'
        "\tIP address 198.51.100.1, subnet mask 255.255.255.248\n", "",
        {"GigabitEthernet0/0": ["192.0.2.1/30"], "nlp_int_tap": ["198.51.100.1/29"]},
    ),
    "no name, and the nameif is another's name": (
        f'Interface outside "a", {UP}\n\tIP address 192.0.2.1, subnet mask 255.255.255.252\n'
        f'Interface  "b", {UP}\n\tIP address 198.51.100.1, subnet mask 255.255.255.248\n', "",
        {"outside": ["192.0.2.1/30"], "b": ["198.51.100.1/29"]},
    ),
}  # fmt: skip


def test_an_interface_whose_name_is_anothers_nameif_stays_one_of_its_own():
    platform = get_platform("cisco_asa")
    wrong = {}
    for name, (interfaces, ipv6, expected) in ASA.items():
        rows = parse(platform, "show interface", interfaces) if interfaces else []
        rows += parse(platform, "show ipv6 interface", ipv6) if ipv6 else []
        found = merge(platform, rows)
        told = {interface.name: [str(address) for address in interface.addresses] for interface in found}
        if told != expected:
            wrong[name] = told
    assert not wrong
