"""Netmiko connections that record what goes through them."""

import pytest
from netmiko.exceptions import NetmikoParsingException

from tests.devices.conftest import SHOW_INTERFACES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings(
        "ignore:path is deprecated:DeprecationWarning"
    ),  # Netmiko's, finding its templates
]


@pytest.fixture
def session(router, connect, events):
    """An open connection, as Netmiko's users know it; `session.commands()` closes it and tells what is on record."""

    class Session:
        def __init__(self):
            self.connector = connect(router)
            self.connector.open()
            self.netmiko = self.connector.connection

        def events(self):
            self.connector.close()
            return [event for event in events(self.connector.session_id) if event.step]

        def commands(self):
            return [(event.event_type, event.command) for event in self.events()]

    made = Session()
    yield made
    made.connector.close()


def test_a_command_is_recorded_once_though_netmiko_s_methods_call_one_another(session, router):
    router.answers["show clock"] = "12:00"
    session.netmiko.send_command_expect("show clock")
    session.netmiko.send_command_timing("show clock")
    assert session.commands() == [("command_sent", "show clock"), ("command_response", "show clock")] * 2


def test_logging_in_is_no_command(session):
    assert session.commands() == []


def test_parsing_comes_after_the_raw_answer_is_recorded(session):
    rows = session.netmiko.send_command("show interfaces", use_textfsm=True)
    assert rows[0]["interface"] == "GigabitEthernet0/0"
    (answer,) = [event for event in session.events() if event.event_type == "command_response"]
    assert answer.response == SHOW_INTERFACES.rstrip("\n")


def test_an_answer_that_cannot_be_parsed_is_still_a_good_answer(session, router):
    router.answers["show interfaces"] = "The weather is fine."
    with pytest.raises(NetmikoParsingException):
        session.netmiko.send_command("show interfaces", use_textfsm=True, raise_parsing_error=True)
    assert [(event.event_type, event.response) for event in session.events()][1] == (
        "command_response",
        "The weather is fine.",
    )


def test_a_configuration_is_one_step_with_all_its_lines(session, router):
    router.answers |= {"interface Loopback0": "", "description office": ""}
    session.netmiko.send_config_set(["interface Loopback0", "description office"])
    (sent, answer) = session.events()
    assert (sent.event_type, sent.command) == ("command_sent", "interface Loopback0\ndescription office")
    assert answer.event_type == "command_response"
    assert "rtr01(config)#" in answer.response


def test_a_line_the_device_refuses_fails_the_configuration_wherever_it_stands(session, router):
    lines = [f"interface Loopback{number}" for number in range(12)]
    router.answers |= dict.fromkeys(lines, "")
    session.netmiko.send_config_set([*lines, "nonsense"])
    (_, failed) = session.events()
    assert (failed.event_type, failed.error_kind) == ("command_failed", "device")
    assert failed.error_message == "% Invalid input detected at '^' marker."


def test_saving_is_recorded(session, router):
    router.answers["write mem"] = "Building configuration...\n[OK]"
    session.netmiko.save_config()
    assert session.commands() == [("command_sent", "save_config"), ("command_response", "save_config")]


def test_enabling_is_recorded(session):
    session.netmiko.enable()
    assert session.commands() == [("command_sent", "enable"), ("command_response", "enable")]


def test_several_lines_at_a_time_are_one_step(session, router):
    router.answers |= {"show clock": "12:00", "show users": "netops"}
    session.netmiko.send_multiline(["show clock", "show users"])
    assert session.commands() == [
        ("command_sent", "show clock\nshow users"),
        ("command_response", "show clock\nshow users"),
    ]


def test_what_netmiko_cannot_do_is_a_failed_command(session):
    with pytest.raises(AttributeError):
        session.netmiko.commit()
    assert session.commands() == [("command_sent", "commit"), ("command_failed", "commit")]


def test_after_a_failed_command_the_next_one_is_recorded(session, router):
    router.answers["show clock"] = "12:00"
    with pytest.raises(AttributeError):
        session.netmiko.commit()
    session.netmiko.send_command("show clock")
    assert session.commands()[-1] == ("command_response", "show clock")


def test_disconnecting_twice_is_recorded_once(router, connect, events):
    connector = connect(router)
    connector.open()
    connector.connection.disconnect()
    connector.close()
    found = [event.event_type for event in events(connector.session_id)]
    assert found.count("disconnection") == 1
