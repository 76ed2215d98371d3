"""Connectors over real SSH."""

import time

import pytest

from devices.connectors import get_connector
from devices.connectors.arista_eos import AristaEosConnector
from devices.connectors.cisco_ios import CiscoIosConnector
from devices.connectors.generic import GenericConnector
from devices.connectors.paloalto import PaloAltoConnector
from devices.errors import (
    AuthenticationFailed,
    CommandRefused,
    CommandTimeout,
    ConnectionFailed,
    ConnectorError,
    ParseFailed,
)
from devices.platforms import UnknownPlatform
from sessionlogs.models import Session, SessionLog
from tests.devices.conftest import ROUTER
from tests.devices.emulator import DROP, PASSWORD, SILENCE, USERNAME, Box, listening, private_key
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class Port:
    """A place where no box listens."""

    host = "127.0.0.1"

    def __init__(self, port):
        self.port = port


def types(found):
    return [event.event_type for event in found]


# --- which class ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "kind", "platform"),
    [
        ("paloalto_panos", PaloAltoConnector, "paloalto_panos"),
        ("paloalto", PaloAltoConnector, "paloalto_panos"),
        ("cisco_ios", CiscoIosConnector, "cisco_ios"),
        ("cisco", CiscoIosConnector, "cisco_ios"),
        ("arista_eos", AristaEosConnector, "arista_eos"),
        ("arista", AristaEosConnector, "arista_eos"),
        ("juniper_junos", GenericConnector, "juniper_junos"),
        ("frr", GenericConnector, "frr"),
    ],
)
def test_a_vendor_has_its_connector(vendor, kind, platform):
    connector = get_connector(vendor, "192.0.2.1", "netops", "x", device_id=1, user_id=1)
    assert type(connector) is kind
    assert connector.platform.name == platform


def test_an_unknown_vendor_is_refused_by_name():
    with pytest.raises(UnknownPlatform, match="'hal9000' is not known"):
        get_connector("hal9000", "192.0.2.1", "netops", "x", device_id=1, user_id=1)


def test_a_platform_without_an_interface_command_says_so(router, connect):
    with pytest.raises(ConnectorError, match="no interface command is known for platform extreme"):
        connect(router, "extreme").get_interfaces()
    assert router.logins == []


@pytest.mark.parametrize(
    ("identity", "device", "device_id", "user", "user_id"),
    [
        ({"device_id": 7, "user_id": 3}, "127.0.0.1", "7", "", "3"),
        ({"device_id": "rtr01", "user_id": "netops"}, "rtr01", "rtr01", "netops", "netops"),
        ({"device_id": None, "user_id": None}, "127.0.0.1", "", "", ""),
        ({"device_id": 7, "user_id": 3, "device_name": "rtr", "user_name": "eve"}, "rtr", "7", "eve", "3"),
    ],
)
def test_device_and_user_are_named_by_id_or_by_name(
    identity, device, device_id, user, user_id, router, connect
):
    connector = connect(router, **identity)
    connector.get_interfaces()
    session = Session.objects.get(pk=connector.session_id)
    assert (session.device, session.device_id, session.user, session.user_id) == (
        device,
        device_id,
        user,
        user_id,
    )


# --- sessions that go well ------------------------------------------------------------------------------------


def test_a_command_s_answer_comes_back_and_is_on_record(router, connect, events):
    router.answers["show clock"] = "*12:00:00.000 UTC"
    connector = connect(router)
    with connector:
        assert connector.run("show clock") == "*12:00:00.000 UTC"
    found = events(connector.session_id)
    assert types(found) == [
        "connection_start",
        "connection_success",
        "command_sent",
        "command_response",
        "disconnection",
    ]
    assert found[0].response == f"netops@127.0.0.1:{router.port}"
    assert Session.objects.get(pk=connector.session_id).status == "success"


def test_an_optional_command_a_device_does_not_know_is_no_failed_collection(router, connect, events):
    connector = connect(router)
    (interface,) = connector.get_interfaces()
    assert [str(address) for address in interface.addresses] == ["192.0.2.1/30", "192.0.2.129/25"]
    failed = [event for event in events(connector.session_id) if event.event_type == "command_failed"]
    assert [(event.command, event.error_kind) for event in failed] == [("show ipv6 interface", "device")]
    session = Session.objects.get(pk=connector.session_id)
    assert (session.status, session.failures, session.error_message) == ("success", 1, "")


def test_the_collection_s_end_says_what_was_found(router, connect, events):
    connector = connect(router)
    connector.get_interfaces()
    assert (
        events(connector.session_id)[-2].response
        == "Found 1 interfaces with IP addresses: GigabitEthernet0/0"
    )


def test_recording_off_leaves_no_trace(router, connect):
    connector = connect(router, enable_session_logging=False)
    assert len(connector.get_interfaces()) == 1
    assert connector.session_id is None
    assert not Session.objects.exists()
    assert not SessionLog.objects.exists()


def test_without_recording_a_refusal_is_still_a_refusal(router, connect):
    with connect(router, enable_session_logging=False) as connector, pytest.raises(CommandRefused):
        connector.run("show vlan")


def test_a_connector_that_is_used_again_begins_another_record(router, connect):
    connector = connect(router)
    connector.get_interfaces()
    first = connector.session_id
    connector.get_interfaces()
    assert connector.session_id != first
    assert list(Session.objects.values_list("status", "commands")) == [("success", 3)] * 2


def test_the_enable_secret_opens_the_privileged_mode(connect, events):
    with Box({"show clock": "12:00"}, secret="Op3n-Sesame") as box:
        connector = connect(box, enable_secret="Op3n-Sesame")
        with connector:
            connector.run("show clock")
    assert [event.command for event in events(connector.session_id) if event.step] == ["enable"] * 2 + [
        "show clock"
    ] * 2
    assert "Op3n-Sesame" not in " ".join(event.response for event in events(connector.session_id))


def test_a_key_opens_the_session(connect):
    key, text = private_key()
    with Box(ROUTER, password="", key=key) as box:
        assert connect(box, password="", ssh_key=text).get_interfaces()
        assert box.logins == [("publickey", True)]


def test_a_key_with_a_passphrase_opens_the_session(connect):
    key, text = private_key("Pass-Phrase-12")
    with Box(ROUTER, password="", key=key) as box:
        assert connect(box, password="", ssh_key=text, ssh_key_passphrase="Pass-Phrase-12").get_interfaces()


def test_only_the_stored_key_is_offered(connect, tmp_path, monkeypatch):
    """Not those of the account the site runs under."""
    own, _ = private_key()
    (tmp_path / ".ssh").mkdir()
    own.write_private_key_file(str(tmp_path / ".ssh" / "id_ecdsa"))
    monkeypatch.setenv("HOME", str(tmp_path))
    _, text = private_key()
    with Box(ROUTER, password="", key=own) as box:
        with pytest.raises(AuthenticationFailed):
            connect(box, password="", ssh_key=text).get_interfaces()
        assert ("publickey", True) not in box.logins
        assert box.logins.count(("publickey", False)) == 1


def test_a_firewall_accepts_a_login_with_an_ssh_key():
    key, text = private_key()
    with Box(password="", key=key, prompt="netops@fw01") as box:
        connector = PaloAltoConnector(
            box.host, USERNAME, "", device_id=1, user_id=1, port=box.port, ssh_key=text
        )
        box.answers |= {"show system info": "operational-mode: normal"}
        connector.open()
        connector.close()
        assert box.logins == [("publickey", True)]


# --- sessions that do not -------------------------------------------------------------------------------------


def test_a_wrong_password_is_no_other_failure(router, connect, events):
    connector = connect(router, password="Wrong-Horse-9")
    with pytest.raises(AuthenticationFailed) as caught:
        connector.get_interfaces()
    assert "Wrong-Horse-9" not in str(caught.value)
    assert router.logins == [("password", False)]
    assert [event.error_kind for event in events(connector.session_id)] == [
        "",
        "",
        "authentication",
        "authentication",
    ]


def test_a_wrong_enable_secret_is_an_authentication_failure(connect, events):
    with Box(secret="Op3n-Sesame") as box:
        connector = connect(box, enable_secret="Wrong-Sesame")
        with pytest.raises(AuthenticationFailed, match="the device refused the enable secret"):
            connector.get_interfaces()
    failed = [event for event in events(connector.session_id) if event.event_type == "command_failed"]
    assert [(event.command, event.error_kind) for event in failed] == [("enable", "authentication")]
    assert types(events(connector.session_id))[-2:] == ["interface_collection_failed", "disconnection"]


@pytest.mark.parametrize(
    ("key", "passphrase", "text"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n", "", "the SSH key cannot be read"),
        (private_key("Right-Phrase")[1], "", "give its passphrase"),
        (private_key("Right-Phrase")[1], "Wrong-Phrase", "the passphrase is wrong"),
    ],
)
def test_a_key_that_cannot_be_read_is_an_authentication_failure(
    key, passphrase, text, router, connect, events
):
    connector = connect(router, password="", ssh_key=key, ssh_key_passphrase=passphrase)
    with pytest.raises(AuthenticationFailed, match=text):
        connector.get_interfaces()
    assert types(events(connector.session_id)) == [
        "interface_collection_start",
        "connection_failed",
        "interface_collection_failed",
    ]
    assert router.logins == []


def test_nobody_listens(connect, events):
    connector = connect(Port(free_port()))
    with pytest.raises(ConnectionFailed, match="TCP connection to device failed"):
        connector.get_interfaces()
    assert types(events(connector.session_id))[-2:] == ["connection_failed", "interface_collection_failed"]
    assert Session.objects.get().error_kind == "connection"


def test_a_name_that_nobody_knows(connect):
    connector = get_connector("cisco_ios", "no-such-host.invalid", "netops", "x", device_id=1, user_id=1)
    with pytest.raises(ConnectionFailed):
        connector.get_interfaces()


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-slow\r\n"])
def test_a_host_that_accepts_and_says_nothing_more_is_given_up(greeting, connect, settings):
    settings.DEVICE_CONNECT_TIMEOUT = 0.5
    started = time.monotonic()
    with (
        listening(greeting) as port,
        pytest.raises(ConnectionFailed, match="did not complete the SSH handshake"),
    ):
        connect(Port(port)).get_interfaces()
    assert time.monotonic() - started < 10


def test_a_device_that_drops_the_connection_is_noticed_at_once(router, connect, events):
    router.answers["show tech"] = DROP
    connector = connect(router)
    started = time.monotonic()
    with pytest.raises(ConnectionFailed, match="the device closed the connection"), connector:
        connector.run("show tech")
    assert time.monotonic() - started < 50  # the read timeout is a minute
    failed = next(event for event in events(connector.session_id) if event.event_type == "command_failed")
    assert (failed.command, failed.error_kind) == ("show tech", "connection")
    assert Session.objects.get().status == "failed"


def test_a_device_that_does_not_answer_in_time(router, connect, events, settings):
    settings.DEVICE_READ_TIMEOUT = 0.5
    router.answers["show tech"] = SILENCE
    connector = connect(router)
    with pytest.raises(CommandTimeout, match="the device did not finish its response in time"), connector:
        connector.run("show tech")
    failed = next(event for event in events(connector.session_id) if event.event_type == "command_failed")
    assert (failed.error_kind, failed.error_message) == (
        "timeout",
        "the device did not finish its response in time",
    )


def test_the_device_s_own_error_is_a_failed_command_with_its_answer(router, connect, events):
    connector = connect(router)
    with pytest.raises(CommandRefused, match="'show vlan': % Invalid input detected"), connector:
        connector.run("show vlan")
    failed = events(connector.session_id)[3]
    assert (failed.event_type, failed.error_kind) == ("command_failed", "device")
    assert failed.error_message == "% Invalid input detected at '^' marker."
    assert "^" in failed.response
    session = Session.objects.get()
    assert (session.status, session.error_message) == ("failed", "% Invalid input detected at '^' marker.")


def test_an_answer_nobody_can_read_fails_the_collection_and_is_on_record(router, connect, events):
    router.answers["show interfaces"] = "The weather is fine."
    connector = connect(router)
    with pytest.raises(ParseFailed, match=r"'show interfaces': template cisco_ios\.toml: interface"):
        connector.get_interfaces()
    found = events(connector.session_id)
    assert "The weather is fine." in [event.response for event in found]
    assert "command_failed" not in [event.event_type for event in found if event.command == "show interfaces"]
    assert (found[-2].event_type, found[-2].error_kind) == ("interface_collection_failed", "parse")


def test_a_session_abandoned_by_its_user_is_a_failed_one(router, connect):
    connector = connect(router)
    with pytest.raises(ZeroDivisionError), connector:
        raise ZeroDivisionError
    assert Session.objects.get().status == "failed"


# --- secrets --------------------------------------------------------------------------------------------------


def test_repr_shows_where_to_and_no_secret():
    connector = get_connector(
        "cisco_ios",
        "192.0.2.1",
        "netops",
        "Tr0ub4dor-and-3",
        device_id=1,
        user_id=1,
        enable_secret="Op3n-Sesame",
        ssh_key=private_key()[1],
        ssh_key_passphrase="Pass-Phrase-12",
    )
    assert repr(connector) == "<CiscoIosConnector cisco_ios netops@192.0.2.1:22>"


def test_exception_texts_hide_the_login_s_secrets(router, connect):
    router.answers["show secret"] = f"% Invalid input: {PASSWORD}"
    with connect(router) as connector, pytest.raises(CommandRefused) as caught:
        connector.run("show secret")
    assert PASSWORD not in str(caught.value)
    assert "<redacted:password>" in str(caught.value)
