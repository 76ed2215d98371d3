"""What search, live tail, export and shipping know of a log app, and which log apps there are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.urls import reverse

from logsite.audit import Reader
from logsite.records.metrics import Metric
from logsite.records.stored_rows import StoredRows
from logsite.records.views import SourceView


@dataclass(frozen=True)
class Retention:
    """How long rows stay: the name of a setting in days, 0 for ever.

    `parts` are classes of `logsite.housekeeping.purge_runs.Part`. Without any, rows older than that go that every
    reader has got.
    """

    setting: str
    parts: Sequence[Callable[..., Any]] = ()


class LogSource(StoredRows):
    """How a log app offers its rows. `permission` is what a reader of the source must hold.

    One registration serves search, live pages, shipping, `purge_logs` and /metrics. `stream` names the columns whose
    values tell the log that an entry belongs to, such as its session; the context of an entry comes from there.
    """

    title: ClassVar[str] = ""
    retention: ClassVar[Retention | None] = None

    def view(self, reader: Reader) -> SourceView:
        """What `reader` sees of the source. Raises PermissionMissing."""
        return SourceView(self, reader)

    def metrics(self) -> Iterable[Metric]:
        """What /metrics says of the source, for readers who hold `permission`."""
        newest = self.queryset().order_by("-id").values_list("id", flat=True).first() or 0
        text = "Entries stored so far, by their highest id; tries that failed count too."
        yield Metric(
            "logsite_source_entries_stored_total", "counter", text, [({"source": self.name}, newest)]
        )

    def url_of(self, row_id: int) -> str:
        """The address of an entry's page in the admin."""
        meta = self.queryset().model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row_id])


_sources: dict[str, LogSource] = {}


def register_source(source: LogSource) -> None:
    """Make `source` known; the log apps call this from `AppConfig.ready`."""
    _sources[source.name] = source


def sources() -> dict[str, LogSource]:
    """Every registered source by name."""
    return dict(_sources)


def get_source(name: str) -> LogSource:
    """The source called `name`. Raises ValueError naming the ones there are."""
    try:
        return _sources[name]
    except KeyError:
        raise ValueError(
            f"source {name!r} does not exist; known sources: {', '.join(sorted(_sources))}"
        ) from None
