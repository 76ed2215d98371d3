"""/readyz says that the disk is full, before the database does."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings as site
from django.core.checks import run_checks
from django.db import connection
from django.test import RequestFactory, override_settings

from logsite import health

pytestmark = pytest.mark.django_db
LIMIT = 100 * 1024**2  # the default


def disk():
    """(status, what /readyz says of the disk)."""
    response = health.readyz(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)["checks"]["disk"]


@pytest.fixture
def volume(monkeypatch):
    """Every file system as `volume(free=…)` says; by path with `at`."""
    real = os.statvfs

    def pretend(at=None, **changed):
        def statvfs(path):
            found = real(path)
            columns = ("f_bavail", "f_bfree", "f_frsize", "f_blocks", "f_files", "f_favail", "f_flag")
            values = {name: getattr(found, name) for name in columns}
            if at is None or Path(path) == Path(at):
                values |= changed
            return SimpleNamespace(**values)

        monkeypatch.setattr(os, "statvfs", statvfs)

    return pretend


def free(number):
    return {"f_bavail": number, "f_bfree": number + 10, "f_frsize": 1, "f_blocks": 10**12}


def test_a_disk_with_room_is_ok(volume):
    volume(**free(LIMIT))

    assert disk() == (200, "ok")


FULL = [
    ("nothing left", free(0), "0 MB"),
    ("one byte below", free(LIMIT - 1), "99 MB"),
    ("only root's reserve", free(0) | {"f_bfree": 10**11}, "0 MB"),
    ("large blocks", free(2) | {"f_frsize": 1024**2}, "2 MB"),
    ("no room for names", {"f_files": 1000, "f_favail": 0}, "no file"),
    ("read-only", {"f_flag": os.ST_RDONLY}, "read-only"),
]


def test_a_full_disk_is_not_ready_and_says_why(volume):
    wrong = []
    for what, changed, words in FULL:
        volume(**changed)
        status, text = disk()
        if status != 503 or words not in text:
            wrong.append((what, status, text))

    assert wrong == []


def test_a_file_system_that_counts_no_names_has_room(volume):
    """Btrfs gives 0 of 0."""
    volume(f_files=0, f_favail=0)

    assert disk() == (200, "ok")


def test_the_database_s_disk_counts_too(volume, tmp_path, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ENGINE", "logsite.sqlite3")
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "elsewhere.sqlite3"))
    volume(at=tmp_path, **free(5 * 1024**2))

    assert disk() == (503, "5 MB free for the database; at least 100 MB are needed (DISK_FREE_BYTES)")


def test_no_answer_shows_a_path(volume):
    volume(**free(7 * 1024**2))

    assert disk()[1] == "7 MB free for DATA_DIR; at least 100 MB are needed (DISK_FREE_BYTES)"


def test_a_data_folder_that_is_gone_is_not_ready(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "gone"

    assert disk() == (503, "DATA_DIR: No such file or directory")


def test_the_bound_is_a_setting(volume, settings):
    volume(**free(10))
    settings.DISK_FREE_BYTES = 10
    assert disk() == (200, "ok")

    settings.DISK_FREE_BYTES = 11
    assert disk()[0] == 503


def test_a_bound_below_zero_is_a_check_with_a_hint():
    with override_settings(DISK_FREE_BYTES=-1):
        [found] = [each for each in run_checks(tags=["logsite"]) if "DISK_FREE_BYTES" in each.msg]

    assert found.id == "logsite.E021"
    assert found.hint


def test_healthz_says_nothing_of_the_disk(volume, client):
    volume(**free(0))

    assert client.get("/healthz").status_code == 200


def test_the_disk_of_this_site_has_room():
    assert shutil.disk_usage(site.DATA_DIR).free > LIMIT
    assert disk() == (200, "ok")
