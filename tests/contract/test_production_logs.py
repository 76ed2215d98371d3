"""Document 001, logs of production containers: Python, the command line, the shapes of entries, files, summaries."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from prodlogs import LogInterface, ProductionLogCollector
from prodlogs.log_interface import get_production_errors, get_production_logs, save_production_logs
from prodlogs.models import DockerHost
from tests.conftest import service_address
from tests.devices.openssh import openssh
from tests.factories import DockerHostFactory
from tests.ports import free_port
from tests.prodlogs.conftest import WITHOUT_RC, Docker

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
ENTRY = {"container_name", "timestamp", "level", "message", "raw_line"}
SUMMARY = {
    "timestamp",
    "analysis_period_hours",
    "total_containers",
    "containers_with_errors",
    "total_error_entries",
    "error_breakdown",
    "critical_issues",
}
SCRIPT = "echo INFO fine; echo ERROR Application error occurred >&2; echo CRITICAL Fatal error >&2; sleep 600"


@pytest.fixture(scope="module")
def engine():
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    engine.run("web-app", SCRIPT)
    engine.run("api-server", "echo 'GET / 200'; sleep 600")
    engine.run("gone", "echo bye")
    yield engine
    engine.clean()


@pytest.fixture(scope="module")
def server(engine):
    with openssh(settings=f"SetEnv {WITHOUT_RC} DOCKER_HOST={engine.address}\n") as server:
        yield server


@pytest.fixture
def production(server):
    """The host of the document; LogInterface() finds it."""
    return DockerHostFactory(
        name="production",
        address=server.host,
        port=server.port,
        user=server.username,
        ssh_key=server.key,
        host_key=server.host_key,
    )


@pytest.fixture
def dead():
    return DockerHostFactory(name="dead", address="127.0.0.1", port=free_port())


def prodlogs(*words):
    """Output, errors and exit code of a command line."""
    out, err = StringIO(), StringIO()
    try:
        call_command("prodlogs", *words, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}\n", error.returncode
    return out.getvalue(), err.getvalue(), 0


def test_the_environment_variables_of_the_document_define_a_host(server, settings, tmp_path):
    """Settings read HETZNER_* where PRODLOGS_* are not set; see also tests/logsite/test_settings.py."""
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER = f"{server.host}:{server.port}", server.username
    settings.PRODLOGS_SSH_KEY, settings.PRODLOGS_HOST_KEY = server.key, server.host_key

    assert "web-app" in LogInterface().get_containers()
    assert DockerHost.objects.get().from_environment


def test_basic_usage(production, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    interface = LogInterface()

    logs = interface.get_recent_logs(hours=1)
    errors = interface.get_recent_errors(hours=2)
    app_logs = interface.get_logs("web-app", hours=4)
    file_path = interface.save_all_logs(hours=6)

    assert {"web-app", "api-server"} <= logs.keys()
    assert errors.keys() == {"web-app"}
    assert {entry["level"] for entry in errors["web-app"]} == {"ERROR", "CRITICAL"}
    assert len(app_logs) == 3
    assert Path(file_path).parent == tmp_path


def test_containers_are_the_names_of_the_running_ones(production):
    names = LogInterface().get_containers()

    assert {"web-app", "api-server"} <= set(names)
    assert "gone" not in names
    assert all(isinstance(name, str) for name in names)


def test_health_is_true_or_false(production, dead):
    assert LogInterface("production").check_health() in (True, False)
    assert LogInterface("dead").check_health() is False
    assert LogInterface("dead").health()["hosts"][0]["status"] == "unreachable"
    assert LogInterface("dead").health()["status"] == "unreachable"


def test_the_collector_has_the_methods_of_the_document(production):
    collector = ProductionLogCollector()

    rows = collector.get_container_list()
    assert {"web-app", "api-server"} <= {row["name"] for row in rows}
    assert len(collector.get_logs_from_container("web-app", hours_back=1)) == 3
    assert {"web-app", "api-server"} <= collector.get_logs_from_all_containers(hours_back=1).keys()
    assert collector.get_error_logs_only(hours_back=1).keys() == {"web-app"}
    assert collector.get_error_summary(hours=6)["total_error_entries"] == 2
    assert collector.health_check().keys() == {"timestamp", "status", "hosts"}


def test_hours_and_hours_back_are_the_same_everywhere(production, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    interface, collector = LogInterface(), ProductionLogCollector()
    calls = [
        (interface, "get_recent_logs", ()),
        (interface, "get_recent_errors", ()),
        (interface, "get_logs", ("web-app",)),
        (interface, "get_error_summary", ()),
        (interface, "save_all_logs", ()),
        (collector, "get_logs_from_container", ("web-app",)),
        (collector, "get_logs_from_all_containers", ()),
        (collector, "get_error_logs_only", ()),
        (collector, "get_error_summary", ()),
    ]

    for subject, name, words in calls:
        for options in ({}, {"hours": 2}, {"hours_back": 2}):
            assert getattr(subject, name)(*words, **options), (name, options)
        with pytest.raises(ValueError, match="hours: "):
            getattr(subject, name)(*words, hours_back=0)


def test_an_entry_has_the_document_s_form(production):
    [entry] = [each for each in LogInterface().get_logs("web-app") if each["level"] == "ERROR"]

    assert entry.keys() == ENTRY
    assert (entry["container_name"], entry["message"]) == ("web-app", "ERROR Application error occurred")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", entry["timestamp"])


def test_a_saved_file_has_the_document_s_form(production, tmp_path):
    path = LogInterface().save_all_logs(1, tmp_path / "logs.json")

    saved = json.loads(Path(path).read_text())
    assert saved.keys() == {"timestamp", "collection_source", "containers"}
    assert saved["collection_source"] == "production_ssh"
    assert {frozenset(entry) for entry in saved["containers"]["web-app"]} == {frozenset(ENTRY)}


def test_an_error_summary_has_the_document_s_form(production):
    summary = LogInterface().get_error_summary(hours=1)

    assert summary.keys() == SUMMARY
    assert (summary["analysis_period_hours"], summary["containers_with_errors"]) == (1, 1)
    assert summary["error_breakdown"]["web-app"].keys() == {"error_count", "recent_errors"}
    [issue] = summary["critical_issues"]
    assert issue.keys() == {"container", "timestamp", "message", "severity"}
    assert issue["severity"] == "critical"


def test_the_convenience_functions(production, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert "web-app" in get_production_logs(hours=2)
    assert "web-app" in get_production_errors(hours=1)
    assert Path(save_production_logs(hours=4)).exists()


def test_the_errors_of_the_document_are_raised(production, dead):
    with pytest.raises(RuntimeError, match="dead"):
        LogInterface("dead").get_recent_logs(hours=1)
    with pytest.raises(ValueError, match="no such Docker host"):
        LogInterface("nowhere")


LINES = [
    ("status",),
    ("logs",),
    ("logs", "4"),
    ("errors",),
    ("container", "web-app", "2"),
    ("save", "6"),
    ("health",),
]


def test_each_command_line_of_the_document_works(production, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    ended = {words: prodlogs(*words) for words in LINES}

    assert {words: code for words, (_, _, code) in ended.items() if code} in ({}, {("health",): 1})
    assert all("web-app" in out or words[0] in ("save", "health") for words, (out, _, _) in ended.items())
    assert len(list(tmp_path.glob("production_logs_*.json"))) == 1


def test_errors_and_save_take_the_last_hour_by_default(production):
    assert json.loads(prodlogs("errors", "--json")[0])["analysis_period_hours"] == 1


def test_debug_mode_shows_each_command_that_is_sent(production):
    _, err, code = prodlogs("-v", "2", "container", "web-app", "1")

    assert code == 0
    sent = re.findall(
        r"^production: docker (ps|logs|inspect)\b.*: [\d,]+ ms, exit code 0, [\d,]+ bytes, [\d,]+ on stderr$",
        err,
        re.MULTILINE,
    )
    assert {"ps", "logs"} <= set(sent)
    assert "docker" not in prodlogs("container", "web-app", "1")[1]


def test_the_examples_of_the_docs_run(production, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "prodlogs-python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names = {}

    for block in blocks:
        exec(compile(block, "docs/prodlogs-python.md", "exec"), names)

    printed = capsys.readouterr().out
    assert len(blocks) == 6
    assert "web-app: 2 errors" in printed
    assert "Total error entries: 2" in printed
