"""What the addresses over all sources answer, as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from console.patterns import Pattern, Patterns
from console.statistics import Statistics
from logsite.records import LogRecord, Window, entry_of, to_nanoseconds
from logsite.records.search import Context, FacetCounts, Histogram
from logsite.text.rfc3339 import rfc3339

SECOND = 1_000_000_000  # in nanoseconds


def entries_of(records: Iterable[LogRecord]) -> list[dict[str, Any]]:
    return [entry_of(record) for record in records]


def context_json(found: Context) -> dict[str, Any]:
    return {
        "before": entries_of(found.before),
        "entry": entry_of(found.entry),
        "after": entries_of(found.after),
        "more_before": found.more_before,
        "more_after": found.more_after,
    }


def histogram_json(found: Histogram, window: Window) -> dict[str, Any]:
    buckets = [{"start": rfc3339(start * SECOND), "counts": counts} for start, counts in found.buckets]
    return {
        "step": found.step,
        **_ends(window),
        "buckets": buckets,
        "exact": found.exact,
        "late_sources": found.late_sources,
    }


def facets_json(found: FacetCounts, empty: Iterable[str]) -> dict[str, Any]:
    """`empty` are the fields asked for that no source has."""
    values = {**dict.fromkeys(empty, ()), **found.values}
    return {
        **{name: values_json(counted) for name, counted in values.items()},
        "exact": found.exact,
        "late_sources": found.late_sources,
    }


def values_json(counted: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"value": value, "count": number} for value, number in counted]


def patterns_json(found: Patterns, limit: int) -> dict[str, Any]:
    compared = {**_ends(found.before), "complete": found.is_compared} if found.before else None
    return {
        "patterns": [pattern_json(pattern) for pattern in found.patterns[:limit]],
        "read": len(found.read),
        "complete": not (found.is_cut or found.late_sources),
        "compared": compared,
        "late_sources": found.late_sources,
    }


def pattern_json(pattern: Pattern) -> dict[str, Any]:
    return {
        "pattern": pattern.text,
        "count": pattern.count,
        "levels": dict(pattern.levels),
        "first_seen": rfc3339(pattern.first_seen),
        "last_seen": rfc3339(pattern.last_seen),
        "sample": f"{pattern.sample.source}-{pattern.sample.id}",
        "new": pattern.is_new,
    }


def statistics_json(found: Statistics) -> dict[str, Any]:
    errors = [
        {name: value for name, value in pattern_json(each).items() if name != "new"} for each in found.errors
    ]
    return {
        **_ends(found.window),
        "volume": [
            {"start": rfc3339(start * SECOND), "counts": dict(counts)}
            for start, counts in found.volume.minutes
        ],
        "levels": values_json(found.volume.levels.most_common()),
        "sources": values_json(list(found.volume.by_source.items())),
        "apps": [
            {"source": each.source, "field": each.field, "value": each.value, "count": each.number}
            for each in found.senders
        ],
        "error_patterns": errors,
        "ingest": {
            "rate": [
                {"source": source, "last_minute": number, "per_second": round(number / 60, 3)}
                for source, number in found.ingest.last_minute.items()
            ],
            "rejected": found.ingest.rejected,
            "dropped": found.ingest.dropped,
        },
        "storage": _storage_json(found),
        "exact": found.exact,
        "late_sources": found.late_sources,
    }


def _storage_json(found: Statistics) -> list[dict[str, Any]]:
    return [
        {"source": source, "day": stored.day.isoformat(), "rows": stored.rows, "bytes": stored.bytes}
        for source, days in found.storage.items()
        for stored in days
    ]


def _ends(window: Window) -> Mapping[str, str | None]:
    ends = {"start_time": window.since, "end_time": window.until}
    return {name: rfc3339(to_nanoseconds(moment)) if moment else None for name, moment in ends.items()}
