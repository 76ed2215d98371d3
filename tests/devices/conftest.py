"""Emulated devices, and connectors to them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devices.connectors import get_connector
from devices.connectors.base import BaseConnector
from sessionlogs.models import SessionLog
from tests.devices.emulator import PASSWORD, USERNAME, Box, fleet
from tests.factories import CredentialFactory, DeviceFactory

SHOW_INTERFACES = """\
GigabitEthernet0/0 is up, line protocol is up
  Hardware is iGbE, address is 5254.00aa.0001 (bia 5254.00aa.0001)
  Description: uplink to ISP A
  Internet address is 192.0.2.1/30
  MTU 1500 bytes, BW 1000000 Kbit/sec, DLY 10 usec,
     reliability 255/255, txload 1/255, rxload 1/255
  Encapsulation ARPA, loopback not set
"""
SHOW_IP_INTERFACE = """\
GigabitEthernet0/0 is up, line protocol is up
  Internet address is 192.0.2.1/30
  Broadcast address is 255.255.255.255
  MTU is 1500 bytes
  Secondary address 192.0.2.129/25
"""
ROUTER = {"show interfaces": SHOW_INTERFACES, "show ip interface": SHOW_IP_INTERFACE}


@pytest.fixture(scope="session")
def demo_fleet() -> Iterator[dict[str, dict[str, Any]]]:
    """The demo's devices by name; started once."""
    with fleet() as devices:
        yield devices


@pytest.fixture
def router() -> Iterator[Box]:
    """An IOS router with one interface, which knows neither IPv6 nor any other command."""
    with Box(ROUTER) as box:
        yield box


@pytest.fixture
def connect() -> Callable[..., BaseConnector]:
    """A connector to a box: `connect(box, password=…)`."""

    def make(box: Any, vendor: str = "cisco_ios", **options: Any) -> BaseConnector:
        password = options.pop("password", PASSWORD)
        wanted = {"device_id": "rtr01.example.com", "user_id": "netops", "port": box.port, **options}
        return get_connector(vendor, box.host, USERNAME, password, **wanted)

    return make


@pytest.fixture
def events() -> Callable[[Any], list[SessionLog]]:
    """The stored events of a session, in order."""

    def find(session_id: Any) -> list[SessionLog]:
        return list(SessionLog.objects.filter(session_id=session_id).order_by("id"))

    return find


@pytest.fixture
def device_of(transactional_db: None) -> Callable[..., Any]:
    """A device of the inventory that reaches a box: `device_of(box, name=…)`."""

    def make(box: Any, **options: Any) -> Any:
        secrets = {"username": USERNAME, "password": options.pop("password", PASSWORD)}
        return DeviceFactory(host=box.host, port=box.port, credential=CredentialFactory(**secrets), **options)

    return make
