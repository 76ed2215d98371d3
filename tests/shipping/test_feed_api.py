"""GET /api/monitoring/logs: who may read, what comes, what bad parameters get."""

from datetime import timedelta

import pytest
from django.utils import timezone

from logsite.records import Cursor, get_source
from tests.shipping.builders import ListSource, make_events, make_session

# A row is handed out once its transaction has ended, so the rows must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/monitoring/logs"


def test_three_actors(api, owner, teammate, outsider):
    make_events(make_session())
    assert api(owner).get(URL).status_code == 200
    assert api(teammate).get(URL).status_code == 200
    answer = api(outsider).get(URL)
    reason = "user outsider lacks the permission sessionlogs.view_sessionlog"
    assert (answer.status_code, answer.json()["detail"]) == (403, reason)
    assert api(None).get(URL).status_code == 401
    assert api(owner).post(URL).status_code == 405


def test_pages_follow_the_cursor_to_the_end(api, owner):
    events = make_events(make_session(), 7)
    client, cursor, seen, more = api(owner), "0-0", [], True
    while more:
        page = client.get(URL, {"source": "session", "cursor": cursor, "limit": 3}).json()
        seen += [item["id"] for item in page["results"]]
        cursor, more = page["next_cursor"], page["has_more"]
    assert seen == [event.pk for event in events]
    again = client.get(URL, {"cursor": cursor}).json()
    assert again == {"source": "session", "results": [], "next_cursor": cursor, "has_more": False}


def test_a_record_is_the_same_as_here(api, owner):
    make_events(make_session(tags=["a", "b"]), response="ä\n𝄞")
    [(cursor, record)] = get_source("session").committed_after(Cursor(), 5)
    [item] = api(owner).get(URL).json()["results"]
    assert item == {
        "id": record.id,
        "cursor": str(cursor),
        "source": "session",
        "timestamp": str(record.timestamp),
        "level": "INFO",
        "message": record.message,
        "labels": dict(record.labels),
        "attributes": dict(record.attributes),
        "parts": {"step": 1, "command": "show clock", "exit_code": 0, "stdout": "ä\n𝄞", "stderr": ""},
    }


def test_since_and_until_narrow_it(api, owner):
    now = timezone.now()
    session = make_session()
    for hours in (5, 3, 1):
        make_events(session, timestamp=now - timedelta(hours=hours))
    query = {"since": (now - timedelta(hours=4)).isoformat(), "until": (now - timedelta(hours=2)).isoformat()}
    assert len(api(owner).get(URL, query).json()["results"]) == 1


def test_a_bad_parameter_is_a_400_that_names_it(api, owner):
    rows = [
        ("source", "nope"),
        ("source", "\0"),
        ("source", ""),
        ("cursor", "x"),
        ("cursor", "1-2-3"),
        ("cursor", "-1--1"),
        ("cursor", "١-٢٣x"),
        ("cursor", ""),
        ("limit", "0"),
        ("limit", "5001"),
        ("limit", "many"),
        ("limit", "1e3"),
        ("limit", ""),
        ("limit", "9" * 400),
        ("since", "today"),
        ("until", "2026-99-99T00:00:00Z"),
        ("sorce", "session"),
    ]
    client = api(owner)
    answers = {(field, value): client.get(URL, {field: value}) for field, value in rows}
    found = {row: (answer.status_code, list(answer.json())) for row, answer in answers.items()}
    assert found == {row: (400, [row[0]]) for row in rows}


def test_a_cursor_of_another_database_is_told(api, owner):
    answer = api(owner).get(URL, {"cursor": f"{'9' * 19}-{'9' * 19}"})
    assert answer.status_code == 400
    assert "ahead of the database" in answer.json()["cursor"][0]


def test_with_several_sources_the_source_is_needed_and_has_its_own_permission(
    api, owner, teammate, other_sources
):
    other_sources["other"] = ListSource()
    answer = api(owner).get(URL)
    assert (answer.status_code, answer.json()) == (
        400,
        {"source": ["required; known sources: other, session"]},
    )
    assert api(owner).get(URL, {"source": "other"}).status_code == 200
    teammate.user_permissions.remove(*teammate.user_permissions.filter(codename="view_session"))
    assert api(type(teammate).objects.get(pk=teammate.pk)).get(URL, {"source": "other"}).status_code == 403


def test_a_page_takes_few_queries(api, owner, django_assert_max_num_queries):
    make_events(make_session(), 50)
    client = api(owner)
    # The newest id and the rows, for their sizes and for themselves; the sessions; the audit of who saw the answers.
    with django_assert_max_num_queries(6):
        client.get(URL)
