"""System checks of the app."""

import pytest
from django.conf import settings as django_settings

from sessionlogs.checks import check_database_is_shared


def with_database(settings, engine, name):
    database = {**django_settings.DATABASES["default"], "ENGINE": engine, "NAME": name}
    settings.DATABASES = {"default": database}
    return check_database_is_shared(None)


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory&cache=private:memory:"])
def test_a_database_in_memory_is_an_error_with_a_hint(name, settings):
    (error,) = with_database(settings, "django.db.backends.sqlite3", name)
    assert error.id == "sessionlogs.E001"
    assert "file" in error.hint


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("django.db.backends.sqlite3", "/var/lib/logsite.sqlite3"),
        ("django.db.backends.postgresql", "logsite"),
    ],
)
def test_files_and_postgresql_are_fine(engine, name, settings):
    assert with_database(settings, engine, name) == []
