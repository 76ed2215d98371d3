"""What the result of a reading counts, beside the snapshot that tells of it."""

import pytest

from prodlogs.models import LogSnapshot
from prodlogs.reading.results import ReadingResult, status_of
from tests.factories import LogSnapshotFactory

pytestmark = pytest.mark.django_db
GAP = {"stream": "stdout", "after": "2026-05-01T12:00:00Z", "before": None, "reason": "rotated"}


@pytest.fixture
def snapshot():
    """Of a follower: earlier readings of the hour are counted in it."""
    return LogSnapshotFactory(lines=100, entries=90, bytes=5_000, gaps=[GAP])


def test_a_reading_is_added_to_the_snapshot_once_however_often_it_is_brought_up_to_date(snapshot):
    result = ReadingResult("web", snapshot, lines=3, entries=2, bytes=50, gaps=[GAP])
    for _ in range(2):
        result.update_snapshot()

    assert (snapshot.lines, snapshot.entries, snapshot.bytes, len(snapshot.gaps)) == (103, 92, 5_050, 2)


def test_after_a_rollback_a_reading_counts_what_is_stored_of_it_and_not_the_hour(snapshot):
    result = ReadingResult("web", snapshot, lines=10, entries=9, bytes=70, gaps=[GAP])
    result.update_snapshot()
    LogSnapshot.objects.filter(pk=snapshot.pk).update(lines=104, entries=93, bytes=5_020)

    result.count_what_is_stored()

    assert (result.lines, result.entries, result.bytes, result.gaps) == (4, 3, 20, [])


def test_two_readings_count_together_and_end_as_the_second_did(snapshot):
    first = ReadingResult("web", snapshot, "gap", lines=3, entries=2, gaps=[GAP])
    second = ReadingResult("web", snapshot, "complete", lines=4, entries=4)

    second.add_earlier(first)

    assert (second.lines, second.entries, second.gaps, second.status) == (7, 6, [GAP], "gap")


@pytest.mark.parametrize(
    ("stored", "gaps", "error", "status"),
    [
        (0, [], "", "complete"),
        (5, [GAP], "", "gap"),
        (5, [], "broke", "partial"),
        (0, [GAP], "broke", "failed"),
    ],
)
def test_a_reading_ends_by_what_it_stored_and_met(stored, gaps, error, status):
    assert status_of(stored, gaps, error) == status
