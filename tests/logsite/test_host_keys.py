"""Host keys as texts: fingerprints, what is a key and what is not, and which algorithm is asked for first."""

import paramiko
import pytest

from logsite.ssh.algorithms import SHA1
from logsite.ssh.host_keys import (
    HostKeyProblem,
    algorithms_of,
    canonical,
    fingerprint,
    key_text,
    parse_host_key,
    parse_host_keys,
    preferring,
    shown_fingerprint,
)
from tests.prodlogs.keys import generated

KEY, OTHER = (paramiko.ECDSAKey.generate() for _ in range(2))
ALL = tuple(paramiko.Transport._preferred_keys)


@pytest.mark.parametrize("kind", ["ed25519", "rsa -b 2048", "ecdsa -b 256"])
def test_the_fingerprint_is_the_one_that_ssh_shows(kind):
    made = generated(*kind.split())

    assert fingerprint(made.public) == made.fingerprint


def test_no_key_has_no_fingerprint():
    assert (fingerprint(""), shown_fingerprint(" \n")) == ("", "")


NOT_KEYS = (
    "ssh-ed25519",
    "ssh-ed25519 AAAA",
    "ssh-ed25519 not base64",
    "ssh-dss AAAAB3NzaC1kc3M=",
    f"ssh-rsa {KEY.get_base64()}",
    f"web1 {key_text(KEY)}",
    "SHA256:jUTshOOP/KezZbZA5y5HD+Li1XICPfv1F8fdX1PnstA",
    "nonsense",
    " ",
    "ssh-rsa AAAAB3NzaC1yc2EAAAAA",
    f"{key_text(KEY)[:-8]}",  # cut off
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgoAA",  # cut off within its number
    "ssh-rsa AAAAB3NzaC1yc2EAAAADgQABAAAAAwEAAQ==",  # a number below zero
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAA==",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAAA",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHA1MjEAAAAA",
    "ssh-ed25519 \udcff\udcfe",
    "ssh-ed25519 \x00",
    "🔑 🔑 🔑",
    "ssh-rsa " + "A" * 100_000,
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "1024 35 1234567890",
    "@revoked * ssh-ed25519 AAAA",
)


def test_a_text_that_is_no_key_is_one_sentence():
    wrong = []
    for text in NOT_KEYS:
        try:
            parse_host_key(text)
            wrong.append((text, "a key"))
        except HostKeyProblem as error:
            if not str(error).startswith("no host key: give its type and base64"):
                wrong.append((text, str(error)))
        if text.strip() and not shown_fingerprint(text).startswith("no host key"):
            wrong.append((text, shown_fingerprint(text)))
    assert wrong == []


def test_several_keys_are_one_a_line():
    text = f"{key_text(KEY)} a comment\r\n\n  {key_text(OTHER)}\n"
    assert [key.asbytes() for key in parse_host_keys(text)] == [KEY.asbytes(), OTHER.asbytes()]
    assert fingerprint(text) == f"{fingerprint(key_text(KEY))} or {fingerprint(key_text(OTHER))}"


def test_one_line_that_is_no_key_spoils_all():
    with pytest.raises(HostKeyProblem):
        parse_host_keys(f"{key_text(KEY)}\nnonsense")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("ssh-ed25519 AAAA", ("ssh-ed25519",)),
        ("ssh-rsa AAAA", ("rsa-sha2-512", "rsa-sha2-256")),
        ("ssh-rsa AAAA\nssh-ed25519 AAAA", ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")),
        ("nonsense", ("nonsense",)),
    ],
)
def test_the_accepted_keys_algorithms(text, expected):
    assert algorithms_of(text) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", ALL[:1]),
        ("ssh-rsa AAAA", ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")),
        ("ecdsa-sha2-nistp521 AAAA", ("ecdsa-sha2-nistp521",)),
        ("ssh-rsa AAAA\nssh-ed25519 AAAA", ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")),
        ("ssh-dss AAAA", ALL[:1]),
        ("nonsense\n \n", ALL[:1]),
    ],
)
def test_what_is_asked_for_first_leaves_nothing_out(text, first):
    found = preferring(ALL, text)
    assert found[: len(first)] == first
    assert sorted(found) == sorted(ALL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RTR01.Example.COM", "rtr01.example.com"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
        ("::FFFF:192.0.2.1", "::ffff:c000:201"),
    ],
)
def test_an_address_has_one_spelling(one, other):
    assert canonical(one) == canonical(other)


def test_sha1_is_all_of_it():
    kinds = {"kex": "kex", "keys": "key", "pubkeys": "pubkeys", "macs": "mac"}
    offered = {
        "kex": paramiko.Transport._preferred_kex,
        "keys": paramiko.Transport._preferred_keys,
        "pubkeys": paramiko.Transport._preferred_pubkeys,
        "macs": paramiko.Transport._preferred_macs,
    }
    left = {
        kind: [
            name for name in offered[kind] if name not in SHA1[kind] and ("sha1" in name or name == "ssh-rsa")
        ]
        for kind in kinds
    }
    assert left == {kind: [] for kind in kinds}
