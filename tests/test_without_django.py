"""Records, lines, redaction, queries and receivers work in a process that has no Django."""

import json
import subprocess
import sys

from tests.shipping.processes import ROOT

LONG = 300_000  # characters; Loki's longest line has 262,144


def test_lines_are_masked_searched_and_delivered_without_django():
    done = subprocess.run(
        [sys.executable, "-m", "tests.without_django"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    *whole, first, second = found.pop("stored")
    assert whole == ["ERROR disk full", "INFO password=<redacted:password>"]
    assert first + second == f"<redacted:token> {'x' * LONG}"
    assert found == {
        "shipping": "shipping",
        "cursor": "3-7",
        "line": "STEP: 1 | COMMAND: uptime | EXIT_CODE: 0 | STDOUT: up 3... (5 more characters) | STDERR:",
        "entries": [["app-1", 1, "ERROR"], ["app-2", 2, "INFO"], ["app-3", 3, ""]],
        "found": {
            "disk": [1],
            "level:ERROR AND app:shop": [1],
            "NOT level:ERROR": [2, 3],
            "line:[2 TO *]": [2, 3],
            "app:other": [],
            "(disk": "QueryError",
        },
        "labels": [{"job": "aoss", "source": "app", "app": "shop"}] * 4,
        "refused": [],
    }


def test_the_check_notices_an_import_of_django():
    code = """
import sys
from tests.without_django import NoDjango
sys.meta_path.insert(0, NoDjango())
import shipping.models
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stderr.splitlines()[-1] == "RuntimeError: django was imported"
