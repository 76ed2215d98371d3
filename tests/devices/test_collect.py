"""Collecting interfaces: one device, many at a time, and what is stored of it."""

import threading
from datetime import timedelta
from ipaddress import ip_address

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from devices.collecting import one_device
from devices.collecting.claims import CLAIM
from devices.collecting.fleet import collect_devices
from devices.collecting.one_device import collect_device, store_interfaces
from devices.interfaces.normalised import Address, InterfaceData
from devices.models import Credential, Device, Interface, InterfaceAddress
from sessionlogs.models import Session
from tests.devices.conftest import SHOW_INTERFACES
from tests.devices.emulator import PASSWORD, USERNAME, Box, free_port
from tests.factories import AddressFactory, CredentialFactory, DeviceFactory, InterfaceFactory, TagFactory

pytestmark = pytest.mark.django_db(transaction=True)


def stored(device):
    return {
        interface.name: [str(address) for address in interface.addresses.all()]
        for interface in device.interfaces.all()
    }


def data(name, *texts, **more):
    pairs = [text.split("/") for text in texts]
    return InterfaceData(
        name, addresses=[Address(ip_address(ip), int(length)) for ip, length in pairs], **more
    )


# --- one device -----------------------------------------------------------------------------------------------


def test_a_collected_device_has_its_interfaces_and_outcome(router, device_of, owner):
    device = device_of(router)
    result = collect_device(device, owner)
    assert (result.ok, result.interfaces, result.addresses, result.error) == (True, 1, 2, "")
    assert stored(device) == {"GigabitEthernet0/0": ["192.0.2.1/30", "192.0.2.129/25"]}
    device.refresh_from_db()
    assert (device.outcome, device.error_message, device.claimed_until) == ("success", "", None)
    assert device.collected_at >= device.attempted_at


def test_the_session_names_device_user_and_tags(router, device_of, owner):
    device = device_of(router, name="rtr01.example.com", agent_type="security")
    device.tags.add(TagFactory(name="edge"))
    result = collect_device(device, owner)
    session = Session.objects.get(pk=result.session_id)
    assert (session.device, session.device_id, session.user, session.user_id) == (
        "rtr01.example.com",
        str(device.pk),
        "owner",
        str(owner.pk),
    )
    assert (session.agent_type, session.tags, session.host) == ("security", ["edge"], router.host)


def test_a_failed_collection_keeps_what_was_known(router, device_of):
    device = device_of(router, password="Wrong-Horse-9")
    AddressFactory(
        interface=InterfaceFactory(device=device, name="Loopback0"), address="192.0.2.7", prefix_length=32
    )
    result = collect_device(device)
    assert (result.ok, result.error_kind) == (False, "authentication")
    assert stored(device) == {"Loopback0": ["192.0.2.7/32"]}
    device.refresh_from_db()
    assert (device.outcome, device.error_kind, device.collected_at) == ("failed", "authentication", None)
    assert device.error_message == "authentication failed: the device refused the username, password or key"
    assert device.attempted_at is not None


def test_a_success_clears_the_last_error(router, device_of):
    device = device_of(router, outcome="failed", error_message="gone", error_kind="timeout")
    collect_device(device)
    device.refresh_from_db()
    assert (device.outcome, device.error_message, device.error_kind) == ("success", "", "")


def test_without_a_session_log_the_collection_is_the_same(router, device_of):
    device = device_of(router)
    result = collect_device(device, record=False)
    assert (result.ok, result.session_id) == (True, None)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"credential": None}, "the device has no credential"),
        ({"platform": "forgotten_os"}, "platform 'forgotten_os' is not known"),
        ({"platform": "extreme"}, "no interface command is known for platform extreme"),
    ],
)
def test_a_device_that_cannot_be_collected_says_why(options, text):
    device = DeviceFactory(**options)
    result = collect_device(device)
    assert text in result.error
    device.refresh_from_db()
    assert (device.outcome, text in device.error_message) == ("failed", True)


def test_a_credential_whose_key_is_lost_is_a_clear_failure(router, device_of):
    device = device_of(router)
    with connection.cursor() as sql:
        sql.execute("UPDATE devices_credential SET password = 'gAAAAA-nonsense'")
    result = collect_device(Device.objects.get(pk=device.pk))
    assert (result.ok, result.error_kind) == (False, "internal")
    assert "no field-encryption key fits" in result.error


def test_a_surprise_is_a_failure_too_and_never_a_success(router, device_of, monkeypatch, caplog):
    def fails(*_):
        raise DatabaseError("value too long for type character varying(128)")

    monkeypatch.setattr(one_device, "store_interfaces", fails)
    device = device_of(router)
    result = collect_device(device)
    assert result.error == "internal error (DatabaseError); the log of this process has more"
    device.refresh_from_db()
    assert (device.outcome, device.claimed_until) == ("failed", None)
    assert "value too long" in caplog.text


def test_an_interrupted_collection_is_no_success(router, device_of, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(one_device, "store_interfaces", interrupted)
    device = device_of(router)
    with pytest.raises(KeyboardInterrupt):
        collect_device(device)
    device.refresh_from_db()
    assert (device.outcome, device.error_message, device.claimed_until) == ("failed", "interrupted", None)


# --- the claim ------------------------------------------------------------------------------------------------


def test_of_two_collections_of_one_device_at_once_one_runs(router, device_of):
    first_is_in, may_go_on = threading.Event(), threading.Event()

    def hold(line):
        if line == "show interfaces":
            first_is_in.set()
            may_go_on.wait(120)

    router.on_command = hold
    device = device_of(router)
    results = []
    thread = threading.Thread(target=lambda: results.extend(collect_devices([device])))
    thread.start()
    assert first_is_in.wait(120)
    second = collect_device(Device.objects.get(pk=device.pk))
    may_go_on.set()
    thread.join(120)
    assert (second.ok, second.running, second.session_id) == (False, True, None)
    assert second.error == "a collection of this device is running already"
    assert [result.ok for result in results] == [True]
    assert len(router.logins) == 1


def test_a_claim_that_has_run_out_is_void(router, device_of):
    device = device_of(router, claimed_until=timezone.now() - timedelta(seconds=1))
    assert collect_device(device).ok


def test_a_claim_that_holds_is_respected_and_kept(router, device_of):
    until = timezone.now() + timedelta(minutes=5)
    device = device_of(router, claimed_until=until)
    assert collect_device(device).running
    device.refresh_from_db()
    assert (device.claimed_until, device.outcome) == (until, "never")


def test_who_comes_back_after_its_claim_ran_out_does_not_end_the_next_one_s(router, device_of, monkeypatch):
    device = device_of(router)
    theirs = timezone.now() + CLAIM * 2
    real = one_device.store_interfaces

    def slow(*arguments):
        real(*arguments)
        Device.objects.update(claimed_until=theirs)

    monkeypatch.setattr(one_device, "store_interfaces", slow)
    collect_device(device)
    device.refresh_from_db()
    assert device.claimed_until == theirs


# --- many devices ---------------------------------------------------------------------------------------------


def test_one_failing_device_does_not_stop_the_others(router, device_of, monkeypatch):
    real = one_device.store_interfaces

    def store(device, interfaces):
        if device.name == "surprise":
            raise DatabaseError("surprise")
        real(device, interfaces)

    monkeypatch.setattr(one_device, "store_interfaces", store)
    nobody = DeviceFactory(name="nobody", host="127.0.0.1", port=free_port())
    devices = [
        nobody,
        device_of(router, name="surprise"),
        device_of(router, name="one"),
        device_of(router, name="two"),
    ]
    results = {result.device.name: result.ok for result in collect_devices(devices)}
    assert results == {"nobody": False, "surprise": False, "one": True, "two": True}


def test_no_more_logins_at_a_time_than_workers(device_of):
    lock, inside, most, two_are_in = threading.Lock(), 0, 0, threading.Event()

    def count(line):
        nonlocal inside, most
        with lock:
            inside += {"show interfaces": 1, "show ipv6 interface": -1}.get(line, 0)
            most = max(most, inside)
            if inside == 2:
                two_are_in.set()
        if line == "show interfaces":
            two_are_in.wait(120)

    with Box({"show interfaces": "nothing"}, on_command=count) as box:
        box.answers |= {"show interfaces": SHOW_INTERFACES, "show ip interface": ""}
        list(collect_devices([device_of(box) for _ in range(5)], workers=2))
    assert most == 2


def test_results_come_as_the_devices_finish(device_of):
    gate = threading.Event()
    with (
        Box({"show interfaces": SHOW_INTERFACES}, on_command=lambda line: gate.wait(120)) as slow,
        Box() as fast,
    ):
        devices = [device_of(slow, name="slow"), device_of(fast, name="fast")]
        results = collect_devices(devices, workers=2)
        assert next(results).device.name == "fast"
        gate.set()
        assert next(results).device.name == "slow"


def test_the_worker_threads_leave_no_database_connection(router, device_of):
    list(collect_devices([device_of(router)]))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("collect")]


# --- what is stored -------------------------------------------------------------------------------------------


def test_storing_replaces_what_was_there():
    device = DeviceFactory()
    store_interfaces(device, [data("a", "192.0.2.1/24"), data("b", "192.0.2.2/24")])
    store_interfaces(device, [data("b", "192.0.2.3/24", "2001:db8::1/64"), data("c")])
    assert stored(device) == {"b": ["192.0.2.3/24", "2001:db8::1/64"], "c": []}


def test_an_interface_keeps_its_id_from_collection_to_collection():
    device = DeviceFactory()
    store_interfaces(device, [data("a", description="old")])
    before = device.interfaces.get()
    store_interfaces(device, [data("a", description="new", mtu=9000, enabled=False, state="down")])
    after = device.interfaces.get()
    assert (after.pk, after.description, after.mtu, after.enabled, after.state) == (
        before.pk,
        "new",
        9000,
        False,
        "down",
    )
    assert after.collected_at > before.collected_at


def test_what_has_not_changed_is_left_as_it_is(django_assert_num_queries):
    device = DeviceFactory()
    same = [data("a", "192.0.2.1/24", "2001:db8::1/64", mtu=1500, enabled=True), data("b")]
    store_interfaces(device, same)
    addresses = list(InterfaceAddress.objects.order_by("id").values())
    before = device.interfaces.first().collected_at
    with django_assert_num_queries(5):  # two that look, one that notes when, in a transaction
        store_interfaces(device, same)
    assert list(InterfaceAddress.objects.order_by("id").values()) == addresses
    assert device.interfaces.filter(collected_at__gt=before).count() == 2


def test_an_address_that_moves_to_another_interface_moves():
    device = DeviceFactory()
    store_interfaces(device, [data("a", "192.0.2.1/24", "192.0.2.2/24"), data("b")])
    store_interfaces(device, [data("a", "192.0.2.2/25"), data("b", "192.0.2.1/24")])
    assert stored(device) == {"a": ["192.0.2.2/25"], "b": ["192.0.2.1/24"]}


def test_the_primary_address_stays_first():
    device = DeviceFactory()
    store_interfaces(device, [data("a", "192.0.2.9/24", "192.0.2.1/24", "192.0.2.5/24")])
    assert stored(device)["a"] == ["192.0.2.9/24", "192.0.2.1/24", "192.0.2.5/24"]


def test_other_devices_are_left_alone():
    other = InterfaceFactory(name="a")
    store_interfaces(DeviceFactory(), [data("a")])
    assert Interface.objects.filter(pk=other.pk).exists()


def test_when_storing_fails_everything_stays_as_it_was(monkeypatch):
    device = DeviceFactory()
    store_interfaces(device, [data("a", "192.0.2.1/24")])

    real = one_device.insert_rows

    def fails(rows):
        if rows and isinstance(rows[0], InterfaceAddress):
            raise DatabaseError("disk full")
        real(rows)

    monkeypatch.setattr(one_device, "insert_rows", fails)
    with pytest.raises(DatabaseError):
        store_interfaces(device, [data("b", "192.0.2.2/24")])
    assert stored(device) == {"a": ["192.0.2.1/24"]}


def test_a_description_longer_than_its_column_is_cut():
    device = DeviceFactory()
    store_interfaces(device, [data("a", description="x" * 5000)])
    assert device.interfaces.get().description == "x" * 512


def test_a_device_of_thousands_of_interfaces_is_stored():
    device = DeviceFactory()
    store_interfaces(
        device, [data(f"Vlan{number}", f"10.{number // 250}.{number % 250}.1/24") for number in range(3000)]
    )
    assert device.interfaces.count() == InterfaceAddress.objects.count() == 3000


def test_storing_takes_the_same_number_of_queries_whatever_the_device_s_size(django_assert_max_num_queries):
    device = DeviceFactory()
    with django_assert_max_num_queries(12):
        store_interfaces(device, [data(f"Vlan{number}", f"192.0.2.{number}/24") for number in range(1, 50)])


# --- credentials ----------------------------------------------------------------------------------------------


def test_reading_a_credential_does_not_decrypt_its_secrets(django_assert_num_queries):
    CredentialFactory(password=PASSWORD)
    with django_assert_num_queries(1):
        credential = Credential.objects.get()
        assert credential.username == USERNAME
    assert str(credential.password) == PASSWORD


def test_what_a_credential_holds_is_known_without_a_key():
    credential = CredentialFactory(password=PASSWORD, ssh_key="x")
    with connection.cursor() as sql:
        sql.execute("UPDATE devices_credential SET password = 'gAAAAA-nonsense'")
    assert credential.stored() == ["password", "ssh_key"]
    assert Credential().stored() == []


def test_repr_of_a_credential_and_its_secrets_shows_none():
    credential = Credential.objects.get(pk=CredentialFactory(name="core", password=PASSWORD).pk)
    assert str(credential.password) == PASSWORD
    assert PASSWORD not in f"{credential!r} {credential} {credential.password!r} {vars(credential)!r}"
