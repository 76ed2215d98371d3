"""What a command loads before its first word: pages, DRF and vendors' drivers only where it needs them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

SHOWS_WHAT_IS_LOADED = """
import sys
from django.core.management import execute_from_command_line
try:
    execute_from_command_line(["manage.py", *sys.argv[1:]])
except SystemExit:
    pass
print("loaded:", *sys.modules)
"""


def new_site(folder):
    """How `subprocess.run` runs a command on a site of its own, without tables."""
    own = {"DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/logsite.sqlite3"}
    env = {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "logsite.settings"}
    return {"cwd": settings.BASE_DIR, "env": env, "capture_output": True, "text": True}


def loaded(words, tmp_path):
    """The modules that a command on a new site has loaded at its end."""
    ran = subprocess.run([sys.executable, "-c", SHOWS_WHAT_IS_LOADED, *words], **new_site(tmp_path))
    assert "loaded:" in ran.stdout, ran.stderr
    return set(ran.stdout.partition("loaded:")[2].split())


@pytest.mark.parametrize(
    "words",
    [
        ["prodlogs", "status"],
        ["backfill_prodlogs", "--since", "1h"],
        ["view_session_logs", "--list"],
        ["ship_logs_to_loki", "--dry-run"],
        ["export_logs", "--format", "json"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_without_pages_and_devices_loads_neither(words, tmp_path):
    found = loaded(words, tmp_path)

    assert not found & {
        "logsite.urls",
        "prodlogs.admin",
        "rest_framework.views",
        "netmiko",
        "psycopg",
    }


def test_the_check_of_the_pages_finds_them_by_itself(tmp_path):
    assert {"prodlogs.admin", "devices.admin.inventory"} <= loaded(["check", "--tag", "admin"], tmp_path)
