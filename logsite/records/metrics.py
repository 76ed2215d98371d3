"""What a room counts, for /metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet


@dataclass(frozen=True)
class Metric:
    """One metric; `samples` are pairs of labels and value. `kind` is `counter` or `gauge`."""

    name: str
    kind: str
    text: str
    samples: Sequence[tuple[Mapping[str, str], float]] = field(default_factory=tuple)


def by_status(name: str, text: str, rows: QuerySet[Any], known: Iterable[str]) -> Metric:
    """How many of `rows` have each status; those of `known` that none has count 0."""
    numbers = dict.fromkeys(known, 0) | dict(rows.order_by().values_list("status").annotate(Count("pk")))
    return Metric(name, "gauge", text, [({"status": status}, number) for status, number in numbers.items()])
