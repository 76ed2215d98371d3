"""Which Docker hosts there are, and the keys that open them."""

import pytest

from logsite.audit.models import AuditEntry
from logsite.commands.stopping import account
from prodlogs.errors import ConfigurationError, HostError
from prodlogs.hosts.configured import get_hosts, private_key, split_address
from prodlogs.models import DockerHost, ErrorKind
from prodlogs.reading.container_reading import redactor_of
from tests.devices.emulator import private_key as new_key
from tests.devices.openssh import PASSPHRASE
from tests.factories import DockerHostFactory
from tests.prodlogs.keys import generated

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment(settings):
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER = "docker.example.com", "logreader"
    settings.PRODLOGS_SSH_KEY, settings.PRODLOGS_HOST_KEY = new_key()[1], ""
    return settings


def names(hosts):
    return [host.name for host in hosts]


# --- which ------------------------------------------------------------------------------------------------


def test_all_enabled_hosts_by_name():
    DockerHostFactory(name="web2")
    DockerHostFactory(name="web1")
    DockerHostFactory(name="web3", enabled=False)

    assert names(get_hosts()) == ["web1", "web2"]


def test_one_host():
    DockerHostFactory(name="web2")
    DockerHostFactory(name="web1")

    assert names(get_hosts("web1")) == ["web1"]


def test_no_host_at_all():
    with pytest.raises(
        ConfigurationError, match=r"add one in the admin .* or set PRODLOGS_HOST, PRODLOGS_USER"
    ):
        get_hosts()


def test_an_unknown_host_is_told_with_those_that_are_there():
    DockerHostFactory(name="web1")

    with pytest.raises(ConfigurationError, match="no such Docker host: 'web9'; known hosts: web1"):
        get_hosts("web9")


def test_a_host_that_is_not_enabled():
    DockerHostFactory(name="web1", enabled=False)

    with pytest.raises(ConfigurationError, match="'web1' is not enabled"):
        get_hosts("web1")


# --- the environment's host -------------------------------------------------------------------------------


def test_the_environments_host_becomes_a_row_without_its_key(environment):
    [host] = get_hosts()

    stored = DockerHost.objects.get(name="default")
    assert (stored.address, stored.port, stored.user) == ("docker.example.com", 22, "logreader")
    assert (stored.from_environment, stored.ssh_key) == (True, "")
    assert host == stored


def test_the_environments_host_follows_the_environment(environment):
    get_hosts()
    environment.PRODLOGS_HOST = "192.0.2.7:2222"

    [host] = get_hosts("default")

    assert (host.address, host.port) == ("192.0.2.7", 2222)
    assert DockerHost.objects.get().address == "192.0.2.7"
    [entry] = AuditEntry.objects.filter(event_type="sensitive_update")
    assert (entry.what, entry.target, entry.user, entry.via) == (
        "prodlogs.dockerhost",
        "default",
        account(),
        "system",
    )
    assert entry.details["changed"] == {"address": ["docker.example.com", "192.0.2.7"], "port": [22, 2222]}


def test_the_environments_host_key_counts_as_accepted(environment):
    key = new_key()[0]
    environment.PRODLOGS_HOST_KEY = f"{key.get_name()} {key.get_base64()} a comment"

    assert get_hosts()[0].host_key == f"{key.get_name()} {key.get_base64()}"


def test_a_key_that_was_accepted_for_the_environments_host_stays(environment):
    get_hosts()
    DockerHost.objects.update(host_key="accepted")

    assert get_hosts()[0].host_key == "accepted"


def test_the_environments_host_is_gone_when_the_environment_says_nothing(environment):
    get_hosts()
    environment.PRODLOGS_HOST = ""

    with pytest.raises(ConfigurationError, match="'default' was defined by PRODLOGS_HOST, which is not set"):
        get_hosts("default")


def test_the_environments_host_may_be_switched_off(environment):
    get_hosts()
    DockerHost.objects.update(enabled=False)

    with pytest.raises(ConfigurationError, match="not enabled"):
        get_hosts("default")


@pytest.mark.parametrize("name", ["PRODLOGS_USER", "PRODLOGS_SSH_KEY"])
def test_half_a_host_is_an_error(environment, name):
    setattr(environment, name, "")

    with pytest.raises(ConfigurationError, match=f"{name} is not set"):
        get_hosts()


def test_a_host_of_the_admin_is_not_taken_over(environment):
    DockerHostFactory(name="default", address="192.0.2.99")

    with pytest.raises(ConfigurationError, match="the admin has one of that name"):
        get_hosts()

    assert DockerHost.objects.get().address == "192.0.2.99"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.example.com", ("docker.example.com", 22)),
        ("192.0.2.1:2222", ("192.0.2.1", 2222)),
        ("2001:db8::1", ("2001:db8::1", 22)),
        ("[2001:db8::1]:2222", ("2001:db8::1", 2222)),
        ("[2001:db8::1]", ("2001:db8::1", 22)),
    ],
)
def test_an_address_may_name_a_port(text, expected):
    assert split_address(text) == expected


# --- private keys -----------------------------------------------------------------------------------------


KINDS = [
    ("ed25519", ""),
    ("rsa -b 2048", ""),
    ("rsa -b 2048", "PEM"),
    ("rsa -b 2048", "PKCS8"),
    ("ecdsa -b 256", ""),
    ("ecdsa -b 384", "PEM"),
    ("ecdsa -b 521", "PKCS8"),
]


@pytest.mark.parametrize(("kind", "form"), KINDS)
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["plain", "encrypted"])
def test_keys_of_every_kind_and_form(kind, form, passphrase):
    made = generated(*kind.split(), form=form, passphrase=passphrase)
    host = DockerHostFactory(ssh_key=made.private, ssh_key_passphrase=passphrase)

    assert private_key(host).fingerprint == made.fingerprint


def test_a_key_that_was_pasted_from_windows():
    made = generated("ed25519")
    host = DockerHostFactory(ssh_key="  " + made.private.strip().replace("\n", "\r\n"))

    assert private_key(host).fingerprint == made.fingerprint


def test_the_environments_key_may_be_a_path(environment, tmp_path):
    made, path = generated("ed25519"), tmp_path / "key"
    path.write_text(made.private)
    environment.PRODLOGS_SSH_KEY = str(path)

    assert private_key(get_hosts()[0]).fingerprint == made.fingerprint


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [
        ("", "the SSH key is encrypted: give its passphrase"),
        ("wrong", "the passphrase is wrong, or the key is damaged"),
    ],
)
def test_an_encrypted_key_without_its_passphrase(passphrase, reason):
    host = DockerHostFactory(name="web1", ssh_key=new_key(PASSPHRASE)[1], ssh_key_passphrase=passphrase)

    with pytest.raises(HostError, match=f"web1: .*{reason}") as caught:
        private_key(host)
    assert caught.value.kind == ErrorKind.CONFIGURATION


def test_a_public_key_in_the_place_of_the_private_one():
    key = new_key()[0]
    host = DockerHostFactory(ssh_key=f"{key.get_name()} {key.get_base64()}")

    with pytest.raises(HostError, match="the SSH key is not a private key"):
        private_key(host)


def test_no_error_shows_the_key():
    text = new_key()[1].replace("A", "B")
    host = DockerHostFactory(ssh_key=text)

    with pytest.raises(HostError) as caught:
        private_key(host)
    assert not any(line in str(caught.value) for line in text.splitlines()[1:-1])


def test_a_key_whose_encryption_key_is_lost(settings, tmp_path):
    host = DockerHostFactory(name="web1", ssh_key=new_key()[1])
    settings.FIELD_KEYS_PATH = tmp_path / "field.keys"

    with pytest.raises(HostError, match=r"web1: .*no field-encryption key fits") as caught:
        private_key(DockerHost.objects.get(pk=host.pk))
    assert caught.value.kind == ErrorKind.CONFIGURATION


def test_a_host_of_an_environment_that_is_gone_says_so(settings, db):
    settings.PRODLOGS_SSH_KEY = ""

    with pytest.raises(
        HostError, match="PRODLOGS_SSH_KEY: not set, but this host is defined by PRODLOGS_HOST"
    ):
        private_key(DockerHostFactory(name="default", from_environment=True))


def test_a_key_that_the_environment_gives_as_a_path_is_redacted_by_its_text(settings, tmp_path, db):
    path, key = tmp_path / "key", new_key()[1]
    path.write_text(key)
    settings.PRODLOGS_SSH_KEY = str(path)
    line = key.strip().split("\n")[2]

    redactor = redactor_of(DockerHostFactory(name="default", from_environment=True))

    assert line not in redactor.redact(f"leaked {line}")
