"""One container: read, stored, and on record as a LogSnapshot, whatever comes in between."""

import logging
from datetime import timedelta
from time import monotonic

from django.db import transaction
from django.utils import timezone

from logsite.lines import Line
from logsite.records import from_nanoseconds, to_nanoseconds
from logsite.redaction import Redactor
from logsite.tables.nanoseconds import rfc3339
from prodlogs.errors import HostError
from prodlogs.hosts.configured import secrets
from prodlogs.models import Container, DockerHost, ErrorKind, LogSnapshot, SnapshotKind, SnapshotStatus
from prodlogs.reading.docker_log import STREAMS, DockerLog
from prodlogs.reading.entry_store import EntryStore, Overtaken
from prodlogs.reading.log_reader import MIN_TAIL_RECORDS, LogReader
from prodlogs.reading.results import ReadingResult, status_of
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)
TRACE_PAUSE = 2_000_000_000  # ns after which the rest of a trace is no longer waited for
MARGIN = 2_000_000_000  # ns read around a window, so that a trace on its edge is whole
HOUR = timedelta(hours=1)
PROOF_SECONDS = 60.0  # between two looks for damage in the log of a container that is followed
RESULT = ["status", "ended_at", "error_kind", "error_message", "bytes", "lines", "gaps"]


def redactor_of(host: DockerHost) -> Redactor:
    """Knows the secrets by which the host is reached; everything else is found by its pattern."""
    key, passphrase = secrets(host)
    return Redactor([("ssh-key", key), ("ssh-key-passphrase", passphrase)])


class ContainerReader:
    """Reads one container, again and again if need be. `result` is of the last reading, None if it was skipped.

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
        self.container = container
        self.result: ReadingResult | None = None
        self._host, self._remote, self._redactor, self._user, self._kind = host, remote, redactor, user, kind
        self._snapshot: LogSnapshot | None = None
        self._tail: int | None = None
        self._at_rest: tuple[object, ...] = ()
        self._proved_at = -PROOF_SECONDS

    @property
    def _source(self) -> DockerLog:
        return DockerLog(self.container, self._remote)

    # --- new lines ----------------------------------------------------------------------------------------

    def read(self, since: int | None = None) -> None:
        """Read and store the new lines; of a container that was never read, from `since` (ns) on.

        Docker ends its reply at a damaged record of the log file, without an error (moby#53631). So the newest line
        is asked for, and has to be among the lines that were read.
        """
        self._read_once(since)
        first = self.result
        if first is None or first.error or not self._proof_is_due():
            return
        try:
            newest = self._source.newest()
            if newest <= self._last_read():
                return
            self._at_rest = ()
            self._read_once(since)  # the line may have been written since
        except HostError as error:
            self._unprove(first, str(error), error.kind)
            return
        if self.result is None:
            self.result = first
        elif not self.result.error and newest > self._last_read():
            self._unprove(self.result, self._damage(newest), ErrorKind.DAMAGED)
        if self.result is not first:
            self.result.add_earlier(first)

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

    def _unprove(self, result: ReadingResult, problem: str, kind: str) -> None:
        """The reading is not complete, although Docker said so."""
        self._at_rest = ()
        result.status = status_of(result.snapshot.lines, (), problem)
        result.error, result.error_kind = problem, kind
        self._save(result)

    def _read_once(self, since: int | None = None) -> None:
        container, self.result = self.container, None
        if self._at_rest == self._state():
            return
        snapshot = self._take_snapshot(since if container.covered_from is None else None)
        self.result = result = ReadingResult(container.name, snapshot)
        try:
            store = EntryStore(container, result, self._redactor)
            reader = self._reader(store, since)
            store.covered_from = (since or 0) if container.covered_from is None else container.covered_from
            for stream, lines in reader:
                store.add(stream, lines)
            self._complete(store, reader)
        except Exception as error:  # the other containers go on  # noqa: BLE001
            self._fail(result, error)
            return
        self._end(result)

    def _reader(self, store: EntryStore, since: int | None) -> LogReader:
        return LogReader(
            self._source,
            store.anchors,
            store.result,
            aligned=self.container.aligned,
            covered_from=self.container.covered_from,
            since=since,
            tail=self._expected(),
        )

    def _complete(self, store: EntryStore, reader: LogReader) -> None:
        """Store the last block and what is known of the whole."""
        if store.result.error:
            if store.result.lines:
                store.commit(aligned=False)
            return
        now = to_nanoseconds(timezone.now())
        waits = (
            self._source.running and self._kind == SnapshotKind.FOLLOW
        )  # a single reading takes what there is
        store.release(before=now - TRACE_PAUSE if waits else None)
        with transaction.atomic():
            store.commit(aligned=reader.aligned)
            if reader.emptied:
                store.forget()

    def _end(self, result: ReadingResult) -> None:
        snapshot = result.snapshot
        result.update_snapshot()
        self._tail = 2 * result.lines
        at_rest = not (result.error or self._source.running or result.lines)
        self._at_rest = self._state() if at_rest else ()
        result.status = status_of(result.lines, result.gaps, result.error)
        told = status_of(result.lines, snapshot.gaps, result.error)
        if self._kind != SnapshotKind.FOLLOW or result.lines or result.gaps or told != snapshot.status:
            self._save(result, told)

    # --- a window -----------------------------------------------------------------------------------------

    def read_window(self, start: int, end: int, *, extends: bool = False, joins: bool = False) -> None:
        """Read the lines from `start` until before `end` (ns).

        With `extends` the log is stored from `start` on after that. With `joins` a first reading began at `end`: no
        trace goes over it.
        """
        snapshot = self._new_snapshot(SnapshotKind.BACKFILL)
        snapshot.since, snapshot.until = from_nanoseconds(start), from_nanoseconds(end)
        snapshot.save(force_insert=True)
        self.result = result = ReadingResult(self.container.name, snapshot)
        try:
            store = EntryStore(self.container, result, self._redactor, window=(start, end))
            self._store_window(store, start - MARGIN, end if joins else end + MARGIN)
            store.release()
            store.commit(**({"covered_from": start} if extends and not result.error else {}))
        except Exception as problem:  # the other containers go on  # noqa: BLE001
            self._fail(result, problem)
            return
        result.status = status_of(result.lines, (), result.error)
        self._save(result)

    def _store_window(self, store: EntryStore, start: int, end: int) -> None:
        source, result = self._source, store.result
        decoders = {stream: source.decoder(stream, None) for stream in STREAMS}
        try:
            for stream, chunk in source.window(start, end):
                result.bytes += len(chunk)
                self._add(store, stream, decoders[stream].feed(chunk))
        except HostError as error:
            result.fail(error)
            return
        for stream, decoder in decoders.items():
            self._add(store, stream, decoder.finish())

    def _add(self, store: EntryStore, stream: str, lines: list[Line]) -> None:
        if lines:
            store.result.lines += len(lines)
            store.add(stream, lines)

    # --- the end of a container ---------------------------------------------------------------------------

    def removed(self) -> None:
        """Docker lists it no more: store the lines that waited for the rest of a trace, and record the end."""
        self.result = result = ReadingResult(self.container.name, self._take_snapshot(None))
        last = max((mark.timestamp for mark in self.container.watermarks.all()), default=None)
        after = f"after {rfc3339(last)} " if last is not None else ""
        try:
            store = EntryStore(self.container, result, self._redactor)
            store.release()
            store.commit()
        except Exception as error:  # the other containers go on  # noqa: BLE001
            self._fail(result, error)
            return
        result.status, result.error_kind = SnapshotStatus.FAILED, ErrorKind.REMOVED
        result.error = (
            f"{self._host.name}: {self.container.name} was removed; what it wrote {after}is unknown"
        )
        self._save(result)

    def _state(self) -> tuple[object, ...]:
        container = self.container
        return (container.state, container.restarts, container.started_at, container.finished_at)

    def _expected(self) -> int:
        """How many records to ask for: twice as many as came last time."""
        if self._tail is None:
            earlier = self.container.snapshots.exclude(kind=SnapshotKind.BACKFILL)
            done = earlier.filter(status__in=[SnapshotStatus.COMPLETE, SnapshotStatus.GAP])
            self._tail = 2 * (done.values_list("lines", flat=True).first() or 0)
        return max(MIN_TAIL_RECORDS, self._tail)

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

    def _save(self, result: ReadingResult, status: str = "") -> None:
        snapshot = result.snapshot
        snapshot.status, snapshot.ended_at = status or result.status, timezone.now()
        snapshot.error_message, snapshot.error_kind = result.error, result.error_kind
        snapshot.save(update_fields=RESULT)

    def _fail(self, result: ReadingResult, error: Exception) -> None:
        """Our code or the database failed, not the host."""
        name = f"{self._host.name}: {self.container.name}"
        if isinstance(error, Overtaken):
            reason = f"{name}: another reader stored the same lines; the next reading goes on after them"
        else:
            log.error("reading %s failed", name, exc_info=error)
            reason = f"{name}: internal error ({type(error).__name__}); the log of this process has more"
        result.count_what_is_stored()
        result.status = status_of(result.snapshot.entries, (), reason)
        result.error, result.error_kind = reason, ErrorKind.INTERNAL
        self._save(result)
