"""Forms that the vendors' answers take from release to release and that our own samples do not have."""

import pytest

from devices.interfaces.normalised import merge
from devices.interfaces.parsing import parse
from devices.platforms import get_platform


def addresses(platform_name, command, text):
    """The addresses by interface, in the device's order."""
    platform = get_platform(platform_name)
    found = merge(platform, parse(platform, command, text))
    return {interface.name: [str(address) for address in interface.addresses] for interface in found}


FORMS = {
    "a name that begins with a digit": (
        "huawei_vrp", "display interface",
        "10GE1/0/1 current state : UP (ifindex: 35)\nLine protocol current state : UP\nInternet Address is 192.0.2.1/30\n",
        {"10GE1/0/1": ["192.0.2.1/30"]},
    ),
    "unnumbered": (
        "huawei_vrp", "display interface",
        "Tunnel0/0/1 current state : UP\nInternet Address is unnumbered, using address of LoopBack0(192.0.2.9/32)\n"
        "Tunnel source 192.0.2.9 (LoopBack0), destination 192.0.2.8\n",
        {"Tunnel0/0/1": []},
    ),
    "indented headings": (
        "hp_comware", "display interface",
        " Vlan-interface1 current state: UP\n Internet Address is 192.0.2.1/24 Primary\n Internet Address is 192.0.2.129/25 Sub\n"
        " GigabitEthernet1/0/1 current state: UP\n PVID: 10\n",
        {"Vlan-interface1": ["192.0.2.1/24", "192.0.2.129/25"], "GigabitEthernet1/0/1": []},
    ),
    "an export with continued lines": (
        "mikrotik_routeros", "ip address export verbose",
        "# jan/02/2024 10:11:12 by RouterOS 6.48.6\n/ip address\nadd address=192.0.2.1/24 comment=\"x 10.0.0.1\" interface=bridge "
        "network=\\\n    192.0.2.0\n",
        {"bridge": ["192.0.2.1/24"]},
    ),
    "a table with comments above the rows": (
        "mikrotik_routeros", "ip address print",
        "Columns: ADDRESS, NETWORK, INTERFACE, VRF\n# ADDRESS       NETWORK    INTERFACE  VRF\n;;; see 10.3.3.3\n"
        "0 192.0.2.1/24  192.0.2.0  bridge     main\n",
        {"bridge": ["192.0.2.1/24"]},
    ),
    "a netmask in a line of its own": (
        "paloalto_panos", "show interface management",
        "Name: Management Interface\nIp address: 192.0.2.10\nNetmask: 255.255.255.128\nDefault gateway: 192.0.2.1\n"
        "Ipv6 address: 2001:db8::10/64\nIpv6 default gateway: 2001:db8::1\n",
        {"Management Interface": ["192.0.2.10/25", "2001:db8::10/64"]},
    ),
    "a network of fewer than four numbers, and a destination that is none": (
        "juniper_junos", "show interfaces",
        "Physical interface: em0  , Enabled, Physical link is Up\n  Logical interface em0.0 (Index 3)\n    Protocol inet, MTU: 1500\n"
        "        Destination: 10/8, Local: 10.0.0.4, Broadcast: 10.255.255.255\n"
        "        Destination: Unspecified, Local: fe80::1\n",
        {"em0": [], "em0.0": ["10.0.0.4/8", "fe80::1"]},
    ),
    "tables of several kinds in one answer": (
        "cisco_nxos", "show interface brief",
        "mgmt0  --           up     192.0.2.5                               1000     1500\n"
        "Eth1/1          1       eth  trunk  up      none                     10G(D) 11\n"
        "Tunnel101                up         198.51.100.1/31                 GRE/IP   1476\n",
        {"mgmt0": ["192.0.2.5"], "Eth1/1": [], "Tunnel101": ["198.51.100.1/31"]},
    ),
    "an anycast gateway": (
        "arista_eos", "show interfaces",
        "Vlan10 is up, line protocol is up (connected)\n  Internet address is virtual 192.0.2.1/24\n",
        {"Vlan10": ["192.0.2.1/24"]},
    ),
    "a running configuration": (
        "cisco_ios", "show running-config interface",
        "!\ninterface GigabitEthernet0/1\n description WAN 10.1.1.9\n ip address 192.0.2.1 255.255.255.0\n"
        " ip address 198.51.100.1 255.255.255.128 secondary\n ip helper-address 10.4.4.4\n ipv6 address 2001:db8::1/64\nend\n",
        {"GigabitEthernet0/1": ["192.0.2.1/24", "198.51.100.1/25", "2001:db8::1/64"]},
    ),
    "hardware addresses of twenty bytes, and the ends of tunnels": (
        "linux", "ip address show",
        "2: ib0: <BROADCAST,UP,LOWER_UP> mtu 2044 qdisc mq state UP\n    link/infiniband 80:00:00:28:fe:80:00:00:00:00:00:00:e4:1d:2d:"
        "03:00:aa:bb:cc brd 00:ff:ff:ff\n    inet 192.0.2.4/24 scope global ib0\n6: gre1: <NOARP,UP> mtu 1476 state UNKNOWN\n"
        "    link/gre 192.0.2.4 brd 192.0.2.99\n",
        {"ib0": ["192.0.2.4/24"], "gre1": []},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read(form):
    platform_name, command, text, expected = FORMS[form]
    assert addresses(platform_name, command, text) == expected


def test_a_word_of_the_description_is_not_taken_for_the_state():
    text = "Gi0/2     connected room     disabled     trunk        auto   auto 10/100/1000BaseTX\n"
    platform = get_platform("cisco_ios")
    (found,) = merge(platform, parse(platform, "show interfaces status", text))
    assert (found.description, found.enabled, found.vlan) == ("connected room", False, "trunk")


def test_a_subinterface_whose_state_is_not_told_stays_unknown():
    text = "ethernet1/1.7       258   1    trust            vr:default               7      192.0.2.1/24\n"
    platform = get_platform("paloalto_panos")
    (found,) = merge(platform, parse(platform, "show interface logical", text))
    assert (found.enabled, found.state, found.vlan) == (None, "unknown", "7")
