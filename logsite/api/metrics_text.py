"""What every room counts, as Prometheus reads it (text exposition format 0.0.4).

A room registers a function that gives its families, with the permission that a reader needs for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet


@dataclass(frozen=True)
class Family:
    """One metric; `samples` are pairs of labels and value. `kind` is `counter` or `gauge`."""

    name: str
    kind: str
    text: str
    samples: Sequence[tuple[Mapping[str, str], float]] = field(default_factory=tuple)

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {_escaped(self.text)}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            inner = ",".join(f'{name}="{_quoted(label)}"' for name, label in labels.items())
            yield f"{self.name}{{{inner}}} {value}" if inner else f"{self.name} {value}"


def by_status(name: str, text: str, rows: QuerySet[Any], known: Iterable[str]) -> Family:
    """How many of `rows` have each status; those of `known` that none has count 0."""
    numbers = dict.fromkeys(known, 0) | dict(rows.order_by().values_list("status").annotate(Count("pk")))
    return Family(name, "gauge", text, [({"status": status}, number) for status, number in numbers.items()])


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


Families = Callable[[], Iterable[Family]]
_rooms: list[tuple[str, Families]] = []


def register_metrics(permission: str, families: Families) -> None:
    """Make a room's metrics known; called in its `AppConfig.ready`."""
    _rooms.append((permission, families))


def exposition(may_see: Callable[[str], bool]) -> str | None:
    """The metrics of the rooms whose permission passes `may_see`; None where none does."""
    seen = [families for permission, families in _rooms if may_see(permission)]
    if not seen:
        return None
    lines = [line for families in seen for family in families() for line in family.lines()]
    return "\n".join(lines) + "\n"
