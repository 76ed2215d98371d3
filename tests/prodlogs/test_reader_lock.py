"""One reader a host, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from django.conf import settings
from django.db import connection

from prodlogs.reading.host_reading import collect_host
from prodlogs.ssh import reader_lock
from prodlogs.ssh.reader_lock import reading
from tests.factories import DockerHostFactory
from tests.prodlogs.collector_process import ROOT
from tests.shipping.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)
HOLDER = """
import django, sys, time
django.setup()
from prodlogs.models import DockerHost
from prodlogs.ssh.reader_lock import reading
with reading(DockerHost.objects.get(pk=int(sys.argv[1]))) as free:
    print(free, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def host():
    return DockerHostFactory()


def is_free(host):
    """As another thread sees it, with a connection of its own."""
    found = []

    def look():
        with reading(host) as free:
            found.append(free)
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


def test_a_second_reader_is_refused_until_the_first_has_done(host):
    with reading(host) as free:
        assert free
        assert not is_free(host)
    assert is_free(host)


def test_who_has_patience_gets_the_host_when_it_is_free(host):
    found, waits = [], threading.Event()

    def wait():
        waits.set()
        with reading(host, patience=30) as free:
            found.append(free)
        connection.close()

    thread = threading.Thread(target=wait)
    with reading(host):
        thread.start()
        assert waits.wait(120)
        assert not is_free(host)
    thread.join()
    assert found == [True]


def test_another_host_may_be_read_meanwhile(host):
    with reading(host):
        assert is_free(DockerHostFactory())


def test_a_reader_that_fails_frees_the_host(host):
    with pytest.raises(ZeroDivisionError), reading(host):
        1 / 0  # noqa: B018
    assert is_free(host)


def test_a_killed_process_frees_the_host_at_once(host):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(host.pk)],
        env={**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(settings.DATA_DIR)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline().strip() == "True"
    with reading(host) as free:
        assert not free
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert _soon(lambda: is_free(host))


def _soon(condition):
    """The kernel frees a file before `wait` returns; PostgreSQL's server has to see the connection end first."""
    waiting = threading.Event()
    return any(condition() or waiting.wait(0.05) for _ in range(100))


def test_a_collection_says_that_another_one_runs(host, monkeypatch):
    monkeypatch.setattr(reader_lock, "PATIENCE", 0.2)
    found = []
    with reading(host):
        thread = threading.Thread(target=lambda: (found.append(collect_host(host)), connection.close()))
        thread.start()
        thread.join()
    assert (found[0].running, found[0].ok, found[0].readings, found[0].error) == (True, False, [], "")
