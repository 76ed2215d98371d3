"""GET /metrics: what every room counts, as Prometheus reads it (text exposition format 0.0.4).

A room registers a function that gives its families, with the permission that a reader needs for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


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


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


Families = Callable[[], Iterable[Family]]
_rooms: list[tuple[str, Families]] = []


def register_metrics(permission: str, families: Families) -> None:
    """Make a room's metrics known; called in its `AppConfig.ready`."""
    _rooms.append((permission, families))


class MetricsView(APIView):
    """What the caller may see of all rooms; Prometheus logs in with a token."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        seen = [families for permission, families in _rooms if request.user.has_perm(permission)]
        if not seen:
            raise PermissionDenied
        lines = [line for families in seen for family in families() for line in family.lines()]
        return HttpResponse("\n".join(lines) + "\n", content_type=CONTENT_TYPE)
