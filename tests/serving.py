"""The site under daphne, as a process of its own over the test's databases."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.conf import settings

from tests.shipping.processes import database_url


@dataclass
class Site:
    """`address` has no slash at its end; `said` are the lines of the process's log."""

    process: "subprocess.Popen[str]"
    address: str = ""
    said: list[str] = field(default_factory=list)


@contextmanager
def serving(**environment: str) -> Iterator[Site]:
    """Start the site, with `environment` beside the test's own, and kill it in the end.

    It has the test's DATA_DIR, where the field keys are and, with SQLite, the audit.
    """
    own = {
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(settings.DATA_DIR),
        "LOG_LEVEL": "INFO",
        "REDIS_URL": "",
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "logsite.settings",
    }
    words = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "0", "logsite.asgi:application"]
    process = subprocess.Popen(
        words,
        cwd=settings.BASE_DIR,
        env={**os.environ, **own, **environment},
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    site, log = Site(process), process.stderr
    rest = threading.Thread(target=lambda: site.said.extend(log))
    try:
        for line in log:
            site.said.append(line)
            if listens := re.search(r"Listening on TCP address (127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("".join(site.said))
        site.address = f"http://{listens[1]}"
        rest.start()
        yield site
    finally:
        process.kill()
        process.wait()
        if rest.ident:
            rest.join()
        log.close()
