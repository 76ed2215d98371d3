"""An audit entry is on disk when `record` returns, and holds no credential."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings as site
from django.db import OperationalError, connections, transaction

from logsite.audit import EventType, Reader, Severity, current_reader, reader, record
from logsite.audit.models import AuditEntry
from logsite.commands.stopping import account
from tests.shipping.processes import database_url

pytestmark = pytest.mark.django_db
SITE = Reader(None, "", "system")


def note(who=SITE, details=None, **more):
    record(EventType.SENSITIVE_UPDATE, Severity.INFO, who, details, **more)
    return AuditEntry.objects.latest("id")


def test_an_entry_says_who_from_where_did_what_to_what(teammate):
    found = note(
        Reader(teammate, "198.51.100.7", "api"), {"port": [22, 2222]}, what="devices.device", target="rtr01"
    )

    assert (found.user, found.user_id) == ("teammate", str(teammate.pk))
    assert (found.address, found.via, found.what, found.target) == (
        "198.51.100.7",
        "api",
        "devices.device",
        "rtr01",
    )
    assert (found.event_type, found.severity, found.count) == ("sensitive_update", "INFO", 1)
    assert found.details == {"port": [22, 2222]}


def test_without_a_user_a_command_is_the_account_s_and_a_request_nobody_s():
    found = [note(Reader(None, "", via)) for via in ("cli", "system", "api", "admin")]

    assert [each.user for each in found] == [account(), account(), "", ""]
    assert {each.user_id for each in found} == {""}


def test_outside_of_a_request_the_process_itself_acts(monkeypatch):
    assert current_reader() == Reader(None, "", "cli")
    monkeypatch.setattr(reader, "_process_via", ["cli"])
    reader.serve_the_web(sender=None)
    assert current_reader() == SITE


@pytest.mark.django_db(transaction=True)
def test_an_entry_outlives_the_transaction_that_is_rolled_back_around_it(teammate):
    """On SQLite the request holds the write lock of the site's database meanwhile."""
    with transaction.atomic():
        teammate.email = "new@example.com"
        teammate.save()
        note(target="rolled back")
        transaction.set_rollback(True)

    teammate.refresh_from_db()
    assert teammate.email == "teammate@example.com"
    assert AuditEntry.objects.filter(target="rolled back").exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_outlives_a_process_that_is_killed_behind_it():
    script = (
        "import os, signal, django; django.setup()\n"
        "from logsite.audit import *\n"
        "record(EventType.AUTHZ_FAIL, Severity.WARNING, current_reader(), target='killed')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    own = {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "logsite.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=site.BASE_DIR, env=os.environ | own, check=False
    )

    assert done.returncode == -signal.SIGKILL
    assert AuditEntry.objects.get(target="killed").via == "cli"


@pytest.mark.django_db(transaction=True)
def test_no_transaction_of_the_audit_s_own_can_take_an_entry_back():
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(using="audit"):
        note()


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_request_no_connection_stays_open():
    connections["audit"].close()
    record(EventType.SENSITIVE_UPDATE, Severity.INFO, SITE)

    assert connections["audit"].connection is None


def test_a_failure_to_write_is_raised(monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    monkeypatch.setattr(AuditEntry, "save", fail)
    with pytest.raises(OperationalError):
        record(EventType.SENSITIVE_UPDATE, Severity.INFO, SITE)


def test_credentials_are_redacted_and_texts_are_bounded():
    details = {
        "config": [
            "enable secret 5 $1$abcd$0123456789abcdefghijkl",
            {"line": "snmp-server community hunter22 ro"},
        ],
        "long": "x" * 10_000,
        "query": "y" * 50_000,
        "many": list(range(10_000)),
        "number": float("nan"),
        "zero": "a\0b",
        "half": "\ud800",
        7: None,
    }
    found = note(details=details, target="ntp authentication-key 1 md5 hunter22\0", what="z" * 99)

    text = f"{found.details} {found.target}"
    assert "hunter22" not in text
    assert "0123456789abcdef" not in text
    assert found.details["long"] == f"{'x' * 2000}… (8,000 more characters)"
    assert found.details["query"] == f"{'y' * 40_000}… (10,000 more characters)"
    assert len(found.details["many"]) == 200
    assert (found.details["number"], found.details["zero"], found.details["half"]) == (
        "nan",
        "a\\x00b",
        "\\ud800",
    )
    assert (found.details["7"], len(found.what)) == (None, 64)
    assert len(note(target="y" * 999).target) == 255


def test_details_are_nested_to_a_bound():
    details = current = {}
    for _ in range(500):
        current["deeper"] = current = {}

    assert len(str(note(details=details).details)) < 2200
