"""The toy source, registered for a test, and readers for the three actors."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection

from logsite.audit import Reader
from logsite.records import register_source, source
from tests.records.toy_source import Tick, TickSource


@pytest.fixture(scope="package")
def _tick_table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Made outside of the tests' transactions: SQLite makes no table within one."""
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.create_model(Tick)
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.delete_model(Tick)


@pytest.fixture
def toy(_tick_table: None, db: None) -> Iterator[TickSource]:
    """The registered source; the registry is put back after the test."""
    before = dict(source._sources)
    register_source(found := TickSource())
    yield found
    Tick.objects.all().delete()
    source._sources.clear()
    source._sources.update(before)


def reader(user: User | None) -> Reader:
    return Reader(user, "192.0.2.7", "api")


@pytest.fixture
def colleague(teammate: User) -> User:
    """Sees sessions and containers, and not what devices answered."""
    teammate.user_permissions.remove(Permission.objects.get(codename="view_responses"))
    return User.objects.get(pk=teammate.pk)
