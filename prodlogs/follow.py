"""Follows the logs of hosts live into the database, with one connection a host that is kept open."""

import threading
from collections.abc import Callable, Sequence

from django.db import Error, connection
from django.utils import timezone

from prodlogs.collect import HostPass, HostResult, failed
from prodlogs.models import DockerHost, SnapshotKind
from prodlogs.reader_lock import reading
from prodlogs.remote import Remote

SHORTEST_PAUSE = (
    1.0  # seconds until the second try at a host that failed; each further one waits twice as long
)
LONGEST_PAUSE = 60.0


def follow(
    hosts: Sequence[DockerHost], *, user: str, interval: float, stop: threading.Event,
    report: Callable[[HostResult], None], containers: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Read what is new every `interval` seconds until `stop` is set; the reading under way is finished.

    `report` gets the result of each pass, from one thread at a time. A host that fails is tried again, at longer
    and longer intervals; one that somebody else reads is waited for.
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

    followers = [_Follower(host, user, interval, stop, tell, containers) for host in hosts]
    threads = [
        threading.Thread(target=each.run, name=f"follow-{each.host.name}", daemon=True) for each in followers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]


class _Follower:
    """One host's thread."""

    def __init__(
        self, host: DockerHost, user: str, interval: float, stop: threading.Event,
        report: Callable[[HostResult], None], containers: Sequence[str] | None,
    ) -> None:  # fmt: skip
        self.host, self._user, self._interval, self._stop = host, user, interval, stop
        self._report, self._containers = report, containers

    def run(self) -> None:
        """Read until told to stop, whatever happens in between."""
        pause = SHORTEST_PAUSE
        try:
            while not self._stop.is_set():
                began = timezone.now()
                self._try()
                if (timezone.now() - began).total_seconds() > LONGEST_PAUSE:
                    pause = SHORTEST_PAUSE  # it went well for a while
                self._stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            connection.close()

    def _try(self) -> None:
        """Follow until the host fails. The database may fail, too, and come back."""
        try:
            self.host.refresh_from_db()  # its key may have been accepted meanwhile, its address changed
            if not self.host.enabled:
                return
            with reading(self.host) as free:
                if not free:
                    self._report(HostResult(self.host.name, running=True))
                    return
                self._follow()
        except Exception as error:  # whatever it was, following goes on  # noqa: BLE001
            self._report(failed(self.host, error))
            if isinstance(error, Error):
                connection.close()

    def _follow(self) -> None:
        with Remote(self.host, user=self._user, via="follow") as remote:
            work = HostPass(self.host, remote, user=self._user, kind=SnapshotKind.FOLLOW)
            while not self._stop.is_set() and self._enabled():
                result = work.once(self._containers)
                self._report(result)
                if result.error:
                    return
                self._stop.wait(self._interval)

    def _enabled(self) -> bool:
        return DockerHost.objects.filter(pk=self.host.pk, enabled=True).exists()
