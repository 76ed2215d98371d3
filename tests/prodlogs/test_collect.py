"""Collecting from a real Docker engine through a real OpenSSH server."""

import pytest

from prodlogs.collect import collect_host
from prodlogs.models import ContainerLogEntry, SnapshotStatus

pytestmark = pytest.mark.django_db


def messages(stream="stdout"):
    return list(
        ContainerLogEntry.objects.filter(stream=stream)
        .order_by("timestamp", "sequence")
        .values_list("message", flat=True)
    )


def test_both_streams_of_a_container_are_stored(docker, docker_host):
    docker.run("engine-both", "for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    docker.wait("engine-both")

    result = collect_host(docker_host, containers=["engine-both"])

    assert result.ok
    [reading] = result.readings
    assert (reading.status, reading.lines, reading.entries, reading.gaps) == (
        SnapshotStatus.COMPLETE,
        6,
        6,
        [],
    )
    assert messages() == ["out 1", "out 2", "out 3"]
    assert messages("stderr") == ["err 1", "err 2", "err 3"]
