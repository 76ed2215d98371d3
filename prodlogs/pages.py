"""What container logs show on pages of other rooms: hosts that are not read, missing lines, errors, finders."""

import re
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, F, Q, Window
from django.utils import timezone

from logsite.api.pages import (
    FINDER_HITS,
    PANEL_ROWS,
    Card,
    Hit,
    Link,
    Panel,
    counted,
    filter_time,
    longest_bad,
    page_url,
    register_card,
    register_finder,
    register_panel,
)
from logsite.audit import Reader
from logsite.records import get_source
from prodlogs.entries.queries import errors_since
from prodlogs.models import Container, DockerHost, HostStatus, LogSnapshot, SnapshotStatus

DAY = timedelta(days=1)
VIEW_HOST, VIEW_CONTAINER = "prodlogs.view_dockerhost", "prodlogs.view_container"
VIEW_READING, VIEW_ENTRY = "prodlogs.view_logsnapshot", "prodlogs.view_containerlogentry"
ENTRIES = "prodlogs_containerlogentry_changelist"
_ID = re.compile("[0-9a-f]{12,64}")  # f00dfeed4711, as `docker ps` shows it, or all 64 digits


def register() -> None:
    """Make all of this known; called in `AppConfig.ready`."""
    register_card(hosts_not_read, permission=VIEW_HOST, queries=1)
    register_card(lines_missing, permission=VIEW_READING, queries=1)
    register_finder(find_hosts, permission=VIEW_HOST)
    register_finder(find_containers, permission=VIEW_CONTAINER)
    register_panel("container_errors", container_errors, permission=VIEW_ENTRY, queries=2)


def hosts_not_read(reader: Reader) -> Card:
    """How many enabled hosts failed when last connected to; since when and why the one that waits longest."""
    enabled = DockerHost.objects.filter(enabled=True)
    if not settings.PRODLOGS_HOST:  # the row that it once defined is not connected to any more
        enabled = enabled.filter(from_environment=False)
    failed = Q(status=HostStatus.FAILED)
    found = longest_bad(enabled, failed, "answered_at", "name", "error_message")
    text = f"{found['bad']} of {found['total']} hosts not read"
    filters = {"status__exact": HostStatus.FAILED.value, "enabled__exact": 1}
    url = page_url("prodlogs_dockerhost_changelist", **filters)
    if not found["bad"]:
        return Card(text, url=url)
    return Card(text, found["answered_at"], f"{found['name']}: {found['error_message']}", url, ok=False)


def lines_missing(reader: Reader) -> Card:
    """How many readings of the last day lost lines before they could be read, and the newest one's reason."""
    gaps = LogSnapshot.objects.filter(status=SnapshotStatus.GAP, started_at__gte=timezone.now() - DAY)
    columns = ("number", "started_at", "host_name", "container_name", "gaps")
    found = gaps.annotate(number=Window(Count("pk"))).order_by("-started_at", "-id").values(*columns).first()
    url = page_url("prodlogs_logsnapshot_changelist", status__exact=SnapshotStatus.GAP.value)
    if found is None:
        return Card("0 readings with missing lines in 24 hours", url=url)
    number = counted(found["number"], "reading", "readings")
    reasons = "; ".join(dict.fromkeys(str(gap.get("reason", "")) for gap in found["gaps"]))
    why = f"{found['container_name']} on {found['host_name']}: {reasons}"
    return Card(f"{number} with missing lines in 24 hours", found["started_at"], why, url, ok=False)


def container_errors(reader: Reader) -> Panel:
    """The containers with the most errors in the last day; one that was made anew under its name counts with it."""
    since = timezone.now() - DAY
    errors = errors_since(get_source("container").view(reader).rows(), since)
    places = Container.objects.filter(pk__in=errors).values_list("pk", "host__name", "name")
    counts: Counter[tuple[str, str]] = Counter()
    for pk, host, name in places:
        counts[host, name] += errors[pk]
    day = {"level": "errors", "since": filter_time(since)}
    return Panel(
        "Errors of containers in 24 hours",
        ("Errors", "Container", "Host"),
        [
            (number, Link(name, page_url(ENTRIES, host=host, container=name, **day)), host)
            for (host, name), number in counts.most_common(PANEL_ROWS)
        ],
        page_url(ENTRIES, **day),
    )


def find_hosts(text: str, reader: Reader) -> list[Hit]:
    """Docker hosts by the beginning of their name, or by their address."""
    rows = DockerHost.objects.filter(Q(name__istartswith=text) | Q(address__iexact=text)).order_by("name")
    return [
        Hit(name, page_url("prodlogs_dockerhost_change", pk), "host")
        for pk, name in rows.values_list("pk", "name")[:FINDER_HITS]
    ]


def find_containers(text: str, reader: Reader) -> list[Hit]:
    """Containers by the beginning of their name or of Docker's id; those that are removed come last."""
    named = Q(name__istartswith=text)
    if _ID.fullmatch(text):
        named |= Q(container_id__startswith=text)
    rows = Container.objects.filter(named).order_by(
        F("removed_at").asc(nulls_first=True), "name", "host__name"
    )
    return [
        Hit(f"{name} on {host}", page_url("prodlogs_container_change", pk), "container")
        for pk, name, host in rows.values_list("pk", "name", "host__name")[:FINDER_HITS]
    ]
