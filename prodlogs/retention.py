"""Removes container logs by age, as a part of `purge_logs`: entries, then what only they kept.

An entry's age is Docker's time of it. A batch is one small transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from logsite.housekeeping.indexed_purge import IndexedPurge
from logsite.housekeeping.purge_runs import Part, Tally, days_of, removed
from prodlogs.entry_index import COUNTS, INDEX
from prodlogs.models import Container, ContainerLogEntry, LogSnapshot, RemoteCommand


class ContainerPurge(IndexedPurge):
    """Entries of more than RETENTION_DAYS_CONTAINERS, but what has not been shipped yet; then readings and sent
    commands of that age, and containers that were removed so long ago; none of which an entry is left."""

    name = "containers"
    source = "container"
    setting = "RETENTION_DAYS_CONTAINERS"
    index, counts = INDEX, COUNTS
    removes = ("entries", "snapshots", "commands", "containers")

    def count(self) -> Tally:
        tally = super().count() if self.days else Counter()
        rows = self._rows() if self.days else {}
        return tally + Counter({(self.name, what): found.count() for what, found in rows.items()})

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        if not self.days:
            return
        yield from super().batches(stopping)
        for what, rows in self._rows().items():
            yield from removed(rows, (self.name, what), stopping)

    def report(self, tally: Tally) -> list[str]:
        counts = ", ".join(f"{tally[self.name, what]} {what}" for what in self.removes)
        return [f"{rule}: {counts}" for rule in self.rules()]

    def _rows(self) -> dict[str, QuerySet[Any]]:
        """What goes beside entries."""
        cut_off = self.cut_off()
        of_container = ContainerLogEntry.objects.filter(container=OuterRef("pk"))
        # Found by the index on container and time; there is none on snapshot.
        of_snapshot = ContainerLogEntry.objects.filter(
            container=OuterRef("container"),
            timestamp__gte=OuterRef("first"),
            timestamp__lte=OuterRef("last"),
            snapshot=OuterRef("pk"),
        )
        return {
            "snapshots": LogSnapshot.objects.filter(
                Q(ended_at__lt=cut_off) | Q(ended_at=None, started_at__lt=cut_off), ~Exists(of_snapshot)
            ).order_by("started_at"),
            "commands": RemoteCommand.objects.filter(sent_at__lt=cut_off).order_by("sent_at", "id"),
            "containers": Container.objects.filter(Q(removed_at__lt=cut_off), ~Exists(of_container)).order_by(
                "pk"
            ),
        }


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
