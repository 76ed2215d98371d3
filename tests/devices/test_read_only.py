"""What only reads, and what only looks like it."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from devices.checks import check_platform_files
from devices.platforms import Platform, file_names, get_platform
from devices.read_only import LONGEST, Refused, read_only, single_line

CORPUS = Path(__file__).parent / "read_only_corpus"


def corpus(name):
    """The lines of a file, comments left out, escapes undone."""
    lines = (CORPUS / f"{name}.txt").read_text(encoding="ascii").splitlines()
    return [line.encode().decode("unicode_escape") for line in lines if not line.startswith("# ")]


HARMLESS = [tuple(line.split(": ", 1)) for line in corpus("harmless")]
HOSTILE, HOSTILE_ON_LINUX = corpus("hostile"), corpus("hostile_linux")
LINES = [
    *(name for name in file_names() if name != "linux"),
    "dell_os10",
    "hp_procurve",
    "vyos",
]


def let_through(platform, commands):
    """Those of `commands` that may be sent."""
    found = []
    for command in commands:
        with suppress(Refused):
            found.append(read_only(get_platform(platform), command))
    return found


def test_what_only_reads_may_be_run():
    found = {(platform, command): let_through(platform, [command]) for platform, command in HARMLESS}
    assert found == {row: [row[1]] for row in HARMLESS}


@pytest.mark.parametrize("platform", LINES)
def test_what_does_more_than_read_is_sent_to_no_network_device(platform):
    assert let_through(platform, HOSTILE) == []


def test_what_does_more_than_read_is_sent_to_no_linux_host():
    assert let_through("linux", HOSTILE_ON_LINUX) == []


def test_nothing_is_read_only_on_a_shell_without_a_list():
    assert (
        let_through("ovs_linux", [*HOSTILE, *HOSTILE_ON_LINUX, *(command for _, command in HARMLESS)]) == []
    )


def test_the_corpus_is_large_enough_to_mean_something():
    assert len(set(HOSTILE)) >= 100
    assert len(set(HOSTILE_ON_LINUX)) >= 100


def test_on_linux_every_word_is_quoted_anew():
    """What a shell would make of it beyond that does not matter any more."""
    linux = get_platform("linux")
    assert (
        read_only(linux, 'journalctl  -u "nginx"   --since "1 hour ago"')
        == "journalctl -u nginx --since '1 hour ago'"
    )
    assert read_only(linux, "systemctl status 'php*'") == "systemctl status 'php*'"


def test_abbreviations_where_the_platform_has_them_and_nowhere_else():
    abbreviated = ("sh ver", "dis ver")
    for platform in ("cisco_ios", "cisco_xe", "cisco_nxos", "cisco_xr", "cisco_asa", "arista_eos", "frr"):
        assert let_through(platform, abbreviated) == ["sh ver"]
    for platform in ("huawei_vrp", "huawei", "hp_comware"):
        assert let_through(platform, abbreviated) == ["dis ver"]
    for platform in ("juniper_junos", "vyos", "linux"):
        assert let_through(platform, abbreviated) == []


@pytest.mark.parametrize("platform", ["cisco_ios", "cisco_xe"])
def test_a_show_command_that_writes_to_a_file_is_refused(platform):
    """IOS-XE takes «to» for «to-file», where no other option begins so; PAN-OS has a «to» that only selects."""
    assert let_through(platform, ["show logging process ios to flash:x"]) == []
    assert let_through("paloalto_panos", ["show session all filter from trust to untrust"])


@pytest.mark.parametrize("command", ["show version\nreload", "uptime\x00", "", "  ", "a\rb", "a\u2029b"])
def test_more_than_one_line_is_refused_whoever_asks(command):
    with pytest.raises(Refused):
        single_line(command)


def test_any_other_line_is_a_matter_of_permission():
    assert single_line("  write memory ") == "write memory"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("show run | tee x", "the filter 'tee x' is not on the list of read-only filters"),
        ("reload", "not on the list of read-only commands of cisco_ios"),
        ("show version\nreload", "the command contains a line break, a tab or another control character"),
        ("show x" * LONGEST, f"the command is longer than {LONGEST} characters"),
    ],
)
def test_the_reason_is_given(command, reason):
    with pytest.raises(Refused, match=re.escape(reason)):
        read_only(get_platform("cisco_ios"), command)


@pytest.mark.parametrize("name", file_names())
@pytest.mark.timeout(60)
def test_no_expression_takes_for_ever_over_a_long_command(name):
    """One that backtracks would take years."""
    long = (
        "show " + "a" * 990,
        "show " + "a " * 490,
        "ip " + "-4 " * 300,
        "systemctl " + "status " * 100 + "-a " * 80 + "!",
    )
    let_through(name, long)


def test_a_list_that_is_no_regular_expression_is_found_by_a_check(monkeypatch):
    broken = Platform("cisco_ios", "", "cisco_ios", "cisco_ios", (), (), read_only=("show (",))
    monkeypatch.setattr("devices.checks.get_platform", lambda name: broken)
    assert {error.id for error in check_platform_files(None)} == {"devices.E001"}
