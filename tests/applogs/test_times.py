"""The time of an entry, from each way in which senders write one."""

from datetime import UTC, datetime

import pytest

from applogs.ingest import times
from applogs.ingest.times import nanoseconds_of

SECOND = 10**9
DAY = int(datetime(2026, 1, 15, 10, 30, 45, tzinfo=UTC).timestamp()) * SECOND
RFC_3339 = [
    ("2026-01-15T10:30:45Z", 0),
    ("2026-01-15T10:30:45.1Z", 100_000_000),
    ("2026-01-15T10:30:45.123456789Z", 123_456_789),
    ("2026-01-15T10:30:45.1234567899Z", 123_456_789),
    ("2026-01-15T11:30:45.5+01:00", 500_000_000),
    ("2026-01-15T05:00:45-0530", 0),
    ("2026-01-15T12:30:45+02", 0),
    ("2026-01-15 10:30:45,643", 643_000_000),
    ("2026-01-15 10:30:45.123456", 123_456_000),
    ("2026-01-15 10:30:45 UTC", 0),
    ("2026/01/15 10:30:45", 0),
    ("2026-01-15t10:30:45z", 0),
    ("20260115T103045Z", 0),
    ("2026-01-15T10:30:44.0Z", -SECOND),
]


@pytest.mark.parametrize("known", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(("text", "more"), RFC_3339)
def test_a_text_is_read_to_the_nanosecond(text, more, known):
    """Also where another entry had the same minute."""
    times._minutes.clear()
    if known:
        nanoseconds_of("2026-01-15T10:30:00Z")

    assert nanoseconds_of(text) == DAY + more


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (1665650000, 1665650000 * SECOND),
        (1665650000123, 1665650000123 * 10**6),
        (1665650000123456, 1665650000123456000),
        (1665650000123456789, 1665650000123456789),
        (1795955696.123457, 1795955696123457000),
        (1665650000123.5, 1665650000123500000),
        ("1665650000", 1665650000 * SECOND),
        (" 1665650000.123456789 ", 1665650000123456789),
        ("1.665650000e9", 1665650000 * SECOND),
        (0, 0),
        (-1, -SECOND),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -SECOND // 2),
        ("2099-12-31T23:59:59Z", 4102444799 * SECOND),
        ("2016-12-31T23:59:60Z", 1483228800 * SECOND),
    ],
)
def test_a_number_is_read_by_its_size(value, nanoseconds):
    assert nanoseconds_of(value) == nanoseconds


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "2026-01-15", "10:30", "NaN", "-", "1e999", "9" * 30, "²"),
        *("2026-02-30T10:30:45Z", "2026-01-15T25:30:45Z", "2026-01-15T10:30:61Z"),
        *("2026-01-15T10:30:4.5Z", "2026-01-15T10:30:75.5Z", "2026-01-15T10:30:٤٥.٥Z"),
        *(
            "2026-01-15T10:30:45+99:00",
            "2026-01-15T10:30:45 Europe/Berlin",
            "2" * 1_000_000,
            "9999-01-01T00:00:00Z",
        ),
        *(None, True, [], {}, float("inf"), float("nan"), 1e300, 10**30, -(10**30)),
    ],
    ids=range(28),
)
def test_what_is_no_time_is_none(value):
    nanoseconds_of("2026-01-15T10:30:00Z")  # so that the minute is known

    assert nanoseconds_of(value) is None


def test_a_date_without_a_leap_year_does_not_move_to_the_next_day():
    assert nanoseconds_of("2027-02-29T12:00:00Z") is None


def test_the_minutes_that_are_remembered_are_bounded():
    for minute in range(times.KEPT_MINUTES + 10):
        nanoseconds_of(f"2026-{1 + minute // 1440 % 12:02}-01T{minute // 60 % 24:02}:{minute % 60:02}:00Z")

    assert len(times._minutes) <= times.KEPT_MINUTES
