"""--workers of collect_interfaces and run_commands."""

import pytest
from django.core.management import CommandError, call_command

from tests.factories import DeviceFactory

COMMANDS = {
    "collect_interfaces": ("--device", "rtr01"),
    "run_commands": ("--device", "rtr01", "show clock"),
}
OUT_OF_RANGE = {
    "0": "--workers must be at least 1",
    "00": "--workers must be at least 1",
    "-0": "--workers must be at least 1",
    "+0": "--workers must be at least 1",
    "-1": "--workers must be at least 1",
    str(-(2**63)): "--workers must be at least 1",
    "10001": "--workers must be at most 10000",
    str(2**63 - 1): "--workers must be at most 10000",
}
NO_NUMBERS = [
    str(2**63), str(2**64 + 1), str(-(2**63) - 1), "9" * 5000, "", " ", " 3", "3 ", "1e3", "1.0", "1_0", "0x10",
    "ten", "inf", "nan", "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "3\n", "\x1b[31m3",
]  # fmt: skip


def refusal(command, value):
    with pytest.raises(CommandError) as caught:
        call_command(command, *COMMANDS[command], f"--workers={value}")
    return str(caught.value), caught.value.returncode


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS)
def test_a_number_of_workers_that_cannot_be_is_refused_in_a_sentence(command):
    DeviceFactory(name="rtr01")
    said = {value: refusal(command, value) for value in OUT_OF_RANGE}
    assert said == {value: (sentence, 2) for value, sentence in OUT_OF_RANGE.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_number_of_workers_is_refused_by_its_name(command):
    DeviceFactory(name="rtr01")
    said = {value: refusal(command, value) for value in NO_NUMBERS}
    assert [text for text, _ in said.values() if "--workers" not in text or "\n" in text] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("workers", ["1", "007", "10000"])
def test_a_number_of_workers_is_taken(router, device_of, workers):
    device_of(router, name="rtr01")
    call_command("collect_interfaces", "--device", "rtr01", f"--workers={workers}")
    call_command("run_commands", "--device", "rtr01", "show interfaces", f"--workers={workers}")
