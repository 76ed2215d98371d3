"""manage.py view_session_logs."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from logsite.audit.models import AuditEntry
from logsite.commands.stopping import Stop
from sessionlogs.models import EventType, ResponseView
from sessionlogs.recording.recorder import SessionRecorder
from tests.factories import SessionFactory, SessionLogFactory, issue_session

EXAMPLE = """\
================================================================================
Session: 06787c15-dded-47cd-a9d5-91f4d8f7687d
Device: fw01.company.com | User: netops
================================================================================

[21:34:53.170] INTERFACE_COLLECTION_START

[21:34:53.172] COMMAND_SENT
  Command: show interface all

[21:34:53.172] COMMAND_RESPONSE
  Command: show interface all
  Response:
    name: ethernet1/1
    line 0
    line 1
    ... (8 more lines)
  Duration: 1ms

"""


def view(*arguments):
    out = StringIO()
    call_command("view_session_logs", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refusal(*arguments):
    with pytest.raises(CommandError) as caught:
        view(*arguments)
    return caught.value


@pytest.mark.django_db
def test_a_session_prints_as_the_handbook_shows_it():
    issue_session()
    assert view() == EXAMPLE


@pytest.mark.django_db
def test_a_session_is_found_by_its_id():
    session = issue_session()
    SessionLogFactory(device="other")
    assert view(str(session.session_id)) == EXAMPLE


@pytest.mark.django_db
def test_each_session_has_its_header_and_its_events_stay_together():
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    first = SessionFactory(device="rtr01", started_at=start)
    second = SessionFactory(device="rtr02", started_at=start)
    for number in range(4):
        for session in (first, second):
            SessionLogFactory(session=session, timestamp=start + timedelta(seconds=number))
    text = view()
    assert text.count("Session: ") == 2
    assert text.index("rtr01") < text.index("rtr02") or text.index("rtr02") < text.index("rtr01")


@pytest.mark.django_db
def test_an_error_and_a_user_nobody_knows():
    SessionLogFactory(
        session=SessionFactory(user=""),
        event_type=EventType.CONNECTION_FAILED,
        command="",
        step=None,
        error_message="authentication failed",
        duration_ms=12.6,
    )
    text = view()
    assert "User: -\n" in text
    assert "CONNECTION_FAILED\n  Error: authentication failed\n  Duration: 13ms\n" in text


@pytest.mark.django_db
def test_commands_of_several_lines_are_indented():
    SessionLogFactory(
        event_type=EventType.INTERFACE_COMMANDS_PLANNED, command="show interfaces\nshow ip interface"
    )
    assert "  Command: show interfaces\n    show ip interface\n" in view()


@pytest.mark.django_db
def test_full_prints_responses_whole():
    issue_session()
    text = view("--full")
    assert "    line 9\n" in text
    assert "more lines" not in text


@pytest.mark.django_db
def test_a_device_s_control_characters_do_not_reach_the_terminal():
    SessionLogFactory(
        event_type=EventType.COMMAND_RESPONSE, response="\x1b]0;owned\x07\x1b[2Jharmless\x9b1m\ttab"
    )
    text = view()
    assert "␛]0;owned␇␛[2Jharmless\N{REPLACEMENT CHARACTER}1m\ttab" in text
    assert "\x1b" not in text


@pytest.mark.django_db
def test_the_newest_50_events_are_shown_oldest_first():
    session = SessionFactory()
    for number in range(60):
        moment = session.started_at + timedelta(seconds=number)
        SessionLogFactory(session=session, command=f"show {number:02d}", timestamp=moment)
    shown = [line for line in view().splitlines() if line.startswith("  Command")]
    assert shown == [f"  Command: show {number:02d}" for number in range(10, 60)]


@pytest.mark.django_db
def test_lines_says_how_many():
    session = SessionFactory()
    for number in range(5):
        moment = session.started_at + timedelta(seconds=number)
        SessionLogFactory(session=session, command=f"show {number}", timestamp=moment)
    shown = [line for line in view("--lines", "2").splitlines() if line.startswith("  Command")]
    assert shown == ["  Command: show 3", "  Command: show 4"]


@pytest.mark.django_db
def test_device_keeps_only_that_device():
    SessionLogFactory(session=SessionFactory(device="rtr01"), command="show one")
    SessionLogFactory(session=SessionFactory(device="rtr02"), command="show two")
    text = view("--device", "rtr01")
    assert "show one" in text
    assert "show two" not in text


@pytest.mark.django_db
def test_event_keeps_only_that_type():
    issue_session()
    text = view("--event", "command_sent")
    assert "COMMAND_SENT" in text
    assert "COMMAND_RESPONSE" not in text


@pytest.mark.django_db
def test_json_is_one_whole_event_a_line():
    session = issue_session()
    events = [json.loads(line) for line in view("--json").splitlines()]
    assert [event["event_type"] for event in events] == [
        "interface_collection_start",
        "command_sent",
        "command_response",
    ]
    assert events[2]["session_id"] == session.session_id
    assert len(events[2]["response"].splitlines()) == 11
    assert datetime.fromisoformat(events[2]["timestamp"]).tzinfo is not None


@pytest.mark.django_db
def test_list_prints_a_line_a_session_newest_first():
    old = SessionFactory(started_at=datetime(2026, 5, 1, tzinfo=UTC))
    new = SessionFactory(
        started_at=datetime(2026, 5, 2, tzinfo=UTC),
        status="failed",
        commands=2,
        failures=1,
        slowest_ms=12.4,
        error_message="authentication\nfailed",
    )
    first, second = view("--list").splitlines()
    assert str(new.session_id) in first
    assert first.startswith("2026-05-02 00:00:00  ")
    assert first.endswith("  2 commands, 1 failures, slowest 12ms  authentication failed")
    assert str(old.session_id) in second


@pytest.mark.django_db
def test_list_as_json_and_by_device():
    SessionFactory(device="rtr01", tags=["edge"])
    SessionFactory(device="rtr02")
    (session,) = [json.loads(line) for line in view("--list", "--json", "--device", "rtr01").splitlines()]
    assert (session["device"], session["tags"], session["status"]) == ("rtr01", ["edge"], "success")


@pytest.mark.django_db
def test_nothing_to_show_is_said():
    assert view("--device", "nobody") == "no session event matches\n"


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (["nonsense"], "SESSION_ID: 'nonsense' is not a session id; --list shows the ids", 2),
        (["06787c15-dded-47cd-a9d5-91f4d8f7687d"], "no such session: 06787c15", 1),
        (["--lines", "0"], "--lines must be at least 1", 2),
        (["--lines", "-3"], "--lines must be at least 1", 2),
    ],
)
@pytest.mark.django_db
def test_bad_input_is_one_line_and_an_exit_code(arguments, text, code):
    error = refusal(*arguments)
    assert text in str(error)
    assert "\n" not in str(error)
    assert error.returncode == code


@pytest.mark.parametrize("arguments", [["--event", "nonsense"], ["--lines", "many"]])
def test_bad_options_are_refused_by_name(arguments):
    assert arguments[0] in str(refusal(*arguments))


@pytest.mark.django_db
def test_events_and_sessions_are_read_in_a_handful_of_queries(django_assert_max_num_queries):
    for _ in range(10):
        SessionLogFactory()
    with django_assert_max_num_queries(5):
        view()


# --- in a process of its own ---------------------------------------------------------------------------------


@pytest.fixture
def run(transactional_db):
    """Start the command on the test's database."""
    started = []

    def start(*arguments, **options):
        address = connection.settings_dict
        url = f"sqlite:///{address['NAME']}"
        if connection.vendor == "postgresql":
            login = f"{address['USER']}:{address['PASSWORD']}"
            url = f"postgres://{login}@{address['HOST']}:{address['PORT']}/{address['NAME']}"
        process = subprocess.Popen(
            [sys.executable, "manage.py", "view_session_logs", *arguments],
            cwd=django_settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"},
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process, text):
    """The lines up to the one with `text`; ends at the latest with the process."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"{text!r} did not come, but {lines}: {process.stderr.read()}")


def test_follow_prints_what_others_commit_and_ends_on_sigterm_with_exit_code_0(run):
    recorder = SessionRecorder(device="rtr01", user="netops")
    recorder.command_sent("show before")
    recorder.close()
    process = run("--follow")
    assert "  Command: show before\n" in read_until(process, "show before")
    recorder.command_sent("show after")
    recorder.close()
    lines = read_until(process, "show after")
    assert not [line for line in lines if line.startswith("Session:")]  # the header stands there already
    assert not [line for line in lines if "show before" in line]
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert "Traceback" not in process.stderr.read()


def test_follow_keeps_to_its_filters(run):
    SessionLogFactory(session=SessionFactory(device="rtr01"), command="show first")
    process = run("--follow", "--device", "rtr01", "--json")
    read_until(process, "show first")
    SessionLogFactory(session=SessionFactory(device="rtr02"), command="show other")
    SessionLogFactory(session=SessionFactory(device="rtr01"), command="show wanted")
    assert [json.loads(line)["command"] for line in read_until(process, "show wanted")] == ["show wanted"]
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0


def test_a_reader_that_has_seen_enough_gets_no_traceback(run):
    session = SessionFactory()
    for _ in range(200):
        SessionLogFactory(session=session, event_type=EventType.COMMAND_RESPONSE, response="x" * 2000)
    process = run("--lines", "200", "--full")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(120) == 0
    assert process.stderr.read() == ""
    process.stdout = None


# --- Queries -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_query_narrows_the_events_together_with_the_options():
    issue_session()
    SessionLogFactory(device="other", command="show version")
    assert "other" not in view("--query", "interface")
    assert view("--query", 'event:command_response "line 9"').count("COMMAND_RESPONSE") == 1
    assert "show version" in view("--query", "show", "--device", "other")
    assert "interface" not in view("--query", "show", "--device", "other")


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["(boom", "level:loud", "nosuch:1", '"boom', "boom OR"])
def test_a_query_that_cannot_be_read_is_one_line_and_exit_code_2(query):
    issue_session()
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("view_session_logs", "--query", query, stdout=out)
    assert (caught.value.returncode, out.getvalue()) == (2, "")
    assert str(caught.value).startswith("--query, position ")
    assert "\n" not in str(caught.value)


@pytest.mark.django_db
def test_a_query_does_not_go_with_the_list_of_sessions():
    error = refusal("--list", "--query", "boom")
    assert (error.returncode, str(error)) == (2, "--query finds events; it does not go with --list")


@pytest.mark.django_db
def test_what_is_shown_is_on_record_before_it_is_printed():
    issue_session()
    view("--query", "interface", "--lines", "2")
    view("--device", "nowhere")
    rows = AuditEntry.objects.order_by("id").values_list("via", "what", "target", "count", "details")
    assert list(rows) == [
        ("cli", "list", "session", 2, {"query": "interface"}),
        ("cli", "list", "session", 0, {"query": "", "filters": "device=nowhere"}),
    ]
    assert not ResponseView.objects.exists()


@pytest.mark.django_db
def test_a_list_of_sessions_is_on_record():
    SessionFactory(device="rtr01")
    view("--list")
    view("--list", "--device", "nowhere")
    rows = AuditEntry.objects.order_by("id").values_list("via", "what", "target", "count", "details")
    assert list(rows) == [
        ("cli", "list", "sessions", 1, {"filters": ""}),
        ("cli", "list", "sessions", 0, {"filters": "device=nowhere"}),
    ]


@pytest.mark.django_db(transaction=True)
def test_each_batch_that_follow_prints_is_on_record_first(monkeypatch):
    out, printed = StringIO(), []
    waits = iter([2, 0, 1])  # events that are stored while the command waits

    def note(row, **_):
        printed.append(out.getvalue().count("show"))
        return save(row, **_)

    def wait(stop, seconds):
        number = next(waits, None)
        if number is None:
            stop.set()
        for _ in range(number or 0):
            SessionLogFactory(command="show clock")

    save = AuditEntry.save
    SessionLogFactory(command="show clock")
    monkeypatch.setattr(AuditEntry, "save", note)
    monkeypatch.setattr(Stop, "wait", wait)
    call_command("view_session_logs", "--follow", "--query", "clock", stdout=out)
    rows = AuditEntry.objects.order_by("id").values_list("via", "what", "count", "details")

    details = {"query": "clock", "filters": "follow=True"}
    assert list(rows) == [("cli", "list", number, details) for number in (1, 2, 1)]
    assert printed == [0, 1, 3]


@pytest.mark.django_db
def test_what_cannot_be_put_on_record_is_not_printed(monkeypatch):
    def fail(self, **_):
        raise OperationalError("disk full")

    issue_session()
    monkeypatch.setattr(AuditEntry, "save", fail)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("view_session_logs", stdout=out)
    assert out.getvalue() == ""
