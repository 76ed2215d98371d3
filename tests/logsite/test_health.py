"""/healthz says that the process lives, /readyz that it can work."""

import json

import pytest
from django.core.management import call_command
from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.test import RequestFactory

from logsite import health


def ready():
    response = health.readyz(RequestFactory().get("/readyz"))
    return response.status_code, json.loads(response.content)


def test_healthz_asks_for_no_login_and_no_database(browser):
    response = browser(None).get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_answers_anybody_with_what_it_looked_at(browser):
    response = browser(None).get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"ready": True, "checks": {"database": "ok", "redis": "ok", "disk": "ok"}}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_named_and_its_address_is_not(monkeypatch, error):
    def refuse(self):
        raise error('connection to "postgres://logsite:hunter2@db.example.com:5432/logsite" failed')

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    status, answer = ready()

    assert status == 503
    assert answer == {
        "ready": False,
        "checks": {"database": f"database: {error.__name__}", "redis": "ok", "disk": "ok"},
    }


@pytest.mark.django_db
def test_pending_migrations_are_counted(monkeypatch):
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: ["0002", "0003"])
    status, answer = ready()

    assert status == 503
    assert answer["checks"]["database"] == "2 migrations are not applied; run manage.py migrate"


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_was_taken_back_shows():
    call_command("migrate", "shipping", "zero", verbosity=0)
    try:
        assert ready()[0] == 503
    finally:
        call_command("migrate", verbosity=0)
    assert ready()[0] == 200


@pytest.mark.django_db
def test_redis_is_asked_where_it_is_set(settings, service):
    settings.REDIS_URL = service("LOGSITE_TEST_REDIS")
    settings.CHANNEL_LAYERS = layer(settings.REDIS_URL)

    assert ready() == (200, {"ready": True, "checks": {"database": "ok", "redis": "ok", "disk": "ok"}})


@pytest.mark.django_db
def test_a_redis_that_is_away_is_named_and_its_address_is_not(settings):
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = layer(settings.REDIS_URL)
    status, answer = ready()

    assert status == 503
    assert answer["checks"] == {"database": "ok", "redis": "redis: ConnectionError", "disk": "ok"}


def layer(url):
    return {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [url]}}
    }
