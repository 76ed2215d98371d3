"""What a test with real transactions leaves in the database is removed: fast, and without Django's own rows.

Django's `flush` truncates each of some sixty tables and creates content types and permissions anew: 40 ms on
SQLite. Here only tables with rows are emptied, and content types and permissions stay.
"""

from functools import cache

from django.contrib.auth.models import Permission
from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def empty_filled_tables(alias: str) -> None:
    """Remove the rows of all tables but KEPT.

    PostgreSQL empties the tables at once, when no other transaction writes to them any more: a thread of the test
    may still do so. SQLite has one writer, and checks foreign keys at the end of the transaction.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in _tables(alias)
            )
        )
        filled = [quote(table) for (table,) in cursor.fetchall()]
        if filled and connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
            return
        for table in filled:
            cursor.execute(f"DELETE FROM {table}")


@cache
def permissions() -> set[tuple[str, str]]:
    """All permissions, as they are at the first call: of each its app and codename."""
    return _permissions()


def _permissions() -> set[tuple[str, str]]:
    return set(Permission.objects.values_list("content_type__app_label", "codename"))


@cache
def _tables(alias: str) -> list[str]:
    return sorted({*connections[alias].introspection.django_table_names(only_existing=True)} - KEPT)


def _fixture_teardown(test: TransactionTestCase) -> None:
    """On PostgreSQL the audit's alias leads to the same tables."""
    names = {connections[each].settings_dict["NAME"]: each for each in test._databases_names()[::-1]}
    for alias in names.values():
        empty_filled_tables(alias)
    # Later tests of this worker would fail in its place.
    changed = sorted(_permissions() ^ permissions())
    assert not changed, f"a test of this worker removed or added permissions: {changed}"


def install() -> None:
    """Use `empty_filled_tables` after each test with real transactions."""
    TransactionTestCase._fixture_teardown = _fixture_teardown
