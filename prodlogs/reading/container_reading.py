"""One container: read, stored, and on record as a LogSnapshot, whatever comes in between."""

import logging
import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from logsite.lines.line import Line
from logsite.records import from_nanoseconds, to_nanoseconds
from logsite.redaction import Redactor
from logsite.tables.nanoseconds import from_rfc3339, rfc3339
from prodlogs.docker.decoder import PIECE, StreamDecoder
from prodlogs.docker.grammar import Logs
from prodlogs.errors import HostError
from prodlogs.hosts.configured import secrets
from prodlogs.models import Container, DockerHost, ErrorKind, LogSnapshot, SnapshotKind, SnapshotStatus
from prodlogs.reading.entry_store import EntryStore, Overtaken
from prodlogs.reading.log_reader import LEAST, STREAMS, Anchor, LogReader
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)
NO_LIMIT = 2**62  # the reader counts new bytes by itself: known ones before them must not use the limit up
TRACE_PAUSE = 2_000_000_000  # ns after which the rest of a trace is no longer waited for
MARGIN = 2_000_000_000  # ns read around a window, so that a trace on its edge is whole
ENDED = ("exited", "dead", "created")
HOUR = timedelta(hours=1)
PROOF_SECONDS = 60.0  # between two looks for damage in the log of a container that is followed
_STAMPS = re.compile(
    rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", re.ASCII | re.MULTILINE
)  # 2026-01-31T12:00:00.123456789Z
RESULT = ["status", "ended_at", "error_kind", "error_message", "bytes", "lines", "gaps"]


@dataclass
class Outcome:
    """What one reading brought, its snapshot being of one or of many readings."""

    snapshot: LogSnapshot
    status: str
    lines: int = 0
    entries: int = 0
    bytes: int = 0
    gaps: list[dict[str, str | None]] = field(default_factory=list)
    error: str = ""
    error_kind: str = ""


def redactor_of(host: DockerHost) -> Redactor:
    """Knows the secrets by which the host is reached; everything else is found by its pattern."""
    key, passphrase = secrets(host)
    return Redactor([("ssh-key", key), ("ssh-key-passphrase", passphrase)])


class ContainerPass:
    """Reads one container, again and again if need be. `outcome` is of the last reading, None if it was skipped.

    Following extends one snapshot for an hour; a collection has one for each reading.
    """

    def __init__(
        self,
        host: DockerHost,
        container: Container,
        remote: Remote,
        redactor: Redactor,
        *,
        user: str,
        kind: str,
    ) -> None:
        self.container, self.outcome = container, None
        self._host, self._remote, self._redactor, self._user, self._kind = host, remote, redactor, user, kind
        self._snapshot: LogSnapshot | None = None
        self._tail: int | None = None
        self._at_rest: tuple[object, ...] = ()
        self._proved_at = -PROOF_SECONDS

    outcome: Outcome | None

    # --- what is new --------------------------------------------------------------------------------------

    def read(self, since: int | None = None) -> None:
        """Read and store what is new; of a container that was never read, from `since` (ns) on.

        Docker ends its reply at a damaged record of the log file, without an error (moby#53631). So the newest line
        is asked for, and has to be among what was read.
        """
        self._read_once(since)
        if self.outcome is None or self.outcome.error or not self._proof_is_due():
            return
        try:
            newest = newest_line(self._fetch(1, None))
            if newest <= self._last_read():
                return
            first = self.outcome
            self._at_rest = ()
            self._read_once(since)  # the line may have been written since
            if self.outcome is None or self.outcome.error or newest <= self._last_read():
                self.outcome = _sum(first, self.outcome)
                return
        except HostError as error:
            self._unprove(str(error), error.kind)
            return
        self._unprove(self._damage(newest), ErrorKind.DAMAGED)
        self.outcome = _sum(first, self.outcome)

    def _proof_is_due(self) -> bool:
        """After each reading that somebody asked for; when following, once a minute: it is one more command."""
        due = self._kind != SnapshotKind.FOLLOW or monotonic() - self._proved_at >= PROOF_SECONDS
        if due:
            self._proved_at = monotonic()
        return due

    def _last_read(self) -> int:
        """The time of the newest line that was read; where none was, the time from which on the log is read."""
        stamps = self.container.watermarks.values_list("timestamp", flat=True)
        return max(stamps, default=self.container.covered_from or 0)

    def _damage(self, newest: int) -> str:
        after, before = rfc3339(self._last_read()), rfc3339(newest)
        return (
            f"{self._host.name}: {self.container.name}: its log file is damaged: Docker's reply ends after {after}, "
            f"its newest line is of {before}. The lines between are not read; new lines are, once the file was "
            "rotated or the container made anew"
        )

    def _unprove(self, problem: str, kind: str) -> None:
        """The reading is not complete, although Docker said so."""
        assert self.outcome is not None
        snapshot, self._at_rest = self.outcome.snapshot, ()
        status = SnapshotStatus.PARTIAL if snapshot.lines else SnapshotStatus.FAILED
        self.outcome.status, self.outcome.error, self.outcome.error_kind = status, problem, kind
        self._save(snapshot, status, problem, kind)

    def _read_once(self, since: int | None = None) -> None:
        container, self.outcome = self.container, None
        if self._at_rest == self._state():
            return
        snapshot = self._take_snapshot(since if container.covered_from is None else None)
        try:
            store = EntryStore(container, snapshot, self._redactor)
            reader = self._reader(store, since)
            begin = _Counts(snapshot)
            store.covered_from = (since or 0) if container.covered_from is None else container.covered_from
            for stream, lines in reader:
                begin.carry(reader)
                store.add(stream, lines)
            begin.carry(reader)
            self._complete(store, reader)
        except Exception as error:  # the other containers go on  # noqa: BLE001
            self._fail(snapshot, error)
            return
        self._end(snapshot, begin, reader)

    def _reader(self, store: EntryStore, since: int | None) -> LogReader:
        container = self.container
        return LogReader(
            self._host.name,
            self._fetch,
            self._decoder,
            store.anchors,
            aligned=container.aligned,
            covered_from=container.covered_from,
            since=since,
            tail=self._expected(),
            running=self._running,
        )

    def _complete(self, store: EntryStore, reader: LogReader) -> None:
        """Store the last block and what is known of the whole."""
        if reader.error is not None:
            if reader.lines:
                store.commit(aligned=False)
            return
        now = to_nanoseconds(timezone.now())
        waits = self._running and self._kind == SnapshotKind.FOLLOW  # who asks once wants what there is now
        store.release(before=now - TRACE_PAUSE if waits else None)
        with transaction.atomic():
            store.commit(aligned=reader.aligned)
            if reader.emptied:
                store.forget()

    def _end(self, snapshot: LogSnapshot, begin: "_Counts", reader: LogReader) -> None:
        error, gaps = reader.error, snapshot.gaps[begin.gaps :]
        status = SnapshotStatus.GAP if snapshot.gaps else SnapshotStatus.COMPLETE
        if error is not None:
            status = SnapshotStatus.PARTIAL if reader.lines else SnapshotStatus.FAILED
        self._tail = 2 * reader.lines
        at_rest = error is None and not self._running and not reader.lines
        self._at_rest = self._state() if at_rest else ()
        self.outcome = Outcome(
            snapshot,
            SnapshotStatus.GAP if gaps and not error else status,
            reader.lines,
            snapshot.entries - begin.entries,
            reader.bytes,
            gaps,
        )
        if error is not None:
            self.outcome.error, self.outcome.error_kind = str(error), error.kind
        elif not gaps:
            self.outcome.status = SnapshotStatus.COMPLETE
        if self._kind != SnapshotKind.FOLLOW or reader.lines or gaps or status != snapshot.status:
            self._save(snapshot, status, str(error or ""), error.kind if error else "")

    # --- a window -----------------------------------------------------------------------------------------

    def read_window(self, start: int, end: int, *, extends: bool = False, joins: bool = False) -> None:
        """Read what was written from `start` until before `end` (ns).

        With `extends` the log is stored from `start` on after that. With `joins` a first reading began at `end`: no
        trace goes over it.
        """
        snapshot = self._new_snapshot(SnapshotKind.BACKFILL)
        snapshot.since, snapshot.until = from_nanoseconds(start), from_nanoseconds(end)
        snapshot.save(force_insert=True)
        try:
            store = EntryStore(self.container, snapshot, self._redactor, window=(start, end))
            error = self._store_window(store, start, end if joins else end + MARGIN)
            store.release()
            store.commit(**({"covered_from": start} if extends and error is None else {}))
        except Exception as problem:  # the other containers go on  # noqa: BLE001
            self._fail(snapshot, problem)
            return
        status = SnapshotStatus.COMPLETE
        if error is not None:
            status = SnapshotStatus.PARTIAL if snapshot.lines else SnapshotStatus.FAILED
        kind = error.kind if error else ""
        self._save(snapshot, status, str(error or ""), kind)
        self.outcome = Outcome(
            snapshot, status, snapshot.lines, snapshot.entries, snapshot.bytes, [], str(error or ""), kind
        )

    def _store_window(self, store: EntryStore, start: int, end: int) -> HostError | None:
        decoders = {stream: self._decoder(stream, None) for stream in STREAMS}
        command = Logs(self.container.container_id, since=max(start - MARGIN, 0), until=end - 1)
        try:
            for stream, chunk in self._remote.stream(command):
                store.snapshot.bytes += len(chunk)
                self._add(store, stream, decoders[stream].feed(chunk))
        except HostError as error:
            return error
        for stream, decoder in decoders.items():
            self._add(store, stream, decoder.finish())
        return None

    def _add(self, store: EntryStore, stream: str, lines: list[Line]) -> None:
        if lines:
            store.add(stream, lines)

    # --- the end of a container ---------------------------------------------------------------------------

    def removed(self) -> None:
        """Docker lists it no more: what waited for the rest of a trace is stored, and the end is put on record."""
        snapshot = self._take_snapshot(None)
        last = max((mark.timestamp for mark in self.container.watermarks.all()), default=None)
        after = f"after {rfc3339(last)} " if last is not None else ""
        reason = f"{self._host.name}: {self.container.name} was removed; what it wrote {after}is unknown"
        try:
            store = EntryStore(self.container, snapshot, self._redactor)
            before = snapshot.entries
            store.release()
            store.commit()
        except Exception as error:  # the other containers go on  # noqa: BLE001
            self._fail(snapshot, error)
            return
        self._save(snapshot, SnapshotStatus.FAILED, reason, ErrorKind.REMOVED)
        entries = snapshot.entries - before
        self.outcome = Outcome(snapshot, SnapshotStatus.FAILED, 0, entries, 0, [], reason, ErrorKind.REMOVED)

    # --- Docker -------------------------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        return self.container.state not in ENDED

    def _state(self) -> tuple[object, ...]:
        container = self.container
        return (container.state, container.restarts, container.started_at, container.finished_at)

    def _fetch(self, tail: int | None, since: int | None) -> Generator[tuple[str, bytes], None, None]:
        command = Logs(self.container.container_id, tail=tail, since=since)
        return self._remote.stream(command, byte_limit=NO_LIMIT)

    def _decoder(self, stream: str, anchor: Anchor | None) -> StreamDecoder:
        started = self.container.started_at
        return StreamDecoder(
            stream,
            tty=self.container.tty,
            driver=self.container.log_driver,
            running=self._running,
            started_at=to_nanoseconds(started) if started else None,
            looping=self.container.restarts > 1,
            anchor=(anchor.timestamp, anchor.length) if anchor else None,
            longest=settings.PRODLOGS_ENTRY_LIMIT + PIECE,
        )

    def _expected(self) -> int:
        """How many records to ask for: twice as many as came last time."""
        if self._tail is None:
            earlier = self.container.snapshots.exclude(kind=SnapshotKind.BACKFILL)
            done = earlier.filter(status__in=[SnapshotStatus.COMPLETE, SnapshotStatus.GAP])
            self._tail = 2 * (done.values_list("lines", flat=True).first() or 0)
        return max(LEAST, self._tail)

    # --- the record ---------------------------------------------------------------------------------------

    def _take_snapshot(self, since: int | None) -> LogSnapshot:
        """The snapshot to write into: a new one, but when following one for an hour."""
        last = self._snapshot
        if self._kind == SnapshotKind.FOLLOW and last and timezone.now() - last.started_at < HOUR:
            return last
        self._snapshot = snapshot = self._new_snapshot(self._kind)
        snapshot.since = None if since is None else from_nanoseconds(since)
        snapshot.save(force_insert=True)
        return snapshot

    def _new_snapshot(self, kind: str) -> LogSnapshot:
        container = self.container
        return LogSnapshot(
            host=self._host,
            container=container,
            host_name=self._host.name,
            container_name=container.name,
            kind=kind,
            started_at=timezone.now(),
            started_by=self._user,
        )

    def _save(self, snapshot: LogSnapshot, status: str, message: str, kind: str) -> None:
        snapshot.status, snapshot.error_message, snapshot.error_kind = status, message, kind
        snapshot.ended_at = timezone.now()
        snapshot.save(update_fields=RESULT)

    def _fail(self, snapshot: LogSnapshot, error: Exception) -> None:
        """Something broke that is no fault of the host. Its count is the database's: a block may be undone."""
        name = f"{self._host.name}: {self.container.name}"
        if isinstance(error, Overtaken):
            reason = f"{name}: another reader stored the same lines; the next reading goes on after them"
        else:
            log.error("reading %s failed", name, exc_info=error)
            reason = f"{name}: internal error ({type(error).__name__}); the log of this process has more"
        snapshot.refresh_from_db()
        status = SnapshotStatus.PARTIAL if snapshot.entries else SnapshotStatus.FAILED
        self._save(snapshot, status, reason, ErrorKind.INTERNAL)
        self.outcome = Outcome(
            snapshot, status, snapshot.lines, snapshot.entries, snapshot.bytes, [], reason, ErrorKind.INTERNAL
        )


def newest_line(reply: Iterable[tuple[str, bytes]]) -> int:
    """The time (ns) of the last line in the reply to `docker logs --tail 1`; 0 for an empty log."""
    texts = {stream: bytearray() for stream in STREAMS}
    for stream, chunk in reply:
        texts[stream] += chunk
    stamps = [stamp for text in texts.values() for stamp in _STAMPS.findall(text)[-1:]]
    return max((from_rfc3339(stamp.decode()) for stamp in stamps), default=0)


def _sum(first: Outcome, second: Outcome | None) -> Outcome:
    """Both readings as one; the second says how it ended."""
    if second is None:
        return first
    second.lines, second.entries = first.lines + second.lines, first.entries + second.entries
    second.bytes, second.gaps = first.bytes + second.bytes, [*first.gaps, *second.gaps]
    if first.gaps and second.status == SnapshotStatus.COMPLETE:
        second.status = SnapshotStatus.GAP
    return second


class _Counts:
    """What a snapshot had before this reading, and how the reading's own numbers are carried into it."""

    def __init__(self, snapshot: LogSnapshot) -> None:
        self._snapshot = snapshot
        self.entries, self.bytes, self.gaps = snapshot.entries, snapshot.bytes, len(snapshot.gaps)

    def carry(self, reader: LogReader) -> None:
        """Before a block is stored: a gap must be on record with the first line behind it."""
        snapshot = self._snapshot
        snapshot.bytes = self.bytes + reader.bytes
        if len(snapshot.gaps) != self.gaps + len(reader.gaps):
            snapshot.gaps = [*snapshot.gaps[: self.gaps], *(gap.as_json() for gap in reader.gaps)]
