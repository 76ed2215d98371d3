"""Devices print secrets; then everything that the run left behind is searched for them."""

import io
import logging
from contextlib import redirect_stderr, redirect_stdout

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.module_loading import import_string

from devices.connectors import get_connector
from devices.errors import ConnectorError
from devices.models import Device
from sessionlogs.models import SessionLog
from tests.devices.emulator import PASSWORD, Box, private_key
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)
ENABLE, PASSPHRASE, WRONG = "En4ble-Canary-31", "Phrase-Canary-62", "Wrong-Canary-93"
IN_CONFIGURATION = {
    "type-7": "094F471A1A0A464058",
    "type-5": "$1$mERr$hx5rVt7rPNoS4wqbXKX7m0",
    "type-9": "$9$kX3pQv7LmZt1yS$Rb5cWnYdUhTgJk8eFxLqAoVsIz2PmNtGrDwE4uHyB6c",
    "plain": "Plain-Canary-17",
    "community": "Community-Canary-28",
    "tacacs": "Tacacs-Canary-39",
    "radius": "Radius-Canary-40",
    "bgp": "Bgp-Canary-51",
    "psk": "Psk-Canary-60",
    "ntp": "Ntp-Canary-71",
    "hsrp": "Hsrp-Canary-82",
    "snmpv3": "Snmpv3-Canary-94",
}
CONFIGURATION = """\
Building configuration...

hostname rtr01
enable secret 5 {type-5}
username admin privilege 15 secret 9 {type-9}
username backup password 7 {type-7}
username plain password 0 {plain}
crypto isakmp key {psk} address 192.0.2.9
interface GigabitEthernet0/0
 description uplink to ISP A
 standby 1 authentication md5 key-string {hsrp}
router bgp 64500
 neighbor 192.0.2.9 password {bgp}
snmp-server community {community} RO
snmp-server user monitor group v3 auth sha {snmpv3} priv aes 128 {snmpv3}
tacacs-server key {tacacs}
radius-server host 192.0.2.8 key {radius}
ntp authentication-key 1 md5 {ntp}
end
""".format(**IN_CONFIGURATION)


@pytest.fixture
def log():
    """What the site's own handler prints at DEBUG, Netmiko's and Paramiko's lines included."""
    handlers = settings.LOGGING["handlers"].values()
    assert all(handler["filters"] == ["redact"] for handler in handlers)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(import_string(settings.LOGGING["filters"]["redact"]["()"])())
    loggers = [logging.getLogger(name) for name in (None, "paramiko", "paramiko.transport", "netmiko")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(handler)
    yield stream
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def everything_stored():
    """Every value of every table, as the database holds it; an index of SQLite by its tables below."""
    with connection.cursor() as cursor:
        names = set(connection.introspection.table_names(cursor))
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
            names -= {name for (name,) in cursor.fetchall()}
        for table in sorted(names):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", str(value)


def found_in(texts, secrets):
    return [(place, kind) for place, text in texts for kind, secret in secrets.items() if secret in text]


@pytest.mark.parametrize("command", ["show running-config", "show startup-config"])
def test_secrets_of_a_configuration_are_nowhere(command, connect, log, capfd):
    secrets = {**IN_CONFIGURATION, "password": PASSWORD, "enable": ENABLE}
    with Box({command: CONFIGURATION}, secret=ENABLE) as box:
        connector = connect(box, enable_secret=ENABLE)
        with connector:
            answer = connector.run(command)
    assert IN_CONFIGURATION["bgp"] in answer  # the caller gets what the device said
    assert SessionLog.objects.filter(response__contains="description uplink to ISP A").exists()
    assert found_in(everything_stored(), secrets) == []
    assert "write_channel" in log.getvalue()  # Netmiko does log what passes
    assert found_in([("log", log.getvalue()), ("output", "".join(capfd.readouterr()))], secrets) == []


def test_a_login_s_secrets_are_nowhere_when_the_login_fails(log):
    secrets = {"password": WRONG, "enable": ENABLE, "passphrase": PASSPHRASE}
    key, text = private_key(PASSPHRASE)
    secrets["key"] = text.splitlines()[2]
    texts = []
    with Box(key=key, secret="something else") as box:
        for options in (
            {"password": WRONG},
            {"password": WRONG, "ssh_key": text, "ssh_key_passphrase": "Not-The-Phrase-5"},
            {"password": PASSWORD, "enable_secret": ENABLE},
        ):
            password = options.pop("password")
            connector = get_connector(
                "cisco_ios",
                box.host,
                "netops",
                password,
                device_id="rtr01",
                user_id="netops",
                port=box.port,
                **options,
            )
            with pytest.raises(ConnectorError) as caught:
                connector.get_interfaces()
            texts += [("exception", f"{caught.value!r} {caught.value}"), ("repr", repr(connector))]
            texts.append(("recorder", repr(connector.recorder)))
    secrets |= {"other phrase": "Not-The-Phrase-5", "good password": PASSWORD}
    assert found_in([*texts, ("log", log.getvalue()), *everything_stored()], secrets) == []


def test_a_device_that_prints_the_password_back(connect, log):
    answers = {"show users": f"netops logged in with {PASSWORD}\n", "show history": f"% Error in {PASSWORD}"}
    with Box(answers) as box:
        connector = connect(box)
        with connector:
            connector.run("show users")
            with pytest.raises(ConnectorError) as caught:
                connector.run("show history")
    texts = [("exception", str(caught.value)), ("log", log.getvalue()), *everything_stored()]
    assert found_in(texts, {"password": PASSWORD}) == []


def test_a_collection_by_command_prints_no_secret(router, log, capfd):
    router.answers["show interfaces"] = f"% Error: {PASSWORD} {ENABLE}"
    credential = CredentialFactory(username="netops", password=PASSWORD)
    DeviceFactory(name="bad", host=router.host, port=router.port, credential=credential)
    wrong = CredentialFactory(username="netops", password=WRONG)
    DeviceFactory(name="refused", host=router.host, port=router.port, credential=wrong)
    out = io.StringIO()
    with pytest.raises(CommandError) as caught, redirect_stdout(out), redirect_stderr(out):
        call_command("collect_interfaces", "--all", stdout=out, stderr=out)
    assert "bad: failed" in out.getvalue()
    texts = [("output", out.getvalue()), ("error", str(caught.value)), ("log", log.getvalue())]
    texts += [("file descriptors", "".join(capfd.readouterr())), *everything_stored()]
    assert found_in(texts, {"password": PASSWORD, "wrong": WRONG}) == []


def test_the_demo_s_fleet_prints_its_secrets_to_nobody(demo_fleet, log):
    """Four vendors' running configurations, as their devices write them."""
    found = []
    for name in ("fw01.demo", "rtr01.demo", "sw01.demo"):
        device = demo_fleet[name]
        secrets = {f"{name} {number}": secret for number, secret in enumerate(device["secrets"])}
        secrets |= {f"{name} password": device["password"]}
        options = {"enable_secret": device["enable_secret"]} if device["enable_secret"] else {}
        connector = get_connector(
            device["platform"],
            device["host"],
            device["username"],
            device["password"],
            device_id=name,
            user_id="netops",
            port=device["port"],
            **options,
        )
        with connector:
            answer = connector.run("show running-config")
        assert all(secret in answer for secret in device["secrets"])
        found += found_in([("log", log.getvalue()), *everything_stored()], secrets)
    assert found == []


def test_a_stored_credential_is_ciphertext():
    CredentialFactory(
        password=PASSWORD, enable_secret=ENABLE, ssh_key=private_key()[1], ssh_key_passphrase=PASSPHRASE
    )
    secrets = {"password": PASSWORD, "enable": ENABLE, "passphrase": PASSPHRASE, "key": "PRIVATE KEY"}
    assert found_in(everything_stored(), secrets) == []
    assert Device.objects.count() == 0
