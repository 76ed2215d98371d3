"""An answer is what a person would have seen: every letter, and escape codes and backspaces applied."""

import pytest
from django.core.management import call_command

from sessionlogs.models import SessionLog
from tests.devices.emulator import Box
from tests.devices.packets import PAUSE, PacketBox, differences

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def soon(settings):
    """A prompt that is not seen is a failure soon, but not before a busy machine would see it."""
    settings.DEVICE_READ_TIMEOUT = 120.0


def utf8(text: str, cut: int) -> tuple[bytes | None, ...]:
    """`text` in two packets, cut at that byte of its encoding."""
    whole = text.encode()
    return (whole[:cut], PAUSE, whole[cut:])


LETTERS = {
    "ssh-latin1": ((b"  Description: Z\xfcrich uplink\r\n",), "  Description: Zürich uplink"),
    "latin-1, every letter": (
        (bytes(range(0xC0, 0xD0)) + b" " + bytes(range(0xD0, 0x100)),),
        "".join(map(chr, range(0xC0, 0xD0))) + " " + "".join(map(chr, range(0xD0, 0x100))),
    ),
    "latin-1, two in a row": ((b"Stra\xdfe \xe9\xe8 caf\xe9\r\n",), "Straße éè café"),
    "latin-1 before the line feed": ((b"caf\xe9\r\nb\r\n",), "café\nb"),
    "latin-1 at the end of a packet": ((b"caf\xe9", PAUSE, b" central\r\n"), "café central"),
    "latin-1 like the first byte of four": ((b"\xf0re b\xe5t", PAUSE, b"\r\n"), "ðre båt"),
    "latin-1 as the last letter": ((b"caf\xe9",), "café"),
    "Windows-1252": ((b"a \x96 b \x80 5 \x93x\x94\r\n",), "a – b € 5 “x”"),
    "UTF-8, two bytes cut": (utf8("Zürich\r\n", 2), "Zürich"),
    "UTF-8, three bytes cut after one": (utf8("a – b\r\n", 3), "a – b"),
    "UTF-8, three bytes cut after two": (utf8("a – b\r\n", 4), "a – b"),
    "UTF-8, four bytes cut in the middle": (utf8("a \N{GRINNING FACE} b\r\n", 4), "a \N{GRINNING FACE} b"),
    "UTF-8, cut before the prompt": (utf8("Zü", 2), "Zü"),
    "UTF-8 byte by byte": (
        tuple(part for byte in "ü–\N{GRINNING FACE}".encode() for part in (bytes([byte]), PAUSE)),
        "ü–\N{GRINNING FACE}",
    ),
    "both in a line": (("Zürich ".encode() + b"Gen\xe8ve\r\n",), "Zürich Genève"),
    "both in a line, cut": (
        ("Zü".encode()[:2], PAUSE, "ü".encode()[1:] + b"rich Gen\xe8ve\r\n"),
        "Zürich Genève",
    ),
    "both in lines": (
        ("Zürich\r\n".encode() + b"Gen\xe8ve\r\n" + "Köln\r\n".encode(),),
        "Zürich\nGenève\nKöln",
    ),
    "Cyrillic and Chinese": (("Москва 北京\r\n".encode(),), "Москва 北京"),
    "no letter at all": ((b"a\x81b\r\n",), "a\N{REPLACEMENT CHARACTER}b"),
    "a zero byte": ((b"a\x00b\r\n",), "ab"),
}

CODES = {
    "ios-ansi-name": (
        (b"\x1b[1;32mGigabitEthernet0/1\x1b[0m is up, line protocol is up\r\n",),
        "GigabitEthernet0/1 is up, line protocol is up",
    ),
    "a colour of 256": ((b"\x1b[38;5;208mup\x1b[0m\r\n",), "up"),
    "a colour of all": ((b"\x1b[48:2::10:20:30mup\x1b[m\r\n",), "up"),
    "a code cut by a packet": ((b"a \x1b[1", PAUSE, b";32mb\x1b", PAUSE, b"[0m c\r\n"), "a b c"),
    "a title": ((b"\x1b]0;rtr01: console\x07a\r\n",), "a"),
    "a title, ended otherwise": ((b"\x1b]2;rtr01\x1b\\a\r\n",), "a"),
    "a title cut by a packet": ((b"\x1b]0;rtr", PAUSE, b"01#\x07a\r\n"), "a"),
    "a link": ((b"\x1b]8;;http://x/\x1b\\Gi0/1\x1b]8;;\x1b\\ up\r\n",), "Gi0/1 up"),
    "a title without an end": ((b"\x1b]0;a\r\nb\r\n",), "]0;a\nb"),
    "a device control string": ((b"\x1bP1$r0m\x1b\\a\r\n",), "a"),
    "a character set": ((b"\x1b(Ba\x1b)0\x0f\r\n",), "a"),
    "the cursor hidden": ((b"\x1b[?25la\x1b[?25h\x1b=\x1b>\r\n",), "a"),
    "bracketed paste": ((b"\x1b[?2004la\r\n\x1b[?2004h",), "a"),
    "erased to the end of the line": ((b"abc\rx\x1b[K\r\n",), "x"),
    "erased whole": ((b"abc\x1b[2K\rx\r\n",), "x"),
    "erased to its beginning": ((b"abc\x1b[1K\rx\r\n",), "x"),
    "forward": ((b"a\x1b[3Cb\r\n",), "a   b"),
    "back": ((b"abc\x1b[2Dx\r\n",), "axc"),
    "to a column": ((b"abc\x1b[5Gx\r\n",), "abc x"),
    "letters deleted": ((b"abcd\r\x1b[2Px\r\n",), "xd"),
    "letters pushed in": ((b"abc\r\x1b[2@x\r\n",), "x abc"),
    "letters erased": ((b"abcd\r\x1b[2Xx\r\n",), "x cd"),
    "a line up": ((b"10 %\r\n\x1b[A20 %\r\n",), "20 %"),
    "two lines up and down again": ((b"a\r\nb\r\n\x1b[2Ax\x1b[2B\ry\r\n",), "x\nb\ny"),
    "the next line": ((b"a\x1bEb\x1b[Ec\r\n",), "a\nb\nc"),
    "the place kept": ((b"\x1b7\x1b[999;999H\x1b[6n\x1b8a\r\n",), "a"),
    "the place kept otherwise": ((b"\x1b[s\x1b[999;999H\x1b[ua\r\n",), "a"),
    "placed on the line it is on": ((b"\x1b[24;1Hab\x1b[24;1Hx\r\n",), "xb"),
    "lines placed": ((b"\x1b[1;1Ha\x1b[2;1Hb\r\n",), "a\nb"),
    "no code": ((b"a\x1b\x01b\r\n",), "ab"),
    "in eight bits": (("a \x9b1mb\x9b0m\r\n".encode(),), "a b"),
    "a bell": ((b"a\x07\r\n",), "a"),
}

TYPED_OVER = {
    "a backspace": ((b"abd\x08c\r\n",), "abc"),
    "rubbed out": ((b"abd\x08 \x08c\r\n",), "abc"),
    "backspaces in packets": ((b"abcd\x08", PAUSE, b"\x08", PAUSE, b"xy\r\n"), "abxy"),
    "more backspaces than letters": ((b"a\x08\x08\x08b\r\n",), "b"),
    "backspaces across a line feed": ((b"a\r\n\x08\x08b\r\n",), "a\nb"),
    "a pager's mark": (
        (b"a\r\n --More-- " + b"\x08" * 10 + b" " * 10 + b"\x08" * 10 + b"b\r\n",),
        "a\nb",
    ),
    "a pager's mark, by a carriage return": ((b"a\r\n--More--\r        \rb\r\n",), "a\nb"),
    "a pager's mark, erased": ((b"a\r\n--More--\r\x1b[Kb\r\n",), "a\nb"),
    "a pager's mark in packets": ((b"a\r\n--More--", PAUSE, b"\r   ", PAUSE, b"     \rb\r\n"), "a\nb"),
    "a progress bar": ((b"[#   ]  25%\r[##  ]  50%\r[####] 100%\r\n",), "[####] 100%"),
    "a shorter line over a longer one": ((b"abcdef\rxyz\r\n",), "xyzdef"),
    "a carriage return at the end of a packet": ((b"abc\r", PAUSE, b"\nd\r\n"), "abc\nd"),
    "carriage returns before a line feed": ((b"abc\r\r\r\nd\r\n",), "abc\nd"),
    "a carriage return after a line feed": ((b"abc\n\rd\n\r",), "abc\nd"),
    "underlined by typing over": ((b"_\x08a_\x08b\r\n",), "ab"),
    "bold by typing twice": ((b"N\x08NA\x08AM\x08ME\x08E\r\n",), "NAME"),
    "a tabulator": ((b"a\tb\r\n",), "a\tb"),
    "a form feed": ((b"a\x0cb\r\n",), "a\nb"),
    "an umlaut typed over": (("zu\x08ürich\r\n".encode(),), "zürich"),
    "prompt text typed over": ((b"rtr01#", PAUSE, b"\x08\x08\x08\x08\x08\x08uptime\r\n"), "uptime"),
}


@pytest.mark.parametrize("table", [LETTERS, CODES, TYPED_OVER], ids=["letters", "escape codes", "typed over"])
def test_an_answer_is_what_a_person_would_have_seen(connect, table):
    raw = {f"show case {number}": packets for number, (packets, _) in enumerate(table.values())}
    rows = {name: (f"show case {number}", right) for number, (name, (_, right)) in enumerate(table.items())}
    with PacketBox(raw) as box:
        assert differences(connect(box), rows) == {}


def test_letters_and_codes_are_stored_as_a_person_would_have_seen_them(device_of):
    said = (
        b"\x1b[1;32mGigabitEthernet0/1\x1b[0m is up, line protocol is up\r\n"
        b"  Description: Z\xfcrich \x08, \xc3",
        PAUSE,
        b"\xb6stlich\r\n  Internet address is 198.51.100.1/2\x084\x0825\r\n",
    )
    with PacketBox({"show interfaces": said, "show ip interface": (b"",)}) as box:
        device = device_of(box, name="rtr01")
        call_command("collect_interfaces", "--device", "rtr01")
    (interface,) = device.interfaces.all()
    assert (interface.name, interface.description) == ("GigabitEthernet0/1", "Zürich, östlich")
    assert [str(address) for address in interface.addresses.all()] == ["198.51.100.1/25"]
    answer = SessionLog.objects.get(event_type="command_response", command="show interfaces")
    assert answer.response == (
        "GigabitEthernet0/1 is up, line protocol is up\n  Description: Zürich, östlich\n"
        "  Internet address is 198.51.100.1/25"
    )
    assert device.responses.get(command="show interfaces").raw == answer.response


def test_the_text_of_netmiko_s_other_ways_is_what_a_person_would_have_seen(connect, events):
    clock, users = b"1\x1b[31m2\x1b[0m:0\x081\r\n   50%\r  100% caf\xe9\r\n", b"\x1b[1mcaf\xe9 abd\x08c\r\n"
    box = PacketBox({"show clock": (clock,), "show users": (users,)})
    with box, connect(box) as connector:
        assert connector.connection.send_command_timing("show clock") == "12:1\n  100% café"
        assert connector.connection.send_command("show users", expect_string=r"rtr01#$") == "café abc"
        assert "\ncafé abc\n" in connector.connection.send_config_set(["show users"])
    said = [
        event.response for event in events(connector.session_id) if event.event_type == "command_response"
    ]
    assert said[:2] == ["12:1\n  100% café", "café abc"]
    assert "\ncafé abc\n" in said[2]


def test_what_a_linux_host_says_keeps_its_letters(connect):
    """Its commands have no terminal: nothing is typed over, and its bytes are those of a file."""
    with Box({"cat motd": "Z\udcfcrich — Gen\udce8ve\n"}) as box, connect(box, "linux") as connector:
        said = connector.execute("cat motd").stdout
    assert said == "Zürich — Genève"
