"""Exports over HTTP, small pages, and the toy source of tests/records."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import Permission, User

from console.export import pages, running
from logsite.audit.models import AuditEntry
from logsite.records.views import SourceView
from tests.records.conftest import _tick_table, toy  # noqa: F401  fixtures

ADDRESS = "/api/v2/logs/export"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three entries a page, and a block for each entry."""
    monkeypatch.setattr(pages, "PAGE_ROWS", 3)
    monkeypatch.setattr(running, "BLOCK_CHARACTERS", 1)


@pytest.fixture
def export(api: Callable[[User | None], Any]) -> Callable[..., str]:
    """`export(owner, format="csv", level="ERROR")`: the whole file."""

    def ask(user: User, **body: Any) -> str:
        answer = api(user).post(ADDRESS, body)
        assert answer.status_code == 200, answer.content
        return b"".join(answer).decode()

    return ask


@pytest.fixture
def colleague(teammate: User) -> User:
    """Sees sessions and containers, and not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return User.objects.get(pk=teammate.pk)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Pages of the toy source that take too long: as many reads as the number that is set, from `after` reads on."""
    monkeypatch.setattr(pages, "PAGE_SECONDS", 0.5)
    reading, state = SourceView.records, {"slow": 0, "after": 0, "reads": 0}

    def records(self: Any, rows: Any, limit: int, newest_first: bool = True) -> Any:
        if self.name == "toy" and not newest_first:
            state["reads"] += 1
            if state["after"] < state["reads"] <= state["after"] + state["slow"]:
                endless = (
                    "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
                )
                rows.model.objects.raw(f"SELECT 1 AS id, ({endless}) AS message")[0]
        return reading(self, rows, limit, newest_first)

    monkeypatch.setattr(SourceView, "records", records)
    return state


def notes(what: str = "export") -> list[tuple[str, int]]:
    """The sources and numbers of the audit's entries, oldest first."""
    return list(AuditEntry.objects.filter(what=what).order_by("id").values_list("target", "count"))


def ends() -> list[tuple[str, int, str]]:
    """Of each end of an export on record: source, number, state."""
    found = AuditEntry.objects.filter(what="export end").order_by("id")
    return [(each.target, each.count, parse_qs(each.details["filters"])["state"][0]) for each in found]


def leave(answer: Any) -> None:
    """The client goes away: what Django's test client does when it has read a response to its end."""
    answer._iterator.close()
