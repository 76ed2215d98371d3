"""Follows the logs of hosts live into the database, with one connection a host that is kept open."""

import logging
import threading
from collections.abc import Callable, Sequence

from django.db import Error, connection
from django.utils import timezone

from prodlogs.errors import ConfigurationError
from prodlogs.models import DockerHost, SnapshotKind
from prodlogs.reading.host_reading import HostReader, failed
from prodlogs.reading.results import HostResult
from prodlogs.ssh.reader_lock import reading
from prodlogs.ssh.remote import Remote

log = logging.getLogger(__name__)
SHORTEST_PAUSE = (
    1.0  # seconds until the second try at a host that failed; each further one waits twice as long
)
LONGEST_PAUSE = 60.0
LOOK = 10.0  # seconds between two looks for hosts that are new


def follow(
    find: Callable[[], Sequence[DockerHost]],
    *,
    user: str,
    interval: float,
    stop: threading.Event,
    report: Callable[[HostResult], None],
    containers: Sequence[str] | None = None,
) -> None:
    """Read what is new every `interval` seconds until `stop` is set; the reading under way is finished.

    The hosts are those that `find` gives; it is asked again now and then. `report` gets the result of each pass,
    from one thread at a time. A host that fails is tried again, at longer and longer intervals; a reader of
    another process is waited for.
    """
    one_at_a_time, broken = threading.Lock(), list[Exception]()

    def tell(result: HostResult) -> None:
        """Who is told may have gone, as a closed pipe: then nobody is left to read for."""
        with one_at_a_time:
            try:
                report(result)
            except Exception as error:  # raised in the caller's thread  # noqa: BLE001
                broken.append(error)
                stop.set()

    threads: dict[int, threading.Thread] = {}
    look = _Look(find)
    while not stop.is_set():
        for host in look.hosts():
            if host.pk not in threads or not threads[host.pk].is_alive():
                run = _Follower(host, user, interval, stop, tell, containers).run
                threads[host.pk] = threading.Thread(target=run, name=f"follow-{host.name}", daemon=True)
                threads[host.pk].start()
        stop.wait(LOOK)
    for thread in threads.values():
        thread.join()
    if broken:
        raise broken[0]


class _Look:
    """Which hosts there are now. What went well once may fail later: then those go on that are followed."""

    def __init__(self, find: Callable[[], Sequence[DockerHost]]) -> None:
        self._find, self._hosts, self._said = find, list[DockerHost](), ""

    def hosts(self) -> Sequence[DockerHost]:
        try:
            self._hosts, self._said = list(self._find()), ""
        except (ConfigurationError, Error) as error:
            if not self._hosts:
                raise
            if (problem := type(error).__name__) != self._said:
                log.warning("looking for hosts failed (%s)", problem)
            self._said = problem
            if isinstance(error, Error):
                connection.close()
            return []
        return self._hosts


class _Follower:
    """One host's thread."""

    def __init__(
        self,
        host: DockerHost,
        user: str,
        interval: float,
        stop: threading.Event,
        report: Callable[[HostResult], None],
        containers: Sequence[str] | None,
    ) -> None:
        self.host, self._user, self._interval, self._stop = host, user, interval, stop
        self._report, self._containers = report, containers

    def run(self) -> None:
        """Read until told to stop, whatever happens in between, or until there is no such host any more."""
        pause = SHORTEST_PAUSE
        try:
            while not self._stop.is_set():
                began = timezone.now()
                if not self._try():
                    return
                if (timezone.now() - began).total_seconds() > LONGEST_PAUSE:
                    pause = SHORTEST_PAUSE  # it went well for a while
                self._stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            connection.close()

    def _try(self) -> bool:
        """Follow until the host fails; False where it was deleted. The database may fail, too, and come back."""
        try:
            # Anew each time: its address or key may have been changed meanwhile, or its host key accepted.
            host = DockerHost.objects.filter(pk=self.host.pk).first()
            if host is None:
                return False
            self.host = host
            if host.enabled:
                self._follow()
        except Exception as error:  # whatever it was, following goes on  # noqa: BLE001
            self._report(failed(self.host, error))
            if isinstance(error, Error):
                connection.close()
        return True

    def _follow(self) -> None:
        """Pass after pass, over one connection. Between two of them the host is free for who asks for logs now."""
        work: HostReader | None = None
        with Remote(self.host, user=self._user, via="follow") as remote:
            while not self._stop.is_set() and self._enabled():
                with reading(self.host) as free:
                    result = HostResult(self.host.name, running=not free)
                    if free:
                        work = work or HostReader(
                            self.host, remote, user=self._user, kind=SnapshotKind.FOLLOW
                        )
                        result = work.once(self._containers)
                self._report(result)
                if result.error:
                    return
                self._stop.wait(self._interval)

    def _enabled(self) -> bool:
        return DockerHost.objects.filter(pk=self.host.pk, enabled=True).exists()
