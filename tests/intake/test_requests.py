"""A way into the site as the next ones will be: token, body, rate, key, rejected input and answers together."""

import gzip
import json
import threading
import uuid
from contextlib import contextmanager

import pytest
import zstandard
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.http import JsonResponse
from django.test import Client
from django.urls import path

from logsite.intake.answers import answered, not_authenticated, too_many
from logsite.intake.bodies import body_of
from logsite.intake.models import IngestToken, RejectedInput
from logsite.intake.rates import rates
from logsite.intake.rejected import Rejection, keep_rejected
from logsite.intake.repeated import once, owner_of
from logsite.intake.tokens import make_token, token_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]
BAD = b'{"message": "enable secret 5 $1$abcd$0123456789abcdefghijkl", "time": "yesterday"}'
LINES = b'{"message": "one"}\n' + BAD + b'\n{"message": "two"}\n'
TAKEN = {"accepted": 2, "rejected": 1, "errors": [{"index": 1, "field": "time", "reason": "not a time"}]}


@answered
def ingest(request):
    """An entry a line; a group of the site stands for a stored one."""
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        return not_authenticated()
    body = body_of(request)
    lines = body.splitlines()
    if seconds := rates.take(token, len(lines), len(body)):
        return too_many(seconds, "the rate of the token is used up")
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return JsonResponse(store(token, lines), status=202)
    return JsonResponse(once(owner_of(token), key, body, lambda: store(token, lines))[0], status=202)


def store(token, lines):
    good, bad = [], []
    for number, line in enumerate(lines):
        if "time" in (entry := json.loads(line)):
            bad.append(Rejection("not a time", line, "time", number))
        else:
            good.append(Group(name=f"{entry['message']} {uuid.uuid4()}"))
    Group.objects.bulk_create(good)
    keep_rejected(bad, token=token, protocol="http")
    errors = [{"index": each.index, "field": each.field, "reason": each.reason} for each in bad]
    return {"accepted": len(good), "rejected": len(bad), "errors": errors}


urlpatterns = [path("ingest", ingest)]


@pytest.fixture
def token():
    return make_token("billing", app="billing")


def send(token, body=LINES, *, raise_request_exception=True, **headers):
    client = Client(raise_request_exception=raise_request_exception)
    given = {"Authorization": f"Bearer {token[1]}"}
    given |= {name.replace("_", "-"): text for name, text in headers.items()}
    return client.post("/ingest", body, content_type="application/x-ndjson", headers=given)


@contextmanager
def impatient(monkeypatch):
    """A statement waits a fifth of a second for a lock."""
    if connection.vendor == "postgresql":
        with connection.cursor() as sql:
            sql.execute("SET lock_timeout = 200")
    else:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
        connection.close()
    try:
        yield
    finally:
        monkeypatch.undo()
        connection.close()


@contextmanager
def locked():
    """Another connection has what storing needs."""
    other = connection.copy()
    try:
        with other.cursor() as sql:
            on_postgres = connection.vendor == "postgresql"
            sql.execute("BEGIN; LOCK TABLE intake_idempotencykey" if on_postgres else "BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def stored():
    return Group.objects.count(), RejectedInput.objects.count(), IngestToken.objects.get().rejected


def test_what_is_good_is_stored_and_what_is_bad_is_kept_without_its_secret(token):
    answer = send(token)

    assert (answer.status_code, answer.json()) == (202, TAKEN)
    assert stored() == (2, 1, 1)
    row = RejectedInput.objects.get()
    assert (row.reason, row.index, row.token_name) == ("not a time", 1, "billing")
    assert "0123456789" not in row.excerpt


def test_each_packing_is_stored_and_each_refusal_has_its_status(token):
    whole = gzip.compress(LINES[:20]) + gzip.compress(LINES[20:])
    two_frames = zstandard.compress(LINES[:20]) + zstandard.compress(LINES[20:])
    wanted = {
        "gzip of two members": (send(token, whole, Content_Encoding="gzip"), 202),
        "zstd of two frames": (send(token, two_frames, Content_Encoding="zstd"), 202),
        "cut": (send(token, whole[:-5], Content_Encoding="gzip"), 400),
        "bomb": (send(token, gzip.compress(b"\0" * 2**26), Content_Encoding="gzip"), 413),
        "another coding": (send(token, LINES, Content_Encoding="br"), 415),
        "a bad key": (send(token, Idempotency_Key="x" * 256), 400),
        "no token": (send(token, Authorization="Bearer lsi_wrong"), 401),
    }

    assert {name: answer.status_code for name, (answer, _) in wanted.items()} == {
        name: status for name, (_, status) in wanted.items()
    }
    assert wanted["a bad key"][0].json()["error"]["field"] == "Idempotency-Key"


def test_a_token_beyond_its_rate_has_to_wait(token):
    IngestToken.objects.update(entries_per_second=1)
    first, second = send(token, LINES * 10), send(token)

    assert (first.status_code, second.status_code) == (202, 429)
    assert 20 <= int(second["Retry-After"]) <= 30


def test_while_the_database_is_out_nothing_is_stored_and_the_request_is_to_be_sent_again(token, monkeypatch):
    with impatient(monkeypatch), locked():
        refused = send(token, Idempotency_Key="batch-17", raise_request_exception=False)
    again = [send(token, Idempotency_Key="batch-17").json() for _ in range(2)]

    assert (refused.status_code, refused["Retry-After"]) == (503, "1")
    assert "by another process" in refused.json()["error"]["reason"]
    assert again == [TAKEN, TAKEN]
    assert stored() == (2, 1, 1)


def test_of_many_requests_with_one_key_at_the_same_time_one_is_carried_out(token):
    start, answers = threading.Barrier(4), []

    def request():
        try:
            start.wait(60)
            answers.append(send(token, Idempotency_Key="batch-17"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, TAKEN)] * 4
    assert stored() == (2, 1, 1)
