"""`ProductionLogCollector`: logs of production containers, read now, stored, and handed out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from prodlogs.entries.listing import (
    EntryDict,
    as_dicts,
    by_container,
    chosen_hours,
    entries_seen,
    named,
    since_hours,
    stored,
    titles,
)
from prodlogs.entries.queries import ERRORS
from prodlogs.entries.summary import Summary, error_summary
from prodlogs.errors import HostError
from prodlogs.health.asked import Health, check_health
from prodlogs.hosts.configured import get_hosts
from prodlogs.models import Container, DockerHost
from prodlogs.reading.containers import refresh
from prodlogs.reading.host_reading import collect_hosts, failed
from prodlogs.reading.parallel import for_each_host
from prodlogs.reading.results import HostResult
from prodlogs.ssh.audit import check_names
from prodlogs.ssh.remote import Remote


class CollectionFailed(RuntimeError):
    """A host or a container could not be read; what could be is stored. `failures` has a sentence for each."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__("; ".join(failures))
        self.failures = list(failures)


class ProductionLogCollector:
    """Reads over SSH, stores what is new, and answers from what is stored.

    `host` is the name of one Docker host; without it, all that are enabled. Every method that reads raises
    CollectionFailed, a RuntimeError, when something could not be read, and stores the rest all the same; with
    `strict=False` it answers with what there is, and `failures` says what is missing. ValueError for a
    host that is not configured, or for hours that are not a number. Entries are on record before they are returned.
    """

    def __init__(
        self, host: str | None = None, *, user: str = "", via: str = "api", strict: bool = True
    ) -> None:
        self.hosts: list[DockerHost] = get_hosts(host)
        self.chosen = {"host": host} if host else {}
        self.user, self.via, self.strict = user, via, strict
        self.failures: list[str] = []
        self.results: list[HostResult] = []

    def get_container_list(self) -> list[dict[str, Any]]:
        """Every container that Docker lists, by host and name: {"host", "container_id", "name", "image", "state",
        "health", "exit_code", "restarts", "started_at", "log_driver"}."""
        self._failed([error for error in for_each_host(self.hosts, self._refresh) if error])
        found = Container.objects.filter(host__in=self.hosts, removed_at__isnull=True).select_related("host")
        return [container_dict(row) for row in found.order_by("host__name", "name")]

    def _refresh(self, host: DockerHost) -> str:
        """Bring the host's containers up to date; why that failed, or nothing."""
        try:
            with Remote(host, user=self.user, via=self.via) as remote:
                refresh(remote, host)
        except HostError as error:
            return str(error)
        except Exception as error:  # the other hosts are asked all the same  # noqa: BLE001
            return failed(host, error).error
        return ""

    def running_names(self) -> list[str]:
        """The names of the running containers, sorted; where two hosts have one of a name, as `host/name`."""
        running = {row["container_id"] for row in self.get_container_list() if row["state"] == "running"}
        names = titles(self.hosts)
        rows = Container.objects.filter(
            host__in=self.hosts, container_id__in=running, removed_at__isnull=True
        )
        return sorted(names[pk] for pk in rows.values_list("pk", flat=True))

    def get_logs_from_container(
        self,
        container_name: str,
        hours_back: float = 1,
        *,
        hours: float | None = None,
        query: str | None = None,
    ) -> list[EntryDict]:
        """The entries of the last hours of one container, by its name or id, oldest first; with `query` those it
        finds. ValueError where the hosts answer, and none has it, and for what can be no name: that is refused on
        record, and nothing is sent."""
        hours = chosen_hours(hours_back, hours)
        since = self._collect(hours, [container_name])
        if not self.failures and not named(self.hosts, [container_name]).exists():
            raise ValueError(f"no host has a container {container_name!r}")
        entries = list(as_dicts(stored(self.hosts, since, containers=[container_name], query=query)))
        self._note(len(entries), {"name": container_name, "hours": hours}, query or "")
        return entries

    def get_logs_from_all_containers(
        self, hours_back: float = 1, *, hours: float | None = None
    ) -> dict[str, list[EntryDict]]:
        """The entries of the last hours by container, oldest first."""
        hours = chosen_hours(hours_back, hours)
        since = self._collect(hours)
        found = by_container(self.hosts, stored(self.hosts, since))
        self._note(sum(map(len, found.values())), {"hours": hours})
        return found

    def get_error_logs_only(
        self, hours_back: float = 1, *, hours: float | None = None
    ) -> dict[str, list[EntryDict]]:
        """As `get_logs_from_all_containers`, only the levels ERROR and CRITICAL, only containers that have some."""
        hours = chosen_hours(hours_back, hours)
        since = self._collect(hours)
        found = by_container(self.hosts, stored(self.hosts, since, levels=ERRORS))
        self._note(sum(map(len, found.values())), {"hours": hours, "level": ",".join(ERRORS)})
        return {name: entries for name, entries in found.items() if entries}

    def get_error_summary(self, hours: float = 1, *, hours_back: float | None = None) -> Summary:
        """The errors of the last hours: how many, where, and the worst."""
        hours = chosen_hours(hours, hours_back)
        self._collect(hours)
        summary = error_summary(hours, self.hosts)
        self._note(summary["total_error_entries"], {"hours": hours}, what="error summary")
        return summary

    def collect(self, hours: float, containers: Sequence[str] | None = None) -> list[HostResult]:
        """Read what is new, and what is missing of the last `hours`; how it went, by host."""
        self._collect(hours, containers)
        return self.results

    def health_check(self) -> Health:
        """How hosts and containers are; a host that does not answer is part of the answer."""
        return check_health(self.hosts, user=self.user, via=self.via)

    def _collect(self, hours: float, containers: Sequence[str] | None = None) -> datetime:
        """Read the last `hours`; since when that is."""
        since = since_hours(hours)
        check_names(self.hosts, containers or (), user=self.user, via=self.via)
        self.results = collect_hosts(
            self.hosts, user=self.user, via=self.via, containers=containers, since=since
        )
        self._failed([sentence for result in self.results for sentence in failures_of(result)])
        return since

    def _note(self, count: int, filters: dict[str, Any], query: str = "", *, what: str = "list") -> None:
        """Put on record that the current reader is handed `count` entries; before they are."""
        entries_seen().note(what, query, count, filters=urlencode(self.chosen | filters))

    def _failed(self, failures: list[str]) -> None:
        self.failures = failures
        if failures and self.strict:
            raise CollectionFailed(failures)


def failures_of(result: HostResult) -> list[str]:
    """A sentence for everything of a host that could not be read."""
    if result.running:
        return [result.busy]
    own = [result.error] if result.error else []
    return own + [
        f"{result.host}/{reading.container}: {reading.error}"
        for reading in result.readings
        if reading.error and reading.error != result.error
    ]


def container_dict(row: Container) -> dict[str, Any]:
    """A container as the interfaces show it."""
    return {
        "host": row.host.name,
        "container_id": row.container_id,
        "name": row.name,
        "image": row.image,
        "state": row.state,
        "health": row.health or None,
        "exit_code": row.exit_code,
        "restarts": row.restarts,
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "log_driver": row.log_driver,
    }
