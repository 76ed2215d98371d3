"""A recorded session, and the database going away."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from sessionlogs.models import SessionLog
from sessionlogs.recording import writer as writer_module
from sessionlogs.recording.recorder import SessionRecorder
from sessionlogs.recording.writer import SessionLogWriter


@pytest.fixture
def own_writer(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[SessionLogWriter]:
    """A writer of the test's own, whose counters start at nought and whose spill lies in the test's folder."""
    settings.DATA_DIR = tmp_path
    writer = SessionLogWriter()
    yield writer
    writer.stop(timeout=10)


@pytest.fixture
def record(own_writer: SessionLogWriter) -> Callable[..., SessionRecorder]:
    """Start recording a session: `record(device=…, secrets=…)`."""

    def start(**options: object) -> SessionRecorder:
        return SessionRecorder(
            **{"device": "fw01.company.com", "user": "netops", "writer": own_writer, **options}
        )

    return start


@pytest.fixture
def stored() -> Callable[[SessionRecorder], list[SessionLog]]:
    """The events of a session as the database has them, in order."""

    def find(recorder: SessionRecorder) -> list[SessionLog]:
        return list(SessionLog.objects.filter(session_id=recorder.session_id).order_by("id"))

    return find


@pytest.fixture
def failing_writes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`failing_writes(3)`: the next three writes fail as a database that is away does; returns what was tried."""

    real = {"write": writer_module.write, "restore": writer_module.restore}

    def fail(times: int, after_commit: bool = False) -> list[str]:
        tried: list[str] = []

        def attempt(name: str) -> Callable[[object], None]:
            def write(batch: object) -> None:
                tried.append("failed" if len(tried) < times else "written")
                if tried[-1] == "failed":
                    if after_commit:
                        real[name](batch)
                    raise OperationalError("server closed the connection unexpectedly")
                real[name](batch)

            return write

        for name in real:
            monkeypatch.setattr(writer_module, name, attempt(name))
        return tried

    return fail
