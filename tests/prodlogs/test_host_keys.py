"""Host keys of Docker hosts: how a key comes to be accepted."""

import paramiko
import pytest
from django.db import OperationalError, connection

from logsite.ssh.host_keys import fingerprint, key_text, parse_host_key
from prodlogs.errors import HostError
from prodlogs.hosts.configured import get_hosts
from prodlogs.hosts.host_keys import accept, verify
from prodlogs.models import DockerHost, ErrorKind, RemoteCommand
from tests.factories import DockerHostFactory
from tests.prodlogs.keys import PRIVATE_KEY

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND, THIRD = (paramiko.ECDSAKey.generate() for _ in range(3))


def offering(key, **columns):
    return DockerHostFactory(name="web1", offered_host_key=key_text(key), **columns)


# --- what a host shows ------------------------------------------------------------------------------------


def test_the_accepted_key_is_fine_and_changes_nothing():
    host = DockerHostFactory(host_key=key_text(FIRST))

    verify(host, FIRST)

    assert DockerHost.objects.get().offered_host_key == ""


def test_what_was_offered_in_between_cannot_be_accepted_any_more():
    host = DockerHostFactory(host_key=key_text(FIRST), offered_host_key=key_text(SECOND))

    verify(host, FIRST)

    assert DockerHost.objects.get().offered_host_key == ""


def test_an_unknown_key_is_refused_and_kept_for_somebody_to_look_at():
    host = DockerHostFactory(name="web1")

    with pytest.raises(HostError) as caught:
        verify(host, FIRST)

    assert caught.value.kind == ErrorKind.HOST_KEY
    assert f"manage.py prodlogs accept-key --host web1 --fingerprint {fingerprint(key_text(FIRST))}" in str(
        caught.value
    )
    stored = DockerHost.objects.get()
    assert (stored.host_key, stored.offered_host_key) == ("", key_text(FIRST))
    assert stored.offered_at is not None


def test_a_changed_key_is_refused_with_both_fingerprints():
    host = DockerHostFactory(name="web1", host_key=key_text(FIRST))

    with pytest.raises(HostError, match="web1: its host key has CHANGED") as caught:
        verify(host, SECOND)

    for key in (FIRST, SECOND):
        assert fingerprint(key_text(key)) in str(caught.value)
    stored = DockerHost.objects.get()
    assert (stored.host_key, stored.offered_host_key) == (key_text(FIRST), key_text(SECOND))


def test_an_accepted_key_that_is_none_is_told_so():
    with pytest.raises(HostError, match="its accepted host key is no host key") as caught:
        verify(DockerHostFactory(host_key="nonsense"), FIRST)

    assert caught.value.kind == ErrorKind.CONFIGURATION


# --- accepting --------------------------------------------------------------------------------------------


def test_the_offered_key_becomes_the_accepted_one():
    host = offering(SECOND, host_key=key_text(FIRST))

    accept(host, fingerprint(key_text(SECOND)), "netops")

    stored = DockerHost.objects.get()
    assert (stored.host_key, stored.offered_host_key, stored.offered_at) == (key_text(SECOND), "", None)
    verify(host, SECOND)


def test_who_accepted_which_key_is_on_record():
    accept(offering(SECOND, host_key=key_text(FIRST)), fingerprint(key_text(SECOND)), "netops", via="api")

    row = RemoteCommand.objects.get()
    old, new = fingerprint(key_text(FIRST)), fingerprint(key_text(SECOND))
    assert (row.user, row.via, row.host_name, row.host_key_fingerprint) == ("netops", "api", "web1", new)
    assert row.argv == ["accept-key", new, "instead-of", old]


def test_a_key_may_be_accepted_in_the_place_of_a_text_that_was_none():
    accept(offering(SECOND, host_key="nonsense"), fingerprint(key_text(SECOND)), "netops")

    assert DockerHost.objects.get().host_key == key_text(SECOND)


@pytest.mark.parametrize(
    "given",
    [fingerprint(key_text(FIRST)), "", "SHA256:", key_text(SECOND)],
    ids=["of the accepted key", "empty", "only the digest's name", "the key itself"],
)
def test_another_fingerprint_accepts_nothing(given):
    host = offering(SECOND, host_key=key_text(FIRST))

    with pytest.raises(HostError, match="the host does not offer the key"):
        accept(host, given, "netops")

    assert DockerHost.objects.get().host_key == key_text(FIRST)
    assert not RemoteCommand.objects.exists()


def test_a_key_that_changed_after_somebody_looked_is_not_accepted():
    looked_at = offering(SECOND)
    with pytest.raises(HostError):
        verify(DockerHost.objects.get(), THIRD)

    with pytest.raises(HostError, match="load the offered key again, it may have changed"):
        accept(looked_at, fingerprint(looked_at.offered_host_key), "netops")

    assert DockerHost.objects.get().host_key == ""


def test_a_key_that_changes_while_it_is_being_accepted_is_not_accepted(monkeypatch):
    host = offering(SECOND)
    reading = parse_host_key

    def changing(text):
        DockerHost.objects.update(offered_host_key=key_text(THIRD))
        return reading(text)

    monkeypatch.setattr("logsite.ssh.host_keys.parse_host_key", changing)

    with pytest.raises(HostError, match="load the offered key again"):
        accept(host, fingerprint(key_text(SECOND)), "netops")

    stored = DockerHost.objects.get()
    assert (stored.host_key, stored.offered_host_key) == ("", key_text(THIRD))


def test_nothing_waits_to_be_accepted():
    with pytest.raises(HostError, match="has not offered a key"):
        accept(DockerHostFactory(), fingerprint(key_text(FIRST)), "netops")


def test_no_key_is_accepted_whose_acceptance_cannot_be_put_on_record():
    host = offering(SECOND, host_key=key_text(FIRST))

    def full(run, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise OperationalError("database or disk is full")
        return run(sql, params, many, context)

    with connection.execute_wrapper(full), pytest.raises(OperationalError):
        accept(host, fingerprint(key_text(SECOND)), "olivia")

    host.refresh_from_db()
    assert (host.host_key, host.offered_host_key) == (key_text(FIRST), key_text(SECOND))


# --- another address --------------------------------------------------------------------------------------


def test_a_key_of_the_environment_outlives_the_host_s_move(settings):
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER = "192.0.2.1", "logreader"
    settings.PRODLOGS_SSH_KEY, settings.PRODLOGS_HOST_KEY = PRIVATE_KEY, key_text(FIRST)
    get_hosts()
    settings.PRODLOGS_HOST = "192.0.2.2:2222"

    [host] = get_hosts()

    assert (host.address, host.port, host.host_key) == ("192.0.2.2", 2222, key_text(FIRST))
    host.refresh_from_db()
    assert host.host_key == key_text(FIRST)


def test_an_accepted_key_does_not_outlive_the_move_of_the_environment_s_host(settings):
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER = "192.0.2.1", "logreader"
    settings.PRODLOGS_SSH_KEY = PRIVATE_KEY
    [host] = get_hosts()
    DockerHost.objects.filter(pk=host.pk).update(host_key=key_text(FIRST))
    settings.PRODLOGS_HOST = "192.0.2.2"

    [host] = get_hosts()

    assert host.host_key == ""


def test_an_accepted_key_that_is_none_can_be_replaced():
    host = DockerHostFactory(host_key="nonsense")
    with pytest.raises(HostError, match=fingerprint(key_text(FIRST)).replace("+", r"\+")):
        verify(host, FIRST)

    accept(host, fingerprint(key_text(FIRST)), "netops")

    verify(host, FIRST)


def test_an_offered_key_that_is_none_is_one_sentence():
    host = DockerHostFactory(name="web1", offered_host_key="nonsense")

    with pytest.raises(HostError, match=r"^web1: the key that the host offered is no host key") as caught:
        accept(host, fingerprint(key_text(FIRST)), "netops")

    assert caught.value.kind == ErrorKind.HOST_KEY
