"""`prodlogs logs|errors|container|save --query`: only what it finds, on record before it is printed."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from logsite.audit import reader
from logsite.audit.models import AuditEntry
from logsite.commands.stopping import account
from logsite.records import to_nanoseconds
from prodlogs import LogInterface, collector
from prodlogs.models import ContainerLogEntry
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(monkeypatch):
    """A container with three entries of this minute, on a host that nobody connects to."""
    reads = []
    monkeypatch.setattr(reader, "_process_via", ["cli"])  # another test may have loaded the web application
    monkeypatch.setattr(collector, "collect_hosts", lambda hosts, **_: reads.append(hosts) or [])
    container = ContainerFactory(name="web", host=DockerHostFactory(name="docker01", enabled=True))
    now = to_nanoseconds(datetime.now(UTC))
    rows = [("ERROR", "request timeout"), ("INFO", "GET /health"), ("CRITICAL", "disk full")]
    for number, (level, message) in enumerate(rows):
        ContainerLogEntryFactory(
            container=container, level=level, message=message, timestamp=now, sequence=number
        )
    return reads


def prodlogs(*words):
    out, err = StringIO(), StringIO()
    call_command("prodlogs", *words, stdout=out, stderr=err)
    return out.getvalue()


def audited():
    rows = AuditEntry.objects.filter(event_type="sensitive_read").order_by("id")
    return [
        (row.user, row.via, row.what, row.count, row.details.get("query", ""), row.details.get("filters", ""))
        for row in rows
    ]


VERBS = (("logs",), ("errors",), ("container", "web"))


def test_each_verb_shows_what_the_query_finds(web):
    found = {
        words: [text in prodlogs(*words, "--query", "timeout") for text in ("timeout", "disk full", "health")]
        for words in VERBS
    }

    assert found == {words: [True, False, False] for words in VERBS}


def test_json_and_files_have_what_the_query_finds(web, tmp_path):
    logs = json.loads(prodlogs("logs", "--json", "--query", "level:>=ERROR NOT disk"))
    prodlogs("save", "--output", str(tmp_path / "logs.json"), "--query", "disk")
    saved = json.loads((tmp_path / "logs.json").read_text())

    assert [entry["message"] for entry in logs["containers"]["web"]] == ["request timeout"]
    assert [entry["message"] for entry in saved["containers"]["web"]] == ["disk full"]


@pytest.mark.parametrize("query", ["level:ERROR (boom", "level:loud", "nosuch:1", '"boom', "boom OR"])
def test_a_query_that_cannot_be_read_ends_the_command_before_anything_is_read(web, tmp_path, query):
    wrong = []
    for words in (*VERBS, ("save", "--output", str(tmp_path / "logs.json"))):
        for form in ([], ["--json"]):
            out = StringIO()
            with pytest.raises(CommandError) as caught:
                call_command("prodlogs", *words, *form, "--query", query, stdout=out)
            text = str(caught.value)
            if (
                (caught.value.returncode, out.getvalue()) != (2, "")
                or not text.startswith("--query, position ")
                or "\n" in text
            ):
                wrong.append((words, text, out.getvalue()))

    assert (wrong, web, list(tmp_path.iterdir())) == ([], [], [])


def test_what_is_shown_is_on_record_also_when_nothing_is_found(web, tmp_path):
    prodlogs("logs", "--query", "timeout")
    prodlogs("container", "web", "--query", "nothing")
    prodlogs("errors")
    prodlogs("save", "--output", str(tmp_path / "logs.json"), "--query", "disk")

    assert audited() == [
        (account(), "cli", "list", 1, "timeout", "hours=1.0"),
        (account(), "cli", "list", 0, "nothing", "name=web&hours=1.0"),
        (account(), "cli", "error summary", 2, "", "hours=1.0"),
        (account(), "cli", "export", 1, "disk", ""),
    ]


def test_entries_handed_to_python_code_are_on_record(web):
    reading, logs = collector.ProductionLogCollector("docker01"), LogInterface()
    reading.get_logs_from_container("web", 2, query="timeout")
    reading.get_logs_from_all_containers(0.5)
    logs.get_logs("web", hours=3)
    logs.get_recent_errors(24)
    logs.get_error_summary(24)
    ContainerLogEntry.objects.all().delete()
    logs.get_recent_logs(1)

    assert audited() == [
        (account(), "cli", "list", 1, "timeout", "host=docker01&name=web&hours=2"),
        (account(), "cli", "list", 3, "", "host=docker01&hours=0.5"),
        (account(), "cli", "list", 3, "", "name=web&hours=3"),
        (account(), "cli", "list", 2, "", "hours=24&level=ERROR%2CCRITICAL"),
        (account(), "cli", "error summary", 2, "", "hours=24"),
        (account(), "cli", "list", 0, "", "hours=1"),
    ]


@pytest.mark.parametrize("words", VERBS)
def test_what_cannot_be_put_on_record_is_not_printed(web, monkeypatch, words):
    def fail(self, **_):
        raise OperationalError("disk full")

    monkeypatch.setattr(AuditEntry, "save", fail)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("prodlogs", *words, stdout=out)

    assert out.getvalue() == ""
