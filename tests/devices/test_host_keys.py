"""Host keys of devices: the first one is kept, another one is refused before anything is said about the login."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from devices.collecting.one_device import collect_device
from devices.commands import run_on_device
from devices.connectors import get_connector
from devices.errors import ConnectionFailed, ConnectorError, HostKeyFailed
from devices.models import Device
from sessionlogs.models import Session, SessionLog
from tests.devices.emulator import PASSWORD, USERNAME
from tests.devices.keyed import KeyedBox, host_key, shown, text
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND, THIRD = (host_key(number=number) for number in range(3))


def pinned(device):
    return Device.objects.values_list("host_key", flat=True).get(pk=device.pk)


def offered(device):
    return Device.objects.values_list("offered_host_key", flat=True).get(pk=device.pk)


def python(box, vendor="cisco_ios", **options):
    wanted = {"device_id": None, "user_id": None, "port": box.port, **options}
    return get_connector(vendor, box.host, USERNAME, PASSWORD, **wanted)


# --- the first key ----------------------------------------------------------------------------------------


def test_the_first_key_is_kept(device_of):
    with KeyedBox(FIRST) as box:
        device = device_of(box)
        assert collect_device(device).ok
    assert (pinned(device), offered(device)) == (text(FIRST), "")


def test_who_pinned_the_first_key_is_on_record(device_of, owner, caplog):
    with KeyedBox(FIRST) as box:
        device = device_of(box, name="rtr01")
        result = collect_device(device, owner)
    stored = Device.objects.get(pk=device.pk)
    assert stored.host_key_by == "pinned at first sight by user owner"
    assert stored.host_key_at >= stored.attempted_at
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (owner, str(device.pk))
    assert entry.get_change_message() == f"Pinned its first host key {shown(FIRST)}"
    event = SessionLog.objects.get(session_id=result.session_id, event_type="connection_success")
    assert event.response == f"host key {FIRST.get_name()} {shown(FIRST)}, the first one: pinned"
    assert f"rtr01: pinned its first host key {shown(FIRST)}, by user owner" in caplog.text


def test_without_a_user_it_is_the_process_that_pinned_it(device_of, caplog):
    with KeyedBox(FIRST) as box:
        device = device_of(box)
        collect_device(device)
    by = Device.objects.get(pk=device.pk).host_key_by
    assert by.startswith("pinned at first sight by account ")
    assert ", process " in by
    assert not LogEntry.objects.exists()
    assert by.removeprefix("pinned at first sight ") in caplog.text


def test_the_accepted_key_is_recorded_with_its_fingerprint(device_of):
    with KeyedBox(FIRST) as box:
        device = device_of(box, host_key=text(FIRST))
        result = collect_device(device)
    event = SessionLog.objects.get(session_id=result.session_id, event_type="connection_success")
    assert event.response == f"host key {FIRST.get_name()} {shown(FIRST)}, accepted"


def test_a_key_is_kept_also_where_the_login_fails_then(device_of):
    with KeyedBox(FIRST) as box:
        device = device_of(box, password="Wrong-Horse-9")
        result = collect_device(device)
    assert (result.error_kind, pinned(device)) == ("authentication", text(FIRST))
    event = SessionLog.objects.get(session_id=result.session_id, event_type="connection_failed")
    assert shown(FIRST) in event.response


# --- another key ------------------------------------------------------------------------------------------


def test_a_changed_key_is_refused_before_the_password_is_sent(device_of):
    """The input of cases/devices/ssh-hostkey-changed.txt: collect, change the server's key, collect again."""
    with KeyedBox(FIRST) as box:
        device = device_of(box, name="rtr01")
        assert collect_device(device).ok
        box.keys, box.heard, box.logins, box.exchanges = (SECOND,), [], [], 0
        result = collect_device(device)
        assert (box.heard, box.logins) == ([], [])
        assert box.exchanges == 1  # not tried again
    assert (result.ok, result.error_kind) == (False, "host_key")
    assert f"accepted is {shown(FIRST)}, it shows {shown(SECOND)}" in result.error
    assert f"manage.py accept_host_key --device rtr01 --fingerprint {shown(SECOND)}" in result.error
    assert (pinned(device), offered(device)) == (text(FIRST), text(SECOND))


def test_a_refusal_is_a_failed_session_with_a_kind_of_its_own(device_of):
    with KeyedBox(SECOND) as box:
        device = device_of(box, host_key=text(FIRST))
        result = collect_device(device)
    session = Session.objects.get(pk=result.session_id)
    assert (session.status, session.error_kind) == ("failed", "host_key")
    assert shown(FIRST) in session.error_message
    event = SessionLog.objects.get(session_id=session.pk, event_type="connection_failed")
    assert (event.error_kind, event.response) == ("host_key", f"host key {SECOND.get_name()} {shown(SECOND)}")
    device.refresh_from_db()
    assert (device.outcome, device.error_kind) == ("failed", "host_key")


def ways():
    """Every way to a device: a name, and what connects."""
    yield "collect", lambda box, device, owner: collect_device(device, owner).error
    yield "collect unrecorded", lambda box, device, owner: collect_device(device, record=False).error
    yield (
        "run",
        lambda box, device, owner: run_on_device(device, ["show clock"], owner, any_command=True).error,
    )
    for name, options in (
        ("by id", lambda device: {"device_id": device.pk}),
        ("by name", lambda device: {"device_id": device.name}),
        ("by address", lambda device: {"device_id": None}),
        ("by a wrong id", lambda device: {"device_id": device.pk + 1}),
        ("by an id beyond 64 bits", lambda device: {"device_id": 2**80}),
        ("given row", lambda device: {"device": device}),
        ("given key", lambda device: {"host_key": text(FIRST)}),
        ("unrecorded", lambda device: {"device_id": device.pk, "enable_session_logging": False}),
        ("Linux", lambda device: {"device_id": device.pk, "vendor": "linux"}),
        ("PAN-OS", lambda device: {"device_id": device.pk, "vendor": "paloalto"}),
        ("Comware", lambda device: {"device_id": device.pk, "vendor": "hp_comware"}),
        ("no authentication of SSH", lambda device: {"device_id": device.pk, "vendor": "dell_powerconnect"}),
        ("a platform without a file", lambda device: {"device_id": device.pk, "vendor": "dell_os10"}),
    ):
        yield name, lambda box, device, owner, options=options: opened(box, options(device))


def opened(box, options):
    try:
        with python(box, **options):
            return ""
    except HostKeyFailed as error:
        return str(error)


def test_every_way_to_a_device_refuses_a_changed_key(device_of, owner):
    wrong = []
    with KeyedBox(SECOND) as box:
        device = device_of(box, host_key=text(FIRST))
        for name, connect in ways():
            error = connect(box, Device.objects.get(pk=device.pk), owner)
            if shown(SECOND) not in error or shown(FIRST) not in error or box.heard or box.logins:
                wrong.append((name, error, box.heard))
            box.heard.clear()
    assert wrong == []
    assert pinned(device) == text(FIRST)


# What is accepted, what the device has, and whether that is fine.
CHANGES = [
    ("ECDSA to ECDSA", ["ecdsa"], [("ecdsa", 1)], False),
    ("Ed25519 to Ed25519", ["ed25519"], [("ed25519", 1)], False),
    ("RSA to RSA", ["rsa"], [("rsa", 1)], False),
    ("RSA to Ed25519", ["rsa"], ["ed25519"], False),
    ("Ed25519 to RSA", ["ed25519"], ["rsa"], False),
    ("RSA to ECDSA", ["rsa"], ["ecdsa"], False),
    ("ECDSA of another length", ["ecdsa"], ["ecdsa384"], False),
    ("a longer curve to itself", ["ecdsa521"], ["ecdsa521"], True),
    ("RSA to itself", ["rsa"], ["rsa"], True),
    ("Ed25519 to itself", ["ed25519"], ["ed25519"], True),
    ("RSA, and the server has got Ed25519 too", ["rsa"], ["rsa", "ed25519"], True),
    ("ECDSA, and the server has two more", ["ecdsa"], ["ed25519", "rsa", "ecdsa"], True),
    ("the least of three, changed", [("rsa", 1)], ["ed25519", "ecdsa", "rsa"], False),
    ("two accepted, one shown", ["ed25519", "rsa"], ["rsa"], True),
    ("two of one type accepted, the second shown", ["ecdsa", ("ecdsa", 1)], [("ecdsa", 1)], True),
    ("two of one type accepted, a third shown", ["ecdsa", ("ecdsa", 1)], [("ecdsa", 2)], False),
    ("two accepted, neither shown", ["ed25519", "rsa"], ["ecdsa"], False),
]


def keys_of(names):
    return [host_key(*((name,) if isinstance(name, str) else name)) for name in names]


def test_which_change_of_keys_is_refused(device_of):
    wrong = []
    for name, accepted, has, fine in CHANGES:
        with KeyedBox(*keys_of(has)) as box:
            device = device_of(box, host_key=text(*keys_of(accepted)))
            result = collect_device(device)
            if result.ok != fine or (not fine and (result.error_kind != "host_key" or box.heard)):
                wrong.append((name, result.error, box.heard))
    assert wrong == []


def test_a_key_that_changes_between_two_tries_is_refused(device_of):
    """The first connection breaks behind the login; what answers the second one is somebody else."""

    def change(box, number):
        box.keys = (FIRST,) if number == 1 else (SECOND,)

    with KeyedBox(on_exchange=change) as box:
        box.breaks = {1}
        device = device_of(box)
        result = collect_device(device)
        assert (result.error_kind, box.exchanges) == ("host_key", 2)
        assert box.logins == [("password", True)]  # of the first one
    assert (pinned(device), offered(device)) == (text(FIRST), text(SECOND))


def test_two_connections_at_a_time_pin_one_key(device_of, monkeypatch):
    """Another process pins a key between our look at the row and ours."""
    with KeyedBox(FIRST) as box:
        device = device_of(box)

        def other(box, number):
            Device.objects.filter(pk=device.pk).update(host_key=text(SECOND))
            connection.close()  # of the emulator's thread

        box.on_exchange = other
        result = collect_device(device)
        assert (result.error_kind, box.heard) == ("host_key", [])
    assert (pinned(device), offered(device)) == (text(SECOND), text(FIRST))


def test_a_device_whose_address_changed_meanwhile_gets_no_connection(device_of):
    with KeyedBox(FIRST) as box:
        device = device_of(box)
        stale = Device.objects.get(pk=device.pk)
        Device.objects.filter(pk=device.pk).update(host="192.0.2.77")
        result = collect_device(stale)
        assert (result.error_kind, box.heard) == ("host_key", [])
    assert "host or port was changed in the inventory meanwhile" in result.error
    assert (pinned(device), offered(device)) == ("", "")


def test_a_host_behind_another_port_has_a_key_of_its_own(device_of):
    with KeyedBox(FIRST) as one, KeyedBox(SECOND) as other:
        results = [collect_device(device_of(box)) for box in (one, other)]
    assert [result.error for result in results] == ["", ""]
    assert {*Device.objects.values_list("host_key", flat=True)} == {text(FIRST), text(SECOND)}


def test_an_offer_is_withdrawn_when_the_accepted_key_is_back(device_of):
    with KeyedBox(SECOND) as box:
        device = device_of(box, host_key=text(FIRST))
        collect_device(device)
        box.keys = (FIRST,)
        assert collect_device(device).ok
    assert offered(device) == ""


# --- modes ------------------------------------------------------------------------------------------------


# Mode, accepted key, way, and what comes of SECOND.
MODES = [
    ("pin", "", "row", "pinned"),
    ("pin", text(FIRST), "row", "refused"),
    ("pin", text(SECOND), "row", "accepted"),
    ("pin", "", "elsewhere", "not checked"),
    ("strict", "", "row", "refused"),
    ("strict", text(FIRST), "row", "refused"),
    ("strict", text(SECOND), "row", "accepted"),
    ("strict", "", "elsewhere", "refused"),
    ("off", "", "row", "not checked"),
    ("off", text(FIRST), "row", "not checked"),
    ("off", "", "elsewhere", "not checked"),
    ("nonsense", "", "row", "refused"),
    ("", "", "row", "refused"),
    ("pin", "", text(FIRST), "refused"),
    ("off", "", text(FIRST), "refused"),
    ("strict", "", text(SECOND), "as given"),
    ("pin", text(FIRST), text(SECOND), "as given"),
]


def test_what_each_mode_does_about_a_key(device_of, settings):
    wrong = []
    for setting, accepted, way, expected in MODES:
        settings.DEVICE_HOST_KEYS = setting
        with KeyedBox(SECOND) as box:
            options = {"device": device_of(box, host_key=accepted)} if way != "elsewhere" else {}
            options |= {"host_key": way} if way not in ("row", "elsewhere") else {}
            connector = python(box, **options)
            error = ""
            try:
                with connector:
                    pass
            except HostKeyFailed as failed:
                error = str(failed)
            event = SessionLog.objects.get(
                session_id=connector.session_id, event_type__in=("connection_success", "connection_failed")
            )
            ended = "refused" if error and not box.heard else event.response
            if expected not in ended or not event.response.startswith("host key "):
                wrong.append(((setting, accepted, way, expected), error, event.response))
            Device.objects.all().delete()
    assert wrong == []


def test_an_unknown_key_is_refused_when_strict_and_waits_to_be_accepted(device_of, settings):
    settings.DEVICE_HOST_KEYS = "strict"
    with KeyedBox(FIRST) as box:
        device = device_of(box, name="rtr 01")
        result = collect_device(device)
        assert (result.error_kind, box.heard) == ("host_key", [])
    assert f"its host key {shown(FIRST)} is not known" in result.error
    assert "accept_host_key --device 'rtr 01' --fingerprint" in result.error
    assert (pinned(device), offered(device)) == ("", text(FIRST))


def test_telnet_has_no_host_key(settings):
    wrong = []
    for setting, options, refused in (
        ("strict", {}, True),
        ("pin", {"host_key": text(FIRST)}, True),
        ("off", {"host_key": text(FIRST)}, True),
        ("pin", {}, False),
        ("off", {}, False),
    ):
        settings.DEVICE_HOST_KEYS = setting
        with KeyedBox(FIRST) as box:
            connector = python(box, "cisco_ios_telnet", enable_session_logging=False, **options)
            try:
                connector.open()
            except HostKeyFailed:
                if not refused or box.exchanges:
                    wrong.append((setting, options, "refused", box.exchanges))
            except ConnectorError as error:  # what speaks SSH does not speak Telnet
                if refused:
                    wrong.append((setting, options, str(error)))
    assert wrong == []


def test_a_host_key_that_is_none_is_refused_at_once():
    with pytest.raises(ValueError, match="no host key: give its type and base64"):
        get_connector("cisco_ios", "192.0.2.1", "netops", "x", device_id=1, user_id=1, host_key="SHA256:abc")


# --- rows that cannot be read -----------------------------------------------------------------------------

GARBAGE = [
    "nonsense",
    "ssh-ed25519",
    "ssh-ed25519 AAAA",
    "ssh-rsa !!!!",
    f"ssh-rsa {FIRST.get_base64()}",
    "SHA256:abcd",
    f"{text(FIRST)}\nnonsense",
    "ssh-dss AAAAB3NzaC1kc3M=",
    "\udcff".encode("utf-8", "replace").decode(),
    "🔑 🔑",
    f"rtr01 {text(FIRST)}",
    "ssh-ed25519 " + "A" * 10_000,
    "-----BEGIN OPENSSH PRIVATE KEY-----",
]


def test_an_accepted_key_that_cannot_be_read_is_one_sentence(device_of):
    wrong = []
    with KeyedBox(SECOND) as box:
        for stored in GARBAGE:
            device = device_of(box, host_key=stored)
            result = collect_device(device)
            right = "its accepted host key is no host key" in result.error and shown(SECOND) in result.error
            if not right or "\n" in result.error or box.heard or offered(device) != text(SECOND):
                wrong.append((stored, result.error))
            device.delete()
    assert wrong == []


# --- SHA-1 ------------------------------------------------------------------------------------------------

SHA1 = {
    "key exchange": {"kex": ("diffie-hellman-group14-sha1",)},
    "group 1": {"kex": ("diffie-hellman-group1-sha1",)},
    "signature": {"key_types": ("ssh-rsa",)},
    "MAC": {"digests": ("hmac-sha1",)},
    "short MAC": {"digests": ("hmac-sha1-96",)},
    "all": {"kex": ("diffie-hellman-group14-sha1",), "key_types": ("ssh-rsa",), "digests": ("hmac-sha1",)},
}


@pytest.mark.parametrize("platform", ["cisco_ios", "cisco_xe"])
def test_old_devices_are_reached_by_the_platforms_that_may_use_sha1(platform, device_of):
    wrong = []
    for name, algorithms in SHA1.items():
        with KeyedBox(host_key("rsa"), algorithms=algorithms) as box:
            try:
                with python(box, platform):
                    pass
            except ConnectorError as error:
                wrong.append((name, str(error)))
    assert wrong == []


@pytest.mark.parametrize("platform", ["arista_eos", "linux", "frr", "dell_os10", "paloalto_panos"])
def test_sha1_is_not_spoken_with_others(platform):
    wrong = []
    for name, algorithms in SHA1.items():
        with KeyedBox(host_key("rsa"), algorithms=algorithms) as box:
            try:
                with python(box, platform):
                    wrong.append((name, "connected"))
            except ConnectionFailed as error:
                if (
                    "DEVICE_SHA1_PLATFORMS" not in str(error)
                    or "no acceptable" not in str(error)
                    or box.heard
                ):
                    wrong.append((name, str(error)))
    assert wrong == []


def test_the_setting_names_the_platforms(settings):
    wrong = []
    for setting, platform, fine in (
        ("linux", "linux", True),
        ("linux", "cisco_ios", False),
        ("none", "cisco_ios", False),
        ("cisco_asa, linux", "linux", True),
        ("linux frr", "frr", True),
        ("cisco_ios", "frr", False),
    ):
        settings.DEVICE_SHA1_PLATFORMS = setting
        with KeyedBox(host_key("rsa"), algorithms=SHA1["all"]) as box:
            try:
                with python(box, platform):
                    connected = True
            except ConnectorError:
                connected = False
        if connected != fine:
            wrong.append((setting, platform, connected))
    assert wrong == []


def test_an_old_device_with_two_keys_is_asked_for_the_accepted_one(device_of):
    with KeyedBox(
        host_key("rsa"), FIRST, algorithms={"key_types": ("ecdsa-sha2-nistp256", "ssh-rsa")}
    ) as box:
        device = device_of(box, host_key=text(host_key("rsa")), platform="cisco_ios")
        result = collect_device(device)
    assert result.error == ""


def test_a_device_in_hand_does_not_bring_back_what_was(device_of):
    """Saved after its collection, a row that was loaded or created before it keeps the pin."""
    with KeyedBox(FIRST) as box:
        created = device_of(box)
        loaded = Device.objects.get(pk=created.pk)
        assert collect_device(created).ok
        for device in (created, loaded):
            device.agent_type = "security"
            device.save()
            assert pinned(device) == text(FIRST)


def test_the_device_of_another_name_at_the_address_is_the_one_that_counts():
    with KeyedBox(SECOND) as box:
        DeviceFactory(name="a", host=box.host, port=box.port)
        DeviceFactory(name="b", host=box.host, port=box.port, host_key=text(FIRST))
        assert shown(FIRST) in opened(box, {"device_id": "somebody-else"})
        assert box.heard == []
