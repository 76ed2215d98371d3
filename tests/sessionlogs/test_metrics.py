"""GET /metrics."""

import re

import pytest
from django.utils import timezone

from logsite.api.metrics_text import lines_of
from logsite.housekeeping import counters
from logsite.records import Metric
from tests.factories import SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db
LINE = re.compile(r"# (HELP|TYPE) \w+ .+|[a-z_]+(\{[a-z]+=\"[a-z]+\"\})? \d+")


@pytest.mark.parametrize(("who", "code"), [(None, 401), ("outsider", 403), ("teammate", 200), ("owner", 200)])
def test_who_may_read_them(who, code, api, request):
    assert api(request.getfixturevalue(who) if who else None).get("/metrics").status_code == code


def test_they_say_what_was_stored_and_what_was_not(api, teammate):
    event = SessionLogFactory(session=SessionFactory(started_at=timezone.now()))
    counters.add({"lost": 3, "withheld": 2, "truncated": 1})
    answer = api(teammate).get("/metrics")
    lines = answer.content.decode().splitlines()
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {
        f"logsite_session_events_stored_total {event.pk}",
        "logsite_session_events_lost_total 3",
        "logsite_session_events_withheld_total 2",
        "logsite_session_events_truncated_total 1",
        "logsite_session_events_spilled_total 0",
        "logsite_session_queue_length 0",
        'logsite_sessions_last_day{status="success"} 1',
        'logsite_sessions_last_day{status="failed"} 0',
    } <= set(lines)
    assert [line for line in lines if not LINE.fullmatch(line)] == []


def test_labels_are_escaped():
    metric = Metric("a", "gauge", "b\nc", [({"d": '"e\\\n'}, 1)])
    assert list(lines_of(metric)) == ["# HELP a b\\nc", "# TYPE a gauge", 'a{d="\\"e\\\\\\n"} 1']
