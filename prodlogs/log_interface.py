"""`LogInterface`: what a script asks of production's logs, and the same as plain functions.

Every method that takes `hours` takes `hours_back` too, which `ProductionLogCollector` calls it.
"""

import os

from prodlogs.collector import ProductionLogCollector
from prodlogs.entries.json_file import check_writable, save_entries
from prodlogs.entries.listing import EntryDict, chosen_hours, since_hours
from prodlogs.entries.summary import Summary
from prodlogs.health.asked import Health

File = str | os.PathLike[str] | None


class LogInterface:
    """The logs of one Docker host by its name, or of all; errors are those of `ProductionLogCollector`."""

    def __init__(
        self, host: str | None = None, *, user: str = "", via: str = "api", strict: bool = True
    ) -> None:
        self.collector = ProductionLogCollector(host, user=user, via=via, strict=strict)

    def get_containers(self) -> list[str]:
        """The names of the running containers, sorted; where two hosts have one of a name, as `host/name`."""
        return self.collector.running_names()

    def get_recent_logs(
        self, hours: float = 1, *, hours_back: float | None = None
    ) -> dict[str, list[EntryDict]]:
        """The entries of the last `hours` by container, oldest first."""
        return self.collector.get_logs_from_all_containers(chosen_hours(hours, hours_back))

    def get_recent_errors(
        self, hours: float = 1, *, hours_back: float | None = None
    ) -> dict[str, list[EntryDict]]:
        """Of those the levels ERROR and CRITICAL, of the containers that have some."""
        return self.collector.get_error_logs_only(chosen_hours(hours, hours_back))

    def get_logs(
        self, container_name: str, hours: float = 1, *, hours_back: float | None = None
    ) -> list[EntryDict]:
        """The entries of one container."""
        return self.collector.get_logs_from_container(container_name, chosen_hours(hours, hours_back))

    def get_error_summary(self, hours: float = 1, *, hours_back: float | None = None) -> Summary:
        """The errors of the last `hours`: how many, where, and the worst."""
        return self.collector.get_error_summary(chosen_hours(hours, hours_back))

    def save_all_logs(
        self, hours: float = 1, filename: File = None, *, hours_back: float | None = None
    ) -> str:
        """Write the last `hours` of all containers to a JSON file; its path. Raises OSError."""
        hours = chosen_hours(hours, hours_back)
        since = since_hours(hours)
        check_writable(filename or "logs.json")  # where the file will lie without a name, too
        self.collector.collect(hours)
        return str(save_entries(self.collector.hosts, since, filename)[0])

    def check_health(self) -> bool:
        """Whether every host answers and no container has a problem; `health` says what is wrong."""
        return self.health()["status"] == "healthy"

    def health(self) -> Health:
        """How hosts and containers are."""
        return self.collector.health_check()


def get_production_logs(
    hours: float = 1, host: str | None = None, *, hours_back: float | None = None
) -> dict[str, list[EntryDict]]:
    """The entries of the last `hours` by container."""
    return LogInterface(host).get_recent_logs(hours, hours_back=hours_back)


def get_production_errors(
    hours: float = 1, host: str | None = None, *, hours_back: float | None = None
) -> dict[str, list[EntryDict]]:
    """The errors of the last `hours` by container."""
    return LogInterface(host).get_recent_errors(hours, hours_back=hours_back)


def save_production_logs(
    hours: float = 1, filename: File = None, host: str | None = None, *, hours_back: float | None = None
) -> str:
    """Write the last `hours` to a JSON file; its path."""
    return LogInterface(host).save_all_logs(hours, filename, hours_back=hours_back)
