"""What differs between vendors, as data."""

import pytest
from netmiko.ssh_dispatcher import CLASS_MAPPER

from devices.interfaces.parsing import parse
from devices.platforms import (
    TEMPLATES,
    InterfaceCommand,
    UnknownPlatform,
    file_names,
    get_platform,
    platform_choices,
    platform_names,
)

CARET = "                    ^\n"
# platform, what stands before the line, the line with which the device refuses
REFUSALS = [
    ("cisco_ios", CARET, "% Invalid input detected at '^' marker."),
    ("cisco_ios", "", "% Incomplete command."),
    ("cisco_ios", "", '% Ambiguous command:  "sh i"'),
    ("cisco_ios", "", "Command authorization failed."),
    ("arista_eos", "", "% Invalid input"),
    ("arista_eos", "", "% Unavailable command (not supported on this hardware platform)"),
    ("paloalto_panos", "", "Unknown command: show interfaces"),
    ("paloalto_panos", "", "Invalid syntax."),
    ("paloalto_panos", "\n", "Server error : show not supported"),
    ("juniper_junos", CARET, "syntax error, expecting <command>."),
    ("juniper_junos", "", "error: command is not valid on the ex2200"),
    ("cisco_nxos", CARET, "% Invalid command at '^' marker."),
    ("cisco_nxos", "", "% Permission denied for the role"),
    ("cisco_xr", CARET, "% Invalid input detected at '^' marker."),
    ("cisco_asa", CARET, "ERROR: % Invalid input detected at '^' marker."),
    ("huawei_vrp", CARET, "Error: Unrecognized command found at '^' position."),
    ("hp_comware", CARET, "% Unrecognized command found at '^' position."),
    ("hp_procurve", "", "Invalid input: shw"),
    ("fortinet", "", "Unknown action 0"),
    ("fortinet", "\n", "Command fail. Return code -61"),
    ("mikrotik_routeros", "", "bad command name shw (line 1 column 1)"),
    ("frr", "", "% Unknown command: show nonsense"),
    ("frr", "", "% There is no matched command."),
]
QUOTED = [
    "% Invalid input detected at '^' marker.",
    "Unknown command: show interfaces",
    "error: syntax error",
    "Error: Unrecognized command found at '^' position.",
]


@pytest.mark.parametrize("name", file_names())
def test_every_file_describes_a_platform_that_works(name):
    platform = get_platform(name)
    assert platform.label != name
    assert platform.netmiko in CLASS_MAPPER
    assert platform.interface_commands
    assert platform.failure("hostname rtr01") == ""


@pytest.mark.parametrize("name", file_names())
def test_every_command_of_a_file_has_its_template(name):
    platform = get_platform(name)
    for command in platform.interface_commands:
        if command.template:
            assert (TEMPLATES / command.template).is_file()
        else:  # ntc-templates' own: an optional command may find nothing, but there must be a template
            assert parse(platform, InterfaceCommand(command.command, optional=True), "") == []


def test_the_first_command_of_a_file_is_never_optional():
    assert not [name for name in file_names() if get_platform(name).interface_commands[0].optional]


def test_many_other_platforms_are_collected_by_what_ntc_templates_parses():
    generic = [name for name in platform_names() if name not in file_names()]
    collected = [name for name in generic if get_platform(name).interface_commands]
    assert len(collected) >= 19
    assert {"alcatel_sros", "aruba_os", "cisco_s300", "hp_procurve", "vyatta_vyos"} <= set(collected)


def test_generic_commands_have_a_template_each():
    for name in platform_names():
        platform = get_platform(name)
        for command in platform.interface_commands:
            assert (
                command.template
                or parse(platform, InterfaceCommand(command.command, optional=True), "") == []
            )


def test_a_platform_nobody_knows_is_refused_by_name():
    with pytest.raises(UnknownPlatform, match="'cisco_iso' is not known"):
        get_platform("cisco_iso")


def test_telnet_and_serial_are_no_platforms():
    assert not [
        name for name in platform_names() if name.endswith(("_telnet", "_serial")) or name == "autodetect"
    ]


def test_a_form_offers_those_with_a_file_first_and_each_once():
    choices = [name for name, _ in platform_choices()]
    assert choices[: len(file_names())] == file_names()
    assert len(set(choices)) == len(choices) == len(platform_names())


def test_a_refusal_is_recognised_and_its_line_given():
    found = {
        (name, line): get_platform(name).failure(f"{before}{line}\n\n") for name, before, line in REFUSALS
    }
    assert {row: given for row, given in found.items() if given != row[1]} == {}


def test_a_log_that_quotes_a_refusal_is_no_refusal():
    log = "".join(f"May  1 12:00:{second:02d} rtr01 sshd[1]: session opened\n" for second in range(10))
    names = sorted({name for name, _, _ in REFUSALS})
    found = {(name, line): get_platform(name).failure(log + line) for name in names for line in QUOTED}
    assert {row: given for row, given in found.items() if given != ""} == {}


def test_words_inside_a_line_are_no_refusal():
    output = "GigabitEthernet0/0 is up\n  Description: error: syntax error % Invalid input\n  5 input errors, 0 CRC"
    found = {name: get_platform(name).failure(output) for name in file_names()}
    assert {name: given for name, given in found.items() if given != ""} == {}


def test_in_a_dialogue_a_refusal_counts_wherever_it_stands():
    dialogue = "\n".join(
        [f"rtr01(config)#interface vlan {number}" for number in range(20)] + ["% Invalid input"]
    )
    assert get_platform("cisco_ios").failure(dialogue) == ""
    assert get_platform("cisco_ios").failure(dialogue, whole=True) == "% Invalid input"


def test_an_answer_of_megabytes_is_judged_by_its_head():
    assert get_platform("cisco_ios").failure("x" * 5_000_000) == ""
