"""Every vendor's answers become the same shape, and no address in them is lost."""

import ipaddress
import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import paramiko
import pytest
import yaml
from django.db import connection
from fakenos.plugins.servers import ssh_server_paramiko

from deploy.demo.fleet import Device as EmulatedDevice
from deploy.demo.fleet import quiet
from devices.connectors import get_connector
from devices.errors import ParseFailed
from devices.interfaces.normalised import InterfaceData, merge
from devices.interfaces.parsing import Answer, interfaces_of, parse, template_for
from devices.platforms import InterfaceCommand, get_platform
from tests.conftest import service_address
from tests.devices.emulator import PASSWORD, USERNAME

OWN = Path(__file__).parent / "samples" / "vendors"
PLATFORMS = sorted(path.name for path in OWN.iterdir() if path.is_dir())
ISSUE = {
    "paloalto_panos",
    "cisco_ios",
    "cisco_xe",
    "cisco_nxos",
    "cisco_xr",
    "cisco_asa",
    "arista_eos",
    "juniper_junos",
    "fortinet",
    "huawei_vrp",
    "hp_comware",
    "mikrotik_routeros",
    "linux",
}
REAL = os.environ.get("LOGSITE_DEVICE_SAMPLES", "")
NAME_COLUMNS = ("interface", "name", "port", "interface_name", "nic")


def answers(platform_name):
    """A platform's own samples as a collection gathers them."""
    folder = OWN / platform_name
    files = {
        command: folder / f"{command.command.removeprefix('/').replace(' ', '_')}.txt"
        for command in get_platform(platform_name).interface_commands
    }
    return [Answer(command, file.read_text()) for command, file in files.items() if file.is_file()]


def expected(platform_name):
    return tomllib.loads((OWN / platform_name / "expected.toml").read_text())["interfaces"]


def shown(interface):
    """What an interface tells, as expected.toml writes it."""
    blank = InterfaceData("")
    told = {field.name: getattr(interface, field.name) for field in fields(interface)}
    told["addresses"] = [str(address) for address in interface.addresses]
    return {name: value for name, value in told.items() if value != getattr(blank, name)}


# --- our own samples ------------------------------------------------------------------------------------------


def test_every_platform_of_the_issue_has_a_file_and_samples():
    assert set(PLATFORMS) == ISSUE
    assert all(get_platform(name).readers for name in ISSUE | {"huawei"})


@pytest.mark.parametrize("platform_name", PLATFORMS)
def test_a_platform_s_answers_become_the_normalised_shape(platform_name):
    found = interfaces_of(get_platform(platform_name), answers(platform_name))
    assert [shown(interface) for interface in found] == expected(platform_name)


@pytest.mark.parametrize("platform_name", PLATFORMS)
def test_the_samples_have_what_is_hard(platform_name):
    """Secondary and IPv6 addresses, an interface that is shut down, odd characters in a description."""
    rows = expected(platform_name)
    addresses = [address for row in rows for address in row.get("addresses", ())]
    assert any(":" in address for address in addresses)
    assert any(sum("." in address for address in row.get("addresses", ())) > 1 for row in rows) or (
        platform_name == "cisco_asa"  # which has none
    )
    if platform_name != "paloalto_panos":  # `show interface all` tells neither
        assert any(row.get("enabled") is False for row in rows) or platform_name == "cisco_xe"
        assert any(re.search(r"[\"'<|#]", row.get("description", "")) for row in rows)


@pytest.mark.parametrize("platform_name", PLATFORMS)
def test_a_line_that_nobody_knows_does_no_harm(platform_name):
    noisy = [
        Answer(
            answer.command, re.sub(r"(?m)^( +)(?=\S)", r"\1new counters 17, 4 drops\n\1", answer.raw, count=1)
        )
        for answer in answers(platform_name)
        if answer.command.template is None
    ]
    names = {interface.name for interface in interfaces_of(get_platform(platform_name), noisy)}
    assert {row["name"] for row in expected(platform_name)} >= names
    assert names


@pytest.mark.parametrize(
    ("platform_name", "command", "line"),
    [
        ("cisco_ios", "show ip interface", "  Tertiary address is 192.0.2.77/27"),
        ("cisco_nxos", "show ip interface vrf all", "  IP new address: 192.0.2.77/27"),
        ("cisco_xr", "show ipv4 vrf all interface", "  Third address 192.0.2.77/27"),
        ("cisco_asa", "show interface", "\tIP second 192.0.2.77, 255.255.255.224"),
        ("arista_eos", "show interfaces", "  Further address is 192.0.2.77/27"),
        ("juniper_junos", "show interfaces", "        Lokal: 192.0.2.77"),
        ("fortinet", "get system interface physical", "\t\tthird-ip: 192.0.2.77 255.255.255.0"),
        ("huawei_vrp", "display interface", "Intranet Address is 192.0.2.77/27"),
        ("hp_comware", "display interface", "Another address: 192.0.2.77/27"),
        ("mikrotik_routeros", "/ip address print detail without-paging", "     addr=192.0.2.77/27"),
        ("linux", "ip address show", "    inet8 2001:db8::77/64 scope global"),
        ("paloalto_panos", "show interface all", "ip 192.0.2.77/27"),
    ],
)
def test_an_address_that_no_pattern_takes_is_a_failure_not_a_loss(platform_name, command, line):
    platform = get_platform(platform_name)
    (answer,) = [answer for answer in answers(platform_name) if answer.command.command == command]
    template = template_for(platform, answer.command).name
    with pytest.raises(ParseFailed, match="belongs to no interface") as caught:
        parse(platform, answer.command, f"{answer.raw.rstrip()}\n{line}\n")
    assert repr(command) in str(caught.value)
    assert template in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "  Helper address is 192.0.2.77",
        "  Broadcast address is 192.0.2.255",
        "  Peer address is 192.0.2.77",
        "  Tunnel source 192.0.2.77 (Loopback9), destination 192.0.2.78",
        "  Description: see 192.0.2.77, or 2001:db8::77",
        "  Multicast reserved groups joined: 224.0.0.5 224.0.0.6",
        "  Hardware address is 0011.2233.4455, 00:11:22:33:44:55",
        "  Last input 00:00:24, output 12:30:45",
        "  Port WWN is 20:41:54:7f:ee:aa:bb:c0",
        "  DNS server 192.0.2.53",
    ],
)
def test_what_only_looks_like_an_address_of_the_interface_is_none(line):
    platform = get_platform("cisco_ios")
    text = f"GigabitEthernet0/0 is up, line protocol is up\n  Internet address is 192.0.2.1/24\n{line}\n"
    (found,) = merge(platform, parse(platform, "show ip interface", text))
    assert shown(found)["addresses"] == ["192.0.2.1/24"]


def test_an_address_below_a_heading_that_nobody_knows_goes_to_no_other_interface():
    text = (
        "GigabitEthernet0/0 is up, line protocol is up\n  Internet address is 192.0.2.1/24\n"
        "Hologram0 glows\n  Internet address is 192.0.2.9/24\n"
    )
    with pytest.raises(ParseFailed, match=r"192\.0\.2\.9 in the line"):
        parse(get_platform("cisco_ios"), "show ip interface", text)


@pytest.mark.parametrize(
    ("platform_name", "long", "short"),
    [
        ("cisco_ios", "GigabitEthernet0/1", "Gi0/1"),
        ("cisco_nxos", "Ethernet1/1", "Eth1/1"),
        ("cisco_xr", "Bundle-Ether100", "BE100"),
        ("hp_comware", "GigabitEthernet1/0/1", "GE1/0/1"),
        ("arista_eos", "Port-Channel10", "Po10"),
    ],
)
def test_a_short_and_a_long_name_are_one_interface(platform_name, long, short):
    rows = [{"interface": short, "description": "uplink"}, {"interface": long, "ip_address": "192.0.2.1/24"}]
    (found,) = merge(get_platform(platform_name), rows)
    assert (found.name, found.description, str(found.addresses[0])) == (long, "uplink", "192.0.2.1/24")


def test_where_names_are_not_shortened_similar_ones_stay_two():
    found = merge(get_platform("linux"), [{"interface": "br0"}, {"interface": "bridge0"}])
    assert [interface.name for interface in found] == ["br0", "bridge0"]


def test_a_template_s_version_changes_with_it():
    command = InterfaceCommand("show interfaces")
    ours = template_for(get_platform("cisco_ios"), command)
    theirs = template_for(get_platform("cisco_s300"), command)
    assert re.fullmatch(r"sha256:[0-9a-f]{12}", ours.version)
    assert re.fullmatch(r"ntc-templates \d+\.\d+.*", theirs.version)
    assert (
        ours.version != template_for(get_platform("cisco_nxos"), InterfaceCommand("show interface")).version
    )


# --- real outputs, where somebody has them --------------------------------------------------------------------

IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
IPV6 = r"[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*"
# Where the vendors write an interface's own address; simpler than, and apart from, the readers' patterns.
SCANS = (
    rf"(?i)(?:internet|secondary|ipv[46]|ip) address(?: is|:)? *(?:\w[\w ]*, *)?({IPV4}|{IPV6})/(\d+)",
    rf"(?i)\bip address:? ({IPV4}),? (?:subnet )?mask ({IPV4})",
    rf"IP address: ({IPV4}), IP subnet: {IPV4}/(\d+)",
    rf"(?<!-)\bip: ({IPV4}) ({IPV4})",
    rf"inet6? ({IPV4}|{IPV6})/(\d+)",
    rf"inet addr:({IPV4}).*Mask:({IPV4})",
    rf"inet addr6: ({IPV6}) prefixlen (\d+)",
    rf"Destination: [^,]*/(\d+), Local: ({IPV4}|{IPV6})",
    rf"^(?!.*(?:;;;|[Dd]escription|subnet|Destination)).* ({IPV4})/(\d+)(?: |$)",
)


def real_samples():
    return sorted(Path(REAL).glob("*/*/*.raw")) if REAL else []


def parsed_sample(raw):
    return yaml.safe_load(raw.with_suffix(".yml").read_text())["parsed_sample"]


def read_real(raw):
    platform = get_platform(raw.parent.parent.name)
    command = raw.parent.name.replace("_", " ")
    found = merge(platform, parse(platform, command, raw.read_text()))
    addresses = {}
    for interface in found:
        for address in interface.addresses:
            addresses.setdefault(address.ip, set()).add(address.prefix_length)
    return {interface.name for interface in found}, addresses


def valid(ip, length=""):
    """The address and its prefix length; None for what is no interface's address, or masked by hand."""
    try:
        found = ipaddress.ip_interface(f"{ip}/{length}" if length else ip)
    except ValueError:
        return None
    nothing = found.ip.is_unspecified or found.ip.is_multicast
    return None if nothing else (found.ip, found.network.prefixlen if length else None)


def listed(row):
    """The addresses in the address columns of a parsed sample's row, with their prefix lengths."""
    pairs = (
        ("ip_address", "prefix_length"),
        ("ip_address", "netmask"),
        ("ip_address", "mask"),
        ("ip", "mask"),
        ("sec_ip_address", "sec_prefix_length"),
        ("ip_addresses", "ip_masks"),
        ("ipv6_addresses", "ipv6_masks"),
        ("ipv6_address", "prefix_length"),
        ("management_ip", "management_netmask"),
        ("primary_ip_address", ""),
        ("secondary_ip_address", ""),
        ("main_ip", ""),
        ("link_local6", "link_local6_prefixlen"),
        ("linkipaddr", ""),
        ("local", ""),
        ("ip", "subnet"),
    )
    for column, lengths in pairs:
        ips, masks = (
            value if isinstance(value, list) else [value]
            for value in (row.get(column, ""), row.get(lengths, ""))
        )
        for place, text in enumerate(ips):
            ip, _, length = str(text).partition("/")
            mask = length or (str(masks[place]) if place < len(masks) else "")
            if ip and (address := valid(ip, mask if re.fullmatch(r"\d+|255\.[\d.]+", mask) else "")):
                yield address


def test_there_are_real_outputs():
    service_address("LOGSITE_DEVICE_SAMPLES")
    assert real_samples()


@pytest.mark.skipif(not REAL, reason="LOGSITE_DEVICE_SAMPLES names no folder of ntc-templates' samples")
@pytest.mark.parametrize("raw", real_samples(), ids=lambda raw: raw.stem)
class TestRealOutputs:
    def test_every_interface_is_found(self, raw):
        names, _ = read_real(raw)
        told = {
            next((str(row[name]) for name in NAME_COLUMNS if row.get(name)), "") for row in parsed_sample(raw)
        }
        # ntc-templates takes the last heading of a block of counters for an interface.
        assert {name.partition("@")[0] for name in told if not name.endswith(":")} <= names

    def test_every_address_that_ntc_templates_find_is_found_with_its_prefix_length(self, raw):
        _, addresses = read_real(raw)
        for row in parsed_sample(raw):
            for ip, length in listed(row):
                assert ip in addresses
                assert length is None or length in addresses[ip]

    def test_every_address_that_a_plain_search_finds_is_found_with_its_prefix_length(self, raw):
        _, addresses = read_real(raw)
        for line in raw.read_text().splitlines():
            for scan in SCANS:
                for groups in re.findall(scan, line):
                    ip, length = groups if re.search("[.:]", groups[0]) else groups[::-1]
                    if address := valid(ip, length):
                        assert address[1] in addresses.get(address[0], ()), line

    def test_nothing_is_found_that_does_not_stand_in_the_text(self, raw):
        names, addresses = read_real(raw)
        text = raw.read_text()
        assert all(name in text for name in names)
        tokens = re.findall(IPV4, text) + re.findall(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*", text)
        standing = {address[0] for token in tokens if (address := valid(token))}
        assert set(addresses) <= standing


# --- over SSH -------------------------------------------------------------------------------------------------

PROMPTS = {
    "paloalto_panos": "netops@fw01>",
    "fortinet": "fw01 #",
    "huawei_vrp": "<sw01>",
    "hp_comware": "<sw01>",
    "juniper_junos": "netops@rtr01> ",
    "mikrotik_routeros": "[netops@rtr01] > ",
    "linux": "netops@host01:~$ ",
    "cisco_xr": "RP/0/RSP0/CPU0:rtr01#",
}
# What Netmiko sends to prepare a session, and the words of the answers that it waits for.
PREPARATION = {
    "terminal width 511": "Width set to 511",
    "terminal length 0": "Pagination disabled",
    "terminal width 512": "",
    "terminal pager 0": "",
    "terminal exec prompt no-timestamp": "",
    "set cli scripting-mode on": "mode on",
    "set cli terminal width 500": "",
    "set cli pager off": "",
    "show system info": "operational-mode: normal",
    "set cli screen-width 511": "Screen width set to 511",
    "set cli screen-length 0": "Screen length set to 0",
    "set cli complete-on-space off": "Disabling complete-on-space",
    "screen-length 0 temporary": "",
    "screen-length disable": "",
    "get system status | grep Virtual": "Virtual domain configuration: disable",
    "get system status | grep Version": "Version: FortiGate-60F v7.4.1,build2463,230830 (GA)",
    "get system console": "output              : standard",
}
LOGIN_OPTIONS = {"mikrotik_routeros": "+ct511w4098h"}  # Netmiko asks RouterOS by the user name for plain text
REFUSAL = {
    "linux": "bash: command not found",
    "juniper_junos": "unknown command.",
    "mikrotik_routeros": "bad command name",
}


def emulated(platform_name):
    """The FakeNOS device that gives a platform's own samples as answers."""
    commands = PREPARATION | {answer.command.command: answer.raw for answer in answers(platform_name)}
    entry = {
        "name": f"{platform_name}-1",
        "platform": platform_name,
        "prompt": PROMPTS.get(platform_name, "dev01#"),
        "username": f"{USERNAME}{LOGIN_OPTIONS.get(platform_name, '')}",
        "password": PASSWORD,
        "agent_type": "network",
        "tags": [],
        "commands": commands,
        "unknown": REFUSAL.get(platform_name, "% Invalid input detected at '^' marker."),
    }
    return EmulatedDevice(entry)


def collect(platform_name, port):
    connector = get_connector(
        platform_name,
        "127.0.0.1",
        USERNAME,
        PASSWORD,
        device_id=platform_name,
        user_id="netops",
        enable_session_logging=False,
        port=port,
    )
    try:
        return [shown(interface) for interface in connector.get_interfaces()]
    finally:
        connection.close()  # of this thread: the host key is looked for in the inventory


class ServerTransport(paramiko.Transport):
    """Paramiko's server offers group exchange, which FortiOS's connection takes, also where it has no primes."""

    _preferred_kex = tuple(kex for kex in paramiko.Transport._preferred_kex if "group-exchange" not in kex)


@pytest.fixture
def _server_transport(monkeypatch):
    with_ours = SimpleNamespace(**vars(paramiko) | {"Transport": ServerTransport})
    monkeypatch.setattr(ssh_server_paramiko, "paramiko", with_ours)


@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_server_transport")
def test_every_platform_is_collected_over_ssh(settings):
    """All at a time: FakeNOS takes its time over each character."""
    settings.DEVICE_READ_TIMEOUT = settings.COLLECT_DEADLINE = 600.0
    quiet()
    with ExitStack() as stack, ThreadPoolExecutor(len(PLATFORMS)) as pool:
        devices = {
            name: emulated(name) for name in PLATFORMS if name != "linux"
        }  # test_linux.py: exec channels
        for device in devices.values():
            device.start()
            stack.callback(device.stop)
        futures = {name: pool.submit(collect, name, device.port) for name, device in devices.items()}
        for device in devices.values():
            stack.callback(device.release)
        found = {name: future.exception() or future.result() for name, future in futures.items()}
    for name, result in found.items():
        assert result == expected(name), name
