"""Bad settings are named by a system check."""

import pytest

from shipping import checks

CHECKS = (checks.check_address, checks.check_job, checks.check_numbers, checks.check_tenant)


def found():
    return [message for check in CHECKS for message in check(None)]


def test_the_defaults_pass(settings):
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("LOKI_URL", "loki:3100", "E001"),
        ("LOKI_URL", "ftp://user:canary@x", "E001"),
        ("LOKI_URL", "", "E001"),
        ("LOKI_URL", "http://", "E001"),
        ("SHIPPING_JOB", "", "E002"),
        ("SHIPPING_JOB", " ", "E002"),
        ("SHIPPING_JOB", "a\nb", "E002"),
        ("SHIPPING_JOB", "x" * 2049, "E002"),
        ("SHIPPING_RETRIES", -1, "E003"),
        ("SHIPPING_POLL", 0, "E003"),
        ("SHIPPING_LINE_BYTES", 3, "E003"),
        ("SHIPPING_REQUEST_BYTES", 1000, "E003"),
        ("SHIPPING_PAGE_BYTES", 65_535, "E003"),
        ("LOKI_TENANT", "a\nb", "E004"),
        ("LOKI_TENANT", "ä", "E004"),
    ],
)
def test_a_bad_setting_has_an_id_and_a_hint(settings, name, value, number):
    setattr(settings, name, value)
    [message] = found()
    assert message.id == f"shipping.{number}"
    assert name in message.msg
    assert message.hint
    assert "canary" not in str(message)


def test_a_user_and_password_in_loki_url_are_fine(settings):
    settings.LOKI_URL = "https://12345:key@logs.example.com"
    assert found() == []
