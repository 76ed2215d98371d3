"""The table of the toy source."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.records_query.toy import Toy, rows


@pytest.fixture(scope="package")
def _toy_table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Stored outside of the tests' transactions: SQLite makes no table within one."""
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(Toy)
        Toy.objects.bulk_create(rows())
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        editor.delete_model(Toy)


@pytest.fixture
def toys(_toy_table: None, db: None) -> type[Toy]:
    """The model, with its rows."""
    return Toy
