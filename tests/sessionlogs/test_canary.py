"""The third layer: no text in which a known secret survived redaction reaches a row."""

import base64
import logging

import pytest

from logsite.housekeeping import counters
from logsite.redaction import Redactor
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog
from sessionlogs.recording.recorder import WITHHELD

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Tr0ub4dor&3"
SECRETS = {"password": SECRET}


@pytest.fixture
def blind(monkeypatch):
    """Redaction finds nothing, as if a rule were broken."""
    monkeypatch.setattr(Redactor, "redact", lambda self, text: text)


def everything_stored():
    """All that the database holds, as one text."""
    return repr([*SessionLog.objects.values_list(), *Session.objects.values_list()])


def test_a_secret_in_a_form_that_redaction_does_not_know_withholds_the_answer(record, stored):
    disguises = (
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(f"admin:{SECRET}@host".encode()).decode(),
        base64.b64encode(f"x{SECRET}".encode()).decode(),
        SECRET.encode("utf-16-le").decode("latin-1"),
        f"{SECRET[:5]}\r\n{SECRET[5:]}",
        f"{SECRET[:5]}\x1b[K{SECRET[5:]}",
    )
    found = {}
    for disguised in disguises:
        recorder = record(secrets=SECRETS)
        recorder.command_response("show debug", f"line one\nblob {disguised}\n", 1)
        recorder.close()
        found[disguised] = [(event.command, event.response, event.withheld) for event in stored(recorder)]
    assert found == {disguised: [("show debug", WITHHELD, "response")] for disguised in disguises}


def test_the_others_of_the_batch_are_stored_as_they_are(record, stored):
    recorder = record(secrets=SECRETS)
    recorder.command_response("show version", "IOS 15", 1)
    recorder.command_response("show debug", SECRET.encode().hex(), 1)
    recorder.command_response("show clock", "12:00", 1)
    recorder.close()
    assert [event.response for event in stored(recorder)] == ["IOS 15", WITHHELD, "12:00"]
    assert Session.objects.get(pk=recorder.session_id).slowest_ms is not None


@pytest.mark.parametrize("column", ["command", "response", "error"])
def test_every_text_of_an_event_is_checked(record, blind, column):
    recorder = record(secrets=SECRETS)
    recorder.event(EventType.COMMAND_FAILED, **{column: f"with {SECRET} in it"})
    recorder.close()
    assert SECRET not in everything_stored()
    assert WITHHELD in everything_stored()


def test_every_text_of_the_session_is_checked(record, stored):
    columns = ("device", "device_id", "host", "platform", "agent_type", "user", "user_id", "tags")
    found = {}
    for column in columns:
        name = SECRET[:16]
        recorder = record(secrets=SECRETS, **{column: [name] if column == "tags" else name})
        recorder.command_sent("show clock")
        recorder.close()
        found[column] = [(event.withheld, event.command) for event in stored(recorder)]
    assert found == {column: [("session", "show clock")] for column in columns}
    assert SECRET not in everything_stored()


def test_the_error_of_the_session_is_checked(record, blind):
    recorder = record(secrets=SECRETS)
    recorder.fail(EventType.CONNECTION_FAILED, f"cannot log in with {SECRET}", ErrorKind.AUTHENTICATION)
    recorder.close()
    session = Session.objects.get(pk=recorder.session_id)
    assert (session.status, session.error_message) == ("failed", WITHHELD)


def test_what_was_withheld_is_counted(record):
    recorder = record(secrets=SECRETS)
    recorder.command_response("show debug", SECRET.encode().hex(), 1)
    recorder.command_response("show clock", "12:00", 1)
    recorder.close()
    assert counters.read()["withheld"] == 1


def test_the_log_says_what_was_withheld_without_the_secret(record, caplog):
    recorder = record(secrets=SECRETS)
    with caplog.at_level(logging.ERROR, "sessionlogs.recording.recorder"):
        recorder.command_response("show debug", SECRET.encode().hex(), 1)
        recorder.close()
    assert f"session {recorder.session_id}: response withheld, redaction left password" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET.encode().hex() not in caplog.text


def test_what_redaction_took_out_withholds_nothing(record, stored):
    recorder = record(secrets=SECRETS)
    recorder.command_response("show run", f"username ops password {SECRET}\n", 1)
    recorder.close()
    assert stored(recorder)[0].response == "username ops password <redacted:password>\n"
    assert counters.read()["withheld"] == 0


@pytest.mark.parametrize("text", ["10.0.0.1\n10.0.0.2", "admin\nadmin", "interface Gi0/1"])
def test_a_short_secret_or_a_number_broken_over_two_lines_is_an_accident(text):
    assert Redactor([("pin", "adminad"), ("code", "10.0.0.110")]).leaks(text) == []
