"""What recording could not keep as it was, counted over all processes; see `RecordingCounter`."""

from collections.abc import Mapping

from django.db.models import F

from sessionlogs.models import RecordingCounter

LOST, WITHHELD, TRUNCATED, SPILLED = "lost", "withheld", "truncated", "spilled"
NAMES = {
    LOST: "events that no try stored",
    WITHHELD: "events of which a text was withheld, because a known secret had survived redaction",
    TRUNCATED: "events whose response was larger than the limit",
    SPILLED: "events that waited in a file because the database was away",
}


def add(counts: Mapping[str, int]) -> None:
    """Raise the counters; in the order of their names, so that two writers cannot wait for each other."""
    wanted = {name: number for name, number in sorted(counts.items()) if number}
    if not wanted:
        return
    RecordingCounter.objects.bulk_create(
        [RecordingCounter(name=name) for name in wanted], ignore_conflicts=True
    )
    for name, number in wanted.items():
        RecordingCounter.objects.filter(name=name).update(value=F("value") + number)


def read() -> dict[str, int]:
    """Every counter by name, those that never counted as 0."""
    return dict.fromkeys(NAMES, 0) | dict(RecordingCounter.objects.values_list("name", "value"))
