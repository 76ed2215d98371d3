"""What every room counts, as Prometheus reads it (text exposition format 0.0.4).

A source tells its metrics by `LogSource.metrics`; a room that is no source registers a function, with the permission
that a reader needs for them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from logsite.records import Metric, sources


def lines_of(metric: Metric) -> Iterator[str]:
    """The lines of one metric."""
    yield f"# HELP {metric.name} {_escaped(metric.text)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.samples:
        inner = ",".join(f'{name}="{_quoted(label)}"' for name, label in labels.items())
        yield f"{metric.name}{{{inner}}} {value}" if inner else f"{metric.name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


Metrics = Callable[[], Iterable[Metric]]
_rooms: list[tuple[str, Metrics]] = []


def register_metrics(permission: str, metrics: Metrics) -> None:
    """Make the metrics of a room that is no source known; called in its `AppConfig.ready`."""
    _rooms.append((permission, metrics))


def exposition(may_see: Callable[[str], bool]) -> str | None:
    """The metrics of the rooms whose permission passes `may_see`; None where none does."""
    rooms = [*((source.permission, source.metrics) for source in sources().values()), *_rooms]
    seen = [metrics for permission, metrics in rooms if may_see(permission)]
    if not seen:
        return None
    return "\n".join(line for metric in families(seen) for line in lines_of(metric)) + "\n"


def families(rooms: Iterable[Metrics]) -> list[Metric]:
    """The metrics of all rooms. Those of one name are one family, which the format takes once only."""
    found: dict[str, Metric] = {}
    for metrics in rooms:
        for metric in metrics():
            known = found.get(metric.name)
            found[metric.name] = (
                replace(metric, samples=[*known.samples, *metric.samples]) if known else metric
            )
    return list(found.values())
