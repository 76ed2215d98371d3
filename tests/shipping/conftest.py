"""Fixtures of the shipping tests."""

import os
import uuid
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from logsite.records import LogSource, source
from shipping.receivers.loki.client import LokiClient
from tests.shipping import builders
from tests.shipping.loki_stand_in import LokiStandIn


@pytest.fixture
def loki() -> Iterator[LokiStandIn]:
    with LokiStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def make_client() -> Iterator[Callable[..., LokiClient]]:
    """Clients as `builders.make_client` makes them, closed after the test."""
    made: list[LokiClient] = []

    def make(url: str, **fields: object) -> LokiClient:
        made.append(builders.make_client(url, **fields))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def real_loki() -> str:
    """The address of a real Loki with default limits; Loki has no package, so it is nowhere required."""
    if not (url := os.environ.get("LOKI_TEST_URL")):
        pytest.skip("LOKI_TEST_URL is not set")
    return url


@pytest.fixture(autouse=True)
def _fast(settings: pytest.FixtureRequest) -> None:
    settings.SHIPPING_BACKOFF = 0.001
    settings.SHIPPING_RETRIES = 2
    settings.SHIPPING_POLL = 0.02
    settings.SHIPPING_TIMEOUT = 60  # seconds; only a defect takes as long, also on a busy machine
    settings.SHIPPING_JOB = f"test-{uuid.uuid4()}"
    settings.LOKI_TENANT = ""
    settings.SHIPPING_TOKEN = None
    settings.BACKEND_URL = ""
    settings.LOKI_URL = "http://127.0.0.1:9"  # no test reaches a Loki it did not name


@pytest.fixture(autouse=True)
def _only_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shipped here is sessions; other sources are shipped in the same way."""
    monkeypatch.setattr(source, "_sources", {"session": source._sources["session"]})


@pytest.fixture
def other_sources() -> Iterator[dict[str, LogSource]]:
    """The registry of sources, put back after the test."""
    before = dict(source._sources)
    yield source._sources
    source._sources.clear()
    source._sources.update(before)


class Result:
    """What a command said: `code`, `out`, `err` (its one error line included)."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run ship_logs_to_loki with command-line words, in this process."""

    def call(*words: str) -> Result:
        out, err = StringIO(), StringIO()
        code = 0
        try:
            call_command("ship_logs_to_loki", *words, stdout=out, stderr=err)
        except CommandError as error:
            code = error.returncode
            err.write(f"{error}\n")
        return Result(code, out.getvalue(), err.getvalue())

    return call
