"""Where secrets come from: the environment, a file, or generated once."""

import multiprocessing
import os
import stat
import threading

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from logsite.encryption import keys

RACERS = 6


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "LOKI_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_the_secret_key_is_generated_once_and_only_its_owner_may_read_it(tmp_path):
    first = keys.secret_key(tmp_path)

    assert len(first) > 80
    assert keys.secret_key(tmp_path) == first
    assert mode_of(tmp_path / "secret.key") == 0o600


def test_the_field_key_is_generated_once_and_only_its_owner_may_read_it(tmp_path):
    path = tmp_path / "new-folder" / "field.keys"

    [key] = keys.field_keys(path)

    assert keys.field_keys(path) == [key]
    Fernet(key)
    assert mode_of(path) == 0o600


def test_generating_leaves_no_temporary_file(tmp_path):
    keys.secret_key(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_key_that_cannot_be_created_is_one_error_that_names_its_file(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "secret.key"

    with pytest.raises(ImproperlyConfigured, match=rf"\A{path} cannot be created: File exists\Z"):
        keys.create_once(path, "key")


def _create(path, barrier, answers):
    barrier.wait(120)
    answers.put(keys.create_once(path, f"key of process {os.getpid()}"))


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier, answers = spawn.Barrier(RACERS), spawn.Queue()
    processes = [
        spawn.Process(target=_create, args=(tmp_path / "secret.key", barrier, answers)) for _ in range(RACERS)
    ]
    for process in processes:
        process.start()
    found = {answers.get(timeout=120) for _ in processes}
    for process in processes:
        process.join(120)

    assert found == {(tmp_path / "secret.key").read_text()}


def test_threads_that_start_at_once_agree_on_one_key(tmp_path):
    barrier, found = threading.Barrier(RACERS), set()

    def create(number):
        barrier.wait(120)
        found.add(keys.create_once(tmp_path / "secret.key", f"key {number}"))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert found == {(tmp_path / "secret.key").read_text()}


def test_a_secret_comes_from_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY", "from the environment")

    assert keys.secret_key(tmp_path) == "from the environment"
    assert not list(tmp_path.iterdir())


def test_a_secret_comes_from_the_file_its_variable_points_to(monkeypatch, tmp_path):
    (tmp_path / "mounted").write_text("from a file\n")
    monkeypatch.setenv("LOKI_URL_FILE", str(tmp_path / "mounted"))

    assert keys.read_secret("LOKI_URL") == "from a file"


def test_the_variable_goes_before_the_file(monkeypatch, tmp_path):
    monkeypatch.setenv("LOKI_URL", "from the environment")
    monkeypatch.setenv("LOKI_URL_FILE", str(tmp_path / "missing"))

    assert keys.read_secret("LOKI_URL") == "from the environment"


def test_a_secret_that_nobody_set_is_none():
    assert keys.read_secret("LOKI_URL") is None


def test_a_missing_file_is_an_error_that_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "missing"))

    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FILE=.*missing: No such file or directory$"):
        keys.secret_key(tmp_path)


def test_a_folder_in_place_of_the_file_is_an_error_that_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path))

    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FILE=.*: Is a directory$"):
        keys.secret_key(tmp_path)


def test_an_empty_file_does_not_count_as_unset(monkeypatch, tmp_path):
    (tmp_path / "empty").write_text("\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "empty"))

    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FILE=.*: the file is empty$"):
        keys.secret_key(tmp_path)


def test_a_binary_file_is_an_error_that_names_the_variable(monkeypatch, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "binary"))

    with pytest.raises(ImproperlyConfigured, match=r"^SECRET_KEY_FILE=.*: not UTF-8 text$"):
        keys.secret_key(tmp_path)


@pytest.mark.parametrize("written", ["{0},{1}", "{0} {1}", "{0}\n{1}\n", " {0} ,\n {1}"])
def test_several_field_keys_come_newest_first(monkeypatch, tmp_path, written):
    new, old = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", written.format(new, old))

    assert keys.field_keys(tmp_path / "field.keys") == [new, old]


@pytest.mark.parametrize("wrong", ["hunter2", "ключ", "A" * 43, "*" * 44])
def test_a_malformed_field_key_is_a_clear_error_that_does_not_show_it(monkeypatch, tmp_path, wrong):
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", wrong)

    with pytest.raises(
        ImproperlyConfigured, match=r"FIELD_ENCRYPTION_KEYS.*not 32 url-safe base64"
    ) as caught:
        keys.field_keys(tmp_path / "field.keys")

    assert wrong not in str(caught.value)


def test_an_emptied_key_file_is_an_error_and_not_a_new_key(tmp_path):
    path = tmp_path / "field.keys"
    path.write_text("")

    with pytest.raises(ImproperlyConfigured, match=r"field\.keys is empty; restore it from a backup"):
        keys.field_keys(path)

    assert path.read_text() == ""


def test_write_private_replaces_the_content_with_mode_600(tmp_path):
    path = tmp_path / "field.keys"
    path.write_text("old")
    path.chmod(0o644)

    keys.write_private(path, "new")

    assert path.read_text() == "new"
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(monkeypatch, tmp_path, step):
    path = tmp_path / "field.keys"
    keys.write_private(path, "old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys.os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        keys.write_private(path, "new")

    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["field.keys"]
