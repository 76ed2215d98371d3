"""What recording could not keep as it was, counted over all processes in the table of `Counter`."""

from collections.abc import Mapping

from django.db.models import F

from logsite.housekeeping.models import Counter

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
    Counter.objects.bulk_create([Counter(name=name) for name in wanted], ignore_conflicts=True)
    for name, number in wanted.items():
        Counter.objects.filter(name=name).update(value=F("value") + number)


def read() -> dict[str, int]:
    """Every counter by name, those that never counted as 0."""
    return dict.fromkeys(NAMES, 0) | dict(Counter.objects.values_list("name", "value"))
