"""Collects the logs of a host's containers into the database, from where each was left."""

import logging
from collections.abc import Callable, Iterator, Sequence
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
from prodlogs.reading.container_reading import ContainerReader, redactor_of
from prodlogs.reading.containers import refresh
from prodlogs.reading.parallel import for_each_host
from prodlogs.reading.results import HostResult
from prodlogs.ssh import reader_lock
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)
OF_THE_HOST = (ErrorKind.AUTHENTICATION, ErrorKind.HOST_KEY, ErrorKind.CONFIGURATION, ErrorKind.DAEMON)
TOO_MUCH = (ErrorKind.TIMEOUT, ErrorKind.LIMIT)
SHORTEST_WINDOW = 60_000_000_000  # ns
SILENT = (ErrorKind.CONNECTION, ErrorKind.TIMEOUT)  # of the host, if two containers in a row say nothing


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
    with reader_lock.reading(host, patience=reader_lock.PATIENCE) as free:
        if not free:
            return HostResult(host.name, running=True)
        with Remote(host, user=user, via=via) as remote:
            return HostReader(host, remote, user=user, kind=kind).once(containers, since)


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
    with reader_lock.reading(host, patience=reader_lock.PATIENCE) as free:
        if not free:
            return HostResult(host.name, running=True)
        with Remote(host, user=user, via=via) as remote:
            work = HostReader(host, remote, user=user, kind=SnapshotKind.BACKFILL)
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


class HostReader:
    """One connection's work on one host; `once` may be called again and again."""

    def __init__(self, host: DockerHost, remote: Remote, *, user: str, kind: str) -> None:
        self._host, self._remote, self._user, self._kind = host, remote, user, kind
        self._readers: dict[int, ContainerReader] = {}
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
        self, result: HostResult, work: ContainerReader, start: int, end: int, *, extends: bool = False
    ) -> None:
        """Read a window, or where that is too much at once, part after part from its end to its beginning.

        What was read whole of it counts for good: with `extends`, the next call begins before that.
        """
        length, joins, earliest = end - start, extends, _earliest(work.container)
        while start < end and not result.error:
            begin = end - length if end - length > max(start, earliest) else start
            work.read_window(begin, end, extends=extends, joins=joins)
            reading = work.result
            if reading and reading.error_kind in TOO_MUCH and reading.bytes and length > SHORTEST_WINDOW:
                length = max(length // 4, SHORTEST_WINDOW)
                continue
            self._note(result, work)
            if reading and reading.error:
                return
            end, joins, length = begin, False, 2 * length

    def _chosen(self, result: HostResult, names: Sequence[str] | None) -> Iterator[ContainerReader]:
        """The containers to read; ends where the host itself fails, which then stands in `result`."""
        try:
            listed = refresh(self._remote, self._host)
        except HostError as error:
            result.error, result.error_kind = str(error), error.kind
            return
        for container in self._gone():
            work = self._reader(container)
            work.removed()
            self._note(result, work)
            del self._readers[container.pk]
        chosen = [container for container in listed if names is None or _is_named(container, names)]
        result.missing = [name for name in names or () if not any(_is_named(each, [name]) for each in chosen)]
        for container in chosen:
            yield self._reader(container)
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

    def _reader(self, container: Container) -> ContainerReader:
        if found := self._readers.get(container.pk):
            found.container = container
            return found
        work = ContainerReader(
            self._host, container, self._remote, redactor_of(self._host), user=self._user, kind=self._kind
        )
        self._readers[container.pk] = work
        return work

    def _note(self, result: HostResult, work: ContainerReader) -> None:
        if (reading := work.result) is None:
            return
        result.readings.append(reading)
        silent = reading.error_kind if reading.error_kind in SILENT and not reading.bytes else ""
        if reading.error_kind in OF_THE_HOST or (silent and silent == self._silent):
            result.error, result.error_kind = reading.error, reading.error_kind
        self._silent = silent


def _earliest(container: Container) -> int:
    """The time (ns) before which it has written nothing: no part of a window is read there by itself."""
    made = container.created_at
    return to_nanoseconds(made - timedelta(days=1)) if made else 0


def _is_named(container: Container, names: Sequence[str]) -> bool:
    """By its name, its id, or the twelve digits that `docker ps` shows of it."""
    identity = container.container_id
    return container.name in names or identity in names or identity[:12] in names
