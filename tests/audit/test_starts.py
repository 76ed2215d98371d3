"""A change of a setting is a new start with another environment: on record by the names, never by the values."""

import time

import pytest
from django.db import OperationalError

from logsite.audit import starts
from logsite.audit.models import AuditEntry
from tests.serving import serving

pytestmark = pytest.mark.django_db
PASSWORD = "hunter22-correct-horse"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("LOKI_URL", f"https://shipper:{PASSWORD}@loki.example.com")
    monkeypatch.setenv("RETENTION_DAYS", "365")
    monkeypatch.delenv("LOKI_TENANT", raising=False)


def entries():
    return [row.details for row in AuditEntry.objects.filter(what="settings").order_by("id")]


def test_the_first_start_records_what_is_set_and_a_second_one_nothing():
    starts.record_settings()
    starts.record_settings()
    [first] = entries()

    assert first["first"] is True
    assert {"LOKI_URL", "RETENTION_DAYS", "SECRET_KEY"} <= {*first["changed"]}
    assert "LOKI_TENANT" not in first["digests"]


def test_a_later_start_names_what_was_changed_added_and_removed(monkeypatch):
    starts.record_settings()
    monkeypatch.setenv("LOKI_URL", "https://loki.example.com")
    monkeypatch.setenv("LOKI_TENANT", "blue")
    monkeypatch.delenv("RETENTION_DAYS")
    starts.record_settings()
    row = AuditEntry.objects.filter(what="settings").latest("id")

    assert (row.event_type, row.via) == ("sensitive_update", "system")
    assert row.details["changed"] == ["LOKI_TENANT", "LOKI_URL", "RETENTION_DAYS"]


def test_a_secret_of_a_file_counts_by_its_content(monkeypatch, tmp_path):
    monkeypatch.delenv("LOKI_URL")
    monkeypatch.setenv("LOKI_URL_FILE", str(tmp_path / "url"))
    (tmp_path / "url").write_text("https://one.example.com")
    starts.record_settings()
    (tmp_path / "url").write_text("https://two.example.com")
    starts.record_settings()

    assert entries()[1]["changed"] == ["LOKI_URL"]


def test_no_value_is_on_record_and_no_digest_can_be_tried_without_the_key(settings):
    starts.record_settings()
    settings.SECRET_KEY = "another"
    starts.record_settings()
    first, second = entries()

    assert PASSWORD not in str(entries())
    assert settings.SECRET_KEY not in str(entries())
    assert first["digests"]["LOKI_URL"] != second["digests"]["LOKI_URL"]
    assert (second["changed"], second["not_comparable"]) == (["SECRET_KEY"], True)


def test_a_start_before_the_database_is_tried_again(monkeypatch, caplog):
    tries = []

    def record_settings():
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("away")

    monkeypatch.setattr(starts, "record_settings", record_settings)
    monkeypatch.setattr(starts, "RETRY_SECONDS", 0)
    starts._until_recorded()

    assert len(tries) == 3
    assert caplog.text.count("the settings of this start are not on record yet: OperationalError") == 2


@pytest.mark.django_db(transaction=True)
def test_the_web_process_does_it_at_its_start():
    for url in ("https://one.example.com", "https://two.example.com"):
        seen = AuditEntry.objects.filter(what="settings").count()
        with serving(LOKI_URL=url):
            _wait_for_more_than(seen)

    assert entries()[-1]["changed"] == ["LOKI_URL"]


def _wait_for_more_than(seen):
    """The entry of another process: polled, as nothing tells of it."""
    until = time.monotonic() + 120
    while AuditEntry.objects.filter(what="settings").count() <= seen and time.monotonic() < until:
        time.sleep(0.05)
