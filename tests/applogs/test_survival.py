"""What was acknowledged is there: after kill -9, a restart of PostgreSQL, and answers that were lost."""

import json
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections
from django.db.models import Count

from applogs.models import LogEntry
from logsite.intake.tokens import make_token
from tests.serving import serving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
SENDERS = 3
BATCH_ENTRIES = 20
ENOUGH = 40  # acknowledged batches, after which something is killed
BATCHES = 120  # that each test sends in all, at most


@pytest.fixture
def token():
    return make_token("billing", app="billing")[1]


def request_of(address, token, number, *, key=True, ids=False):
    entries = [
        {"message": f"batch {number} entry {index}"} | ({"id": f"{number}-{index}"} if ids else {})
        for index in range(BATCH_ENTRIES)
    ]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = f"batch-{number}"
    return urllib.request.Request(f"{address}/api/v2/logs/ingest", json.dumps(entries).encode(), headers)


def is_acknowledged(request):
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status == 202
    except (OSError, urllib.error.HTTPError):
        return False


class Senders:
    """Threads that send batches to `address` until `stop`; `acknowledged` and `lost` hold their numbers."""

    def __init__(self, address, token):
        self.address, self.token = address, token
        self.lock, self.numbers = threading.Lock(), iter(range(BATCHES))
        self.acknowledged, self.lost = [], []
        self.enough, self.stop = threading.Event(), threading.Event()
        self.threads = [threading.Thread(target=self.send) for _ in range(SENDERS)]

    def send(self):
        while not self.stop.is_set():
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            request = request_of(self.address, self.token, number)
            (self.acknowledged if is_acknowledged(request) else self.lost).append(number)
            if len(self.acknowledged) >= ENOUGH:
                self.enough.set()

    @contextmanager
    def sending(self):
        for thread in self.threads:
            thread.start()
        try:
            assert self.enough.wait(300), (self.acknowledged, self.lost)
            yield
        finally:
            self.stop.set()
            for thread in self.threads:
                thread.join(120)


def send_again(address, token, numbers):
    assert all(is_acknowledged(request_of(address, token, number)) for number in numbers)


def stored():
    """How often each message is stored, of those that are stored at all."""
    rows = LogEntry.objects.values("message").annotate(number=Count("pk"))
    return dict(rows.values_list("message", "number"))


def once(numbers):
    return {f"batch {number} entry {index}": 1 for number in numbers for index in range(BATCH_ENTRIES)}


def test_what_was_acknowledged_survives_kill_9_and_is_there_once_when_it_is_sent_again(token):
    with serving() as site:
        senders = Senders(site.address, token)
        with senders.sending():
            site.process.send_signal(signal.SIGKILL)
    assert once(senders.acknowledged).items() <= stored().items()
    with serving() as site:
        send_again(site.address, token, [*senders.acknowledged, *senders.lost])
    assert stored() == once([*senders.acknowledged, *senders.lost])


@pytest.mark.postgres
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_what_was_acknowledged_survives_a_restart_of_postgresql(token, mode):
    with serving() as site:
        senders = Senders(site.address, token)
        with senders.sending():
            restart_postgresql(mode)
        assert once(senders.acknowledged).items() <= stored().items()
        send_again(site.address, token, [*senders.acknowledged, *senders.lost])
    assert stored() == once([*senders.acknowledged, *senders.lost])


def restart_postgresql(mode):
    """Restart the server of the test's database; connections of this process begin anew."""
    with connection.cursor() as sql:
        sql.execute("SHOW data_directory")
        data = Path(sql.fetchone()[0])
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs or not data.is_dir():
        pytest.skip("PostgreSQL does not run on this machine")
    connections.close_all()
    words = [str(programs[-1]), "restart", "-D", str(data), "-m", mode, "-w", "-t", "120", "-s"]
    words += ["-l", str(data.parent / "log")]
    subprocess.run(["runuser", "-u", "postgres", "--", *words], check=True, timeout=180)


def test_an_answer_that_was_lost_after_the_commit_is_stored_once_with_a_key_or_ids_and_counted_without(token):
    with serving() as site:
        for number, how in enumerate(({"key": True}, {"key": False, "ids": True}, {"key": False})):
            request = request_of(site.address, token, number, **how)
            send_and_hang_up(site.address, request)
            assert eventually_stored(number)
            assert is_acknowledged(request)
    found = stored()

    assert {found[f"batch {number} entry 0"] for number in (0, 1)} == {1}
    assert found["batch 2 entry 0"] == 2


def send_and_hang_up(address, request):
    """Send the whole request, and close the connection without having read a byte of the answer."""
    host, _, port = urlsplit(address).netloc.partition(":")
    headers = {**request.headers, "Host": host, "Content-Length": str(len(request.data))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(f"POST /api/v2/logs/ingest HTTP/1.1\r\n{head}\r\n".encode() + request.data)
        sock.recv(1, socket.MSG_PEEK)  # the answer is there: the commit is done


def eventually_stored(number):
    return f"batch {number} entry 0" in stored()
