"""`LogInterface`: what a script asks of production's logs, and the same as plain functions."""

import os
from typing import Any

from prodlogs.collector import ProductionLogCollector
from prodlogs.entries import EntryDict, since_hours
from prodlogs.health import Health
from prodlogs.saving import check_writable, save_entries
from prodlogs.summary import Summary, error_summary


class LogInterface:
    """The logs of one Docker host by its name, or of all; errors are those of `ProductionLogCollector`."""

    def __init__(
        self, host: str | None = None, *, user: str = "", via: str = "api", strict: bool = True
    ) -> None:
        self.collector = ProductionLogCollector(host, user=user, via=via, strict=strict)

    def get_containers(self) -> list[dict[str, Any]]:
        """Every container that Docker lists."""
        return self.collector.get_container_list()

    def get_recent_logs(self, hours: float = 1) -> dict[str, list[EntryDict]]:
        """The entries of the last `hours` by container, oldest first."""
        return self.collector.get_logs_from_all_containers(hours)

    def get_recent_errors(self, hours: float = 24) -> dict[str, list[EntryDict]]:
        """Of those the levels ERROR and CRITICAL, of the containers that have some."""
        return self.collector.get_error_logs_only(hours)

    def get_logs(self, container_name: str, hours: float = 1) -> list[EntryDict]:
        """The entries of one container."""
        return self.collector.get_logs_from_container(container_name, hours)

    def get_error_summary(self, hours: float = 24) -> Summary:
        """The errors of the last `hours`: how many, where, and the worst."""
        self.collector.collect(hours)
        return error_summary(hours, self.collector.hosts)

    def save_all_logs(self, output_file: str | os.PathLike[str] | None = None, hours: float = 24) -> str:
        """Write the last `hours` of all containers to a JSON file; its path. Raises OSError."""
        since = since_hours(hours)
        check_writable(output_file or "logs.json")  # where the file will lie without a name, too
        self.collector.collect(hours)
        return str(save_entries(self.collector.hosts, since, output_file)[0])

    def check_health(self) -> Health:
        """How hosts and containers are."""
        return self.collector.health_check()


def get_production_logs(hours: float = 1, host: str | None = None) -> dict[str, list[EntryDict]]:
    """The entries of the last `hours` by container."""
    return LogInterface(host).get_recent_logs(hours)


def get_production_errors(hours: float = 24, host: str | None = None) -> dict[str, list[EntryDict]]:
    """The errors of the last `hours` by container."""
    return LogInterface(host).get_recent_errors(hours)


def save_production_logs(
    output_file: str | os.PathLike[str] | None = None, hours: float = 24, host: str | None = None
) -> str:
    """Write the last `hours` to a JSON file; its path."""
    return LogInterface(host).save_all_logs(output_file, hours)
