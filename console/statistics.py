"""What `/api/v2/logs/stats` says: volume, errors, what comes in, what is stored."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum

from console.histograms import MINUTE, step_of
from console.patterns import patterns_of
from logsite.housekeeping import counters
from logsite.intake.models import IngestToken
from logsite.records import Window
from logsite.records.query.tree import All, Compare
from logsite.records.query.tree import Any as AnyOf
from logsite.records.search import Histogram, Search, of_each

TOP_ERRORS = 10
SEE_REJECTED = "intake.view_rejectedinput"
RATE_SECONDS = 60
ERRORS = AnyOf((Compare("level", "=", "ERROR"), Compare("level", "=", "CRITICAL")))


def statistics_of(search: Search) -> dict[str, Any]:
    """The figures of the search's window, which has both ends."""
    window = search.window
    assert window.since is not None
    assert window.until is not None
    step = max(MINUTE, step_of(window))
    volume = search.histogram(step)
    having = [name for name in ("app",) if any(name in view.fields for view in search.views)]
    facets = search.facets(having)
    apps = facets.values.get("app", [])
    errors = replace(search, also=All((search.also, ERRORS)))
    patterns = patterns_of(errors, with_new=False)
    late = {*volume.late_sources, *facets.late_sources, *patterns.late_sources}
    return {
        "start_time": window.since,
        "end_time": window.until,
        "step": step,
        "volume": [
            {"start": datetime.fromtimestamp(start, UTC), "counts": counts}
            for start, counts in volume.buckets
        ],
        "levels": _levels(volume),
        "apps": [{"app": app, "count": count} for app, count in apps],
        "top_errors": patterns.as_json()["patterns"][:TOP_ERRORS],
        "ingest": _ingest(search, window.until),
        "storage": _storage(search),
        "exact": volume.exact and facets.exact,
        "late_sources": sorted(late),
    }


def _levels(volume: Histogram) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for _, counts in volume.buckets:
        sums.update(counts)
    return dict(sums)


def _ingest(search: Search, until: datetime) -> dict[str, Any]:
    """Entries a second in the window's last minute, and what was not kept since the site was set up."""
    last = replace(search, window=Window(until - timedelta(seconds=RATE_SECONDS), until))
    reader = search.views[0].reader
    found: dict[str, Any] = {
        "entries_per_second": sum(_levels(last.histogram(RATE_SECONDS)).values()) / RATE_SECONDS
    }
    if reader.holds(SEE_REJECTED):
        found["rejected"] = IngestToken.objects.aggregate(sum=Sum("rejected"))["sum"] or 0
    found["dropped"] = counters.read()[counters.LOST]
    return found


def _storage(search: Search) -> list[dict[str, Any]]:
    """What each source has stored of each day of the window, without the filters."""
    each = of_each(search.views, lambda view: view.storage(search.window), search.deadline_seconds)
    return [
        {"source": name, "day": f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}", "entries": number}
        for name, days in each.results.items()
        for start, number in sorted(days.items())
    ]
