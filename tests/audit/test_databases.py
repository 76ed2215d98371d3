"""Where audit entries are: a file of their own on SQLite, a connection of their own on PostgreSQL."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import RequestFactory

from logsite import health
from logsite.audit import checks
from logsite.audit.models import AuditEntry
from logsite.audit.routing import AuditRouter
from logsite.environment import audit_database
from tests.factories import AuditEntryFactory


def test_on_postgresql_the_alias_is_the_same_database_on_sqlite_a_file_beside_it(tmp_path):
    server = {"ENGINE": "django.db.backends.postgresql", "NAME": "logsite", "HOST": "db"}
    assert audit_database(server, tmp_path) == server
    file = {"ENGINE": "logsite.sqlite3", "NAME": "/elsewhere/site.sqlite3", "OPTIONS": {"timeout": 30}}
    assert audit_database(file, tmp_path) == {
        **file,
        "NAME": str(tmp_path / "audit.sqlite3"),
        "TEST": {"NAME": str(tmp_path / "test-audit.sqlite3")},
    }


@pytest.mark.django_db
def test_entries_are_read_and_written_by_the_alias():
    row = AuditEntryFactory()

    assert row._state.db == AuditEntry.objects.all().db == "audit"
    assert connections["audit"] is not connection


@pytest.mark.django_db
def test_each_database_has_the_tables_that_are_its_own(on_postgres):
    tables = set(connections["audit"].introspection.table_names())
    router = AuditRouter()

    assert "audit_entries" in tables
    if on_postgres:
        assert {
            router.allow_migrate(db, app) for db in ("default", "audit") for app in ("auth", "audit")
        } == {None}
    else:
        assert tables == {"audit_entries", "django_migrations"}
        assert "audit_entries" not in connection.introspection.table_names()


def test_a_plain_migrate_makes_both_files_readable_by_their_owner_alone(tmp_path):
    own = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "logsite.settings"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=site.BASE_DIR,
        env=os.environ | own,
        check=True,
    )
    files = {name: tmp_path / name for name in ("logsite.sqlite3", "audit.sqlite3")}
    with sqlite3.connect(files["audit.sqlite3"]) as found:
        tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found.close()

    assert tables == {"audit_entries", "django_migrations", "sqlite_sequence"}
    assert {oct(path.stat().st_mode & 0o777) for path in files.values()} == {"0o600"}


@pytest.mark.django_db(transaction=True)
def test_a_lack_of_the_audit_s_table_shows_in_readyz_and_a_plain_migrate_makes_it():
    call_command("migrate", "audit", "zero", verbosity=0)
    try:
        response = health.readyz(RequestFactory().get("/readyz"))
        assert response.status_code == 503
        assert json.loads(response.content)["checks"]["database"].startswith("1 migrations are not applied")
    finally:
        call_command("migrate", verbosity=0)
    assert health.readyz(RequestFactory().get("/readyz")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_migrating_one_database_alone_leaves_the_other(on_postgres):
    for alias in ("default", "audit"):
        call_command("migrate", database=alias, verbosity=0)
    if on_postgres:
        call_command("migrate", "shipping", database="audit", verbosity=0)
        return
    with pytest.raises(CommandError, match="has the tables of the app audit alone"):
        call_command("migrate", "shipping", database="audit", verbosity=0)


@pytest.mark.parametrize("days", [-1, 36_501])
def test_days_that_no_calendar_has_are_an_error(settings, days):
    settings.RETENTION_DAYS_AUDIT = days

    assert [each.id for each in checks.check_retention(None)] == ["audit.E001"]


def test_the_site_s_database_may_not_be_the_audit_s_file(monkeypatch, tmp_path):
    same = {"ENGINE": "logsite.sqlite3", "NAME": str(tmp_path / "audit.sqlite3")}
    monkeypatch.setattr(site, "DATABASES", {"default": same, "audit": same})

    assert [each.id for each in checks.check_own_file(None)] == ["audit.E002"]
