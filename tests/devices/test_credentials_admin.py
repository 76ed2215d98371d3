"""The pages of credentials: secrets go in and never come out."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from devices.models import Credential, Device
from tests.devices.emulator import PASSWORD
from tests.devices.test_admin import CREDENTIALS, DEVICES, KEY, SECRETS, change, pages, text_of
from tests.factories import CredentialFactory, DeviceFactory

pytestmark = pytest.mark.django_db


def shows_a_secret(text):
    """Also in parts: a key is shown line by line."""
    return [
        secret
        for secret in (PASSWORD, "Op3n-Sesame", *KEY.split()[4:-4], "Pass-Phrase-12", "gAAAA")
        if secret in text
    ]


@pytest.mark.parametrize("who", ["teammate", "owner"])
def test_no_page_shows_a_stored_secret(who, browser, request):
    client = browser(request.getfixturevalue(who))
    for page in pages():
        assert shows_a_secret(text_of(client.get(page))) == []


def test_who_may_only_view_sees_which_secrets_there_are(browser, teammate):
    credential = CredentialFactory(**SECRETS)
    text = text_of(browser(teammate).get(change(CREDENTIALS, credential)))
    assert "password, enable secret, SSH private key, SSH key passphrase" in text
    assert "<textarea" not in text
    assert 'type="password"' not in text


def form(**fields):
    return {
        "name": "core",
        "username": "netops",
        "password": "",
        "enable_secret": "",
        "ssh_key": "",
        "ssh_key_passphrase": "",
        **fields,
    }


def secrets_of(credential):
    found = Credential.objects.get(pk=credential.pk)
    return {name: str(getattr(found, name)) for name in SECRETS}


def test_a_credential_is_added_and_encrypted(browser, owner):
    assert browser(owner).post(f"{CREDENTIALS}add/", form(**SECRETS)).status_code == 302
    credential = Credential.objects.get()
    assert secrets_of(credential) == {**SECRETS, "ssh_key": credential.ssh_key}
    assert credential.ssh_key.strip() == KEY.strip()
    with connection.cursor() as sql:
        sql.execute("SELECT password, enable_secret, ssh_key, ssh_key_passphrase FROM devices_credential")
        assert all(value.startswith("gAAAA") for value in sql.fetchone())


def test_a_password_keeps_its_spaces(browser, owner):
    browser(owner).post(f"{CREDENTIALS}add/", form(password=" leading and trailing "))
    assert str(Credential.objects.get().password) == " leading and trailing "


def test_an_empty_field_keeps_what_is_stored(browser, owner):
    credential = CredentialFactory(name="core", **SECRETS)
    browser(owner).post(change(CREDENTIALS, credential), form(username="automation"))
    assert secrets_of(credential) == SECRETS
    assert Credential.objects.get().username == "automation"


def test_a_filled_field_replaces_what_is_stored(browser, owner):
    credential = CredentialFactory(name="core", **SECRETS)
    browser(owner).post(change(CREDENTIALS, credential), form(password="New-Horse-77"))
    assert secrets_of(credential) == {**SECRETS, "password": "New-Horse-77"}


def test_clear_removes_what_is_stored(browser, owner):
    credential = CredentialFactory(name="core", **SECRETS)
    browser(owner).post(change(CREDENTIALS, credential), form(clear_enable_secret="on", clear_ssh_key="on"))
    assert secrets_of(credential) == {**SECRETS, "enable_secret": "", "ssh_key": ""}


def test_the_form_says_what_is_stored_and_offers_to_remove_only_that(browser, owner):
    credential = CredentialFactory(name="core", password=PASSWORD)
    text = text_of(browser(owner).get(change(CREDENTIALS, credential)))
    assert text.count("A value is stored. Leave this field empty to keep it.") == 1
    assert re.findall(r'name="clear_(\w+)"', text) == ["password"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Give a password or an SSH key."),
        ({"ssh_key": "ssh-ed25519 AAAA… a public key"}, "Not a private key"),
        ({"password": "x", "username": ""}, "This field is required."),
    ],
)
def test_a_credential_that_cannot_log_in_is_refused(fields, text, browser, owner):
    assert text in text_of(browser(owner).post(f"{CREDENTIALS}add/", form(**fields)))
    assert not Credential.objects.exists()


def test_the_last_way_to_log_in_is_not_removed(browser, owner):
    credential = CredentialFactory(name="core", password=PASSWORD)
    answer = browser(owner).post(change(CREDENTIALS, credential), form(clear_password="on"))
    assert "Give a password or an SSH key." in text_of(answer)
    assert secrets_of(credential)["password"] == PASSWORD


def test_a_form_with_an_error_does_not_repeat_what_was_typed(browser, owner):
    text = text_of(browser(owner).post(f"{CREDENTIALS}add/", form(password=PASSWORD, username="")))
    assert PASSWORD not in text


def test_the_history_names_fields_and_no_values(browser, owner):
    credential = CredentialFactory(name="core", **SECRETS)
    client = browser(owner)
    client.post(change(CREDENTIALS, credential), form(password="New-Horse-77"))
    client.post(f"{CREDENTIALS}add/", form(name="second", password="New-Horse-77"))
    entries = " ".join(
        f"{entry} {entry.change_message} {entry.object_repr}" for entry in LogEntry.objects.all()
    )
    assert "Password" in entries
    assert "New-Horse-77" not in entries + text_of(client.get(f"{CREDENTIALS}{credential.pk}/history/"))


def test_a_credential_in_use_is_not_deleted(browser, owner):
    device = DeviceFactory()
    browser(owner).post(change(CREDENTIALS, device.credential).replace("change", "delete"), {"post": "yes"})
    assert Credential.objects.exists()


@pytest.fixture
def unreadable():
    """A credential whose key is gone."""
    credential = CredentialFactory(name="core", password=PASSWORD)
    DeviceFactory(name="rtr01", credential=credential)
    with connection.cursor() as sql:
        sql.execute("UPDATE devices_credential SET password = 'gAAAAA-nonsense'")
    return credential


def test_a_credential_whose_key_is_gone_breaks_no_page(browser, owner, unreadable):
    client = browser(owner)
    device = change(DEVICES, Device.objects.get())
    for page in (DEVICES, device, CREDENTIALS, change(CREDENTIALS, unreadable)):
        assert client.get(page).status_code == 200


def test_a_credential_whose_key_is_gone_can_be_given_anew(browser, owner, unreadable):
    client = browser(owner)
    client.post(change(CREDENTIALS, unreadable), form(username="automation"))
    assert Credential.objects.get().username == "automation"
    client.post(change(CREDENTIALS, unreadable), form(password="New-Horse-77"))
    assert secrets_of(unreadable)["password"] == "New-Horse-77"
