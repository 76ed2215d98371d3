"""Connectors to the demo's FakeNOS fleet: the dialogues of four vendors over real SSH."""

import pytest

from devices.connectors import get_connector
from devices.connectors.paloalto import PaloAltoConnector
from devices.errors import AuthenticationFailed
from sessionlogs.models import Session

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = [
    "interface_collection_start",
    "connection_start",
    "connection_success",
    "interface_commands_planned",
    "command_sent",
    "command_response",
    "interface_collection_success",
    "disconnection",
]


def types(found):
    return [event.event_type for event in found]


def fleet_connector(device, **options):
    secrets = {"enable_secret": device["enable_secret"]} if device["enable_secret"] else {}
    return get_connector(
        device["platform"],
        device["host"],
        device["username"],
        device["password"],
        device_id=device["name"],
        user_id="netops",
        port=device["port"],
        **{**secrets, **options},
    )


@pytest.mark.parametrize(
    ("name", "address"),
    [("fw01.demo", "198.51.100.3/29"), ("rtr01.demo", None), ("sw01.demo", "192.0.2.2/26")],
)
def test_the_interfaces_of_each_vendor_are_collected(name, address, demo_fleet):
    interfaces = fleet_connector(demo_fleet[name]).get_interfaces()
    found = [str(each) for interface in interfaces for each in interface.addresses]
    assert len(interfaces) > 3
    assert address in found if address else any(":" in each for each in found)


def test_a_firewall_is_collected_by_its_own_class(demo_fleet):
    device = demo_fleet["fw01.demo"]
    connector = PaloAltoConnector(
        device["host"],
        device["username"],
        device["password"],
        device_id="fw01",
        user_id="netops",
        port=device["port"],
    )
    interface = next(found for found in connector.get_interfaces() if found.name == "ethernet1/1")
    assert [str(address) for address in interface.addresses] == ["198.51.100.2/29", "198.51.100.3/29"]


def test_a_good_collection_of_a_firewall_is_on_record_step_by_step(demo_fleet, events):
    connector = fleet_connector(demo_fleet["fw01.demo"])
    connector.get_interfaces()
    found = events(connector.session_id)
    assert types(found) == GOOD
    assert [event.step for event in found] == [None] * 4 + [1, 1] + [None] * 2
    assert found[5].response.startswith("total configured hardware interfaces")
    assert found[5].duration_ms > 0
    session = Session.objects.get(pk=connector.session_id)
    assert (session.device, session.user, session.status, session.commands, session.failures) == (
        "fw01.demo",
        "netops",
        "success",
        1,
        0,
    )


def test_a_changed_password_is_refused_and_nothing_claims_success(demo_fleet, events):
    connector = fleet_connector(demo_fleet["sw02.demo"])
    with pytest.raises(AuthenticationFailed, match="the device refused the username, password or key"):
        connector.get_interfaces()
    assert types(events(connector.session_id)) == [
        "interface_collection_start",
        "connection_start",
        "connection_failed",
        "interface_collection_failed",
    ]
    session = Session.objects.get(pk=connector.session_id)
    assert (session.status, session.error_kind) == ("failed", "authentication")
    assert session.ended_at is not None
