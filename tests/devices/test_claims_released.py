"""A claim whose release the database refused: the next heartbeat releases it."""

import contextlib
import uuid
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from devices.collecting.claims import CLAIM, claim, unreleased
from devices.collecting.fleet import collect_devices
from devices.collecting.one_device import collect_device
from devices.models import Device
from logsite.housekeeping.heartbeats import presence
from logsite.housekeeping.models import Process

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def no_release(error=OperationalError):
    """The database fails whenever this thread gives a claim back."""

    def fail(execute, sql, params, many, context):
        if '"claimed_until" = NULL' in sql:
            raise error("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield


def beat():
    """What the presence's thread does every few seconds."""
    presence.start()
    presence._beat()


def state(device):
    device.refresh_from_db()
    return device.outcome, device.error_message, device.claimed_until, device.queued_at


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_release_that_failed_is_made_up_for_by_the_next_heartbeat(router, device_of, error):
    device = device_of(router)
    with no_release(error):
        result = collect_device(device)
    assert result.ok
    device.refresh_from_db()
    assert device.claimed_until > timezone.now()
    beat()
    assert state(device) == ("success", "", None, None)
    assert device.collected_at is not None
    assert claim(device) is not None


def test_a_failed_collection_ends_as_failed_however_late_it_is_released(router, device_of):
    device = device_of(router, password="wrong")
    with no_release():
        result = collect_device(device)
    beat()
    assert state(device) == ("failed", result.error, None, None)
    assert device.error_kind == "authentication"


def test_a_device_that_waited_in_the_queue_waits_no_longer(router, device_of):
    device = device_of(router, queued_at=timezone.now())
    with no_release():
        assert collect_device(device, queued=True).ok
    beat()
    assert state(device) == ("success", "", None, None)


def test_a_device_that_was_queued_anew_meanwhile_goes_on_waiting(router, device_of):
    device = device_of(router, queued_at=timezone.now() - timedelta(minutes=1))
    with no_release():
        assert collect_device(device, queued=True).ok
    anew = timezone.now()
    Device.objects.update(queued_at=anew)
    beat()
    assert state(device) == ("success", "", None, anew)


def test_a_claim_that_somebody_else_took_over_stays_theirs(router, device_of):
    device, other = device_of(router), uuid.uuid4()
    Process.objects.create(pk=other, machine="elsewhere")
    with no_release():
        collect_device(device)
    theirs = timezone.now() + CLAIM
    Device.objects.update(claimed_by=other, claimed_until=theirs, outcome="never")
    beat()
    assert state(device) == ("never", "", theirs, None)


def test_a_claim_of_our_own_that_came_later_stays(router, device_of):
    device = device_of(router)
    with no_release():
        collect_device(device)
    Device.objects.update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )  # as after a quarter of an hour
    ours = claim(device)
    beat()
    device.refresh_from_db()
    assert device.claimed_until == ours.until
    ours.release()


def test_a_heartbeat_that_fails_leaves_the_release_to_the_one_after_it(router, device_of):
    device = device_of(router)
    with no_release():
        collect_device(device)
        with pytest.raises(OperationalError):
            beat()
        device.refresh_from_db()
        assert device.claimed_until is not None
    beat()
    assert state(device) == ("success", "", None, None)


def test_a_release_is_made_up_for_once(router, device_of):
    device = device_of(router)
    with no_release():
        collect_device(device)
    beat()
    Device.objects.update(outcome="never")
    beat()
    assert state(device) == ("never", "", None, None)


def test_a_process_that_ends_makes_up_for_it_first(router, device_of):
    device = device_of(router)
    with no_release():
        collect_device(device)
    presence.leave()
    assert state(device) == ("success", "", None, None)


def test_a_claim_of_which_nobody_knows_whether_it_was_stored_is_released(device_of, router):
    device = device_of(router)

    def fail(execute, sql, params, many, context):
        if sql.startswith("SELECT") and "queued_at" in sql:
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail), pytest.raises(OperationalError):
        claim(device)
    lost = unreleased[-1][0]
    Device.objects.update(
        claimed_until=lost.until, claimed_by=presence.id
    )  # the commit came through after all
    beat()
    assert state(device)[2] is None


def test_the_rest_of_a_fleet_is_collected_though_releases_fail(router, device_of):
    devices = [device_of(router, name=f"rtr{number}") for number in range(3)]
    with no_release():
        results = [collect_device(device) for device in devices]
    assert [result.outcome for result in results] == ["success"] * 3
    beat()
    assert [state(device)[2] for device in devices] == [None] * 3
    assert all(result.ok for result in collect_devices(devices, workers=1))
