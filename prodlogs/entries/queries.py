"""Entries by what lists ask for: in ways that stay quick in a table of many millions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, QuerySet

from logsite.records import LEVELS, from_nanoseconds
from prodlogs.models import Container, ContainerLogEntry

LEVELS_OF_LINES = tuple(level for level in LEVELS if level not in ("SECURITY", "AUDIT"))
ERRORS = ("ERROR", "CRITICAL")
PLACE = {"host": "host__name", "container": "name"}  # of a container, by what lists call it
LONGEST_TEXT = 200  # characters of what is looked for
SEARCHED = 200_000  # of the newest entries that the other filters leave; reading them takes half a second
RARE = 5_000  # entries of several containers that are sorted; of more, the newest are found by walking


class Searched(NamedTuple):
    """`rows` hold the text; `since` is where the search ended, None where it saw everything.

    As an exclusive end of the next search it leaves nothing out: a datetime has no nanoseconds, so it is rounded up.
    """

    rows: QuerySet[ContainerLogEntry]
    since: datetime | None


def of_levels(rows: QuerySet[ContainerLogEntry], levels: Sequence[str]) -> QuerySet[ContainerLogEntry]:
    """Those of one of `levels`; an empty word stands for the entries without a level."""
    found = rows.filter(level__in=levels)
    # The index of levels leaves out the empty one, and SQLite takes it only where the query says the same.
    return found if "" in levels else found.exclude(level="")


def errors_since(rows: QuerySet[ContainerLogEntry], moment: datetime) -> dict[int, int]:
    """How many of `rows` are of level ERROR or CRITICAL, by container row; their index holds nothing else."""
    errors = of_levels(rows.select_related(None).filter(timestamp__gte=moment), ERRORS).order_by()
    return dict(errors.values_list("container").annotate(Count("id")))


def of_containers(rows: QuerySet[ContainerLogEntry], **which: Any) -> QuerySet[ContainerLogEntry]:
    """Those of the containers that `which` describes, such as `name="web"`, `host__name="docker01"`.

    Asked for the newest of several containers, a planner sorts all their entries. That is right for few;
    where there are many the walk along the time index meets them soon, so the planner is left no other way.
    """
    ids = list(Container.objects.filter(**which).order_by().values_list("pk", flat=True))
    if len(ids) == 1:
        return rows.filter(container=ids[0])
    mine = rows.filter(container__in=ids)
    found = list(mine.order_by().values_list("pk", flat=True)[: RARE + 1])
    if len(found) <= RARE:
        return rows.filter(pk__in=found)
    return rows.alias(container_number=F("container_id") + 0).filter(container_number__in=ids)


def containing(rows: QuerySet[ContainerLogEntry], text: str) -> Searched:
    """Those of the SEARCHED newest of `rows` that hold `text`, whatever its case. The caller orders them."""
    if not text:
        return Searched(rows, None)
    beyond = rows.order_by("-timestamp", "-id").values_list("timestamp", flat=True)[SEARCHED : SEARCHED + 1]
    matching = rows.filter(Q(message__icontains=text))
    if not (last := list(beyond)):
        return Searched(matching, None)
    return Searched(matching.filter(timestamp__gt=last[0]), from_nanoseconds((last[0] // 1000 + 1) * 1000))
