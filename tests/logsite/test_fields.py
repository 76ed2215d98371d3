"""Columns that are encrypted at rest."""

import json
import pickle

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from devices.models import Credential
from logsite.audit.models import AuditEntry
from logsite.encryption import fields, keys, rotation
from tests.factories import CredentialFactory, DeviceFactory

PLAIN = "correct-horse-battery"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path, monkeypatch):
    """A key file of the test's own."""
    monkeypatch.delenv("FIELD_ENCRYPTION_KEYS", raising=False)
    monkeypatch.delenv("FIELD_ENCRYPTION_KEYS_FILE", raising=False)
    settings.FIELD_KEYS_PATH = tmp_path / "field.keys"
    fields.reload_keys()
    yield settings.FIELD_KEYS_PATH
    fields._cipher.cache_clear()


def stored(column="password"):
    """What the database holds, past the ORM."""
    with connection.cursor() as sql:
        sql.execute(f"SELECT {column} FROM devices_credential ORDER BY id")
        return [row[0] for row in sql.fetchall()]


def rotate(*arguments):
    call_command("rotate_keys", *arguments)


def other_process_rotates(path):
    """The key file as another process leaves it: this one did not notice."""
    keys.write_private(path, f"{Fernet.generate_key().decode()}\n{path.read_text()}")


# --- At rest -----------------------------------------------------------------------------------------------


def test_the_database_holds_a_fernet_token():
    CredentialFactory(password=PLAIN)

    [token] = stored()
    assert token.startswith("gAAAA")
    assert PLAIN not in token


def test_it_reads_as_the_plain_text():
    CredentialFactory(password=PLAIN)

    assert Credential.objects.get().password == PLAIN


@pytest.mark.parametrize("plain", ["ä ü 漢字 🗝", " spaces ", "line\nline\r\n", "x" * 100_000, "gAAAAA", "0"])
def test_any_text_comes_back_as_it_was(plain):
    CredentialFactory(password=plain)

    assert str(Credential.objects.get().password) == plain


def test_equal_texts_have_different_tokens():
    CredentialFactory.create_batch(2, password=PLAIN)

    assert len(set(stored())) == 2


def test_an_empty_text_stays_empty():
    CredentialFactory(enable_secret="")

    assert stored("enable_secret") == [""]
    assert Credential.objects.get().enable_secret == ""


def test_update_and_bulk_update_encrypt_too():
    credential = CredentialFactory()
    Credential.objects.update(enable_secret=PLAIN)
    credential.ssh_key = PLAIN
    Credential.objects.bulk_update([credential], ["ssh_key"])

    assert all(token.startswith("gAAAA") for token in stored("enable_secret") + stored("ssh_key"))
    assert Credential.objects.values_list("enable_secret", "ssh_key").get() == (PLAIN, PLAIN)


def test_saving_what_was_read_keeps_the_text():
    CredentialFactory(password=PLAIN)
    credential = Credential.objects.get()
    assert credential.password
    credential.save()

    assert Credential.objects.get().password == PLAIN


# --- Not shown ---------------------------------------------------------------------------------------------


def test_repr_gives_stars():
    CredentialFactory(password=PLAIN)
    credential = Credential.objects.get()

    assert repr(credential.password) == "'********'"
    assert PLAIN not in f"{credential!r} {credential.__dict__} {Credential.objects.values()}"


def test_the_repr_of_an_empty_secret_says_that_it_is_empty():
    assert repr(fields.Secret("")) == "''"


def test_a_secret_stays_one_through_pickle():
    assert repr(pickle.loads(pickle.dumps(fields.Secret(PLAIN)))) == "'********'"


@pytest.mark.parametrize("lookup", ["password", "password__startswith", "password__regex", "password__in"])
def test_nothing_but_isnull_can_be_asked(lookup):
    with pytest.raises(FieldError, match="Unsupported lookup"):
        Credential.objects.filter(**{lookup: PLAIN}).exists()


def test_isnull_can_be_asked():
    CredentialFactory()

    assert Credential.objects.filter(password__isnull=False).count() == 1


# --- Keys --------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_an_error_that_names_the_column_and_shows_nothing(key_file):
    CredentialFactory(password=PLAIN)
    keys.write_private(key_file, Fernet.generate_key().decode())

    with pytest.raises(fields.DecryptionError) as caught:
        Credential.objects.get().password  # noqa: B018

    assert str(caught.value).startswith("devices.Credential.password: no field-encryption key fits")
    assert stored()[0] not in str(caught.value)
    assert PLAIN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("garbage", ["never encrypted", "gAAAAAdamaged", "ключ"])
def test_a_column_that_holds_no_token_is_an_error_that_does_not_show_it(garbage):
    CredentialFactory()
    with connection.cursor() as sql:
        sql.execute("UPDATE devices_credential SET password = %s", [garbage])

    with pytest.raises(fields.DecryptionError) as caught:
        Credential.objects.get().password  # noqa: B018

    assert garbage not in str(caught.value)


def test_a_key_that_another_process_made_is_found(key_file):
    CredentialFactory()
    other_process_rotates(key_file)
    with connection.cursor() as sql:
        newest = Fernet(key_file.read_text().split()[0])
        sql.execute("UPDATE devices_credential SET password = %s", [newest.encrypt(b"changed").decode()])

    assert Credential.objects.get().password == "changed"


def test_what_is_written_after_another_process_rotated_has_the_new_key(key_file):
    CredentialFactory()
    other_process_rotates(key_file)

    CredentialFactory(password=PLAIN)

    newest = Fernet(key_file.read_text().split()[0])
    assert newest.decrypt(stored()[-1]).decode() == PLAIN


def test_keys_changed_in_the_mounted_file_are_found(monkeypatch, tmp_path):
    old, new = Fernet.generate_key(), Fernet.generate_key()
    mounted = tmp_path / "mounted"
    mounted.write_bytes(old)
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS_FILE", str(mounted))
    fields.reload_keys()
    mounted.write_bytes(new + b"," + old)

    assert fields.decrypt(Fernet(new).encrypt(PLAIN.encode()).decode()) == PLAIN


# --- Fixtures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "xml", "jsonl"])
def test_dumpdata_and_loaddata_carry_the_value_without_showing_it(tmp_path, form):
    CredentialFactory(password=PLAIN, enable_secret="")
    fixture = tmp_path / f"credentials.{form}"
    call_command("dumpdata", "devices.credential", format=form, output=str(fixture), verbosity=0)
    Credential.objects.all().delete()

    call_command("loaddata", str(fixture), verbosity=0)

    assert PLAIN not in fixture.read_text()
    assert Credential.objects.values_list("password", "enable_secret").get() == (PLAIN, "")
    assert stored()[0].startswith("gAAAA")


def test_a_fixture_written_by_hand_may_hold_plain_text(tmp_path):
    row = {
        "model": "devices.credential",
        "pk": 1,
        "fields": {"name": "a", "username": "b", "password": PLAIN},
    }
    (tmp_path / "by_hand.json").write_text(json.dumps([row]))

    call_command("loaddata", str(tmp_path / "by_hand.json"), verbosity=0)

    assert Credential.objects.get().password == PLAIN
    assert stored()[0].startswith("gAAAA")


def test_loading_a_fixture_without_its_key_names_the_column(key_file):
    dumped = serializers.serialize("json", [CredentialFactory(password=PLAIN)])
    keys.write_private(key_file, Fernet.generate_key().decode())

    with pytest.raises(
        serializers.base.DeserializationError, match=r"devices\.Credential\.password: no field-"
    ):
        list(serializers.deserialize("json", dumped))


# --- rotate_keys -------------------------------------------------------------------------------------------


def test_a_page_that_needs_a_secret_which_no_key_opens_says_so(browser, owner, key_file):
    """The page that deletes a credential which a device has reads all of it; the others need no secret."""
    credential = DeviceFactory(credential=CredentialFactory(password=PLAIN)).credential
    keys.write_private(key_file, Fernet.generate_key().decode())
    client = browser(owner)
    client.raise_request_exception = False

    answers = [
        client.get(f"/admin/devices/credential/{page}")
        for page in ("", f"{credential.pk}/change/", f"{credential.pk}/delete/")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert (
        b"devices.Credential.password: no field-encryption key fits; restore the key" in answers[-1].content
    )


def test_rotating_encrypts_every_value_with_a_new_key(key_file, capsys):
    CredentialFactory(password=PLAIN, enable_secret="enable-me")
    before, old_key = stored(), key_file.read_text().strip()

    rotate()

    newest, *older = key_file.read_text().split()
    assert older == [old_key]
    assert stored() != before
    assert Fernet(newest).decrypt(stored("enable_secret")[0]) == b"enable-me"
    assert Credential.objects.get().password == PLAIN
    assert capsys.readouterr().out == "2 values encrypted with a new key\n"
    entry = AuditEntry.objects.get(what="field keys")
    assert (entry.via, entry.details) == ("cli", {"done": "rotated", "drop_old": False})


def test_no_key_is_rotated_that_the_audit_cannot_take(key_file, monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    CredentialFactory(password=PLAIN)
    before = key_file.read_text()
    monkeypatch.setattr(AuditEntry, "save", fail)
    with pytest.raises(CommandError, match="the database failed"):
        rotate()

    assert key_file.read_text() == before


def test_a_process_that_knows_only_the_old_keys_reads_before_during_and_after(key_file, monkeypatch):
    CredentialFactory(password=PLAIN)
    readings = [Credential.objects.get().password]

    rotation.add_key()
    readings.append(Credential.objects.get().password)
    old_process = Fernet(key_file.read_text().split()[-1])
    assert old_process.decrypt(stored()[0]).decode() == PLAIN
    rotation.reencrypt()
    # A cipher with the old key only, as a process holds that started before.
    monkeypatch.setattr(fields, "cipher", lambda: old_process)
    monkeypatch.setattr(fields, "reload_keys", lambda: fields._cipher("", 0, 0))
    readings.append(Credential.objects.get().password)

    assert readings == [PLAIN] * 3


def test_a_kill_between_key_file_and_values_leaves_everything_readable(key_file, monkeypatch):
    CredentialFactory(password=PLAIN)
    monkeypatch.setattr("logsite.management.commands.rotate_keys.reencrypt", lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        rotate("--drop-old")

    assert len(key_file.read_text().split()) == 2
    assert Credential.objects.get().password == PLAIN


def test_a_kill_in_the_middle_of_the_values_changes_none_of_them(monkeypatch):
    CredentialFactory.create_batch(3, password=PLAIN)
    before, renewed = stored(), []

    def die_at_the_third(token, column):
        renewed.append(token)
        return fields.encrypt(PLAIN) if len(renewed) < 3 else 1 / 0

    monkeypatch.setattr(rotation, "rotate_token", die_at_the_third)
    with pytest.raises(ZeroDivisionError):
        rotate()

    assert stored() == before
    assert {credential.password for credential in Credential.objects.all()} == {PLAIN}


def test_rotating_again_after_a_kill_finishes_the_work(key_file, monkeypatch):
    CredentialFactory(password=PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr("logsite.management.commands.rotate_keys.reencrypt", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rotate()

    rotate("--drop-old")

    assert Fernet(key_file.read_text().strip()).decrypt(stored()[0]).decode() == PLAIN


def test_drop_old_keeps_only_the_newest_key(key_file, capsys):
    CredentialFactory(password=PLAIN)
    rotate()
    rotate("--drop-old")

    [only] = key_file.read_text().split()
    assert Fernet(only).decrypt(stored()[0]).decode() == PLAIN
    assert "2 old keys dropped" in capsys.readouterr().out
    assert Credential.objects.get().password == PLAIN


def test_a_value_that_no_key_opens_stops_the_rotation_with_one_line(key_file):
    CredentialFactory.create_batch(2, password=PLAIN)
    with connection.cursor() as sql:
        sql.execute(
            "UPDATE devices_credential SET password = 'gAAAAAdamaged' WHERE name = %s",
            [Credential.objects.values_list("name", flat=True).last()],
        )
    before = stored()

    with pytest.raises(CommandError, match=r"^devices\.Credential\.password: no .*; no value was changed$"):
        rotate("--drop-old")

    assert stored() == before
    assert len(key_file.read_text().split()) == 2


def test_two_rotations_at_once_are_refused(key_file):
    with rotation.one_at_a_time(), pytest.raises(CommandError, match="another rotate_keys is running"):
        rotate()

    assert len(key_file.read_text().split()) == 1


def test_keys_from_the_environment_stay_there(key_file, monkeypatch, capsys):
    CredentialFactory(password=PLAIN)
    old, new = key_file.read_text().strip(), Fernet.generate_key().decode()
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", f"{new},{old}")
    fields.reload_keys()

    rotate()

    assert Fernet(new).decrypt(stored()[0]).decode() == PLAIN
    assert key_file.read_text().strip() == old
    assert capsys.readouterr().out == "1 values encrypted with the first key\n"


def test_keys_from_the_environment_cannot_be_dropped(monkeypatch):
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", Fernet.generate_key().decode())

    with pytest.raises(CommandError, match="the keys are set in the environment") as caught:
        rotate("--drop-old")

    assert caught.value.returncode == 2


def test_every_encrypted_column_of_the_project_is_rotated():
    found = {
        f"{model._meta.label}.{column}"
        for model, columns in rotation.encrypted_columns()
        for column in columns
    }

    assert found >= {
        "devices.Credential.password",
        "devices.Credential.enable_secret",
        "devices.Credential.ssh_key",
        "devices.Credential.ssh_key_passphrase",
    }
