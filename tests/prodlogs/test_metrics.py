"""What GET /metrics says of container logs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from prodlogs.models import HostStatus, SnapshotStatus
from tests.factories import (
    ContainerLogEntryFactory,
    DockerHostFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
)

pytestmark = pytest.mark.django_db


def metrics(client):
    return set(client.get("/metrics").content.decode().splitlines())


def test_they_say_what_was_stored_and_what_is_missing(api, teammate):
    host = DockerHostFactory(status=HostStatus.FAILED, error_kind="timeout")
    now = timezone.now()
    snapshot = LogSnapshotFactory(
        host=host, started_at=now, status=SnapshotStatus.GAP, lines=12, truncated=2, duplicates=1
    )
    entry = ContainerLogEntryFactory(container=snapshot.container, snapshot=snapshot)
    RemoteCommandFactory(host=host, sent_at=now, denied=True)

    assert {
        f"logsite_container_entries_stored_total {entry.pk}",
        'logsite_docker_hosts{status="failed"} 1',
        'logsite_container_readings_last_day{status="gap"} 1',
        'logsite_container_readings_last_day{status="complete"} 0',
        "logsite_container_lines_last_day 12",
        "logsite_container_truncated_last_day 2",
        "logsite_container_duplicates_last_day 1",
        "logsite_docker_commands_denied_last_day 1",
    } <= metrics(api(teammate))


def test_what_is_older_than_a_day_does_not_count(api, teammate):
    LogSnapshotFactory(started_at=timezone.now() - timedelta(days=2), status=SnapshotStatus.GAP, lines=12)

    assert {
        'logsite_container_readings_last_day{status="gap"} 0',
        "logsite_container_lines_last_day 0",
    } <= metrics(api(teammate))


def test_an_outsider_sees_none(api, outsider):
    assert api(outsider).get("/metrics").status_code == 403
