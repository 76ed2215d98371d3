"""Stored entries by container, while others write."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from logsite.records import to_nanoseconds
from prodlogs.entries.json_file import json_pieces
from prodlogs.entries.listing import as_dicts, by_container, stored, titles
from prodlogs.entries.summary import error_summary
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def host():
    return DockerHostFactory(name="docker01")


@pytest.fixture
def since():
    return timezone.now() - timedelta(hours=1)


@pytest.fixture
def newborn(host):
    """As soon as a list of containers has been read, a reader stores another one with an error."""
    births = []

    def execute(run, sql, params, many, context):
        answer = run(sql, params, many, context)
        if not births and sql.startswith("SELECT") and 'FROM "prodlogs_container"' in sql:
            births.append(sql)
            container = ContainerFactory(host=host, name="newborn")
            moment = to_nanoseconds(timezone.now() - timedelta(minutes=5))
            ContainerLogEntryFactory(container=container, level="CRITICAL", timestamp=moment)
        return answer

    with connection.execute_wrapper(execute):
        yield births


@pytest.mark.parametrize(
    "answer",
    [
        lambda host, since: by_container([host], stored([host], since)),
        lambda host, since: "".join(piece for piece, _ in json_pieces([host], since)),
        lambda host, since: error_summary(1, [host]),
    ],
    ids=["by_container", "saving", "summary"],
)
def test_a_container_that_is_found_meanwhile_comes_with_the_next_answer(host, since, newborn, answer):
    ContainerFactory(host=host, name="web")

    assert "newborn" not in str(answer(host, since))

    assert newborn
    assert "newborn" in str(answer(host, since))


def test_containers_of_one_name_are_told_apart_by_their_hosts(host, since):
    other = DockerHostFactory(name="docker02")
    for each in (host, other):
        moment = to_nanoseconds(timezone.now() - timedelta(minutes=5))
        ContainerLogEntryFactory(container=ContainerFactory(host=each, name="web"), timestamp=moment)

    entries = as_dicts(stored([host, other], since), titles([host, other]))

    assert [entry["container_name"] for entry in entries] == ["docker01/web", "docker02/web"]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the plan is SQLite's")
def test_errors_are_found_by_the_index_of_levels(host, since):
    assert "container_entry_level_time" in stored([host], since, levels=["ERROR"]).explain()
