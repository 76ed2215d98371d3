"""The real `manage.py ship_logs_to_loki` as a process on the test database."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def database_url() -> str:
    """The test database's address, as DATABASE_URL takes it."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    login = quote(found["USER"], safe="")
    if found["PASSWORD"]:
        login += ":" + quote(found["PASSWORD"], safe="")
    return f"postgres://{login}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


def start_shipper(*words: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the command, for sessions where no source is named; its output is kept."""
    words = words if "--source" in words else (*words, "--source", "session")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "ship_logs_to_loki", *words],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DATA_DIR": str(settings.DATA_DIR),
            "SHIPPING_JOB": settings.SHIPPING_JOB,
            "SHIPPING_BACKOFF": "0.01",
            "SHIPPING_POLL": "0.05",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """(exit code, output, errors) of a process that ends by itself."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
