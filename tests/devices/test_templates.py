"""Our own TextFSM templates, on samples, on the demo's outputs and on a real router."""

import json
from pathlib import Path

import pytest
from netmiko import ConnectHandler
from textfsm import TextFSMError

from deploy.demo.fleet import inventory
from devices.errors import ParseFailed
from devices.interfaces.normalised import merge
from devices.interfaces.parsing import parse
from devices.platforms import InterfaceCommand, get_platform

SAMPLES = Path(__file__).parent / "samples"
OUTPUTS = Path("deploy/demo/outputs")
FRR = InterfaceCommand("show interface", "frr_show_interface.textfsm")
IPV6 = InterfaceCommand("show ipv6 interface", "cisco_ios_show_ipv6_interface.textfsm")


def rows_of(platform, command, sample):
    rows = parse(get_platform(platform), command, (SAMPLES / sample).read_text())
    return {row["interface"]: row for row in rows}


def interfaces_of(device):
    """The interfaces in the demo's outputs for one device."""
    platform = get_platform(device["platform"])
    rows = []
    for command in platform.interface_commands:
        if answer := device["commands"].get(command.command):
            rows += parse(platform, command, (OUTPUTS / answer["file"]).read_text())
    return {data.name: data for data in merge(platform, rows)}


class TestFrr:
    def test_a_real_routers_answer(self):
        rows = rows_of("frr", FRR, "frr_show_interface.txt")
        assert list(rows) == [
            "lan0",
            "lan0-far",
            "lo",
            "mgmt0",
            "spare0",
            "spare0-far",
            "wan0",
            "wan0-far",
        ]
        assert rows["lan0"] == {
            "interface": "lan0",
            "link_status": "up",
            "protocol_status": "up",
            "description": "office LAN",
            "vrf": "default",
            "mtu": "9000",
            "mac_address": "ee:87:f3:28:a1:d3",
            "speed": "10000",
            "vlan_id": "",
            "ip_address": ["192.0.2.65/26", "192.0.2.66/26", "198.51.100.65/27"],
            "ipv6_address": ["2001:db8:b::1/64", "2001:db8:b:1::1/64", "fe80::ec87:f3ff:fe28:a1d3/64"],
        }
        assert (rows["spare0"]["link_status"], rows["spare0"]["protocol_status"]) == ("down", "")
        assert (rows["spare0-far"]["link_status"], rows["spare0-far"]["protocol_status"]) == ("up", "down")

    def test_every_kind_of_interface(self):
        rows = rows_of("frr", FRR, "frr_show_interface_kinds.txt")
        assert list(rows) == ["br0", "br0.30", "eth1", "tun0", "vxlan7", "gone0", "later0"]
        assert rows["br0"]["ip_address"] == ["192.0.2.1/25", "192.0.2.2/25"]
        assert (rows["br0.30"]["vlan_id"], rows["br0.30"]["vrf"]) == ("30", "red")
        assert rows["eth1"]["ipv6_address"] == ["fe80::5054:ff:feaa:5/64"], (
            "a neighbour's address is not ours"
        )
        assert rows["tun0"]["ip_address"] == ["203.0.113.1/32"], "nor is the other end's"
        assert rows["later0"]["description"] == "configured, not there yet"

    @pytest.mark.parametrize("line", ["  something new 192.0.2.9/24", "  inet 192.0.2.999", "surprise"])
    def test_an_unknown_line_is_an_error(self, line):
        text = (SAMPLES / "frr_show_interface.txt").read_text() + line + "\n"
        with pytest.raises((ParseFailed, TextFSMError), match="frr_show_interface"):
            parse(get_platform("frr"), FRR, text)

    @pytest.mark.service("frr")
    def test_agrees_with_the_routers_json(self, service):
        host, port, username, password = service("LOGSITE_TEST_FRR").split(":")
        with ConnectHandler(
            device_type="cisco_ios",
            host=host,
            port=int(port),
            username=username,
            password=password,
            read_timeout_override=150,
        ) as router:
            told = json.loads(router.send_command("show interface json"))
            rows = parse(get_platform("frr"), FRR, router.send_command("show interface"))
        assert {row["interface"]: sorted(row["ip_address"] + row["ipv6_address"]) for row in rows} == {
            name: sorted(address["address"] for address in data["ipAddresses"]) for name, data in told.items()
        }
        for row in rows:
            data = told[row["interface"]]
            assert row["link_status"] == data["administrativeStatus"]
            assert row["description"] == data.get("description", "")
            assert (row["mtu"], row["vrf"]) == (str(data["mtu"]), data["vrfName"])
            assert row["mac_address"] == data.get("hardwareAddress", "")


class TestCiscoIpv6:
    def test_addresses_with_their_prefixes(self):
        rows = rows_of("cisco_ios", IPV6, "cisco_ios_show_ipv6_interface.txt")
        assert list(rows) == ["GigabitEthernet0/0", "GigabitEthernet0/1", "Tunnel0"]
        first = rows["GigabitEthernet0/0"]
        assert list(zip(first["ipv6_address"], first["ipv6_prefix"], strict=True)) == [
            ("2001:DB8:1::1", "2001:DB8:1::/64"),
            ("2001:DB8:1:2::A", "2001:DB8:1:2::/64"),
            ("2001:DB8:1:3:5054:FF:FEAA:1", "2001:DB8:1:3::/64"),
        ]
        assert (first["link_local"], first["mtu"], first["vrf"]) == ("FE80::1", "1500", "")

    def test_states_vrf_and_an_interface_without_addresses(self):
        rows = rows_of("cisco_ios", IPV6, "cisco_ios_show_ipv6_interface.txt")
        second = rows["GigabitEthernet0/1"]
        assert (second["link_status"], second["protocol_status"]) == ("administratively down", "down")
        assert (second["vrf"], second["mtu"], second["link_local"]) == ("RED", "9000", "FE80::2")
        assert (rows["Tunnel0"]["ipv6_address"], rows["Tunnel0"]["mtu"]) == ([], "1456")

    @pytest.mark.parametrize(
        ("known", "unknown"),
        [
            ("subnet is 2001:DB8:1::/64", "net 2001:DB8:1::/64"),
            ("    FF02::2\n", "    somewhere\n"),
            ("GigabitEthernet0/1 is", "GigabitEthernet0/1 was"),
        ],
    )
    def test_a_line_that_could_hold_an_address_is_not_dropped(self, known, unknown):
        text = (SAMPLES / "cisco_ios_show_ipv6_interface.txt").read_text()
        assert known in text
        with pytest.raises((ParseFailed, TextFSMError), match="cisco_ios_show_ipv6"):
            parse(get_platform("cisco_ios"), IPV6, text.replace(known, unknown, 1))


class TestDemoOutputs:
    devices = {device["name"]: device for device in inventory()}

    def addresses(self, name):
        return {
            interface.name: [str(address) for address in interface.addresses]
            for interface in interfaces_of(self.devices[name]).values()
        }

    def test_the_firewall(self):
        interfaces = interfaces_of(self.devices["fw01.demo"])
        assert self.addresses("fw01.demo")["ethernet1/1"] == ["198.51.100.2/29", "198.51.100.3/29"]
        assert len(interfaces) == 19
        dmz = interfaces["ethernet1/2.110"]
        assert (dmz.zone, dmz.vsys, dmz.vrf, dmz.vlan) == ("dmz", "1", "default", "110")
        assert interfaces["ethernet1/4"].state == "down"

    def test_the_router_with_both_families(self):
        addresses = self.addresses("rtr01.demo")
        assert len(addresses) == 9
        assert addresses["GigabitEthernet0/0/1"] == [
            "192.0.2.1/26",
            "192.0.2.65/27",
            "2001:db8:b::1/64",
            "2001:db8:b:1::1/64",
            "fe80::72db:98ff:fea1:5c11",
        ]
        interfaces = interfaces_of(self.devices["rtr01.demo"])
        assert interfaces["GigabitEthernet0/0/2"].enabled is False
        assert (interfaces["GigabitEthernet0/0/1.30"].vlan, interfaces["GigabitEthernet0/0/1.30"].vrf) == (
            "30",
            "GUEST",
        )

    def test_the_switch(self):
        addresses = self.addresses("sw01.demo")
        assert len(addresses) == 12
        assert addresses["Vlan20"] == ["203.0.113.97/27"]

    def test_every_secret_is_printed_by_its_device(self):
        for device in self.devices.values():
            files = [answer["file"] for answer in device["commands"].values() if isinstance(answer, dict)]
            text = "".join((OUTPUTS / file).read_text() for file in files)
            assert all(secret in text for secret in device.get("secrets", [])), device["name"]
