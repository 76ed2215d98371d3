"""The errors of all containers in one view."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from prodlogs.entries.summary import ISSUES, RECENT, error_summary
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def nanoseconds(hours_ago):
    return int((NOW - timedelta(hours=hours_ago)).timestamp()) * 10**9


@pytest.fixture
def host():
    return DockerHostFactory(name="docker01")


def write(container, level, message="x", hours_ago=1.0, number=0):
    return ContainerLogEntryFactory(
        container=container,
        container_name=container.name,
        level=level,
        message=message,
        timestamp=nanoseconds(hours_ago) + number,
    )


def test_the_summary_has_the_fields_of_the_contract(host):
    web = ContainerFactory(host=host, name="web")
    ContainerFactory(host=host, name="db")
    write(web, "ERROR", "ERROR: boom")

    summary = error_summary(24, [host], NOW)

    assert summary == {
        "timestamp": "2026-05-01T12:00:00.000000000Z",
        "analysis_period_hours": 24,
        "total_containers": 2,
        "containers_with_errors": 1,
        "total_error_entries": 1,
        "error_breakdown": {
            "web": {
                "error_count": 1,
                "recent_errors": [
                    {
                        "container_name": "web",
                        "timestamp": "2026-05-01T11:00:00.000000000Z",
                        "level": "ERROR",
                        "message": "ERROR: boom",
                        "raw_line": "ERROR: boom",
                    }
                ],
            }
        },
        "critical_issues": [],
    }


@pytest.mark.parametrize("level", ["", "INFO", "WARNING", "DEBUG"])
def test_only_errors_count(host, level):
    write(ContainerFactory(host=host), level)

    assert error_summary(24, [host], NOW)["total_error_entries"] == 0


def test_what_is_older_does_not_count(host):
    write(ContainerFactory(host=host), "ERROR", hours_ago=3)

    assert error_summary(2, [host], NOW)["total_error_entries"] == 0


def test_the_worst_container_is_first_and_shows_its_newest_errors(host):
    calm, bad = ContainerFactory(host=host, name="calm"), ContainerFactory(host=host, name="bad")
    write(calm, "ERROR")
    for number in range(RECENT + 3):
        write(bad, "ERROR", f"error {number}", number=number)

    breakdown = error_summary(24, [host], NOW)["error_breakdown"]

    assert list(breakdown) == ["bad", "calm"]
    assert breakdown["bad"]["error_count"] == RECENT + 3
    assert [entry["message"] for entry in breakdown["bad"]["recent_errors"]] == [
        f"error {number}" for number in range(3, RECENT + 3)
    ]


def test_many_containers_with_errors_take_no_more_queries(host, django_assert_max_num_queries):
    for number in range(30):
        web = ContainerFactory(host=host, name=f"web-{number}")
        for each in range(RECENT + 2):
            write(web, "ERROR", f"{number}: {each}", number=each)

    with django_assert_max_num_queries(5):
        summary = error_summary(24, [host], NOW)

    found = summary["error_breakdown"]
    assert {name: errors["error_count"] for name, errors in found.items()} == {
        f"web-{number}": RECENT + 2 for number in range(30)
    }
    assert [entry["message"] for entry in found["web-7"]["recent_errors"]] == [
        f"7: {each}" for each in range(2, RECENT + 2)
    ]


def test_a_critical_entry_is_an_issue(host):
    write(ContainerFactory(host=host, name="db"), "CRITICAL", "PANIC: could not write")

    assert error_summary(24, [host], NOW)["critical_issues"] == [
        {
            "container": "db",
            "timestamp": "2026-05-01T11:00:00.000000000Z",
            "message": "PANIC: could not write",
            "severity": "critical",
        }
    ]


@pytest.mark.parametrize(
    "message",
    ["java.lang.OutOfMemoryError: heap", "write failed: No space left on device", "Too many open files"],
)
def test_an_error_that_stops_a_service_is_an_issue_of_high_severity(host, message):
    write(ContainerFactory(host=host), "ERROR", message)

    assert [issue["severity"] for issue in error_summary(24, [host], NOW)["critical_issues"]] == ["high"]


def test_issues_are_the_newest_and_not_endless(host):
    web = ContainerFactory(host=host)
    for number in range(ISSUES + 5):
        write(web, "CRITICAL", f"c{number}", number=number)

    issues = error_summary(24, [host], NOW)["critical_issues"]

    assert [issue["message"] for issue in issues] == [f"c{number}" for number in range(ISSUES + 4, 4, -1)]


def test_a_container_that_was_made_anew_goes_on_under_its_name(host):
    old = ContainerFactory(host=host, name="web", removed_at=NOW)
    new = ContainerFactory(host=host, name="web")
    write(old, "ERROR")
    write(new, "ERROR")

    summary = error_summary(24, [host], NOW)

    assert {name: errors["error_count"] for name, errors in summary["error_breakdown"].items()} == {"web": 2}
    assert summary["total_containers"] == 1


def test_containers_of_one_name_on_two_hosts_are_told_apart(host):
    other = DockerHostFactory(name="docker02")
    for owner in (host, other):
        write(ContainerFactory(host=owner, name="web"), "ERROR")

    assert set(error_summary(24, [host, other], NOW)["error_breakdown"]) == {"docker01/web", "docker02/web"}


def test_another_host_s_errors_are_not_asked_for(host):
    write(ContainerFactory(host=DockerHostFactory()), "ERROR")

    assert error_summary(24, [host], NOW)["total_error_entries"] == 0


def test_hours_that_are_none_are_refused_by_name(host):
    def refusal(hours):
        try:
            return f"not refused: {error_summary(hours, [host], NOW)}"
        except ValueError as error:
            return str(error)

    found = {repr(hours): refusal(hours) for hours in (0, -1, float("nan"), 10**6, "24", True, None)}

    wrong = {
        hours: said
        for hours, said in found.items()
        if not re.search(r"hours: .* is not a number above 0", said)
    }
    assert wrong == {}
