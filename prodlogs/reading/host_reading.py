"""Collects the logs of a host's containers into the database, from where each was left."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from logsite.records import to_nanoseconds
from prodlogs.errors import HostError
from prodlogs.models import (
    Container,
    DockerHost,
    ErrorKind,
    LogSnapshot,
    SnapshotKind,
    SnapshotStatus,
    Watermark,
)
from prodlogs.reading.container_reading import ContainerPass, redactor_of
from prodlogs.reading.containers import refresh
from prodlogs.reading.parallel import for_each_host
from prodlogs.ssh import reader_lock
from prodlogs.ssh.reader_lock import reading
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)
OF_THE_HOST = (ErrorKind.AUTHENTICATION, ErrorKind.HOST_KEY, ErrorKind.CONFIGURATION, ErrorKind.DAEMON)
TOO_MUCH = (ErrorKind.TIMEOUT, ErrorKind.LIMIT)
SHORTEST_WINDOW = 60_000_000_000  # ns
SILENT = (ErrorKind.CONNECTION, ErrorKind.TIMEOUT)  # of the host, if two containers in a row say nothing


@dataclass
class Reading:
    """What one reading of one container's log brought. `gaps` as in LogSnapshot; `status` a SnapshotStatus."""

    container: str
    snapshot: LogSnapshot | None
    status: str
    lines: int = 0
    entries: int = 0
    gaps: list[dict[str, str | None]] = field(default_factory=list)
    error: str = ""
    error_kind: str = ""


@dataclass
class HostResult:
    """What a pass over one host brought. `running`: another reader is at work there, and nothing was done.

    `missing` are containers that were asked for and that the host does not have.
    """

    host: str
    readings: list[Reading] = field(default_factory=list)
    error: str = ""
    error_kind: str = ""
    running: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything that was asked for was read; gaps are no failure of the reading."""
        failed = any(reading.error for reading in self.readings)
        return not (self.error or self.running or self.missing or failed)

    @property
    def busy(self) -> str:
        """What `running` means, in a sentence."""
        return f"{self.host}: another process is reading this host"

    def without_failures(self) -> "HostResult":
        """What did come, for whom the failures are told in another place."""
        read = [reading for reading in self.readings if not reading.error]
        return replace(self, readings=read, error="", error_kind="", running=False)


def collect_host(
    host: DockerHost,
    *,
    user: str = "",
    via: str = "cli",
    containers: Sequence[str] | None = None,
    since: datetime | None = None,
    kind: str = SnapshotKind.COLLECT,
) -> HostResult:
    """Read what is new of every container, or of those named (names, ids). Never raises for what a host does.

    Another reader is waited for a while. A container that was never read is read from `since` on, or from its
    beginning. Where `since` lies before what is stored, what lies between is read, too.
    """
    with reading(host, patience=reader_lock.PATIENCE) as free:
        if not free:
            return HostResult(host.name, running=True)
        with Remote(host, user=user, via=via) as remote:
            return HostPass(host, remote, user=user, kind=kind).once(containers, since)


def backfill_host(
    host: DockerHost,
    since: datetime,
    until: datetime,
    *,
    user: str = "",
    via: str = "cli",
    containers: Sequence[str] | None = None,
) -> HostResult:
    """Read what the containers wrote from `since` until before `until`; what is stored already is only counted."""
    with reading(host, patience=reader_lock.PATIENCE) as free:
        if not free:
            return HostResult(host.name, running=True)
        with Remote(host, user=user, via=via) as remote:
            work = HostPass(host, remote, user=user, kind=SnapshotKind.BACKFILL)
            return work.window(to_nanoseconds(since), to_nanoseconds(until), containers)


def collect_hosts(
    hosts: Sequence[DockerHost],
    *,
    user: str = "",
    via: str = "cli",
    containers: Sequence[str] | None = None,
    since: datetime | None = None,
) -> list[HostResult]:
    """`collect_host` for each, at the same time; the results in the order of `hosts`."""
    return _of_each(hosts, partial(collect_host, user=user, via=via, containers=containers, since=since))


def backfill_hosts(
    hosts: Sequence[DockerHost],
    since: datetime,
    until: datetime,
    *,
    user: str = "",
    containers: Sequence[str] | None = None,
) -> list[HostResult]:
    """`backfill_host` for each, at the same time; the results in the order of `hosts`."""
    work = partial(backfill_host, since=since, until=until, user=user, containers=containers)
    return _of_each(hosts, work)


def _of_each(hosts: Sequence[DockerHost], work: Callable[[DockerHost], HostResult]) -> list[HostResult]:
    def one(host: DockerHost) -> HostResult:
        try:
            return work(host)
        except Exception as error:  # the other hosts go on  # noqa: BLE001
            return failed(host, error)

    return for_each_host(hosts, one)


def failed(host: DockerHost, error: Exception) -> HostResult:
    """The result of a pass that broke in our own code or in the database."""
    log.error("collecting from %s failed", host.name, exc_info=error)
    reason = f"{host.name}: internal error ({type(error).__name__}); the log of this process has more"
    return HostResult(host.name, error=reason, error_kind=ErrorKind.INTERNAL)


class HostPass:
    """One connection's work on one host; `once` may be called again and again."""

    def __init__(self, host: DockerHost, remote: Remote, *, user: str, kind: str) -> None:
        self._host, self._remote, self._user, self._kind = host, remote, user, kind
        self._passes: dict[int, ContainerPass] = {}
        self._silent = ""  # how the reading before this one failed, where not a byte came
        # Whoever has the host's lock is its only reader: what still runs was killed.
        LogSnapshot.objects.filter(host=host, status=SnapshotStatus.RUNNING).update(
            status=SnapshotStatus.PARTIAL,
            ended_at=timezone.now(),
            error_kind=ErrorKind.INTERNAL,
            error_message=f"{host.name}: its reader was killed; the next reading continues where it stopped",
        )

    def once(self, names: Sequence[str] | None = None, since: datetime | None = None) -> HostResult:
        """Read what is new, and what lies between `since` and what is stored."""
        result, self._silent = HostResult(self._host.name), ""
        start = None if since is None else to_nanoseconds(since)
        for work in self._chosen(result, names):
            work.read(start)
            self._note(result, work)
            covered = work.container.covered_from
            if start is not None and covered and start < covered:
                self._read_window(result, work, start, covered, extends=True)
        return result

    def window(self, start: int, end: int, names: Sequence[str] | None = None) -> HostResult:
        """Read what was written from `start` until before `end` (ns), in whatever was read before."""
        result = HostResult(self._host.name)
        for work in self._chosen(result, names):
            self._read_window(result, work, start, end)
        return result

    def _read_window(
        self, result: HostResult, work: ContainerPass, start: int, end: int, *, extends: bool = False
    ) -> None:
        """Read a window, or where that is too much at once, part after part from its end to its beginning.

        What was read whole of it counts for good: with `extends`, the next call begins before that.
        """
        length, joins, earliest = end - start, extends, _earliest(work.container)
        while start < end and not result.error:
            begin = end - length if end - length > max(start, earliest) else start
            work.read_window(begin, end, extends=extends, joins=joins)
            outcome = work.outcome
            if outcome and outcome.error_kind in TOO_MUCH and outcome.bytes and length > SHORTEST_WINDOW:
                length = max(length // 4, SHORTEST_WINDOW)
                continue
            self._note(result, work)
            if outcome and outcome.error:
                return
            end, joins, length = begin, False, 2 * length

    def _chosen(self, result: HostResult, names: Sequence[str] | None) -> Iterator[ContainerPass]:
        """The containers to read; ends where the host itself fails, which then stands in `result`."""
        try:
            listed = refresh(self._remote, self._host)
        except HostError as error:
            result.error, result.error_kind = str(error), error.kind
            return
        for container in self._gone():
            work = self._pass(container)
            work.removed()
            self._note(result, work)
            del self._passes[container.pk]
        chosen = [container for container in listed if names is None or _is_named(container, names)]
        result.missing = [name for name in names or () if not any(_is_named(each, [name]) for each in chosen)]
        for container in chosen:
            yield self._pass(container)
            if result.error:
                return

    def _gone(self) -> QuerySet[Container]:
        """What was read and is not listed any more, whoever saw that first (`prodlogs health` does, too), until its
        end is on record and nothing waits for the rest of a trace."""
        told = LogSnapshot.objects.filter(
            container=OuterRef("pk"), error_kind=ErrorKind.REMOVED, ended_at__gte=OuterRef("removed_at")
        )
        waits = Watermark.objects.filter(container=OuterRef("pk")).exclude(pending=[])
        read = Container.objects.filter(host=self._host, removed_at__isnull=False, covered_from__isnull=False)
        return read.filter(~Exists(told) | Exists(waits))

    def _pass(self, container: Container) -> ContainerPass:
        if found := self._passes.get(container.pk):
            found.container = container
            return found
        work = ContainerPass(
            self._host, container, self._remote, redactor_of(self._host), user=self._user, kind=self._kind
        )
        self._passes[container.pk] = work
        return work

    def _note(self, result: HostResult, work: ContainerPass) -> None:
        if (outcome := work.outcome) is None:
            return
        result.readings.append(
            Reading(
                work.container.name,
                outcome.snapshot,
                outcome.status,
                outcome.lines,
                outcome.entries,
                outcome.gaps,
                outcome.error,
                outcome.error_kind,
            )
        )
        silent = outcome.error_kind if outcome.error_kind in SILENT and not outcome.bytes else ""
        if outcome.error_kind in OF_THE_HOST or (silent and silent == self._silent):
            result.error, result.error_kind = outcome.error, outcome.error_kind
        self._silent = silent


def _earliest(container: Container) -> int:
    """The time (ns) before which it has written nothing: no part of a window is read there by itself."""
    made = container.created_at
    return to_nanoseconds(made - timedelta(days=1)) if made else 0


def _is_named(container: Container, names: Sequence[str]) -> bool:
    """By its name, its id, or the twelve digits that `docker ps` shows of it."""
    identity = container.container_id
    return container.name in names or identity in names or identity[:12] in names
