"""Texts that people write on devices, and the answers of devices that show them.

PHRASES read like facts. In an ANSWER `§` stands for what a person wrote; `§18` is a cell of a table, 18
characters wide, into which the device cuts it.
"""

import re
from typing import NamedTuple

PHRASES = (
    # --- facts in the words of the platforms
    'to VRF "CUST-A" edge', "VRF: CUST-A", "VRF is CUST-A", 'VPN Routing/Forwarding "CUST-A"', "VPN-instance: CUST-A",
    "Vrf is CUST-A (vrfid 0x60000002)", "Routing instance: CUST-A", "Virtual router CUST-A", "vrf forwarding CUST-A",
    "Zone: CUST-A, virtual system: vsys9", "vrf=CUST-A mtu=9000", "set vrf 9", "set vdom other",
    "Vlan ID 99", "VLAN ID 99.", "802.1Q vlan 99", "Encapsulation 802.1Q Virtual LAN, Vlan ID  99.", "PVID: 99",
    "VLAN identifier 99", "VLAN tag: 99", "vlan-id=99", "set vlanid 99", "VLAN-Tag [ 0x8100.99 ]  Encapsulation: ENET2",
    "encapsulation dot1q 99", "switchport access vlan 99", "vlan protocol 802.1Q id 99",
    "MTU 9000 bytes", "MTU 9000", "IP MTU 9000 bytes", "MTU is 9000 bytes", "MTU: 9000", "mtu 9000", "mtu=9000",
    "Maximum Transmit Unit is 9000", "Interface MTU 9000", "set mtu 9000", "IP MTU: 9000 bytes (using link MTU)",
    "Protocol inet, MTU: 9000", "actual-mtu=9000",
    "Full-duplex, 10Gb/s", "full-duplex, 10 Gb/s", "Full-duplex, 1000Mbps, media type is RJ45", "Speed: 10Gbps",
    "Speed is 10G", "Auto-Duplex(Full-duplex), Auto-Speed(1000 Mbps)", "10Gbps-speed mode, full-duplex mode", "speed=10Gbps",
    "Link speed/duplex/state: 10000/full/down",
    "address is 0011.2233.4455", "MAC address 0011.2233.4455, MTU 9000", "Hardware is Gigabit, address is 0011.2233.4455 (bia 0011.2233.4455)",
    "HWaddr 00:11:22:33:44:55", "Current address: 00:11:22:33:44:55", "hardware address: 0011-2233-4455",
    "mac-address=00:11:22:33:44:55", "link/ether 00:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff", "set macaddr 00:11:22:33:44:55",
    "Internet address is 203.0.113.9/24", "Internet Address is 203.0.113.9/24", "Internet address: 203.0.113.9/24 (primary)",
    "IP address 203.0.113.9, subnet mask 255.255.255.0", "IP address: 203.0.113.9, IP subnet: 203.0.113.0/24",
    "Secondary address 203.0.113.9/24", "ip address 203.0.113.9 255.255.255.0", "set ip 203.0.113.9 255.255.255.0",
    "Destination: 203.0.113.0/24, Local: 203.0.113.9", "Local: 203.0.113.9", "inet 203.0.113.9/24 scope global eth9",
    "inet addr:203.0.113.9  Mask:255.255.255.0", "address=203.0.113.9/24 network=203.0.113.0 interface=ether9",
    "ip: 203.0.113.9 255.255.255.0", "link-local address is fe80::bad", "IPv6 address is 2001:db8::bad/64",
    "2001:db8::bad, subnet is 2001:db8::/64", "IPv6 is enabled, link-local address is FE80::BAD [TEN]",
    "203.0.113.9", "203.0.113.9/24 and 2001:db8::bad/64", "2001:db8::bad", "[IPv6 Address] 2001:DB8::BAD",
    "shutdown", "no shutdown", "is administratively down", "admin state is down", "up", "down", "up up", "down down", "admin down down",
    "*down down", "administratively down", "Flags: Down SNMP-Traps Encapsulation: ENET2", "Current state: DOWN", "state DOWN",
    "link is down, administrative state is DOWN", "set status down",
    "connected", "notconnect 99 full 100", "disabled", "connected    99           a-full a-1000 10/100/1000BaseTX",
    # --- headings, and whole interfaces
    "GigabitEthernet0/9 is up, line protocol is up", "Ethernet9/9 is down", "Vlanif99 current state : UP",
    "Physical interface: ge-9/9/9, Enabled, Physical link is Down", "Logical interface ge-9/9/9.9 (Index 3)",
    'Interface GigabitEthernet9/9 "other", is up, line protocol is up', 'edit "port9"', "interface GigabitEthernet0/9",
    "9: eth9: <BROADCAST,UP> mtu 9000 state UP", "Interface port9.0.9", "== [ port9 ]", "Vlan-interface99", "9 R name=\"ether9\" mtu=9000",
    "GigabitEthernet0/9 is up, line protocol is up   Internet address is 203.0.113.9/24   MTU 9000 bytes, BW 100 Kbit",
    'IP Interface Status for VRF "CUST-A"', "Interface              IP-Address      OK? Method Status", "Description: Description: x",
    "Port      Name               Status       Vlan       Duplex  Speed Type",
    # --- marks of the formats
    "!", "end", "next", "#", "return", "% Invalid input detected at '^' marker.", "%s %d {0} \\1 \\g<0> $1", "^.*$ [a-z]+ (?P<ip>x)",
    '"', "'", '"quoted"', 'an "open quote', 'name="other" type="vlan"', 'comment="x" mtu=9000', ";;; vrf=CUST-A", "\\", "a\\", '\\"', "a|b || c", "<b>&amp;</b>",
    "a: b: c", ": MTU: 9000", "a,b,,c", "a\tb", "MTU\t9000 bytes", "a  b   c", "a     mtu=9000     b", "--> 0/0 203.0.113.9", "=====", "-----",
    "Zürich, 東京, Ελλάδα", "naïve – “quoted” … ☎", "next\u2028line", "next\u2029 Internet address is 203.0.113.9/24", "a\u0085b", "a\x0bb\x0cc",
    "no\u00a0break", "\u202eright to left", "\U0001f525 on fire", "e\u0301", "\ufeffmark",
    "lorem ipsum MTU 9000 bytes Vlan ID 99 " * 6 + "x",
)  # fmt: skip


class Answer(NamedTuple):
    """What a device says. `escaped` writes `\\` before the characters that the device quotes so."""

    platform: str
    command: str
    text: str
    escaped: str = ""

    def with_phrase(self, phrase: str) -> tuple[str, set[str]]:
        """The text with `phrase` in it, and what may be stored as the interface's description."""
        shown = re.sub(f"([{re.escape(self.escaped)}])", r"\\\1", phrase) if self.escaped else phrase
        stored = {shown.strip()}

        def cell(match: re.Match[str]) -> str:
            if not match[1]:
                return shown
            width = int(match[1])
            text = shown.replace("\t", " ")[:width]
            stored.clear()
            stored.add(text.strip())
            return text.ljust(width)

        return re.sub(r"§(\d*)", cell, self.text), stored


ANSWERS = {
    "ios": Answer("cisco_ios", "show interfaces", """\
GigabitEthernet0/1 is up, line protocol is up (connected)
  Hardware is Gigabit Ethernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: §
  Internet address is 192.0.2.1/24
  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, loopback not set
  Full-duplex, 1000Mb/s, media type is RJ45
GigabitEthernet0/2.30 is administratively down, line protocol is down
  Description: §
  Internet address is 198.51.100.1/25
  Encapsulation 802.1Q Virtual LAN, Vlan ID  30.
"""),
    "ios, nothing but the description": Answer("cisco_ios", "show interfaces", """\
GigabitEthernet0/1 is up, line protocol is up
  Description: §
GigabitEthernet0/2 is down, line protocol is down
  Description: §
  Internet address is 192.0.2.1/24
"""),
    "ios ipv6": Answer("cisco_ios", "show ipv6 interface", """\
GigabitEthernet0/1 is up, line protocol is up
  IPv6 is enabled, link-local address is FE80::1
  No Virtual link-local address(es):
  Description: §
  Global unicast address(es):
    2001:DB8::1, subnet is 2001:DB8::/64
  Joined group address(es):
    FF02::1
  MTU is 1500 bytes
"""),
    "ios descriptions": Answer("cisco_ios", "show interfaces description", """\
Interface                      Status         Protocol Description
Gi0/1                          up             up       §
Gi0/2                          admin down     down     §
"""),
    "ios status": Answer("cisco_ios", "show interfaces status", """\
Port      Name               Status       Vlan       Duplex  Speed Type
Gi1/0/1   §18 connected    10         a-full a-1000 10/100/1000BaseTX
Gi1/0/2   §18 notconnect   trunk        auto   auto 10/100/1000BaseTX
Gi1/0/3   §18 err-disabled 1            full    10G SFP-10GBase-SR
"""),
    "ios configuration": Answer("cisco_ios", "show running-config interface", """\
!
interface GigabitEthernet0/1
 description §
 vrf forwarding BLUE
 ip address 192.0.2.1 255.255.255.0
!
interface GigabitEthernet0/2
 description §
 no ip address
 shutdown
end
"""),
    "ios-xe": Answer("cisco_xe", "show interfaces", """\
TwentyFiveGigE1/0/1 is up, line protocol is up (connected)
  Description: §
  Internet address is 192.0.2.1/24
  MTU 9100 bytes, BW 25000000 Kbit/sec, DLY 10 usec,
"""),
    "nx-os": Answer("cisco_nxos", "show interface", """\
Ethernet1/1 is up
admin state is up, Dedicated Interface
  Hardware: 100/1000/10000 Ethernet, address: 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: §
  Internet Address is 192.0.2.1/24
  MTU 9216 bytes, BW 10000000 Kbit, DLY 10 usec
  full-duplex, 10 Gb/s
Ethernet1/2 is down (Administratively down)
admin state is down, Dedicated Interface
  Port description is §
  MTU 1500 bytes, BW 10000000 Kbit, DLY 10 usec
"""),
    "nx-os descriptions": Answer("cisco_nxos", "show interface description", """\
-------------------------------------------------------------------------------
Interface                Description
-------------------------------------------------------------------------------
mgmt0                    §
-------------------------------------------------------------------------------
Port          Type   Speed   Description
-------------------------------------------------------------------------------
Eth1/1        eth    10G     §
Eth1/2        eth    1000    §
"""),
    "nx-os status": Answer("cisco_nxos", "show interface status", """\
--------------------------------------------------------------------------------
Port          Name               Status    Vlan      Duplex  Speed   Type
--------------------------------------------------------------------------------
Eth1/1        §18 connected trunk     full    10G     10Gbase-SR
Eth1/2        §18 notconnec 10        auto    auto    10Gbase-SR
Eth1/3        §18 sfpAbsent 1         auto    auto    --
"""),
    "nx-os configuration": Answer("cisco_nxos", "show running-config interface", """\
interface Vlan10
  description §
  no shutdown
  vrf member RED
  ip address 192.0.2.1/24

interface Ethernet1/2
  description §
  shutdown
"""),
    "xr": Answer("cisco_xr", "show interfaces", """\
GigabitEthernet0/0/0/1 is up, line protocol is up
  Interface state transitions: 1
  Hardware is GigabitEthernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: §
  Internet address is 192.0.2.1/24
  MTU 1514 bytes, BW 1000000 Kbit (Max: 1000000 Kbit)
  Full-duplex, 1000Mb/s, unknown
TenGigE0/0/0/2.30 is down, line protocol is down
  Description: §
  Internet address is 198.51.100.1/25
  Encapsulation 802.1Q Virtual LAN, VLAN Id 30,  loopback not set,
"""),
    "xr descriptions": Answer("cisco_xr", "show interfaces description", """\
Interface          Status      Protocol    Description
--------------------------------------------------------------------------------
Gi0/0/0/1          up          up          §
Te0/0/0/2          admin-down  admin-down  §
"""),
    "xr configuration": Answer("cisco_xr", "show running-config interface", """\
interface TenGigE0/0/0/2
 description §
 vrf BLUE
 ipv4 address 192.0.2.1 255.255.255.0
!
interface TenGigE0/0/0/3
 description §
 shutdown
!
"""),
    "eos": Answer("arista_eos", "show interfaces", """\
Ethernet1 is up, line protocol is up (connected)
  Hardware is Ethernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: §
  Internet address is 192.0.2.1/24
  IPv6 link-local address is fe80::1/64
  IP MTU 9214 bytes , BW 10000000 kbit
  Full-duplex, 10Gb/s, auto negotiation: off, uni-link: n/a
Ethernet2 is administratively down, line protocol is notpresent (disabled)
  Description: §
  Ethernet MTU 9214 bytes
"""),
    "eos descriptions": Answer("arista_eos", "show interfaces description", """\
Interface                      Status         Protocol           Description
Et1                            up             up                 §
Et2                            admin down     notpresent         §
"""),
    "eos status": Answer("arista_eos", "show interfaces status", """\
Port       Name               Status       Vlan     Duplex Speed  Type         Flags Encapsulation
Et1        §18 connected    10       full   10G    10GBASE-SR
Et2        §18 notconnect   in Po10  full   10G    Not Present
Et3        §18 errdisabled  trunk    auto   auto   1000BASE-T
"""),
    "eos configuration": Answer("arista_eos", "show running-config interfaces", """\
interface Ethernet1
   description §
   no switchport
   vrf BLUE
   ip address 192.0.2.1/24
interface Ethernet2
   description §
   shutdown
"""),
    "asa": Answer("cisco_asa", "show interface", """\
Interface GigabitEthernet0/0 "outside", is up, line protocol is up
  Hardware is i82546GB rev03, BW 1000 Mbps, DLY 10 usec
\tAuto-Duplex(Full-duplex), Auto-Speed(1000 Mbps)
\tDescription: §
\tMAC address 5254.00aa.0001, MTU 1500
\tIP address 192.0.2.1, subnet mask 255.255.255.0
Interface GigabitEthernet0/1.30 "", is administratively down, line protocol is down
\tDescription: §
\tVLAN identifier 30
\tMAC address 5254.00aa.0002, MTU not set
"""),
    "junos": Answer("juniper_junos", "show interfaces", """\
Physical interface: ge-0/0/0, Enabled, Physical link is Up
  Interface index: 148, SNMP ifIndex: 526
  Description: §
  Link-level type: Ethernet, MTU: 1514, Speed: 1000mbps, BPDU Error: None,
  Current address: 52:54:00:aa:00:01, Hardware address: 52:54:00:aa:00:01

  Logical interface ge-0/0/0.30 (Index 333) (SNMP ifIndex 544)
    Description: §
    Flags: Up SNMP-Traps 0x4000 VLAN-Tag [ 0x8100.30 ]  Encapsulation: ENET2
    Protocol inet, MTU: 1500
      Addresses, Flags: Is-Preferred Is-Primary
        Destination: 192.0.2.0/24, Local: 192.0.2.1, Broadcast: 192.0.2.255
    Security: Zone: trust

Physical interface: ge-0/0/1, Administratively down, Physical link is Down
  Description: §
"""),
    "junos descriptions": Answer("juniper_junos", "show interfaces descriptions", """\
Interface       Admin Link Description
ge-0/0/0        up    up   §
ge-0/0/1        down  down §
"""),
    "fortios configuration": Answer("fortinet", "show full-configuration system interface", """\
config system interface
    edit "port1"
        set vdom "root"
        set ip 192.0.2.1 255.255.255.0
        set description "§"
        set status up
        set macaddr 52:54:00:aa:00:01
        set mtu 1500
    next
    edit "port2"
        set vdom "root"
        set description "§"
        set status down
        set vlanid 30
        config secondaryip
            edit 1
                set ip 198.51.100.1 255.255.255.128
            next
        end
    next
end
""", '"\\'),
    "fortios alias": Answer("fortinet", "show system interface", """\
config system interface
    edit "port1"
        set vdom "root"
        set alias "§"
        set ip 192.0.2.1 255.255.255.0
    next
end
""", '"\\'),
    "vrp": Answer("huawei_vrp", "display interface", """\
GigabitEthernet0/0/1 current state : UP
Line protocol current state : UP
Description:§
Route Port,The Maximum Transmit Unit is 1500
Internet Address is 192.0.2.1/24
IP Sending Frames' Format is PKTFMT_ETHNT_2, Hardware address is 5254-00aa-0001
Speed : 1000,  Loopback: NONE
Vlanif30 current state : Administratively DOWN
Line protocol current state : DOWN
Description:§
Route Port,The Maximum Transmit Unit is 9000
"""),
    "vrp descriptions": Answer("huawei_vrp", "display interface description", """\
PHY: Physical
*down: administratively down
Interface                     PHY     Protocol Description
GE0/0/1                       up      up       §
GE0/0/2                       *down   down     §
"""),
    "comware": Answer("hp_comware", "display interface", """\
GigabitEthernet1/0/1
Current state: UP
Line protocol state: UP
IP packet frame type: Ethernet II, hardware address: 5254-00aa-0001
Description: §
Bandwidth: 1000000 kbps
1000Mbps-speed mode, full-duplex mode
PVID: 30
Vlan-interface10
Current state: Administratively DOWN
Line protocol state: DOWN
Description: §
Maximum transmission unit: 1500
Internet address: 192.0.2.1/24 (primary)
"""),
    "comware 5": Answer("hp_comware", "display interface", """\
 Vlan-interface1 current state: UP
 Line protocol current state: UP
 Description: §
 The Maximum Transmit Unit is 1500
 Internet Address is 192.0.2.1/24 Primary
 GigabitEthernet1/0/1 current state: DOWN ( Administratively )
 Description: §
 PVID: 30
"""),
    "comware brief": Answer("hp_comware", "display interface brief", """\
Brief information on interfaces in route mode:
Interface            Link Protocol Primary IP      Description
MGE0/0/0             UP   UP       192.0.2.1       §
Vlan1                ADM  DOWN     --              §

Brief information on interfaces in bridge mode:
Interface            Link Speed     Duplex Type PVID Description
BAGG1                UP   20G(a)    F(a)   T    30   §
XGE1/0/1             DOWN auto      A      A    1    §
"""),
    "comware ip brief": Answer("hp_comware", "display ip interface brief", """\
*down: administratively down
Interface                Physical Protocol IP Address      Description
MGE0/0/0                 up       up       192.0.2.1       §
Vlan10                   *down    down     --              §
"""),
    "comware ip brief with instances": Answer("hp_comware", "display ip interface brief", """\
*down: administratively down
Interface          Physical Protocol IP address/Mask    VPN instance Description
MGE0/0/0           up       up       192.0.2.1/25       mgmt         §
Vlan10             *down    down     --                 --           §
"""),
    "comware configuration": Answer("hp_comware", "display current-configuration interface", """\
#
interface Vlan-interface10
 description §
 ip binding vpn-instance red
 ip address 192.0.2.1 255.255.255.0
#
interface GigabitEthernet1/0/2
 description §
 port access vlan 30
 shutdown
#
return
"""),
    "routeros": Answer("mikrotik_routeros", "/interface print detail without-paging", """\
Flags: D - dynamic, X - disabled, R - running, S - slave
 0  R  ;;; §
       name="ether1" default-name="ether1" type="ether" mtu=1500 actual-mtu=1500 l2mtu=1598
       mac-address=52:54:00:AA:00:01 vrf=main link-downs=0

 1  X  ;;; §
       name="ether2" default-name="ether2" type="ether" mtu=1500 mac-address=52:54:00:AA:00:02
"""),
    "routeros table": Answer("mikrotik_routeros", "/interface print without-paging", """\
Flags: D - dynamic, X - disabled, R - running, S - slave
 #     NAME                                TYPE       ACTUAL-MTU L2MTU  MAX-L2MTU MAC-ADDRESS
 0  R  ;;; §
       ether1                              ether            1500  1598       4074 52:54:00:AA:00:01
 1  X  ;;; §
       ether2                              ether            1500  1598       4074 52:54:00:AA:00:02
"""),
    "routeros vlans": Answer("mikrotik_routeros", "/interface vlan print detail without-paging", """\
Flags: X - disabled, R - running
 0 R ;;; §
     name="guest" mtu=1500 l2mtu=1594 mac-address=52:54:00:AA:00:01 arp=enabled vlan-id=30 interface=ether2
"""),
    "linux": Answer("linux", "ip address show", """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    alias §
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc mq state DOWN group default qlen 1000
    link/ether 52:54:00:aa:00:01 brd ff:ff:ff:ff:ff:ff
    alias §
    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
       valid_lft forever preferred_lft forever
"""),
    "linux links": Answer("linux", "ip -details link show", """\
3: eth0.40@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master red state UP mode DEFAULT group default
    link/ether 52:54:00:aa:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vlan protocol 802.1Q id 40 <REORDER_HDR>
    vrf_slave table 10 addrgenmode eui64
    alias §
4: eth1: <BROADCAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default
    link/ether 52:54:00:aa:00:02 brd ff:ff:ff:ff:ff:ff
    alias §
"""),
    "frr": Answer("frr", "show interface", """\
Interface lan0 is up, line protocol is up
  Link ups:       0    last: (never)
  Link downs:     0    last: (never)
  vrf: red
  Description: §
  OS Description: §
  index 2 metric 0 mtu 9000 speed 10000
  flags: <UP,BROADCAST,RUNNING,MULTICAST>
  Type: Ethernet
  HWaddr: 52:54:00:aa:00:01
  inet 192.0.2.1/24
  Interface Type Vlan
  VLAN Id 30
Interface lan1 is down
  vrf: default
  Description: §
  index 3 metric 0 mtu 1500 speed 10000
"""),
    # --- read by ntc-templates' templates
    "aw+": Answer("allied_telesis_awplus", "show interface", """\
Interface vlan1
  Link is UP, administrative state is UP
  Hardware is VLAN, address is 5254.00aa.0001
  Description: §
  IPv4 address 192.0.2.1/24 broadcast 192.0.2.255
  index 301 metric 1 mtu 1500
Interface vlan2
  Link is DOWN, administrative state is DOWN
  Hardware is VLAN, address is 5254.00aa.0001
  Description: §
  index 302 metric 1 mtu 1500
"""),
    "aos-cx": Answer("aruba_aoscx", "show interface", """\
Interface 1/1/1 is up
 Admin state is up
 Link transitions: 1
 Description: §
 Hardware: Ethernet, MAC Address: 52:54:00:aa:00:01
 MTU 9198
 Type SFP+DAC1
 Full-duplex
 qos trust none
 Speed 10000 Mb/s
Interface 1/1/2 is down
 Admin state is down
 Description: §
 MTU 1500
"""),
    "fastiron of brocade": Answer("brocade_fastiron", "show interfaces", """\
GigabitEthernet1/1/1 is up, line protocol is up
  Hardware is GigabitEthernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Port name is §
  MTU 10200 bytes
GigabitEthernet1/1/2 is disabled, line protocol is down
  Port name is §
  MTU 1500 bytes
"""),
    "netiron": Answer("brocade_netiron", "show interfaces", """\
GigabitEthernet1/1 is up, line protocol is up
  Hardware is GigabitEthernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Port name is §
  MTU 9216 bytes, encapsulation ethernet
  Internet address is 192.0.2.1/24, IP MTU 1500 bytes, encapsulation ethernet
GigabitEthernet1/2 is disabled, line protocol is down
  Port name is §
  MTU 1500 bytes, encapsulation ethernet
"""),
    "fastiron of ruckus": Answer("ruckus_fastiron", "show interfaces", """\
GigabitEthernet1/1/1 is up, line protocol is up
  Hardware is GigabitEthernet, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: §
  Internet address is 192.0.2.1/24
  MTU 1500 bytes, encapsulation ethernet
GigabitEthernet1/1/2 is disabled, line protocol is down
  Description: §
  MTU 9000 bytes, encapsulation ethernet
"""),
    "gaia": Answer("checkpoint_gaia", "show interfaces all", """\
Interface eth0
    state on
    mac-addr 52:54:00:aa:00:01
    type ethernet
    link-state link up
    mtu 1500
    auto-negotiation Not configured
    speed 1000M
    duplex full
    comments §
    ipv4-address 192.0.2.1/24
    ipv6-address Not Configured
    ipv6-local-link-address fe80::1/64

Statistics:
"""),
    "oneos": Answer("oneaccess_oneos", "show interfaces", """\
GigabitEthernet 0/0 is up, line protocol is up
  Flags: (0x8063) BROADCAST MULTICAST ARP, interface index is 111
  Description: §
  Encapsulation: Ethernet v2, IPv4 MTU 1500 bytes, IPv6 MTU 1500 bytes
  Internet address is 192.0.2.1/24, broadcast address is 192.0.2.255
  Hardware address is 52:54:00:aa:00:01, ARP timeout 7200 sec
GigabitEthernet 0/1 is down, line protocol is down
  Description: §
"""),
    "oneos brief": Answer("oneaccess_oneos", "show ip interface brief", """\
Interface              IP-Address      OK? Status                Protocol Description
GigabitEthernet 0/0    192.0.2.1       YES up                    up       §
Dialer 2               <unassigned>    NO  administratively down down     §
"""),
    "edgeos": Answer("ubiquiti_edgerouter", "show interfaces", """\
Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down
Interface    IP Address                        S/L  Description
---------    ----------                        ---  -----------
eth0         192.0.2.1/24                      u/u  §
             2001:db8::1/64
eth1         -                                 u/D  §
"""),
    "vyatta": Answer("vyatta_vyos", "show interfaces", """\
Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down
Interface        IP Address                        S/L  Description
---------        ----------                        ---  -----------
eth0             192.0.2.1/24                      u/u  §
                 2001:db8::1/64
eth1             -                                 u/D  §
"""),
    "zxros": Answer("zte_zxros", "show interface", """\
xgei-1/1/0/1 is up, ifindex: 8225
  Description: §
  Line protocol is up, IPv4 protocol is up, IPv6 protocol is down,
  Hardware is XGigabit Ethernet, address is 5254.00aa.0001
  Internet address is 192.0.2.1/31
  IP MTU 9178 bytes
xgei-1/1/0/2 is down, ifindex: 8226
  Description: §
  IP MTU 1500 bytes
"""),
    "eltex": Answer("eltex", "show interface", """\
------------------ show interfaces gi1/0/1 ------------------
gigabitethernet1/0/1 is up (connected)
  Interface index is 49
  Hardware is gigabitethernet, MAC address is 52:54:00:aa:00:01
  Description: §
  Interface MTU is 1500
  Full-duplex, 1000Mbps, link type is auto, media type is 1G-Fiber
"""),
}  # fmt: skip

# Comments of an address, of which nothing is stored.
COMMENTS = {
    "routeros addresses": Answer("mikrotik_routeros", "/ip address print detail without-paging", """\
Flags: X - disabled, I - invalid, D - dynamic
 0   ;;; §
     address=192.0.2.1/24 network=192.0.2.0 interface=bridge actual-interface=bridge vrf=main

 1 D ;;; §
     address=198.51.100.1/25 network=198.51.100.0 interface="guest lan" actual-interface="guest lan"
"""),
    "routeros ipv6 addresses": Answer("mikrotik_routeros", "/ipv6 address print detail without-paging", """\
Flags: X - disabled, I - invalid, D - dynamic, G - global, L - link-local
 0  G ;;; §
      address=2001:db8::1/64 from-pool="" interface=bridge actual-interface=bridge eui-64=no advertise=yes
"""),
    "routeros address table": Answer("mikrotik_routeros", "/ip address print", """\
Flags: X - disabled, I - invalid, D - dynamic
 #   ADDRESS            NETWORK         INTERFACE
 0   ;;; §
     192.0.2.1/24       192.0.2.0       bridge
 1 D 198.51.100.1/25    198.51.100.0    ether1
"""),
    "routeros 7 address table": Answer("mikrotik_routeros", "/ip address print", """\
Columns: ADDRESS, NETWORK, INTERFACE
# ADDRESS          NETWORK       INTERFACE
;;; §
0 192.0.2.1/24     192.0.2.0     bridge
"""),
    "routeros address export": Answer("mikrotik_routeros", "/ip address export", """\
# nov/20/2026 10:11:12 by RouterOS 6.48.6
/ip address
add address=192.0.2.1/24 comment="§" interface=bridge network=192.0.2.0
add address=198.51.100.1/25 interface=ether2 network=198.51.100.0
""", '"\\$?'),
}  # fmt: skip

# What else a person names, and where it stands: words, without blanks.
WORDS = (
    "MTU", "mtu", "up", "down", "VRF", "vlan", "inet", "inet6", "address", "is", "subnet", "Description", "alias", "master", "state", "state,",
    "mtu=9000", "vrf=CUST-A", "MTU:9000", "Local:", "Zone:", "99", "9000", "0011.2233.4455", "00:11:22:33:44:55", "up/up", "[up/up]",
    "protocol-down/link-down/admin-down", "a-full", "connected", "YES", "unassigned", "--", "-->", "*", "x.y", "a,b", "a|b", "a\\b", "東京", "é", "!", "#",
    "GigabitEthernet0/9", "Ethernet9/9", "Vlanif99", "eth9", "port9", "line", "protocol", "N/A", "vr:other", "tap", "ha",
)  # fmt: skip
NAMES = {
    "ios instance": Answer("cisco_ios", "show ip interface", """\
GigabitEthernet0/1 is up, line protocol is up
  Internet address is 192.0.2.1/24
  MTU is 1500 bytes
  Outgoing access list is §
  Inbound  access list is §
  VPN Routing/Forwarding "BLUE"
  Policy routing is enabled, using route map §
  Network address translation is enabled, interface in domain inside
  Zone: §
"""),
    "nx-os access list": Answer("cisco_nxos", "show ip interface vrf all", """\
IP Interface Status for VRF "default"
Ethernet1/1, Interface status: protocol-up/link-up/admin-up, iod: 5,
  IP address: 192.0.2.1, IP subnet: 192.0.2.0/24 route-preference: 0, tag: 0
  IP MTU: 1500 bytes (using link MTU)
  IP Inbound packet policy: §
  IP access list: in:§, out:none
"""),
    "eos instance": Answer("arista_eos", "show ip interface", """\
Ethernet1 is up, line protocol is up (connected)
  Internet address is 192.0.2.1/24
  IPv6 Interface Forwarding : None
  IP access list: §
  VRF is BLUE
  IP MTU 1500 bytes
"""),
    "xr access list": Answer("cisco_xr", "show ipv4 vrf all interface", """\
GigabitEthernet0/0/0/1 is Up, ipv4 protocol is Up
  Vrf is blue (vrfid 0x60000002)
  Internet address is 192.0.2.1/24
  MTU is 1500 (1500 is available to IP)
  Outgoing access list is §
  Inbound  access list is §
  Inbound  common access list is not set, access list is §
"""),
    "asa interface without a name": Answer("cisco_asa", "show interface", """\
Interface GigabitEthernet0/0 "outside", is up, line protocol is up
\tMAC address 5254.00aa.0001, MTU 1500
\tIP address 192.0.2.1, subnet mask 255.255.255.0
  Traffic Statistics for "§":
\t100 packets input, 200 bytes
"""),
    "junos zone and filter": Answer("juniper_junos", "show interfaces", """\
Physical interface: ge-0/0/0, Enabled, Physical link is Up
  Link-level type: Ethernet, MTU: 1514, Speed: 1000mbps
  Logical interface ge-0/0/0.0 (Index 333)
    Flags: Up SNMP-Traps 0x4000 Encapsulation: ENET2
    Input Filters: §
    Output Filters: §
    Protocol inet, MTU: 1500
      Addresses, Flags: Is-Preferred Is-Primary
        Destination: 192.0.2.0/24, Local: 192.0.2.1, Broadcast: 192.0.2.255
"""),
    "fortios names": Answer("fortinet", "show full-configuration system interface", """\
config system interface
    edit "port1"
        set vdom "root"
        set ip 192.0.2.1 255.255.255.0
        set interface "§"
        set snmp-index 1
        set role lan
        set security-groups "§"
        set mtu 1500
    next
end
"""),
    "vrp group": Answer("huawei_vrp", "display interface", """\
GigabitEthernet0/0/1 current state : UP
Line protocol current state : UP
Route Port,The Maximum Transmit Unit is 1500
Internet Address is 192.0.2.1/24
Port Mode: §
QoS policy : §
"""),
    "routeros names": Answer("mikrotik_routeros", "/interface print detail without-paging", """\
 0  R  name="ether1" default-name="§" type="ether" mtu=1500 actual-mtu=1500 l2mtu=1598
       mac-address=52:54:00:AA:00:01 vrf=main ifname="§" link-downs=0
"""),
    "routeros pool": Answer("mikrotik_routeros", "/ipv6 address print detail without-paging", """\
 0  G address=2001:db8::1/64 from-pool="§" interface=ether1 actual-interface=ether1 eui-64=no
"""),
    "linux group": Answer("linux", "ip -details link show", """\
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group § qlen 1000
    link/ether 52:54:00:aa:00:01 brd ff:ff:ff:ff:ff:ff link-netns §
    altname §
"""),
    "pan-os zone": Answer("paloalto_panos", "show interface ethernet1/1", """\
Name: ethernet1/1, ID: 16
Link status:
  Runtime link speed/duplex/state: 1000/full/up
Operation mode: layer3
Virtual router default
Interface MTU 1500
Interface IP address: 192.0.2.1/24
Interface management profile: §
Zone: trust, virtual system: vsys1
"""),
}  # fmt: skip
