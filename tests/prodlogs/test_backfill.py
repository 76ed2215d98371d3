"""`backfill_prodlogs`: a stretch of the past, stored once; and what shipping does with it."""

import json
import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from logsite.records import Cursor, from_nanoseconds, get_source, to_nanoseconds
from logsite.tables.nanoseconds import from_rfc3339
from prodlogs.models import ContainerLogEntry, LogSnapshot, RemoteCommand, Watermark
from prodlogs.reading.host_reading import backfill_host, collect_host
from shipping.feed import LocalFeed
from shipping.models import RejectedEntry
from tests.conftest import service_address
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory
from tests.prodlogs.conftest import Docker
from tests.shipping.builders import make_shipper, ship
from tests.shipping.loki_stand_in import HOUR, LokiStandIn

pytestmark = pytest.mark.django_db
WRITER = "echo first; sleep 0.5; echo second; sleep 0.5; echo third"
MOMENT = timedelta(seconds=0.25)


@pytest.fixture
def loki():
    with LokiStandIn() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def written():
    """When the second of three lines was written, two moments after and before the others."""
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    engine.run("engine-past", WRITER)
    engine.wait("engine-past")
    stamp = engine.cli("logs", "--timestamps", "engine-past").splitlines()[1].split()[0]
    yield from_nanoseconds(from_rfc3339(stamp))
    engine.clean()


def backfill(*words):
    output = StringIO()
    call_command("backfill_prodlogs", *words, stdout=output)
    return output.getvalue()


def messages():
    return list(ContainerLogEntry.objects.order_by("timestamp").values_list("message", flat=True))


# --- the window --------------------------------------------------------------------------------------------


def test_backfill_stores_the_lines_of_the_window(written, docker_host):
    result = backfill_host(docker_host, written - MOMENT, written + MOMENT, containers=["engine-past"])

    assert result.ok
    assert messages() == ["second"]
    snapshot = LogSnapshot.objects.get()
    assert (snapshot.kind, snapshot.status, snapshot.entries) == ("backfill", "complete", 1)
    assert (snapshot.since, snapshot.until) == (written - MOMENT, written + MOMENT)


def test_the_end_is_exclusive(written, docker_host):
    backfill_host(docker_host, written - timedelta(hours=1), written, containers=["engine-past"])
    assert messages() == ["first"]


def test_what_is_there_is_counted_and_not_stored_again(written, docker_host):
    hour = timedelta(hours=1)
    collect_host(docker_host, containers=["engine-past"])
    [mark] = Watermark.objects.all()

    [reading] = backfill_host(
        docker_host, written - hour, written + hour, containers=["engine-past"]
    ).readings

    assert (reading.entries, reading.snapshot.duplicates) == (0, 3)
    assert messages() == ["first", "second", "third"]
    assert Watermark.objects.get().timestamp == mark.timestamp


def test_a_collection_after_it_stores_the_rest(written, docker_host):
    backfill_host(docker_host, written - MOMENT, written + timedelta(hours=1))

    [reading] = collect_host(docker_host, containers=["engine-past"]).readings

    assert (reading.entries, reading.snapshot.duplicates) == (1, 2)
    assert messages().count("first") == messages().count("second") == 1


# --- the command -------------------------------------------------------------------------------------------


def test_the_command_says_what_it_stored(written, docker_host):
    words = ("--host", docker_host.name, "--container", "engine-past", "--since", "1h", "--until", "0s")
    assert backfill(*words) == f"{docker_host.name}: engine-past: 3 entries stored, 0 were stored before\n"
    [host] = json.loads(backfill(*words, "--json"))
    [reading] = host["readings"]
    assert (host["host"], host["error"], host["missing"]) == (docker_host.name, "", [])
    assert (reading["container"], reading["entries"], reading["duplicates"]) == ("engine-past", 0, 3)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--since", "yesterday", "--until", "0s"), "--since: 'yesterday' is not a time"),
        (("--since", "1h", "--until", "noon"), "--until: 'noon' is not a time"),
        (("--since", "1h", "--until", "2h"), "--since must be before --until"),
        (("--since", "1h", "--until", "2300-01-01"), "give times from 1971 to 2199"),
        (("--since", "1965-01-01", "--until", "1968-01-01"), "give times from 1971 to 2199"),
        (("--since", "1h", "--until", "0s", "--host", "nowhere"), "no such Docker host: 'nowhere'"),
    ],
)
def test_words_it_cannot_use_end_it_with_2(words, sentence):
    with pytest.raises(CommandError) as refused:
        backfill(*words)
    assert sentence in str(refused.value)
    assert refused.value.returncode == 2


def test_a_container_that_is_nowhere_ends_it_with_1(docker_host):
    with pytest.raises(CommandError, match="no host has engine-nowhere") as failed:
        backfill("--container", "engine-nowhere", "--since", "1h", "--until", "0s")
    assert failed.value.returncode == 1


def test_a_hostile_name_is_refused_on_record_and_sent_nowhere(docker_host):
    with pytest.raises(CommandError, match="not a container's id or name") as refused:
        backfill("--container", "engine-past", "$(reboot)", "--since", "1h", "--until", "0s")

    assert refused.value.returncode == 2
    row = RemoteCommand.objects.get()
    assert (row.argv[-2:], row.denied, row.via) == (["engine-past", "$(reboot)"], True, "cli")


def test_a_host_that_does_not_answer_ends_the_command_with_exit_code_1(ssh_host, docker_sshd):
    host = ssh_host(docker_sshd, port=1)
    with pytest.raises(CommandError, match="some logs could not be read") as failed:
        backfill("--host", host.name, "--since", "1h", "--until", "0s")
    assert failed.value.returncode == 1


# --- search and shipping -----------------------------------------------------------------------------------


def container():
    return ContainerFactory(name="web", host=DockerHostFactory(name="docker01"))


@pytest.mark.django_db(transaction=True)  # PostgreSQL hands out what is committed
def test_entries_are_shipped_with_their_nanoseconds_and_labels(loki):
    now = time.time_ns()
    web = container()
    ContainerLogEntryFactory(container=web, timestamp=now, level="ERROR", message="no")
    ContainerLogEntryFactory(container=web, timestamp=now + 1, level="", message="none said")

    ship(make_shipper(loki.url, LocalFeed(get_source("container"))))

    stored = sorted(loki.stored(), key=lambda one: one.timestamp)
    assert [(one.timestamp, one.line) for one in stored] == [(now, "no"), (now + 1, "none said")]
    assert [one.labels.get("level") for one in stored] == ["ERROR", None]
    assert {(one.labels["container"], one.labels["server_id"]) for one in stored} == {("web", "docker01")}


@pytest.mark.django_db(transaction=True)  # PostgreSQL hands out what is committed
def test_a_window_of_shipping_is_compared_in_nanoseconds():
    now = timezone.now()
    web = container()
    for number in range(4):
        ContainerLogEntryFactory(
            container=web, timestamp=to_nanoseconds(now) + number * 10**9, message=str(number)
        )

    window = {"since": now + timedelta(seconds=1), "until": now + timedelta(seconds=3)}
    found = get_source("container").committed_after(Cursor(), 10, **window)

    assert [record.message for _, record in found] == ["1", "2"]


@pytest.mark.django_db(transaction=True)  # PostgreSQL hands out what is committed
def test_a_backfilled_entry_that_loki_finds_too_old_is_on_record_and_holds_nothing_up(loki):
    now = time.time_ns()
    web = container()
    ContainerLogEntryFactory(container=web, timestamp=now, level="INFO", message="new")
    ship(make_shipper(loki.url, LocalFeed(get_source("container"))))
    ContainerLogEntryFactory(container=web, timestamp=now - 2 * HOUR, level="INFO", message="backfilled")
    ContainerLogEntryFactory(container=web, timestamp=now + 1, level="INFO", message="newer")

    ship(make_shipper(loki.url, LocalFeed(get_source("container"))))

    assert sorted(one.line for one in loki.stored()) == ["new", "newer"]
    rejected = RejectedEntry.objects.get()
    assert (rejected.source, rejected.line) == ("container", "backfilled")
    assert "too far behind" in rejected.reason
