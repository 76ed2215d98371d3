"""What can go wrong, in the few kinds a user can act on."""

import pytest
from netmiko.exceptions import (
    NetmikoAuthenticationException,
    NetmikoParsingException,
    NetmikoTimeoutException,
    ReadException,
    ReadTimeout,
    WriteException,
)
from ntc_templates.parse import ParsingException
from paramiko.ssh_exception import AuthenticationException, SSHException
from textfsm import TextFSMError
from textfsm.clitable import CliTableError

from devices.connectors.failures import classify, describe, wrap
from devices.errors import (
    AuthenticationFailed,
    CommandRefused,
    CommandTimeout,
    ConnectionFailed,
    ConnectorError,
    ParseFailed,
)

KINDS = [
    (NetmikoAuthenticationException("x"), "authentication", AuthenticationFailed),
    (AuthenticationException("x"), "authentication", AuthenticationFailed),
    (
        ValueError("Failed to enter enable mode. Please ensure you pass"),
        "authentication",
        AuthenticationFailed,
    ),
    (ReadTimeout("x"), "timeout", CommandTimeout),
    (TimeoutError("x"), "timeout", CommandTimeout),
    (NetmikoTimeoutException("x"), "connection", ConnectionFailed),
    (SSHException("x"), "connection", ConnectionFailed),
    (EOFError(), "connection", ConnectionFailed),
    (ConnectionResetError("x"), "connection", ConnectionFailed),
    (OSError("Socket is closed"), "connection", ConnectionFailed),
    (ReadException("Channel stream closed by remote device."), "connection", ConnectionFailed),
    (WriteException("x"), "connection", ConnectionFailed),
    (TextFSMError("State Error raised"), "parse", ParseFailed),
    (CliTableError("x"), "parse", ParseFailed),
    (ParsingException("x"), "parse", ParseFailed),
    (NetmikoParsingException("x"), "parse", ParseFailed),
    (ValueError("Unable to find prompt: x"), "internal", ConnectorError),
    (AttributeError("x"), "internal", ConnectorError),
    (CommandRefused("x"), "device", CommandRefused),
]


@pytest.mark.parametrize(
    ("error", "kind", "ours"), KINDS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_every_exception_that_escapes_has_a_kind_and_becomes_ours(error, kind, ours):
    assert classify(error) == kind
    assert type(wrap(error)) is ours


def test_ours_stays_what_it_is():
    error = ParseFailed("x")
    assert wrap(error) is error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EOFError(), "the device closed the connection"),
        (KeyError(), "KeyError"),
        (
            ReadTimeout("Pattern not detected: 'rtr01#' in output."),
            "the device did not finish its response in time",
        ),
        (
            NetmikoTimeoutException(
                "TCP connection to device failed.\n\nCommon causes of this problem are:\n1. Incorrect"
            ),
            "TCP connection to device failed.",
        ),
        (
            NetmikoTimeoutException(
                "Paramiko: 'No existing session' error: try increasing 'conn_timeout' to 15"
            ),
            "the host accepted the connection but did not complete the SSH handshake in time",
        ),
        (ValueError("two\n  lines"), "two lines"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_person_gets_one_line_without_netmiko_s_advice(error, text):
    assert describe(error) == text


def test_the_text_of_an_authentication_failure_does_not_repeat_netmiko_s():
    error = NetmikoAuthenticationException(
        "Authentication to device failed.\n\nDevice settings: cisco_ios 192.0.2.1:22"
    )
    assert describe(error) == "authentication failed: the device refused the username, password or key"
