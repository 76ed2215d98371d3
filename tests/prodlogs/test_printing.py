"""What `manage.py prodlogs` prints of readings."""

from prodlogs.models import LogSnapshot
from prodlogs.printing import reading_lines, result_dict
from prodlogs.reading.results import HostResult, ReadingResult

AFTER, BEFORE = "2026-05-01T12:00:00.000000000Z", "2026-05-01T12:05:00.000000000Z"


def reading(**columns):
    return ReadingResult("web", LogSnapshot(), "gap", 3, 2, **columns)


def gap(before):
    return {"stream": "stdout", "after": AFTER, "before": before, "reason": "rotated"}


def test_a_gap_is_told_with_its_times():
    [line] = reading_lines(HostResult("docker01", [reading(gaps=[gap(BEFORE)])]))

    assert line == (
        f"docker01/web: GAP; 3 lines, 2 entries; gap between {AFTER} and {BEFORE} on stdout: rotated"
    )


def test_a_gap_at_the_end_of_an_empty_log_has_no_other_end():
    [line] = reading_lines(HostResult("docker01", [reading(gaps=[gap(None)])]))

    assert line.endswith(f"; gap after {AFTER} on stdout: rotated")


def test_a_host_that_another_reader_holds_is_not_passed_over_in_silence():
    assert list(reading_lines(HostResult("docker01", running=True), quiet=True)) == [
        "docker01: another process is reading this host"
    ]


def test_a_reading_as_json_has_its_keys_in_the_order_of_the_reference():
    [shown] = result_dict(HostResult("docker01", [reading()]))["readings"]

    assert ", ".join(shown) == (
        "container, snapshot, status, lines, entries, gaps, error, error_kind, duplicates"
    )


def test_a_result_as_json_has_no_rows():
    brought = reading()
    assert result_dict(HostResult("docker01", [brought])) == {
        "host": "docker01", "error": "", "error_kind": "", "running": False, "missing": [],
        "readings": [
            {
                "container": "web", "snapshot": str(brought.snapshot.pk), "status": "gap", "lines": 3,
                "entries": 2, "gaps": [],
                "error": "", "error_kind": "", "duplicates": 0,
            }
        ],
    }  # fmt: skip
