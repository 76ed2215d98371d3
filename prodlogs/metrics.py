"""What /metrics says of container logs."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Max, Sum
from django.utils import timezone

from logsite.records import Metric, by_status
from prodlogs.models import (
    ContainerLogEntry,
    DockerHost,
    HostStatus,
    LogSnapshot,
    RemoteCommand,
    SnapshotStatus,
)

DAY = timedelta(days=1)
SUMS = {
    "lines": "Lines read from containers within 24 hours.",
    "truncated": "Entries of these that were cut at the size limit.",
    "duplicates": "Entries of these that were stored before.",
}


def metrics() -> Iterator[Metric]:
    """Read from the database, so it is the same in every process. Retention takes old readings away, so most
    numbers are of a day."""
    newest = ContainerLogEntry.objects.aggregate(newest=Max("id"))["newest"] or 0
    text = "Entries stored so far, by their highest id; tries that failed count too."
    yield Metric("logsite_container_entries_stored_total", "counter", text, [({}, newest)])
    hosts = DockerHost.objects.filter(enabled=True)
    yield by_status(
        "logsite_docker_hosts", "Docker hosts, by how they last answered.", hosts, HostStatus.values
    )
    since = timezone.now() - DAY
    readings = LogSnapshot.objects.filter(started_at__gte=since)
    text = "Readings of containers that began within 24 hours; `gap` lost lines before they were read."
    yield by_status("logsite_container_readings_last_day", text, readings, SnapshotStatus.values)
    sums = readings.aggregate(**{name: Sum(name, default=0) for name in SUMS})
    for name, text in SUMS.items():
        yield Metric(f"logsite_container_{name}_last_day", "gauge", text, [({}, sums[name])])
    denied = RemoteCommand.objects.filter(sent_at__gte=since, denied=True).count()
    text = "Commands within 24 hours that were not sent, or that a host refused."
    yield Metric("logsite_docker_commands_denied_last_day", "gauge", text, [({}, denied)])
