"""Document 000, session logging: connectors, the table, `view_session_logs`, the route that collects a device."""

import re
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from devices.connectors import get_connector
from devices.connectors.paloalto import PaloAltoConnector
from sessionlogs.models import EventType, Session, SessionLog
from tests.devices.emulator import PASSWORD, USERNAME, Box, fleet
from tests.factories import CredentialFactory, DeviceFactory, issue_session

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = (
    "id",
    "session_id",
    "event_type",
    "command",
    "response",
    "error_message",
    "duration_ms",
    "timestamp",
)
EVENTS = {
    "interface_collection_start",
    "connection_start",
    "connection_success",
    "connection_failed",
    "interface_commands_planned",
    "command_sent",
    "command_response",
    "command_failed",
    "interface_collection_success",
    "interface_collection_failed",
    "disconnection",
}
SESSION = r"""={80}
Session: [0-9a-f-]{36}
Device: fw01\.company\.com \| User: netops
={80}

\[TIME\] INTERFACE_COLLECTION_START

\[TIME\] CONNECTION_START
  Response: USER@HOST

\[TIME\] CONNECTION_SUCCESS
(  Response: host key .*
)?  Duration: \d+ms

\[TIME\] INTERFACE_COMMANDS_PLANNED
  Command: Commands to execute: show interface all

\[TIME\] COMMAND_SENT
  Command: show interface all

\[TIME\] COMMAND_RESPONSE
  Command: show interface all
  Response:
(    .*
){3}    \.\.\. \(\d+ more lines\)
  Duration: \d+ms

(.*
)*\[TIME\] INTERFACE_COLLECTION_SUCCESS
  Response: Found \d+ interfaces with IP addresses: ethernet1/1, .*
  Duration: \d+ms

\[TIME\] DISCONNECTION
(  Duration: \d+ms
)?
"""


@pytest.fixture(scope="module")
def firewall():
    """An emulated PAN-OS device: host, port, username, password."""
    with fleet() as devices:
        yield devices["fw01.demo"]


@pytest.fixture
def login(firewall):
    return {
        "host": firewall["host"],
        "port": firewall["port"],
        "username": firewall["username"],
        "password": firewall["password"],
    }


def viewed(*words):
    out = StringIO()
    call_command("view_session_logs", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_the_event_types_are_those_of_the_document():
    assert {str(kind) for kind in EventType} >= EVENTS


def test_the_table_and_its_columns_are_those_of_the_document():
    with connection.cursor() as cursor:
        found = {
            column.name for column in connection.introspection.get_table_description(cursor, "session_logs")
        }

    assert found >= set(COLUMNS)


def test_a_connector_logs_its_session(login):
    connector = PaloAltoConnector(**login, device_id=1, user_id=1, enable_session_logging=True)

    interfaces = connector.get_interfaces()

    assert interfaces
    logs = SessionLog.objects.filter(session_id=connector.session_id).all()
    assert {event.event_type for event in logs} >= {"command_sent", "command_response"}


def test_a_connector_without_session_logging_leaves_no_log(login):
    connector = PaloAltoConnector(**login, enable_session_logging=False)

    assert connector.get_interfaces()
    assert not SessionLog.objects.exists()


def test_a_session_prints_as_in_the_document(login):
    get_connector(
        "paloalto",
        login["host"],
        login["username"],
        login["password"],
        port=login["port"],
        device_id="fw01.company.com",
        user_id="netops",
    ).get_interfaces()
    text, target = viewed("--lines", "1000"), f"{login['username']}@{login['host']}:{login['port']}"

    times = re.sub(r"\[\d\d:\d\d:\d\d\.\d{3}\]", "[TIME]", text).replace(target, "USER@HOST")
    assert re.fullmatch(SESSION, times), text
    session = Session.objects.get()
    assert str(session.session_id) in viewed("--list")
    assert viewed(str(session.session_id), "--lines", "1000") == text
    names = re.search(r"Found (\d+) interfaces with IP addresses: (.*)", text)
    assert len(names[2].split(", ")) == int(names[1])


def test_planned_commands_are_listed_with_commas():
    with (
        Box(dict.fromkeys(("show interfaces", "show ip interface"), "")) as box,
        suppress(Exception),
    ):
        get_connector(
            "cisco_ios", box.host, USERNAME, PASSWORD, port=box.port, device_id="rtr01", user_id="netops"
        ).get_interfaces()

    assert "  Command: Commands to execute: show interfaces, show ip interface" in viewed()


def test_a_long_response_is_cut_after_three_lines():
    issue_session()

    assert "    name: ethernet1/1\n    line 0\n    line 1\n    ... (8 more lines)\n" in viewed()


def test_the_last_50_events_print_without_an_option(login):
    PaloAltoConnector(**login, device_id="fw01", user_id="netops").get_interfaces()

    assert viewed() == viewed("--lines", "50")


def test_the_queries_of_the_document(login):
    """Logs of a session, of a device by its id, failed connections, slow commands, refused logins."""
    PaloAltoConnector(**login, device_id=1, user_id=7).get_interfaces()
    refused = PaloAltoConnector(**{**login, "password": "Wrong-Horse-9"}, device_id=1, user_id=7)
    with pytest.raises(Exception, match="authentication failed"):
        refused.get_interfaces()
    logs = SessionLog.objects

    assert logs.filter(session_id=refused.session_id).count() >= 3
    recent = logs.filter(device_id=1).order_by("-timestamp")[:10]
    assert len(recent) == 10
    assert logs.filter(device_id=1, user_id=7).count() == logs.count()
    assert not logs.filter(device_id=2).exists()
    assert not logs.exclude(device_id__in=[1]).exists()
    [failed] = logs.filter(device_id=1, event_type="connection_failed").order_by("-timestamp").all()
    assert failed.error_message
    assert not logs.filter(event_type="command_response", duration_ms__gt=600_000)
    assert logs.filter(event_type="command_response", duration_ms__gt=0)
    assert {event.event_type for event in logs.filter(error_message__icontains="Authentication")} >= {
        "connection_failed"
    }


def test_the_route_answers_the_interfaces_of_the_device(login, api, owner):
    credential = CredentialFactory(username=login["username"], password=login["password"])
    device = DeviceFactory(
        name="fw01", platform="paloalto_panos", host=login["host"], port=login["port"], credential=credential
    )

    answer = api(owner).post(f"/api/v2/devices/{device.pk}/collect/")

    assert answer.status_code == 200
    found = answer.json()
    assert found["interface_count"] == len(found["interfaces"]) == device.interfaces.count() > 0
    assert "ethernet1/1" in [interface["name"] for interface in found["interfaces"]]
    assert all({"name", "state", "addresses"} <= interface.keys() for interface in found["interfaces"])
    assert Session.objects.get().user_id == str(owner.pk)
