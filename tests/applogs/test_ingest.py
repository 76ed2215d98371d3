"""Entries over HTTP: who may send, what is stored, what the sender is told, what comes twice."""

import gzip
import json
import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import Client
from knox.models import AuthToken

from applogs.ingest.pressure import pressure
from applogs.models import EntryId, LogEntry
from logsite.audit import Reader
from logsite.intake.models import IngestToken, RejectedInput
from logsite.intake.tokens import make_token, revoke
from logsite.records import get_source
from tests.intake.test_requests import impatient, locked

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v2/logs/ingest"
DOCUMENT = {  # contract 002, «Structured JSON Format»
    "timestamp": "2024-01-15T10:30:45.123Z",
    "level": "INFO",
    "category": "api",
    "message": "User authenticated successfully",
    "module": "auth_service",
    "function": "authenticate_user",
    "line": 142,
    "context": {"request_id": "req_123456", "user_id": "user_789", "ip_address": "192.168.1.100"},
    "metadata": {"auth_method": "password", "duration_ms": 45},
    "performance_data": {"response_time": 0.045, "memory_usage": 128.5},
}


@pytest.fixture
def token():
    return make_token("billing", app="billing")


def send(token, body, *, content_type="application/json", raise_request_exception=True, **headers):
    client = Client(raise_request_exception=raise_request_exception)
    given = {"Authorization": f"Bearer {token[1]}"} if token else {}
    given |= {name.replace("_", "-"): text for name, text in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(URL, data, content_type=content_type, headers=given)


def messages():
    return sorted(LogEntry.objects.values_list("message", flat=True))


def test_the_document_s_entry_is_stored_with_all_that_it_has(token):
    answer = send(token, DOCUMENT)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": 0, "errors": []})
    (found,) = get_source("app").view(Reader(None, "", "system")).page(limit=2)
    assert (found.timestamp, found.level, found.message) == (
        1_705_314_645_123_000_000,
        "INFO",
        "User authenticated successfully",
    )
    assert {name: found.attributes[name] for name in ("context", "metadata", "performance_data", "line")} == {
        name: DOCUMENT[name] for name in ("context", "metadata", "performance_data", "line")
    }
    assert (found.labels["app"], found.labels["category"]) == ("billing", "api")
    row = LogEntry.objects.get()
    assert (row.protocol, row.token_id, row.severity) == ("http", token[0].pk, 9)


@pytest.mark.parametrize(
    ("body", "content_type", "headers"),
    [
        (b'[{"message":"a"},{"message":"b"}]', "application/json", {}),
        (b'{"message":"a"}\n{"message":"b"}\n', "application/x-ndjson", {}),
        (b'{"message":"a"}{"message":"b"}', "application/json", {}),
        (b'{"message":"a"}\n{"message":"b"}', "application/x-www-form-urlencoded", {}),
        (
            gzip.compress(b'[{"message":"a"},{"message":"b"}]', mtime=0),
            "application/json",
            {"Content_Encoding": "gzip"},
        ),
    ],
)
def test_each_form_of_a_body_stores_both_entries(token, body, content_type, headers):
    answer = send(token, body, content_type=content_type, **headers)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert messages() == ["a", "b"]


def test_a_bad_entry_leaves_its_neighbours_and_is_kept_as_rejected(token):
    answer = send(token, [{"message": "a"}, 7, {"message": "other", "app": "shop"}, {"message": "b"}])

    assert answer.status_code == 202
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, 2)
    assert [error["index"] for error in answer.json()["errors"]] == [1, 2]
    assert "shop" in answer.json()["errors"][1]["reason"]
    assert messages() == ["a", "b"]
    assert IngestToken.objects.get().rejected == RejectedInput.objects.count() == 2


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (400, {"body": b'[{"message":"a"},{"message":"b"},{"mess'}),
        (415, {"body": b"\x81\xa7message\xa1a", "content_type": "application/msgpack"}),
        (415, {"body": b"{}", "Content_Encoding": "br"}),
        (400, {"body": b"not gzip", "Content_Encoding": "gzip"}),
        (400, {"body": DOCUMENT, "Idempotency_Key": "x" * 256}),
        (401, {"body": DOCUMENT, "Authorization": "Bearer lsi_wrong"}),
        (401, {"body": DOCUMENT, "Authorization": "Token wrong"}),
        (401, {"body": DOCUMENT, "Authorization": ""}),
    ],
)
def test_a_refused_request_stores_nothing_and_says_why(token, status, how):
    answer = send(token, **how)

    assert answer.status_code == status
    assert answer.json()["error"]["reason"]
    assert messages() == []


def test_a_revoked_token_lets_nobody_in(token):
    revoke(token[0])

    assert send(token, DOCUMENT).status_code == 401


def test_another_method_is_told_which_one_is_meant(token):
    answer = Client().get(URL, headers={"Authorization": f"Bearer {token[1]}"})

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_user_s_token_sends_with_the_permission_alone(owner, teammate, outsider):
    teammate.user_permissions.add(
        Permission.objects.get(codename="add_logentry", content_type__app_label="applogs")
    )
    statuses = {
        user.username: send(
            None, DOCUMENT, Authorization=f"Token {AuthToken.objects.create(user)[1]}"
        ).status_code
        for user in (owner, teammate, outsider)
    }

    assert statuses == {owner.username: 202, teammate.username: 202, outsider.username: 403}
    assert LogEntry.objects.count() == 2


def test_a_login_of_a_browser_does_not_send(owner):
    client = Client()
    client.force_login(owner)

    assert client.post(URL, DOCUMENT, content_type="application/json").status_code == 401


# --- twice ----------------------------------------------------------------------------------------------------


def test_a_request_with_a_key_is_stored_once_and_answered_alike(token):
    answers = [send(token, [DOCUMENT, 7], Idempotency_Key="batch-17") for _ in range(2)]
    other = send(token, [DOCUMENT], Idempotency_Key="batch-17")

    assert answers[0].json() == answers[1].json()
    assert (LogEntry.objects.count(), RejectedInput.objects.count(), other.status_code) == (1, 1, 422)


def test_an_entry_with_an_id_is_stored_once_in_24_hours_for_its_token(token):
    first = send(token, [{"message": "a", "id": "e1"}, {"message": "twice", "id": "e1"}, {"message": "b"}])
    again = send(token, [{"message": "a", "id": "e1"}, {"message": "c", "id": "e2"}])
    other = send(make_token("other", app="billing"), {"message": "of another", "id": "e1"})

    assert first.json() == {"accepted": 3, "rejected": 0, "errors": [], "repeated": 1}
    assert (again.json()["accepted"], again.json()["repeated"], other.status_code) == (2, 1, 202)
    assert messages() == ["a", "b", "c", "of another"]


def test_after_24_hours_an_id_is_new_again(token):
    send(token, {"message": "a", "id": "e1"})
    EntryId.objects.update(received_at=EntryId.objects.get().received_at - 24 * 3_600 * 10**9)
    send(token, {"message": "b", "id": "e1"})

    assert messages() == ["a", "b"]
    assert EntryId.objects.count() == 1


def test_the_same_ids_from_many_requests_at_once_are_stored_once(token):
    entries = [{"message": f"m{number}", "id": f"e{number}"} for number in range(40)]
    start, answers = threading.Barrier(4), []

    def request(batch):
        try:
            start.wait(60)
            answers.append(send(token, batch))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=request, args=(batch,)) for batch in (entries, entries[::-1]) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert [answer.status_code for answer in answers] == [202] * 4
    assert sum(answer.json().get("repeated", 0) for answer in answers) == 120
    assert LogEntry.objects.count() == 40


# --- pressure -------------------------------------------------------------------------------------------------


def test_beyond_its_rate_a_token_waits(token):
    IngestToken.objects.update(entries_per_second=1)
    first, second = send(token, [{"message": "a"}] * 20), send(token, {"message": "b"})

    assert (first.status_code, second.status_code) == (202, 429)
    assert 15 <= int(second["Retry-After"]) <= 20
    assert LogEntry.objects.count() == 20


def test_beyond_what_the_process_holds_a_sender_waits(token, settings):
    settings.APPLOGS_BYTES_AT_ONCE = 1000
    with pressure.working_on(900):
        busy = send(token, DOCUMENT)
    free = send(token, DOCUMENT)

    assert (busy.status_code, busy["Retry-After"], free.status_code) == (429, "1", 202)
    assert LogEntry.objects.count() == 1


def test_while_the_database_is_locked_nothing_is_stored_and_the_sender_tries_again(token, monkeypatch):
    with impatient(monkeypatch), locked():
        refused = send(token, DOCUMENT, Idempotency_Key="batch-17", raise_request_exception=False)
    again = send(token, DOCUMENT, Idempotency_Key="batch-17")

    assert (refused.status_code, refused["Retry-After"], again.status_code) == (503, "1", 202)
    assert LogEntry.objects.count() == 1


def test_a_secret_is_stored_nowhere(token):
    secret = "S3cr3t-Pa55word-4711"
    send(
        token,
        [{"message": f"login with password={secret}", "context": {"password": secret}}, f"token={secret}"],
    )

    row = LogEntry.objects.get()
    assert secret not in json.dumps([row.message, row.context, row.attributes])
    assert secret not in RejectedInput.objects.get().excerpt


def test_a_stored_batch_takes_a_fixed_number_of_statements(token, django_assert_max_num_queries):
    with django_assert_max_num_queries(20 if connection.vendor == "sqlite" else 25):
        send(token, [{"message": f"m{number}"} for number in range(500)])
