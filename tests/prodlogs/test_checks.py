"""System checks of container logs."""

import pytest
from django.core.checks import run_checks

from prodlogs.checks import ABOVE_ZERO
from tests.devices.emulator import private_key
from tests.devices.openssh import PASSPHRASE
from tests.factories import DockerHostFactory


@pytest.fixture
def environment(settings):
    """The host that the environment defines, with nothing wrong."""
    public, key = private_key()
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER, settings.PRODLOGS_SSH_KEY = "192.0.2.1:2222", "logs", key
    settings.PRODLOGS_HOST_KEY = f"{public.get_name()} {public.get_base64()}"
    return settings


def found(**options):
    return {(each.id, each.msg) for each in run_checks(**options) if each.id.startswith("prodlogs.")}


def test_a_host_that_is_wholly_defined_is_fine(environment):
    assert found() == set()


def test_a_host_without_a_user(environment):
    environment.PRODLOGS_USER = ""

    assert found() == {
        ("prodlogs.E001", "PRODLOGS_USER is not set, but PRODLOGS_HOST is: the host needs both")
    }


def test_a_host_without_a_key(environment):
    environment.PRODLOGS_SSH_KEY = None

    assert {each for each, _ in found()} == {"prodlogs.E002"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("/nowhere/id_ed25519", "PRODLOGS_SSH_KEY: /nowhere/id_ed25519: No such file or directory"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----",
            "PRODLOGS_SSH_KEY: the SSH key cannot be read: it is damaged or not a private key",
        ),
        (private_key(PASSPHRASE)[1], "PRODLOGS_SSH_KEY: the SSH key is encrypted: give its passphrase"),
        ("secret\nwords", "PRODLOGS_SSH_KEY: neither a private key nor the path of one"),
    ],
    ids=["no file", "damaged", "encrypted", "no key"],
)
def test_a_key_that_cannot_be_read(environment, value, reason):
    environment.PRODLOGS_SSH_KEY = value

    assert found() == {("prodlogs.E002", reason)}


def test_a_host_key_that_is_none(environment):
    environment.PRODLOGS_HOST_KEY = "ssh-ed25519 not-base64"

    [(number, sentence)] = found()
    assert number == "prodlogs.E003"
    assert sentence.startswith("PRODLOGS_HOST_KEY: no host key: give its type and base64")


@pytest.mark.parametrize(
    "value", ["root@192.0.2.1", "192.0.2.1:0", "192.0.2.1:70000", "a host", "[192.0.2.1"]
)
def test_an_address_that_is_none(environment, value):
    environment.PRODLOGS_HOST = value

    assert {each for each, _ in found()} == {"prodlogs.E004"}


@pytest.mark.parametrize("name", ABOVE_ZERO)
def test_a_limit_of_0_would_read_nothing(settings, name):
    setattr(settings, name, 0)

    assert found() == {("prodlogs.E005", f"{name}=0 must be above 0")}


def test_days_of_retention_below_0(settings):
    settings.RETENTION_DAYS_CONTAINERS = -1

    assert found() == {("prodlogs.E006", "RETENTION_DAYS_CONTAINERS=-1: give days, or 0 for ever")}


@pytest.mark.django_db
def test_an_enabled_host_without_a_key():
    DockerHostFactory(name="bare")
    DockerHostFactory(name="switched-off", enabled=False)
    DockerHostFactory(name="keyed", ssh_key=private_key()[1])

    assert found(databases=["default"]) == {("prodlogs.W001", "Docker host bare has no SSH key")}
