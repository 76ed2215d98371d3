"""The blocks of the document on the Loki shipper, each as a row.

There `python ship_logs_to_loki.py …`, here `manage.py ship_logs_to_loki …`; its `execution_logs` are session events.
"""

import os
import re
import shlex
import subprocess
import sys

import pytest
import requests
from django.test import Client
from django.utils import timezone

from logsite.records import source
from sessionlogs.models import EventType, SessionStatus
from shipping.models import ShippingCursor
from tests.contract.logql import select
from tests.shipping.builders import make_events, make_session
from tests.shipping.processes import ROOT, database_url
from tests.shipping.test_backend import token_of

pytestmark = pytest.mark.django_db(transaction=True)

LINE = "STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: Active: active (running) | STDERR:"

SHELL_LINES = """
# Basic usage (local development)
python ship_logs_to_loki.py

# For Docker Loki container
python ship_logs_to_loki.py --loki http://loki_tst:3100

# Custom configuration
python ship_logs_to_loki.py \\
  --backend http://localhost:8000 \\
  --loki http://localhost:3100 \\
  --batch-size 1000

# Help
python ship_logs_to_loki.py --help
"""

ENVIRONMENT = """
LOKI_URL=http://localhost:3100
BACKEND_URL=http://localhost:8000
"""

LABELS = """
job="aoss"                    # Constant identifier
server_id="<uuid>"           # Server UUID
server_tag="prod-web-01"     # Human-readable server name
agent_type="network"         # network/database/security/general
status="Success"             # Step status
execution_status="Success"   # Overall execution status
"""

QUERIES = """
# All AOSS logs
{job="aoss"}

# Logs for specific server
{job="aoss", server_tag="prod-web-01"}

# Failed executions only
{job="aoss", status="Failed"}

# Network agent logs
{job="aoss", agent_type="network"}

# Search for specific command
{job="aoss"} |= "nginx"

# Failed commands with error output
{job="aoss", status="Failed"} |= "STDERR"
"""


def code_lines(block):
    """The lines of a block without comments and empty ones; continued lines are joined."""
    joined = block.replace("\\\n", "")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture(autouse=True)
def _documents_settings(settings, monkeypatch):
    """Its job, no waiting, and what it ships: the steps of sessions."""
    settings.SHIPPING_JOB = "aoss"
    settings.SHIPPING_BACKOFF, settings.SHIPPING_RETRIES = 0.001, 2
    settings.SHIPPING_TOKEN, settings.BACKEND_URL = None, ""
    settings.LOKI_URL = "http://127.0.0.1:9"  # no test reaches a Loki it did not name
    monkeypatch.setattr(source, "_sources", {"session": source._sources["session"]})


@pytest.fixture
def here(loki):
    """A word of the document as it reads on this machine: its Loki is the stand-in."""
    there = re.compile(r"http://(?:loki_tst|localhost|127\.0\.0\.1):3100")
    return lambda word: there.sub(loki.url, word)


def nginx(**fields):
    """The document's server, with the command of its example."""
    session = make_session(device="prod-web-01", **fields)
    return make_events(
        session, command="systemctl status nginx", response="Active: active (running)", exit_code=0
    )


# --- Usage ------------------------------------------------------------------------------------------------------


def test_the_shell_lines_ship_everything_or_print_their_help(loki, here, settings, run, capsys):
    settings.LOKI_URL = loki.url
    shipped = 0
    for number, line in enumerate(code_lines(SHELL_LINES), 1):
        program, script, *words = shlex.split(line)
        assert (program, script) == ("python", "ship_logs_to_loki.py")
        if words == ["--help"]:
            with pytest.raises(SystemExit) as done:
                run(*words)
            assert done.value.code == 0
            continue
        shipped += len(nginx())
        result = run(*map(here, words))
        assert (result.code, result.err) == (0, ""), line
        assert len(loki.stored()) == shipped == number, line
    helped = capsys.readouterr().out
    assert [word for word in ("--backend", "--loki", "--batch-size", "--help") if word not in helped] == []
    assert "BACKEND_URL" in helped


def test_the_environment_is_read_and_this_site_reads_its_own_database(loki, here):
    """`.env` as it stands there, for a real process: BACKEND_URL is this site, which the line says."""
    nginx()
    environment = dict(line.split("=", 1) for line in code_lines(ENVIRONMENT))
    assert set(environment) == {"LOKI_URL", "BACKEND_URL"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "ship_logs_to_loki", "--source", "session"],
        env={
            **os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "logsite.settings",
            "SHIPPING_JOB": "aoss", "PUBLIC_URL": "", **{name: here(text) for name, text in environment.items()},
        },
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "BACKEND_URL http://localhost:8000 is this site: its database is read here",
        "session: shipped 1, rejected 0, left 0",
    ]
    assert [entry.line for entry in loki.stored()] == [LINE]


def test_each_loki_endpoint_is_accepted_by_the_option_loki(run):
    endpoints = ("http://localhost:3100", "http://loki_tst:3100", "http://192.0.2.1:3100")
    assert [run("--loki", url, "--dry-run").code for url in endpoints] == [0, 0, 0]


def test_a_batch_size_of_1000_is_the_default(loki, run):
    make_events(make_session(), 12)
    run("--loki", loki.url, "--batch-size", "1000")
    assert len(loki.bodies) == 1


# --- What arrives -----------------------------------------------------------------------------------------------


def test_each_entry_carries_the_labels(loki, run):
    session = make_session(device="prod-web-01", device_id="00000000-0000-4000-8000-000000000001")
    make_events(session, execution_status=SessionStatus.SUCCESS)
    run("--loki", loki.url)
    [entry] = loki.stored()
    documented = dict(re.findall(r'^(\w+)="([^"]*)"', LABELS, re.MULTILINE))
    documented["server_id"] = session.device_id
    assert {name: entry.labels[name] for name in documented} == documented
    assert set(entry.labels) == {*documented, "source"}


@pytest.mark.parametrize("agent_type", ["network", "database", "security", "general"])
def test_the_agent_types_are_labels(loki, run, agent_type):
    nginx(agent_type=agent_type)
    run("--loki", loki.url)
    assert [entry.labels["agent_type"] for entry in loki.stored()] == [agent_type]


def test_status_and_execution_status_are_capitalised_whatever_the_event(loki, run):
    session = make_session()
    for number, event_type in enumerate(EventType):
        make_events(session, event_type=event_type, execution_status=SessionStatus.values[number % 3])
    run("--loki", loki.url)
    assert len(loki.stored()) == len(EventType)
    assert {entry.labels["status"] for entry in loki.stored()} == {"Success", "Failed", "Running"}
    assert {entry.labels["execution_status"] for entry in loki.stored()} == {"Success", "Failed", "Running"}


def test_the_api_s_own_words_stay_in_lower_case(api, owner):
    make_session(status=SessionStatus.FAILED)
    client = api(owner)
    assert len(client.get("/api/v2/sessions/", {"status": "failed"}).json()["results"]) == 1
    assert client.get("/api/v2/sessions/", {"status": "Failed"}).status_code == 400


def test_the_message_is_the_document_s_to_the_letter(loki, run):
    nginx()
    run("--loki", loki.url)
    assert [entry.line for entry in loki.stored()] == [LINE]


def test_an_output_is_cut_to_300_characters_and_the_rest_is_counted(loki, run):
    make_events(make_session(), response="x" * 1000, error_message="ä" * 301, exit_code=0)
    run("--loki", loki.url)
    [entry] = loki.stored()
    assert entry.line == (
        f"STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: {'x' * 300}... (700 more characters) | "
        f"STDERR: {'ä' * 300}... (1 more character)"
    )


def test_timestamps_are_in_nanoseconds(loki, run):
    [event] = nginx()
    run("--loki", loki.url)
    seconds, microseconds = int(event.timestamp.timestamp()), event.timestamp.microsecond
    assert [entry.timestamp for entry in loki.stored()] == [seconds * 10**9 + microseconds * 1000]


# --- Queries ----------------------------------------------------------------------------------------------------


def ship_a_fleet(loki, run):
    """Entries by name, of which each query of the document finds some and not others."""
    web = make_session(device="prod-web-01", agent_type="general")
    switch = make_session(device="sw01", agent_type="network")
    failed = EventType.COMMAND_FAILED
    vlan = "% Invalid input"
    rows = {
        "nginx": make_events(web, command="systemctl status nginx", response="active", exit_code=0),
        "nginx failed": make_events(
            web, event_type=failed, command="systemctl restart nginx", response="", error_message="no", exit_code=1
        ),
        "silent": make_events(web, event_type=failed, command="false", response="", exit_code=1),
        "only blanks": make_events(
            web, event_type=failed, command="test -e /x", response="", error_message=" \n", exit_code=1
        ),
        "timeout": make_events(
            switch, event_type=failed, command="show tech", response="", error_message="did not end within 60 s"
        ),
        "refused": make_events(
            switch, event_type=failed, command="show vlan", response=vlan, error_message=vlan
        ),
        "warned": make_events(web, command="uptime", response="up", error_message="a warning", exit_code=0),
        "quiet": make_events(switch, command="show clock", response="12:00"),
        "no login": make_events(
            switch, event_type=EventType.CONNECTION_FAILED, command="", response="", step=None, error_message="no"
        ),
    }  # fmt: skip
    assert run("--loki", loki.url).code == 0
    return {str(event.pk): name for name, events in rows.items() for event in events}


FOUND = {
    '{job="aoss"}': {
        "nginx", "nginx failed", "silent", "only blanks", "timeout", "refused", "warned", "quiet", "no login",
    },
    '{job="aoss", server_tag="prod-web-01"}': {"nginx", "nginx failed", "silent", "only blanks", "warned"},
    '{job="aoss", status="Failed"}': {"nginx failed", "silent", "only blanks", "timeout", "refused", "no login"},
    '{job="aoss", agent_type="network"}': {"timeout", "refused", "quiet", "no login"},
    '{job="aoss"} |= "nginx"': {"nginx", "nginx failed"},
    '{job="aoss", status="Failed"} |= "STDERR"': {"nginx failed", "timeout", "refused"},
}  # fmt: skip


def test_the_queries_find_what_they_say(loki, run):
    assert code_lines(QUERIES) == list(FOUND)
    names = ship_a_fleet(loki, run)
    found = {
        query: {names[entry.metadata["row_id"]] for entry in select(query, loki.stored())} for query in FOUND
    }
    assert found == FOUND


def test_all_but_a_silent_failure_keep_the_document_s_form(loki, run):
    names = ship_a_fleet(loki, run)
    ends = {names[e.metadata["row_id"]]: e.line.partition(" | STDOUT:")[2] for e in loki.stored()}
    assert ends == {
        "nginx": " active | STDERR:", "nginx failed": " | STDERR: no", "silent": "", "only blanks": "",
        "timeout": " | STDERR: did not end within 60 s", "refused": " % Invalid input | STDERR: % Invalid input",
        "warned": " up | STDERR: a warning", "quiet": " 12:00 | STDERR:", "no login": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query", ['{job=~"a.*"}', '{job="aoss"} |~ "x"', '{job="aoss"} | json', "{}", '{job="a"']
)
def test_a_query_of_another_form_is_no_row_of_this_table(query):
    with pytest.raises(ValueError, match="not a query of the documents' forms"):
        select(query, [])


# --- Quick start, daily operation, troubleshooting --------------------------------------------------------------


def test_the_backend_api_answers_who_has_a_token_and_nobody_else(live_server, teammate):
    """curl http://localhost:8000/api/monitoring/logs: open there, with a token here."""
    nginx()
    url = f"{live_server.url}/api/monitoring/logs"
    assert requests.get(url, timeout=30).status_code == 401
    answer = requests.get(url, headers={"Authorization": f"Token {token_of(teammate)}"}, timeout=30)
    [item] = answer.json()["results"]
    assert (answer.status_code, item["message"], item["labels"]["status"]) == (200, LINE, "Success")


def test_the_api_is_read_only(owner, api, teammate):
    nginx()
    for method in ("post", "put", "patch", "delete"):
        assert getattr(api(owner), method)("/api/monitoring/logs").status_code == 405
    assert Client().get("/api/monitoring/logs").status_code == 401


def test_a_remote_backend_ships_the_same_lines_cut_alike(live_server, loki, run, settings, teammate):
    """Works with any backend: `--backend`, or BACKEND_URL, of a LogSite on another machine."""
    make_events(make_session(), response="x" * 1000)
    make_events(make_session(), event_type=EventType.COMMAND_FAILED, response="", error_message="")
    settings.BACKEND_URL, settings.SHIPPING_TOKEN = live_server.url, token_of(teammate)
    result = run("--loki", loki.url)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"session@{live_server.url}: shipped 2, rejected 0, left 0\n"
    there = [entry.line for entry in loki.stored()]
    settings.BACKEND_URL = ""
    run("--loki", loki.url)
    assert len(loki.stored()) == 2  # byte for byte the same, or there would be 4
    assert there[0].endswith("... (700 more characters) | STDERR:")
    assert "STDERR" not in there[1]


def test_shipped_entries_are_tracked_and_sent_once(loki, run):
    nginx()
    assert "shipped 1" in run("--loki", loki.url).out
    assert "nothing to ship" in run("--loki", loki.url).out
    assert len(loki.bodies) == 1


def test_a_loki_that_is_away_loses_nothing(run, loki):
    nginx(started_at=timezone.now())
    assert run("--loki", "http://127.0.0.1:9").code == 1
    assert ShippingCursor.objects.get().row_id == 0
    assert "shipped 1" in run("--loki", loki.url).out
