"""What LogSite writes to the disk is its own user's alone, whatever the umask; what is open to others is named."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.checks import run_checks

ROOT = Path(site.BASE_DIR)
UMASKS = ["000", "002", "022", "027", "077", "177", "777"]

# What a site writes in its first minutes: keys, tables, a lock, a rotation, events that wait for the database.
FIRST_MINUTES = """
import json, os, stat, sys, types
os.umask(int(sys.argv[1], 8))
import django; django.setup()
from pathlib import Path
from django.conf import settings
from django.db import connection
from logsite.encryption import rotation
from logsite.locks.held import _file_lock
from sessionlogs.recording.spill import SpillFile, _folder
from logsite.encryption.keys import field_keys, write_private
field_keys(settings.FIELD_KEYS_PATH)
with rotation.one_at_a_time(), _file_lock("docker-host-1.lock"):
    spilled = SpillFile.create(_folder())
    write_private(settings.DATA_DIR / "admin-password", "x")
    with connection.cursor() as sql:
        sql.execute("CREATE TABLE x (a)"); sql.execute("INSERT INTO x VALUES (1)")
        folders = [Path(sys.argv[2])]
        for path in folders:
            folders += [each for each in path.iterdir() if each.is_dir()]
        found = {str(f.relative_to(sys.argv[2])): f for folder in folders for f in (folder, *folder.iterdir())}
        print(json.dumps({name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}))
"""


def first_minutes(umask, top, **environment):
    """The modes of all files and folders below `top`, by name, while the database is open."""
    top.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_MINUTES, umask, str(top)],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "logsite.settings", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("umask", UMASKS)
def test_whatever_the_umask_data_are_private(umask, tmp_path):
    made = first_minutes(umask, tmp_path / "top", DATA_DIR=str(tmp_path / "top/a/b/data"))

    data = {
        name.removeprefix("a/b/data/"): mode for name, mode in made.items() if name.startswith("a/b/data/")
    }
    assert made["a/b/data"] == made["a/b"] == made["a"] == 0o700
    assert {"logsite.sqlite3", "logsite.sqlite3-wal", "logsite.sqlite3-shm", "secret.key", "field.keys"} <= {
        *data
    }
    assert {"field.keys.lock", "docker-host-1.lock", "admin-password", "spill", "static"} <= {*data}
    wrong = {name: oct(mode) for name, mode in data.items() if mode & 0o077 and name != "static"}
    assert wrong == {}
    assert data["static"] & 0o022 == 0
    assert data["logsite.sqlite3"] == data["logsite.sqlite3-wal"] == data["logsite.sqlite3-shm"] == 0o600


@pytest.mark.parametrize("name", ["logsite.db", "log site+#1.sqlite3"])
def test_a_database_elsewhere_is_private_too(name, tmp_path):
    folder = tmp_path / "top"
    folder.mkdir()
    folder.chmod(0o755)
    address = f"sqlite:///{folder}/{name.replace('#', '%23').replace(' ', '%20')}"
    made = first_minutes("000", folder, DATA_DIR=str(tmp_path / "data"), DATABASE_URL=address)

    databases = {mode for path, mode in made.items() if path.endswith((".db", ".sqlite3", "-wal", "-shm"))}
    assert databases == {0o600}
    assert made["."] == 0o755  # somebody else's folder


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    """DATA_DIR may be /srv, or a folder that a group shares on purpose: no start locks others out."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    database = folder / "logsite.sqlite3"
    database.touch()
    database.chmod(0o640)
    made = first_minutes("022", folder, DATA_DIR=str(folder))

    assert (made["."], made["logsite.sqlite3"]) == (0o755, 0o640)


# --- What is open ------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path, monkeypatch, settings):
    """A data folder as it should be; the settings name it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    for name in ("logsite.sqlite3", "logsite.sqlite3-wal", "logsite.sqlite3-shm", "secret.key", "field.keys"):
        (folder / name).touch(mode=0o600)
    (folder / "spill").mkdir(mode=0o700)
    (folder / "spill" / "session-1-a.jsonl").touch(mode=0o600)
    (folder / "static").mkdir(mode=0o755)
    settings.DATA_DIR, settings.STATIC_ROOT = folder, folder / "static"
    monkeypatch.setitem(site.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(site.DATABASES["default"], "NAME", str(folder / "logsite.sqlite3"))
    return folder


def open_files():
    return [message for message in run_checks(tags=["files"]) if message.id == "logsite.W021"]


def test_private_data_are_no_warning(data):
    assert open_files() == []


OPEN = [
    (".", 0o755),
    (".", 0o750),
    (".", 0o770),
    (".", 0o711),
    (".", 0o1777),
    (".", 0o701),
    ("logsite.sqlite3", 0o644),
    ("logsite.sqlite3", 0o660),
    ("logsite.sqlite3", 0o604),
    ("logsite.sqlite3-wal", 0o644),
    ("logsite.sqlite3-shm", 0o640),
    ("secret.key", 0o644),
    ("field.keys", 0o640),
    ("spill", 0o755),
    ("static", 0o777),
    ("static", 0o775),
]


def test_what_is_open_is_named_with_the_command_that_closes_it(data):
    wrong = []
    for name, mode in OPEN:
        path, before = data / name, (data / name).stat().st_mode
        path.chmod(mode)
        found = open_files()
        if len(found) != 1 or str(path) not in found[0].msg or f"{mode:o}" not in found[0].msg:
            wrong.append((name, oct(mode), found))
        else:
            subprocess.run(shlex.split(found[0].hint.partition("`")[2].partition("`")[0]), check=True)
            wrong += [(name, oct(mode), "still open")] if open_files() else []
        path.chmod(before)

    assert wrong == []


def test_a_database_elsewhere_that_is_open_is_named(data, tmp_path, monkeypatch):
    path = tmp_path / "else where.sqlite3"
    path.touch(mode=0o600)
    path.chmod(0o644)
    monkeypatch.setitem(site.DATABASES["default"], "NAME", str(path))
    [found] = open_files()

    assert f"'{path}'" in found.hint
    assert "chmod 600" in found.hint


def test_what_is_not_there_is_no_warning(data):
    for path in (data / "field.keys", data / "secret.key"):
        path.unlink()
    (data / "gone").symlink_to(data / "nowhere")

    assert open_files() == []


def test_the_name_of_a_postgresql_database_is_no_file(data, monkeypatch):
    (data / "other").touch()
    (data / "other").chmod(0o600)
    monkeypatch.chdir(data.parent)
    (data.parent / "logsite").touch()
    monkeypatch.setitem(site.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    monkeypatch.setitem(site.DATABASES["default"], "NAME", "logsite")

    assert open_files() == []


def test_the_check_of_a_site_shows_them(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        env={
            **os.environ,
            "DATA_DIR": str(folder),
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "logsite.settings",
        },
    )

    assert done.returncode == 0
    assert f"chmod 700 {folder}" in done.stderr
