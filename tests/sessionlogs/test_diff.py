"""A command's answer against its previous run on that device."""

from datetime import UTC, datetime, timedelta

import pytest

from sessionlogs.admin import diff
from sessionlogs.admin.diff import compare, previous_run
from sessionlogs.models import EventType, SessionLog
from tests.factories import SessionFactory, SessionLogFactory

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def lines(*numbers):
    return "\n".join(f"line {number}" for number in numbers)


def run(minutes, response, device="rtr01", command="show version", **options):
    """The answer to a command, in a session of its own."""
    return SessionLogFactory(
        session=SessionFactory(device=device),
        command=command,
        response=response,
        event_type=options.pop("event_type", EventType.COMMAND_RESPONSE),
        timestamp=NOON + timedelta(minutes=minutes),
        **options,
    )


def unified(old, new):
    return [line for _, line in compare(old, new).unified]


def page(client, event, query=""):
    answer = client.get(f"/admin/sessionlogs/sessionlog/{event.pk}/diff/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


# --- Comparing --------------------------------------------------------------------------------------------------


def test_a_changed_line_stands_with_three_lines_around_it():
    assert unified(lines(*range(10)), lines(*range(5), "five", *range(6, 10))) == [
        "@@ -3,7 +3,7 @@",
        " line 2",
        " line 3",
        " line 4",
        "-line 5",
        "+line five",
        " line 6",
        " line 7",
        " line 8",
    ]


def test_side_by_side_numbers_both_sides():
    rows = compare(lines(1, 2, 3), lines(1, 3, 4)).rows
    assert [(row.kind, row.old_number, row.new_number) for row in rows[1:]] == [
        ("same", 1, 1),
        ("removed", 2, None),
        ("same", 3, 2),
        ("added", None, 3),
    ]


def test_what_changed_in_a_line_is_marked():
    assert diff.mark("packets 1000 in", "packets 1250 in") == (
        "packets 1<del>00</del>0 in",
        "packets 1<ins>25</ins>0 in",
    )


def test_a_marked_line_is_still_text():
    assert diff.mark("<b>1", "<b>2") == ("&lt;b&gt;<del>1</del>", "&lt;b&gt;<ins>2</ins>")


def test_a_counter_is_a_change_like_any_other():
    found = compare("uptime 1 day\n5 packets", "uptime 1 day\n6 packets")
    assert (found.removed, found.added, found.same) == (1, 1, False)


def test_equal_answers_are_the_same():
    assert compare(lines(1, 2), lines(1, 2)).same


@pytest.mark.parametrize(("old", "new"), [("", lines(1)), (lines(1), ""), (lines(1, 2), lines(2, 1))])
def test_every_line_is_accounted_for(old, new):
    found = compare(old, new)
    kept = sum(row.kind == "same" for row in found.rows)
    assert kept + found.removed == len(old.splitlines())
    assert kept + found.added == len(new.splitlines())


@pytest.mark.parametrize(
    "changed",
    [lambda n: f"new {n}", lambda n: f"line {n}" if n % 3 else f"new {n}", lambda n: "!" if n % 2 else "#"],
    ids=["every line", "every third line", "lines that repeat"],
)
def test_twenty_thousand_lines_are_compared(changed):
    """difflib by itself takes minutes for some of these (docs/performance.md)."""
    old = lines(*range(20_000))
    found = compare(old, "\n".join(changed(n) for n in range(20_000)))
    assert len(found.rows) == diff.ROWS
    assert found.cut


def test_what_is_cut_is_said(monkeypatch):
    monkeypatch.setattr(diff, "LINES", 3)
    assert not compare(lines(1, 2, 3), lines(1, 2, 4)).cut
    assert compare(lines(1, 2, 3, 4), lines(1, 2, 3, 5)).cut


# --- The run before ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_run_before_is_the_newest_earlier_one_of_the_command_on_the_device():
    run(0, "oldest")
    before = run(1, "before")
    run(2, "another device", device="rtr02")
    run(3, "another command", command="show clock")
    run(4, "", event_type=EventType.COMMAND_SENT)
    event = run(5, "now")
    run(6, "later")
    assert previous_run(SessionLog.objects.all(), event) == before


@pytest.mark.django_db
def test_of_the_same_instant_the_order_of_the_ids_counts():
    before, event = run(0, "before"), run(0, "now")
    assert previous_run(SessionLog.objects.all(), event) == before
    assert previous_run(SessionLog.objects.all(), before) is None


# --- The page ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_shows_both_sides(browser, teammate):
    run(0, "packets 1000")
    text = page(browser(teammate), run(1, "packets 2000"))
    assert '<td class="old">packets <del>1</del>000</td>' in text
    assert '<td class="new">packets <ins>2</ins>000</td>' in text


@pytest.mark.django_db
def test_the_page_shows_a_unified_diff(browser, teammate):
    run(0, "packets 1000")
    text = page(browser(teammate), run(1, "packets 2000"), "?view=unified")
    assert '<span class="removed">-packets 1000</span>\n<span class="added">+packets 2000</span>' in text


@pytest.mark.django_db
def test_hostile_answers_are_text(browser, teammate):
    run(0, "<script>alert(1)</script>")
    event = run(1, "<script>alert(2)</script>")
    for query in ("", "?view=unified"):
        assert "<script>alert" not in page(browser(teammate), event, query)


@pytest.mark.django_db
def test_the_first_run_has_nothing_to_be_compared_with(browser, teammate):
    assert "There is no previous run of this command" in page(browser(teammate), run(0, "x"))


@pytest.mark.django_db
def test_equal_runs_are_said_to_be_the_same(browser, teammate):
    run(0, "x")
    assert "Both responses are the same." in page(browser(teammate), run(1, "x"))


@pytest.mark.django_db
def test_an_event_that_does_not_exist_is_not_found(browser, teammate):
    for number in (0, 10**30):
        assert browser(teammate).get(f"/admin/sessionlogs/sessionlog/{number}/diff/").status_code == 404
