"""Removes container logs by age, as a part of `purge_logs`: entries, then what only they kept.

An entry's age is Docker's time of it. A batch is one small transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from logsite.housekeeping.purge_runs import Part, Tally, days_of, removed
from logsite.records import after, lowest_needed
from prodlogs.models import Container, ContainerLogEntry, LogSnapshot, RemoteCommand


class ContainerPurge(Part):
    """Entries of more than RETENTION_DAYS_CONTAINERS, but what has not been shipped yet; then readings and sent
    commands of that age, and containers that were removed so long ago; none of which an entry is left."""

    name = "containers"
    removes = ("entries", "snapshots", "commands", "containers")

    def rules(self) -> list[str]:
        return [_rule(self.name, "RETENTION_DAYS_CONTAINERS", without="for ever")]

    def count(self) -> Tally:
        rows = self._rows() if settings.RETENTION_DAYS_CONTAINERS else {}
        return Counter({(self.name, what): found.count() for what, found in rows.items()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        if not settings.RETENTION_DAYS_CONTAINERS:
            return
        for what, rows in self._rows().items():
            yield from removed(rows, (self.name, what), stopping)

    def report(self, tally: Tally) -> list[str]:
        counts = ", ".join(f"{tally[self.name, what]} {what}" for what in self.removes)
        return [f"{rule}: {counts}" for rule in self.rules()]

    def kept_for_shipping(self) -> str:
        if self.even_unshipped or not settings.RETENTION_DAYS_CONTAINERS:
            return ""
        kept = self._due().count() - self._removable().count()
        return f"{self.name}: {kept}" if kept else ""

    # --- which rows ---------------------------------------------------------------------------------------

    def _rows(self) -> dict[str, QuerySet[Any]]:
        cut_off = self._cut_off()
        of_container = ContainerLogEntry.objects.filter(container=OuterRef("pk"))
        # Found by the index on container and time; there is none on snapshot.
        of_snapshot = ContainerLogEntry.objects.filter(
            container=OuterRef("container"),
            timestamp__gte=OuterRef("first"),
            timestamp__lte=OuterRef("last"),
            snapshot=OuterRef("pk"),
        )
        return {
            "entries": self._removable(),
            "snapshots": LogSnapshot.objects.filter(
                Q(ended_at__lt=cut_off) | Q(ended_at=None, started_at__lt=cut_off), ~Exists(of_snapshot)
            ).order_by("started_at"),
            "commands": RemoteCommand.objects.filter(sent_at__lt=cut_off).order_by("sent_at", "id"),
            "containers": Container.objects.filter(Q(removed_at__lt=cut_off), ~Exists(of_container)).order_by(
                "pk"
            ),
        }

    def _removable(self) -> QuerySet[ContainerLogEntry]:
        needed = None if self.even_unshipped else lowest_needed("container")
        return self._due() if needed is None else self._due().exclude(after(needed))

    def _due(self) -> QuerySet[ContainerLogEntry]:
        return ContainerLogEntry.objects.filter(timestamp__lt=self._cut_off()).order_by("timestamp", "id")

    def _cut_off(self) -> datetime:
        return self.now - timedelta(days=settings.RETENTION_DAYS_CONTAINERS)


class FollowPurge(Part):
    """What following sent, every few seconds for each container, and what went well. Refused and failed commands,
    and those that somebody asked for, stay as long as entries."""

    name = "commands of follow"

    def rules(self) -> list[str]:
        return [_rule(self.name, "RETENTION_DAYS_FOLLOW", without="as long as other commands")]

    def count(self) -> Tally:
        return Counter({(self.name, "commands"): self._rows().count()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        yield from removed(self._rows(), (self.name, "commands"), stopping)

    def report(self, tally: Tally) -> list[str]:
        return [f"{rule}: {tally[self.name, 'commands']} commands" for rule in self.rules()]

    def kept_for_shipping(self) -> str:
        return ""

    def _rows(self) -> QuerySet[RemoteCommand]:
        days = settings.RETENTION_DAYS_FOLLOW
        if not days:
            return RemoteCommand.objects.none()
        routine = RemoteCommand.objects.filter(via="follow", denied=False, exit_code=0)
        return routine.filter(sent_at__lt=self.now - timedelta(days=days)).order_by("sent_at", "id")


def _rule(name: str, setting: str, *, without: str) -> str:
    days = days_of(setting)
    return f"{name}: {days} days" if days else f"{name}: {without}"
