"""Where an answer ends: at the prompt alone on the last line, with nothing behind it, and nowhere before."""

import pytest
from django.core.management import call_command

from devices.errors import ConnectorError
from sessionlogs.models import SessionLog
from tests.devices.packets import PAUSE, PacketBox, differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def soon(settings):
    """A prompt that is not seen is a failure soon, but not before a busy machine would see it."""
    settings.DEVICE_READ_TIMEOUT = 120.0


INTERFACES = (
    b"GigabitEthernet0/0 is up, line protocol is up\r\n  Description: console of rtr01# do not touch",
    PAUSE,
    b"\r\n  Internet address is 192.0.2.1/24\r\n"
    b"GigabitEthernet0/1 is up, line protocol is up\r\n  Internet address is 198.51.100.1/25\r\n",
)

# What the device sends between the echo and its prompt, and the answer that is right.
PROMPT_INSIDE = {
    "in a description (ssh-prompt-in-answer)": (
        INTERFACES,
        "GigabitEthernet0/0 is up, line protocol is up\n  Description: console of rtr01# do not touch\n"
        "  Internet address is 192.0.2.1/24\n"
        "GigabitEthernet0/1 is up, line protocol is up\n  Internet address is 198.51.100.1/25",
    ),
    "in an applet (ssh-prompt-in-config)": (
        (
            b'event manager applet X\r\n action 2.0 cli command "copy run tftp:" pattern "rtr01#"\r\n',
            PAUSE,
            b"interface Vlan10\r\n ip address 192.0.2.1 255.255.255.0\r\n",
        ),
        'event manager applet X\n action 2.0 cli command "copy run tftp:" pattern "rtr01#"\n'
        "interface Vlan10\n ip address 192.0.2.1 255.255.255.0",
    ),
    "cut right behind it": (
        (b"a\r\n  to rtr01#", PAUSE, b" do not touch\r\nb\r\n"),
        "a\n  to rtr01# do not touch\nb",
    ),
    "at the head of a line, cut behind it": (
        (b"a\r\nrtr01#", PAUSE, b"show version\r\nb\r\n"),
        "a\nrtr01#show version\nb",
    ),
    "at the head of a line with a blank, cut behind it": (
        (b"a\r\nrtr01# ", PAUSE, b"show version\r\nb\r\n"),
        "a\nrtr01# show version\nb",
    ),
    "alone on a line": ((b"a\r\nrtr01#", PAUSE, b"\r\nb\r\n"), "a\nrtr01#\nb"),
    "alone on a line that ends before the pause": ((b"a\r\nrtr01#\r\n", PAUSE, b"b\r\n"), "a\nrtr01#\nb"),
    "alone on two lines": ((b"a\r\nrtr01#", PAUSE, b"\r\nrtr01# x\r\nb\r\n"), "a\nrtr01#\nrtr01# x\nb"),
    "at two pauses": (
        (b"a\r\nrtr01#", PAUSE, b"x\r\nrtr01#", PAUSE, b"y\r\nb\r\n"),
        "a\nrtr01#x\nrtr01#y\nb",
    ),
    "as the first line": ((b"rtr01#show clock\r\n", PAUSE, b"12:00\r\n"), "rtr01#show clock\n12:00"),
    "as the whole first line": ((b"rtr01#", PAUSE, b"\r\n12:00\r\n"), "rtr01#\n12:00"),
    "as the last line": ((b"a\r\nrtr01#\r\n",), "a\nrtr01#"),
    "at the end of the last line": ((b"a\r\n  to rtr01#\r\n",), "a\n  to rtr01#"),
    "of the configuration mode": (
        (b"a\r\nrtr01(config)#", PAUSE, b"vlan 10\r\nb\r\n"),
        "a\nrtr01(config)#vlan 10\nb",
    ),
    "of another router": ((b"a\r\nrtr02#", PAUSE, b"\r\nb\r\n"), "a\nrtr02#\nb"),
    "at the head of a ruler": ((b"a\r\nrtr01#", PAUSE, b"#########\r\nb\r\n"), "a\nrtr01##########\nb"),
    "in a comment of signs": (
        (b"! ######", PAUSE, b"#### rtr01 ####\r\nb\r\n"),
        "! ########## rtr01 ####\nb",
    ),
    "in every line": ((b"rtr01#1\r\nrtr01#", PAUSE, b"2\r\nrtr01#3\r\n"), "rtr01#1\nrtr01#2\nrtr01#3"),
    "behind much text": (
        ((b"x" * 60 + b"\r\n") * 2000 + b"  to rtr01# ", PAUSE, b"y\r\nb\r\n"),
        ("x" * 60 + "\n") * 2000 + "  to rtr01# y\nb",
    ),
}

# The device's last line has no line feed before the prompt.
NO_LINE_FEED = {
    "ssh-no-newline-before-prompt": (
        (b" Archive feature is not enabled",),
        " Archive feature is not enabled",
    ),
    "one letter": ((b"x",), "x"),
    "a blank behind it": ((b"not enabled ",), "not enabled "),
    "behind other lines": ((b"a\r\nb\r\nc",), "a\nb\nc"),
    "behind an empty line": ((b"a\r\n\r\nc",), "a\n\nc"),
    "cut before the prompt": ((b"a\r\nb", PAUSE, b""), "a\nb"),
    "cut in the line": ((b"a\r\nb", PAUSE, b"c"), "a\nbc"),
    "the prompt itself": ((b"a\r\nto rtr01#",), "a\nto rtr01#"),
    "a sign of prompts": ((b"50 > 40 # ",), "50 > 40 # "),
    "letters of other scripts": (("Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich".encode(),), "Zürich"),
    "a line feed before it alone": ((b"\r\nx",), "\nx"),
    "the router's name": ((b"hostname rtr01",), "hostname rtr01"),
}


def test_prompt_text_inside_an_answer_does_not_end_it(connect):
    raw = {f"show case {number}": packets for number, (packets, _) in enumerate(PROMPT_INSIDE.values())}
    rows = {
        name: (f"show case {number}", right)
        for number, (name, (_, right)) in enumerate(PROMPT_INSIDE.items())
    }
    with PacketBox(raw) as box:
        assert differences(connect(box), rows) == {}


def test_a_last_line_without_a_line_feed_is_kept(connect):
    raw = {f"show case {number}": packets for number, (packets, _) in enumerate(NO_LINE_FEED.values())}
    rows = {
        name: (f"show case {number}", right) for number, (name, (_, right)) in enumerate(NO_LINE_FEED.items())
    }
    with PacketBox(raw) as box:
        assert differences(connect(box), rows) == {}


def test_a_refusal_without_a_line_feed_is_a_refusal(connect):
    with PacketBox({"show archive": (b"% Invalid input detected",)}) as box, connect(box) as connector:
        refused = connector.execute("show archive")
    assert (refused.error_kind, refused.reason) == ("device", "% Invalid input detected")


def test_an_answer_with_prompt_text_is_collected_and_recorded_whole(device_of, capsys):
    raw = {"show interfaces": INTERFACES, "show ip interface": (b"",)}
    with PacketBox(raw) as box:
        device = device_of(box, name="rtr01")
        call_command("collect_interfaces", "--device", "rtr01")
    assert sorted(
        (interface.name, str(address))
        for interface in device.interfaces.all()
        for address in interface.addresses.all()
    ) == [("GigabitEthernet0/0", "192.0.2.1/24"), ("GigabitEthernet0/1", "198.51.100.1/25")]
    answer = SessionLog.objects.get(event_type="command_response", command="show interfaces")
    assert answer.response == PROMPT_INSIDE["in a description (ssh-prompt-in-answer)"][1]


# Echo, answer and prompt as the device sends them.
ECHOES = {
    "as typed": ((b"show clock\r\n12:00\r\nrtr01#",), "12:00"),
    "with two carriage returns": ((b"show clock\r\r\n12:00\r\nrtr01#",), "12:00"),
    "letter by letter": ((b"sh", PAUSE, b"ow clo", PAUSE, b"ck\r", PAUSE, b"\n12:00\r\nrtr01#"), "12:00"),
    "wrapped by the device": ((b"show cl\r\nock\r\n12:00\r\nrtr01#",), "12:00"),
    "wrapped as readline does": ((b"show cl \rock\r\n12:00\r\nrtr01#",), "12:00"),
    "typed over": ((b"show clo\x08\x08\x08clock\r\n12:00\r\nrtr01#",), "12:00"),
    "painted again with the prompt": ((b"show clo\rrtr01#show clock\r\n12:00\r\nrtr01#",), "12:00"),
    "after a prompt that was late": ((b"\r\nrtr01#show clock\r\n12:00\r\nrtr01#",), "12:00"),
    "after a pause and a prompt that was late": (
        (b"\r\nrtr01#", PAUSE, b"show clock\r\n12:00\r\nrtr01#"),
        "12:00",
    ),
    "none": ((b"12:00\r\nrtr01#",), "12:00"),
    "none, and a prompt inside": ((b"12:00\r\nrtr01#", PAUSE, b" x\r\nrtr01#"), "12:00\nrtr01# x"),
    "and the same words as the answer": ((b"show clock\r\nshow clock\r\nrtr01#",), "show clock"),
    "in colours": ((b"\x1b[1mshow\x1b[0m clock\r\n12:00\r\nrtr01#",), "12:00"),
    "and the prompt cut in two": ((b"show clock\r\n12:00\r\nrtr", PAUSE, b"01#"), "12:00"),
    "and a blank behind the prompt": ((b"show clock\r\n12:00\r\nrtr01# ",), "12:00"),
    "and nothing": ((b"show clock\r\nrtr01#",), ""),
    "and an empty line": ((b"show clock\r\n\r\nrtr01#",), ""),
    "and the prompt of a mode": ((b"show clock\r\n12:00\r\nrtr01(exec)#",), "12:00"),
}


def test_the_echo_of_a_command_is_no_part_of_its_answer(connect):
    wrong = {}
    for name, (packets, right) in ECHOES.items():
        with PacketBox({"show clock": packets}, whole=True) as box:
            if name == "and the prompt of a mode":
                box.prompts["#"] = "rtr01(exec)#"
            wrong |= differences(connect(box), {name: ("show clock", right)})
    assert wrong == {}


LONG = "show interfaces " + " ".join(f"GigabitEthernet1/0/{number}" for number in range(20))
WRAPPED = [LONG[start : start + 80] for start in range(0, len(LONG), 80)]


@pytest.mark.parametrize(
    "echo",
    [
        "\r\n".join(WRAPPED),
        " \r".join(WRAPPED),
        "\x08" * 3 + LONG,
        LONG[:70] + "\x08" * 70 + "$" + LONG[-69:],
    ],
    ids=["line feeds", "carriage returns", "backspaces", "scrolled"],
)
def test_the_echo_of_a_long_command_is_no_part_of_its_answer(connect, echo):
    with PacketBox({LONG: (echo.encode() + b"\r\n12:00\r\nrtr01#",)}, whole=True) as box:
        assert differences(connect(box), {"long": (LONG, "12:00")}) == {}


def test_the_prompt_may_change_with_a_command(connect):
    with PacketBox({"show clock": (b"12:00\r\n",)}) as box:
        rows = {
            "into the mode": ("configure terminal", ""),
            "in the mode": ("show clock", "12:00"),
            "out of it": ("end", ""),
            "outside": ("show clock", "12:00"),
        }
        assert differences(connect(box), rows) == {}


def test_an_answer_without_a_prompt_is_a_timeout(connect, settings):
    settings.DEVICE_READ_TIMEOUT = 1.0
    with (
        PacketBox({"show clock": (b"show clock\r\n12:00\r\nrtr01# x",)}, whole=True) as box,
        connect(box) as connector,
        pytest.raises(ConnectorError) as caught,
    ):
        connector.execute("show clock")
    assert caught.value.kind == "timeout"


def test_the_answers_of_netmiko_s_other_ways_are_whole_too(connect):
    """`send_multiline` and `send_command_timing`, as Netmiko's users call them."""
    with (
        PacketBox({"show clock": INTERFACES, "show archive": (b" not enabled",)}) as box,
        connect(box) as connector,
    ):
        netmiko = connector.connection
        whole = PROMPT_INSIDE["in a description (ssh-prompt-in-answer)"][1]
        assert netmiko.send_multiline(["show clock", "show archive"]) == (
            f"show clock\n{whole}\nrtr01#show archive\n not enabledrtr01#"
        )
        assert netmiko.send_command_timing("show archive") == " not enabled"
        assert netmiko.send_command_timing("show clock") == whole
        assert netmiko.send_command("show archive", strip_prompt=False) == " not enabledrtr01#"
        assert netmiko.send_command("show clock", None, 20.0, None, None, True, False) == f"{whole}\nrtr01#"
        assert netmiko.send_command("show archive", strip_command=False) == "show archive\n not enabled"
