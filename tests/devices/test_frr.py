"""A real router: what we store of it, and what the router says of itself in JSON, agree."""

import json
from collections.abc import Callable

import pytest
from netmiko import ConnectHandler

from devices.collecting.one_device import collect_device
from devices.connectors import get_connector
from devices.errors import AuthenticationFailed, CommandRefused
from sessionlogs.models import Session, SessionLog
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = [pytest.mark.service("frr"), pytest.mark.django_db(transaction=True)]

# No vendor's preparation: while the router is slow, Netmiko's `cisco_ios` takes an error of its own preparing for the
# prompt. Netmiko alone gives a command ten seconds.
BARE = {"device_type": "terminal_server", "conn_timeout": 60, "read_timeout_override": 150}


@pytest.fixture
def login(service: Callable[[str], str]) -> dict[str, object]:
    """Where the router is and how to log in."""
    host, port, username, password = service("LOGSITE_TEST_FRR").split(":", 3)
    return {"host": host, "port": int(port), "username": username, "password": password}


@pytest.fixture
def router(login):
    """The router in the inventory."""
    credential = CredentialFactory(username=login["username"], password=login["password"])
    return DeviceFactory(
        name="frr01", host=login["host"], port=login["port"], platform="frr", credential=credential
    )


@pytest.fixture
def told(login):
    """What the router says of itself, by another way than ours: Netmiko bare, and JSON."""
    with ConnectHandler(**BARE, **login) as connection:
        shown = connection.send_command("show interface json", expect_string=r"\}\s+\S+#")
    return json.loads(shown[shown.index("{") : shown.rindex("}") + 1])  # an echo may stand before it


def stored(device):
    return {
        interface.name: {
            "enabled": interface.enabled,
            "state": interface.state,
            "description": interface.description,
            "mtu": interface.mtu,
            "mac": interface.mac_address,
            "vrf": interface.vrf,
            "addresses": sorted(str(address) for address in interface.addresses.all()),
        }
        for interface in device.interfaces.prefetch_related("addresses")
    }


def expected(interface):
    return {
        "enabled": interface["administrativeStatus"] == "up",
        "state": interface.get("operationalStatus", "down"),  # of a shut-down one it says nothing
        "description": interface.get("description", ""),
        "mtu": interface["mtu"],
        "mac": interface.get("hardwareAddress", ""),
        "vrf": interface["vrfName"],
        "addresses": sorted(address["address"] for address in interface["ipAddresses"]),
    }


def test_what_is_stored_is_what_the_router_says(router, told):
    result = collect_device(router)
    assert result.error == ""
    assert stored(router) == {name: expected(interface) for name, interface in told.items()}


def test_the_router_is_worth_comparing_with(told):
    """Several addresses on one interface, both families, one that is shut down."""
    assert any(len(interface["ipAddresses"]) >= 4 for interface in told.values())
    assert any(":" in address["address"] for each in told.values() for address in each["ipAddresses"])
    assert any(interface["administrativeStatus"] == "down" for interface in told.values())
    assert any(interface.get("description") for interface in told.values())


def test_the_collection_is_on_record_step_by_step(router):
    result = collect_device(router)
    found = SessionLog.objects.filter(session_id=result.session_id).order_by("id")
    assert [event.event_type for event in found] == [
        "interface_collection_start",
        "connection_start",
        "connection_success",
        "interface_commands_planned",
        "command_sent",
        "command_response",
        "interface_collection_success",
        "disconnection",
    ]
    assert found[5].response.startswith("Interface ")
    assert Session.objects.get().status == "success"


def test_the_router_s_own_error_is_recognised(login):
    connector = get_connector("frr", device_id="frr01", user_id="netops", **login)
    with pytest.raises(CommandRefused, match="'show nonsense': % Unknown command"), connector:
        connector.run("show nonsense")


def test_the_router_s_passwords_are_not_stored(login):
    connector = get_connector("frr", device_id="frr01", user_id="netops", **login)
    with connector:
        answer = connector.run("show running-config")
    assert "hostname frr01" in answer
    kept = SessionLog.objects.get(event_type="command_response").response
    assert "hostname frr01" in kept
    secrets = [line.split()[-1] for line in answer.splitlines() if "password" in line.split()[:2]]
    assert not [secret for secret in secrets if secret in kept]
    assert login["password"] not in kept


def test_a_wrong_password_is_refused(login):
    wrong = {**login, "password": "Wrong-Horse-9"}
    with pytest.raises(AuthenticationFailed):
        get_connector("frr", device_id="frr01", user_id="netops", **wrong).get_interfaces()
