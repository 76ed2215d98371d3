"""Host keys: fingerprints, and how a key comes to be accepted."""

import paramiko
import pytest
from django.db import OperationalError, connection

from prodlogs.errors import ConfigurationError, HostError
from prodlogs.host_keys import accept, algorithms_of, fingerprint, key_text, parse_host_key, verify
from prodlogs.models import DockerHost, ErrorKind, RemoteCommand
from tests.factories import DockerHostFactory
from tests.prodlogs.keys import generated

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND, THIRD = (paramiko.ECDSAKey.generate() for _ in range(3))


def offering(key, **columns):
    return DockerHostFactory(name="web1", offered_host_key=key_text(key), **columns)


# --- texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "rsa -b 2048", "ecdsa -b 256"])
def test_the_fingerprint_is_the_one_that_ssh_shows(kind):
    made = generated(*kind.split())

    assert fingerprint(made.public) == made.fingerprint


def test_no_key_has_no_fingerprint():
    assert fingerprint("") == ""


def test_a_text_that_is_no_key():
    texts = (
        "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 not base64", "ssh-dss AAAAB3NzaC1kc3M=",
        f"ssh-rsa {FIRST.get_base64()}", f"web1 {key_text(FIRST)}",
        "SHA256:jUTshOOP/KezZbZA5y5HD+Li1XICPfv1F8fdX1PnstA",
    )  # fmt: skip

    def refusal(text):
        try:
            return f"taken: {parse_host_key(text)}"
        except ConfigurationError as error:
            return str(error)

    found = {text: refusal(text) for text in texts}

    wrong = {
        text: said for text, said in found.items() if "no host key: give its type and base64" not in said
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("ssh-ed25519 AAAA", ("ssh-ed25519",)),
        ("ssh-rsa AAAA", ("rsa-sha2-512", "rsa-sha2-256")),
    ],
)
def test_the_accepted_keys_algorithms(text, expected):
    assert algorithms_of(text) == expected


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

    with pytest.raises(HostError, match="it does not offer"):
        accept(host, given, "netops")

    assert DockerHost.objects.get().host_key == key_text(FIRST)
    assert not RemoteCommand.objects.exists()


def test_a_key_that_changed_after_somebody_looked_is_not_accepted():
    looked_at = offering(SECOND)
    with pytest.raises(HostError):
        verify(DockerHost.objects.get(), THIRD)

    with pytest.raises(HostError, match="look again, it may have changed"):
        accept(looked_at, fingerprint(looked_at.offered_host_key), "netops")

    assert DockerHost.objects.get().host_key == ""


def test_a_key_that_changes_while_it_is_being_accepted_is_not_accepted(monkeypatch):
    host = offering(SECOND)
    reading = parse_host_key

    def changing(text):
        DockerHost.objects.update(offered_host_key=key_text(THIRD))
        return reading(text)

    monkeypatch.setattr("prodlogs.host_keys.parse_host_key", changing)

    with pytest.raises(HostError, match="look again"):
        accept(host, fingerprint(key_text(SECOND)), "netops")

    stored = DockerHost.objects.get()
    assert (stored.host_key, stored.offered_host_key) == ("", key_text(THIRD))


def test_nothing_waits_to_be_accepted():
    with pytest.raises(HostError, match="offered no key"):
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
