"""What container logs show on pages of other rooms: hosts that are not read, missing lines, errors, finders."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from logsite.api import pages
from logsite.audit import Reader
from logsite.records import to_nanoseconds
from prodlogs.models import HostStatus, SnapshotStatus
from prodlogs.pages import container_errors, find_containers, find_hosts, hosts_not_read, lines_missing
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    DockerHostFactory,
    LogSnapshotFactory,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SITE = Reader(None, "", "system")


def test_a_host_that_is_not_read_gives_a_card_with_its_reason_whose_link_lists_that_host_alone(
    browser, teammate
):
    DockerHostFactory(name="docker01", status=HostStatus.OK)
    DockerHostFactory(name="off", status=HostStatus.FAILED, enabled=False)
    DockerHostFactory(
        name="docker02", status=HostStatus.FAILED, error_message="host key changed", answered_at=NOON
    )
    [card] = [card for card in pages.cards(Reader(teammate, "", "admin")) if "hosts" in card.text]
    answer = browser(teammate).get(card.url)

    assert (card.text, card.ok) == ("1 of 2 hosts not read", False)
    assert (card.since, card.why) == (NOON, "docker02: host key changed")
    assert answer.status_code == 200
    assert [host.name for host in answer.context["cl"].result_list] == ["docker02"]


def test_the_host_of_the_environment_counts_only_while_the_environment_defines_it(settings):
    DockerHostFactory(name="default", status=HostStatus.FAILED, from_environment=True)
    before = hosts_not_read(SITE)
    settings.PRODLOGS_HOST = "192.0.2.10"

    assert (before.text, hosts_not_read(SITE).text) == ("0 of 0 hosts not read", "1 of 1 hosts not read")


def test_lines_that_were_lost_today_give_a_card_with_the_reason():
    host = DockerHostFactory(name="docker01")
    container = ContainerFactory(host=host, name="worker")
    gaps = [{"stream": "stdout", "reason": "the file was rotated"}] * 2
    now = timezone.now()
    for hours in (1, 2, 30):
        LogSnapshotFactory(
            container=container,
            status=SnapshotStatus.GAP,
            started_at=now - timedelta(hours=hours),
            gaps=gaps if hours == 1 else [],
        )
    LogSnapshotFactory(container=container, started_at=now)
    card = lines_missing(SITE)

    assert card.text == "2 readings with missing lines in 24 hours"
    assert (card.since, card.why) == (now - timedelta(hours=1), "worker on docker01: the file was rotated")
    assert not card.ok


def test_the_panel_counts_the_errors_of_each_container_today(browser, teammate):
    now = timezone.now()
    host = DockerHostFactory(name="docker01")
    web, web_before, api = (ContainerFactory(host=host, name=name) for name in ("web", "web", "api"))
    for container, level, hours in (
        (web, "ERROR", 1),
        (web_before, "CRITICAL", 2),
        (web, "ERROR", 30),
        (api, "ERROR", 3),
        (api, "WARNING", 1),
        (api, "", 2),
    ):
        moment = to_nanoseconds(now - timedelta(hours=hours))
        ContainerLogEntryFactory(container=container, level=level, timestamp=moment)
    rows = container_errors(SITE).rows
    shown = browser(teammate).get(rows[0][1].url).context["cl"].result_list

    assert [(row[0], row[1].text, row[2]) for row in rows] == [(2, "web", "docker01"), (1, "api", "docker01")]
    assert [(entry.container_name, entry.level) for entry in shown] == [("web", "ERROR"), ("web", "CRITICAL")]


def test_hosts_and_containers_are_found_by_the_beginning_of_their_name():
    host = DockerHostFactory(name="docker01", address="192.0.2.77")
    ContainerFactory(host=host, name="web-old", removed_at=NOON)
    ContainerFactory(host=host, name="web-1", container_id="f00d" * 16)
    hosts = {
        "docker": ["docker01"],
        "DOCKER01": ["docker01"],
        "192.0.2.77": ["docker01"],
        "ocker": [],
        "d%": [],
    }
    containers = {
        "web": ["web-1 on docker01", "web-old on docker01"],
        "Web-1": ["web-1 on docker01"],
        "f00df00df00d": ["web-1 on docker01"],
        "f00d": [],
        "eb": [],
        "w_b": [],
    }

    assert {text: [hit.title for hit in find_hosts(text, SITE)] for text in hosts} == hosts
    assert {text: [hit.title for hit in find_containers(text, SITE)] for text in containers} == containers


def test_every_hit_opens_and_an_outsider_has_none(browser, teammate, outsider):
    host = DockerHostFactory(name="web")
    ContainerFactory(host=host, name="web-1")
    hits = pages.find("web", Reader(teammate, "", "admin"))

    assert [hit.kind for hit in hits] == ["host", "container"]
    assert {hit.url for hit in hits if browser(teammate).get(hit.url).status_code != 200} == set()
    assert pages.find("web", Reader(outsider, "", "admin")) == []
