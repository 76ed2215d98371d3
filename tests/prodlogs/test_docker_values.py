"""The values in what `docker ps`, `docker inspect` and `docker stats` print."""

from datetime import UTC, datetime

import pytest

from prodlogs.docker.values import Misfit, moment, pair, percent, size


def read(parse, text):
    """The value of a text, or Misfit itself."""
    try:
        return parse(text)
    except Misfit:
        return Misfit


@pytest.mark.parametrize(
    ("parse", "rows"),
    [
        (
            size,
            {
                "0B": 0, "828KiB": 847_872, "12.34MiB": 12_939_428, "1.9GiB": 2_040_109_466, "1.2kB": 1200,
                "45.6MB": 45_600_000, "1TB": 10**12, "1e+03kB": 10**6, "1e+03MiB": 1000 * 2**20, "--": None,
                "": None, "12": Misfit, "1e3MiB": Misfit, "-1B": Misfit,
            },
        ),
        (percent, {"0.05%": 0.05, "312.40%": 312.4, "--": None, "5": Misfit}),
        (
            pair,
            {
                "12.34MiB / 1.9GiB": (12_939_428, 2_040_109_466), "-- / --": (None, None), "--": (None, None),
                "1B": Misfit,
            },
        ),
        (
            moment,
            {
                "2026-11-20T14:05:30.658894939Z": datetime(2026, 11, 20, 14, 5, 30, 658_894, tzinfo=UTC),
                "2026-11-20T14:05:30Z": datetime(2026, 11, 20, 14, 5, 30, tzinfo=UTC),
                "2026-11-20T16:05:30.5+02:00": datetime(2026, 11, 20, 14, 5, 30, 500_000, tzinfo=UTC),
                "0001-01-01T00:00:00Z": None,
                "2026-11-20 14:05:30": Misfit,
            },
        ),
    ],
    ids=["size", "percentage", "two sizes", "time"],
)  # fmt: skip
def test_a_text_of_docker_is_read_as_its_value(parse, rows):
    found = {text: read(parse, text) for text in rows}

    assert {text: value for text, value in found.items() if value != rows[text]} == {}
