"""Entries of three sources on one time axis, and who asks for them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from sessionlogs.models import EventType
from tests.factories import ContainerFactory, ContainerLogEntryFactory, SessionFactory, SessionLogFactory
from tests.records.conftest import _tick_table, colleague, toy  # noqa: F401  fixtures
from tests.records.toy_source import START, ticks

WORD = "xyzzyplugh"  # only what a device answered has it


@pytest.fixture
def get(api) -> Callable[..., Any]:
    """`get(user, "entries", level="ERROR")`: the response."""

    def ask(user: User | None, path: str, **parameters: Any) -> Any:
        url = path if path.startswith("http") else f"/api/v2/logs/{path}"
        return api(user).get(url, parameters)

    return ask


@pytest.fixture
def busy(toy) -> list[str]:  # noqa: F811
    """Ten ticks a second apart, and at the times of ticks 2 and 5 an event of a session and a line of a container.

    The ids, newest first: at equal times the source's name decides.
    """
    session, container = SessionFactory(), ContainerFactory(name="web")
    found = [(tick.timestamp, "toy", tick.id) for tick in ticks()]
    for second in (2, 5):
        at = START + timedelta(seconds=second)
        event = SessionLogFactory(
            session=session,
            timestamp=at,
            event_type=EventType.COMMAND_RESPONSE,
            command="show vlan",
            response=WORD,
        )
        line = ContainerLogEntryFactory(
            container=container, timestamp=int(at.timestamp()) * 10**9, message="GET /health", level="WARNING"
        )
        found += [(at, "session", event.id), (at, "container", line.id)]
    return [f"{source}-{id}" for _, source, id in sorted(found, reverse=True)]


@pytest.fixture
def porter(outsider) -> User:
    """Sees the logs of containers and nothing else."""
    outsider.user_permissions.add(Permission.objects.get(codename="view_containerlogentry"))
    return User.objects.get(pk=outsider.pk)
