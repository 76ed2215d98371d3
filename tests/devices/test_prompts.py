"""Prompts of all sorts, on the platforms of all classes of Netmiko's that have something of their own to send."""

import pytest

from tests.devices.packets import PAUSE, PacketBox, differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def soon(settings):
    """A prompt that is not seen is a failure soon, but not before a busy machine would see it."""
    settings.DEVICE_READ_TIMEOUT = 120.0


PROMPTS = {
    "with signs of regular expressions": "r+t(r)[1]*^$.|x",
    "with a backslash": "rtr\\d01",
    "with brackets": "sw01[0/RP0]",
    "with a colon and a slash": "RP/0/RP0/CPU0:xr01",
    "with an at sign": "netops@fw01",
    "with a tilde": "netops@host:~",
    "with a blank": "fw 01 ",
    "with letters of other scripts": "zürich-01",
    "of one letter": "r",
    "of digits": "2",
    "in colours": "\x1b[1;32mrtr01\x1b[0m",
    "with a title": "\x1b]0;rtr01 console\x07rtr01",
    "with bracketed paste": "\x1b[?2004hrtr01",
    "painted twice": "rtr01#\rrtr01",
    "erased first": "\r\x1b[Krtr01",
    "behind an empty line": "\r\nrtr01",
}


@pytest.mark.parametrize("name", PROMPTS)
def test_an_answer_ends_at_a_prompt(connect, name):
    seen = name.startswith(("with signs", "with a ", "with brackets", "with an", "with letters", "of"))
    plain = PROMPTS[name] if seen and "title" not in name else "rtr01"
    inside = (b"a\r\n", f"{plain}#".encode(), PAUSE, b" x\r\nb\r\n")
    with PacketBox({"show clock": (b"12:00\r\n",), "show log": inside}, prompt=PROMPTS[name]) as box:
        rows = {
            "plain": ("show clock", "12:00"),
            "prompt inside": ("show log", f"a\n{plain}# x\nb"),
            "again": ("show clock", "12:00"),
        }
        assert differences(connect(box), rows) == {}


BANNERS = {
    "the prompt": (b"rtr01#\r\n",),
    "the prompt and a pause": (b"rtr01#", PAUSE, b"\r\nWelcome\r\n"),
    "prompts": (b"rtr01#\r\nrtr01#\r\nrtr01>\r\n",),
    "a ruler": (b"#" * 70 + b"\r\n# Authorised use only #\r\n" + b"#" * 70 + b"\r\n",),
    "a ruler in packets": (
        b"#" * 70 + b"\r\n",
        PAUSE,
        b"# Authorised",
        PAUSE,
        b" use only #\r\n" + b"#" * 70 + b"\r\n",
    ),
    "arrows": (b"-> 1 <-\r\n>>> look <<<\r\n",),
    "a letter cut": ("Zü".encode()[:2], PAUSE, "ü".encode()[1:] + b"rich #\r\n"),
    "latin-1": (b"Z\xfcrich #\r\n",),
    "colours": (b"\x1b[31m# red #\x1b[0m\r\n",),
    "the name of the router": (b"rtr01 is watched # rtr01\r\n",),
    "nothing for a while": (b"", PAUSE, b""),
}


def test_a_banner_is_no_prompt(connect):
    wrong = {}
    for name, greeting in BANNERS.items():
        box = PacketBox({"show clock": (b"12:00\r\n",), "show archive": (b"x",)}, greeting=greeting)
        rows = {f"{name}: plain": ("show clock", "12:00"), f"{name}: no line feed": ("show archive", "x")}
        with box:
            wrong |= differences(connect(box), rows)
    assert wrong == {}


# What each platform's device says of itself while Netmiko prepares the session, and its prompt.
PLATFORMS = {
    "arista_eos": "sw01#",
    "aruba_os": "(wlc01) #",
    "aruba_procurve": "sw01#",
    "cisco_asa": "fw01#",
    "cisco_ios": "rtr01#",
    "cisco_nxos": "nx01#",
    "cisco_xe": "rtr01#",
    "cisco_xr": "RP/0/RP0/CPU0:xr01#",
    "dell_os10": "sw01#",
    "extreme_exos": "sw01.2 #",
    "fortinet": "fw01 # ",
    "frr": "frr01#",
    "generic": "box01#",
    "hp_comware": "<sw01>",
    "huawei": "<sw01>",
    "huawei_vrp": "<sw01>",
    "juniper_junos": "netops@mx01> ",
    "mikrotik_routeros": "[netops@mt01] >",
    "nokia_srl": "A:srl01#",
    "nokia_sros": "A:sros01#",
    "paloalto_panos": "netops@fw01>",
    "vyos": "netops@vy01:~$",
}
PREPARATION = {
    "show system info": (b"operational-mode: normal\r\n",),
    "terminal width 511": (b"Width set to 511 columns.\r\n",),
    "terminal length 0": (b"Pagination disabled.\r\n",),
    "set cli screen-width 511": (b"Screen width set to 511\r\n",),
    "set cli screen-length 0": (b"Screen length set to 0\r\n",),
    "get system status | grep Virtual": (b"Virtual domain configuration: disable\r\n",),
    "get system status | grep Version": (b"Version: FortiGate-60F v7.4.4,build2662,240514 (GA.F)\r\n",),
    "get system console": (b"output              : standard\r\n",),
    "exit configuration-mode": (b"netops@mx01> ",),
    "logout": (b"Do you want to log out [y/n]? ",),
}
GREETINGS = {"aruba_procurve": (b"Copyright\r\nPress any key to continue", PAUSE)}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_s_answers_are_whole(connect, platform):
    prompt = PLATFORMS[platform]
    raw = {
        **PREPARATION,
        "show clock": (b"12:00\r\n",),
        "show log": (
            b"a\r\n to ",
            prompt.encode(),
            b" x",
            PAUSE,
            b"\r\n",
            prompt.encode(),
            PAUSE,
            b"y\r\nb\r\n",
        ),
        "show archive": (b" not enabl\x1b[1med Z\xfcrich",),
    }
    rows = {
        "plain": ("show clock", "12:00"),
        "prompt inside": ("show log", f"a\n to {prompt} x\n{prompt}y\nb"),
        "no line feed": ("show archive", " not enabled Zürich"),
        "again": ("show clock", "12:00"),
    }
    prompts = {"#": prompt, ">": prompt, "(config)#": f"{prompt[:-1]}(config)#"}
    with PacketBox(raw, prompts=prompts, lenient=True, greeting=GREETINGS.get(platform, ())) as box:
        if platform == "mikrotik_routeros":  # Netmiko puts settings of the terminal behind the name
            box.username += "+ct511w4098h"
        assert differences(connect(box, platform), rows) == {}


CONTEXTS = {
    "juniper_junos, chassis": ("juniper_junos", "\r\n{master:0}\r\nnetops@mx01> "),
    "juniper_junos, configuration": ("juniper_junos", "\r\n[edit]\r\nnetops@mx01# "),
    "juniper_junos, deep": ("juniper_junos", "\r\n{master}[edit protocols bgp]\r\nnetops@mx01# "),
    "nokia_sros": ("nokia_sros", "\r\n[/]\r\nA:admin@sros01#"),
    "nokia_sros, unsaved": ("nokia_sros", "\r\n*[gl:/configure]\r\nA:admin@sros01#"),
    "nokia_srl": ("nokia_srl", "--{ running }--[  ]--\r\nA:srl01#"),
    "nokia_srl, candidate": (
        "nokia_srl",
        "--{ + candidate shared default }--[ interface ethernet-1/1 ]--\r\nA:srl01#",
    ),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_the_line_above_a_prompt_is_no_part_of_an_answer(connect, name):
    platform, prompt = CONTEXTS[name]
    raw = {
        **PREPARATION,
        "show clock": (b"12:00\r\n",),
        "show log": (b"a\r\n[edit]\r\n{master:0}\r\n[/]\r\nb\r\n",),
    }
    with PacketBox(raw, prompts={"#": prompt, ">": prompt}, lenient=True) as box:
        connector = connect(box, platform)
        connector.open()
        said = [
            connector.execute(command).stdout.rstrip() for command in ("show clock", "show log", "show clock")
        ]
        connector.close()
    assert said == ["12:00", "a\n[edit]\n{master:0}\n[/]\nb", "12:00"]


def test_a_prompt_that_counts_ends_an_answer(connect):
    """As that of EXOS, which has the number of the next command in it."""

    class Counting(PacketBox):
        @property
        def prompts(self):
            return {"#": f"sw01.{sum(bool(line.strip()) for line in self.received) + 1} #"}

        @prompts.setter
        def prompts(self, value):
            pass

    raw = {"show clock": (b"12:00\r\n",), "show log": (b"a\r\nsw01.3 #", PAUSE, b" x\r\nb\r\n")}
    rows = {
        "plain": ("show clock", "12:00"),
        "prompt inside": ("show log", "a\nsw01.3 # x\nb"),
        "again": ("show clock", "12:00"),
    }
    with Counting(raw, lenient=True) as box:
        assert differences(connect(box, "extreme_exos"), rows) == {}
