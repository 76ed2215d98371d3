"""A file that holds session events while the database is away and memory is not enough.

One file a process under DATA_DIR, readable by its owner alone, locked for as long as its process lives. What
is in it has been redacted. A line is an event with its session as it stood then. A file whose lock is free
belonged to a process that was killed; the next one that records takes it over.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import models

from sessionlogs.models import ErrorKind, Session, SessionLog, SessionStatus

log = logging.getLogger(__name__)
PAGE_EVENTS = 500
PAGE_BYTES = 16 * 1024**2
GIVEN_BY_DATABASE = ("id", "xact")
KILLED = "the process that recorded this session was killed"


@dataclass(frozen=True)
class Entry:
    """An event and its session, as columns."""

    session: dict[str, Any]
    event: dict[str, Any]

    @property
    def event_type(self) -> str:
        return str(self.event["event_type"])


@dataclass(frozen=True)
class Page:
    """Consecutive events of one file; `end` is the byte behind them. `orphaned`: their process is gone."""

    entries: list[Entry]
    end: int
    orphaned: bool = False

    def rows(self) -> list[SessionLog]:
        return [_row(SessionLog, entry.event) for entry in self.entries]

    def sessions(self) -> list[Session]:
        """Each session once, as its newest event has it; nobody is left to end one whose process is gone."""
        newest = {entry.session["session_id"]: entry.session for entry in self.entries}
        sessions = [_row(Session, columns) for columns in newest.values()]
        for session in sessions if self.orphaned else ():
            if session.status == SessionStatus.RUNNING:
                session.status, session.error_kind = SessionStatus.FAILED, ErrorKind.INTERNAL
                session.error_message = KILLED
        return sessions


def _columns(row: models.Model) -> dict[str, Any]:
    names = [field.attname for field in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in GIVEN_BY_DATABASE}


def _row(model: type[Any], columns: dict[str, Any]) -> Any:
    """The row; a column that a newer version has dropped is passed over."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    return model(**{name: fields[name].to_python(value) for name, value in columns.items() if name in fields})


class SpillFile:
    """One file, locked. `written` is the length of its whole lines, `read` how much of it is stored."""

    def __init__(self, path: Path, file: BinaryIO, *, orphaned: bool) -> None:
        self.path, self._file, self.orphaned = path, file, orphaned
        self.read, self.written = 0, os.fstat(file.fileno()).st_size

    @classmethod
    def create(cls, folder: Path) -> SpillFile:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = folder / f"session-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            if file := _locked(path, os.fdopen(number, "r+b", buffering=0)):
                return cls(path, file, orphaned=False)

    @classmethod
    def adopt(cls, path: Path) -> SpillFile | None:
        """The file of a process that is gone; None when its process lives, or another was faster."""
        try:
            file = _locked(path, open(path, "r+b", buffering=0))  # noqa: SIM115
        except OSError:
            return None
        return cls(path, file, orphaned=True) if file else None

    def append(self, lines: bytes) -> None:
        """Add whole lines; they are on the disk when this returns. Raises OSError, and then nothing is added."""
        try:
            self._file.seek(self.written)
            rest = memoryview(lines)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self.written)
            raise
        self.written += len(lines)

    def page(self) -> Page:
        """The next events that are not stored yet; of a line that was never finished nothing is known."""
        entries: list[Entry] = []
        end = self.read
        with open(self.path, "rb") as reader:
            reader.seek(self.read)
            for line in reader:
                if not line.endswith(b"\n") or (end > self.read and end - self.read + len(line) > PAGE_BYTES):
                    break
                end += len(line)
                entries += _entry(line)
                if len(entries) == PAGE_EVENTS:
                    break
        return Page(entries, end if entries or end > self.read else self.written, self.orphaned)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._file.close()

    def close(self) -> None:
        """Let go of the file, and of its lock."""
        self._file.close()


def _locked(path: Path, file: BinaryIO) -> BinaryIO | None:
    """The file under our lock; None when somebody else has it, or has removed it before we had the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(file.fileno()).st_ino:
            return file
    except OSError:
        pass
    file.close()
    return None


def _entry(line: bytes) -> Iterator[Entry]:
    try:
        yield Entry(**json.loads(line))
    except (ValueError, TypeError):
        log.error("a line of the spill file cannot be read and is skipped")


class Spill:
    """The files of this process and of killed ones, oldest first."""

    def __init__(self) -> None:
        self._files: deque[SpillFile] = deque()

    @property
    def pending(self) -> bool:
        return bool(self._files)

    def adopt(self) -> None:
        """Take over the files of processes that are gone."""
        for path in sorted(_folder().glob("session-*.jsonl")):
            if found := SpillFile.adopt(path):
                self._files.append(found)

    def append(self, rows: Iterable[SessionLog], sessions: Iterable[Session]) -> None:
        """Write `rows` to the file, with the state of their sessions. Raises OSError."""
        states = {session.session_id: _columns(session) for session in sessions}
        lines = [{"session": states[row.session_id], "event": _columns(row)} for row in rows]
        text = "".join(json.dumps(line, default=str) + "\n" for line in lines)
        if not self._files or self._files[-1].orphaned:
            self._files.append(SpillFile.create(_folder()))
        self._files[-1].append(text.encode())

    def page(self) -> Page:
        return self._files[0].page()

    def advance(self, page: Page) -> None:
        """Note that `page` is stored; remove a file when all of it is stored."""
        first = self._files[0]
        first.read = page.end
        if first.read >= first.written:
            self._files.popleft().remove()

    def close(self) -> None:
        """Close the files and leave them to the next process."""
        while self._files:
            self._files.popleft().close()


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spill"
