"""Parameters that cannot be read: each a 400 that names it, and no entry."""

import pytest

from logsite.audit.models import AuditEntry
from logsite.records.places import HIGHEST

pytestmark = pytest.mark.django_db
PATHS = ("entries", "histogram", "facets", "patterns")
BAD = [
    ({"level": "WARM"}, "level"),
    ({"level": ""}, "level"),
    ({"level": ["ERROR", "nothing"]}, "level"),
    ({"source": "nosuch"}, "source"),
    ({"source": ["session", ""]}, "source"),
    ({"app": ""}, "app"),
    ({"app": "a\0"}, "app"),
    ({"app": "a" * 1001}, "app"),
    ({"app": [f"a{number}" for number in range(101)]}, "app"),
    ({"app": ["a"] * 101}, "app"),
    ({"category": ""}, "category"),
    ({"start_time": "yesterday"}, "start_time"),
    ({"start_time": ""}, "start_time"),
    ({"end_time": "2026-13-01"}, "end_time"),
    ({"since": "9999-12-31T23:59:59-14:00"}, "since"),
    ({"until": "99999999999d"}, "until"),
    ({"start_time": "2026-05-02", "since": "2026-05-01"}, "since"),
    ({"end_time": "2026-05-02", "until": "2026-05-01"}, "until"),
    ({"start_time": "2026-05-02", "end_time": "2026-05-01"}, "end_time"),
    ({"since": "2026-05-02", "until": "2026-05-02"}, "until"),
    ({"start_time": ["2026-05-02", "2026-05-02"]}, "start_time"),
    ({"range": "1y"}, "range"),
    ({"range": ""}, "range"),
    ({"range": "999999w"}, "range"),
    ({"range": "-1h"}, "range"),
    ({"range": "2026-05-02"}, "range"),
    ({"range": ["1h", "1h"]}, "range"),
    ({"range": "1h", "start_time": "2026-05-01"}, "range"),
    ({"range": "1h", "until": "2026-05-01"}, "range"),
    ({"query": "(tick"}, "query"),
    ({"query": "rom:a", "source": ["toy", "session"]}, "query"),  # the source app has keys of any name
    ({"query": ["tick", "tock"]}, "query"),
    ({"search_query": "(tick"}, "search_query"),
    ({"search": "rom:a", "source": "toy"}, "search"),
    ({"text": "level:nothing"}, "text"),
    ({"query": "tick", "text": "tock"}, "text"),
    ({"levl": "ERROR"}, "levl"),
]
OF_ONE = [
    *(("entries", {"limit": text}, "limit") for text in ("0", "1001", "-1", "1.5", "ten", "", "٣", "1_0", "9" * 30)),
    ("entries", {"limit": ["1", "2"]}, "limit"),
    ("entries", {"order": "random"}, "order"),
    ("entries", {"order": ""}, "order"),
    *(
        ("entries", {"cursor": text}, "cursor")
        for text in ("", "x", "back-", "1-session", "back-1-Session-2", f"{HIGHEST + 1}-session-1", "1-session-2 ")
    ),
    ("entries", {"step": "60"}, "step"),
    ("entries", {"field": "level"}, "field"),
    *(("histogram", {"step": text}, "step") for text in ("0", "-60", "1m", "", "9" * 30)),
    ("histogram", {"step": "1", "range": "7d"}, "step"),
    ("histogram", {"limit": "5"}, "limit"),
    *(("facets", {"field": text}, "field") for text in ("", "nosuch", "message", "timestamp", "response", "level\0")),
    ("facets", {"limit": "5"}, "limit"),
    ("patterns", {"limit": "0"}, "limit"),
    ("patterns", {"cursor": "1-session-2"}, "cursor"),
    *(("stats", {"days": text}, "days") for text in ("0", "91", "x")),
    ("stats", {"query": "tick"}, "query"),
    *(("context", {name: text}, name) for name in ("before", "after") for text in ("-1", "1001", "x", "")),
    ("context", {"query": "tick"}, "query"),
    ("entry", {"query": "tick"}, "query"),
]  # fmt: skip


def refused(response):
    """The parameter that a 400 names, of which nothing is shown."""
    answer = response.json()
    assert response.status_code == 400, answer
    assert not AuditEntry.objects.filter(event_type="sensitive_read").exists()
    if "error" in answer:
        assert set(answer["error"]) == {"field", "position", "reason", "hint"}
        return answer["error"]["field"]
    [name] = answer
    return name


@pytest.mark.parametrize(("parameters", "name"), BAD)
def test_a_parameter_of_every_address_that_cannot_be_read_is_refused_by_name(
    busy, get, owner, parameters, name
):
    assert [refused(get(owner, path, **parameters)) for path in PATHS] == [name] * len(PATHS)


@pytest.mark.parametrize(("path", "parameters", "name"), OF_ONE)
def test_a_parameter_of_one_address_that_cannot_be_read_is_refused_by_name(
    busy, get, owner, path, parameters, name
):
    source, number = busy[0].split("-")
    paths = {"entry": f"entries/{source}/{number}", "context": f"entries/{source}/{number}/context"}

    assert refused(get(owner, paths.get(path, path), **parameters)) == name


def test_a_value_that_a_closed_set_never_has_is_refused_unless_another_source_takes_it(
    busy, get, owner, toy, monkeypatch
):
    from prodlogs.sources import ContainerSource

    closed = {**ContainerSource.fields, "app": ContainerSource.fields["stream"]}
    monkeypatch.setattr(ContainerSource, "fields", closed)
    assert refused(get(owner, "entries", app="a", source=["toy", "container"])) == "app"

    monkeypatch.setattr(type(toy), "fields", {**toy.fields, "app": toy.fields["room"]})
    assert {entry["source"] for entry in get(owner, "entries", app="a").json()["results"]} == {"toy"}
