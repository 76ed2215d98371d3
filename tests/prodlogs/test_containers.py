"""The containers of a host as rows, and what they use."""

import pytest

from prodlogs.containers import refresh
from prodlogs.models import Container
from prodlogs.remote import Remote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remote(docker_host):
    with Remote(docker_host, user="netops", via="cli") as connection:
        yield connection


def test_a_container_becomes_a_row(docker, docker_host, remote):
    container_id = docker.run("ssh-row", "exec sleep 60")

    [found] = [each for each in refresh(remote, docker_host) if each.container_id == container_id]

    stored = Container.objects.get(pk=found.pk)
    assert (stored.name, stored.state, stored.log_driver, stored.tty) == (
        "ssh-row",
        "running",
        "json-file",
        False,
    )
    assert (stored.image, stored.restarts, stored.exit_code) == ("logsite/busybox", 0, 0)
    assert stored.created_at <= stored.started_at
    assert stored.finished_at is None
