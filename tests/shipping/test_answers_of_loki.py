"""Only Loki's 204 moves the cursor; a refusal that concerns a setting stops with the setting's name."""

import pytest

from shipping.models import RejectedEntry, ShippingCursor
from shipping.receivers.loki.reasons import kind_of
from tests.shipping.builders import make_events, make_session
from tests.shipping.loki_stand_in import Fault

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKED = "ingestion blocked for user fake until '2027-01-01T00:00:00Z' with status code '260'"
DISALLOWED = "stream '{job=\"x\"}' includes structured metadata, but this feature is disallowed. Please see"
LOGIN = "<!doctype html><title>Log in</title><form action=/login>"
# What the other side answers to a push, and the word that the one line of error must have.
ANSWERS = [
    (Fault(status=260, text=BLOCKED), "block_ingestion_until"),
    (Fault(status=200, text=BLOCKED), "block_ingestion_until"),
    (Fault(status=403, text=BLOCKED.replace("260", "403")), "block_ingestion_until"),
    (
        Fault(status=400, text="ingestion blocked for policy (critical) until '2027-01-01'"),
        "block_ingestion_until",
    ),
    (Fault(status=200, text=LOGIN), "not 204"),
    (Fault(status=200), "not 204"),
    (Fault(status=201, text="{}"), "not 204"),
    (Fault(status=202), "not 204"),
    (Fault(status=206, text="part"), "not 204"),
    (Fault(status=401, text="no org id"), "LOKI_TENANT"),
    (Fault(status=400, text=DISALLOWED), "allow_structured_metadata"),
    (
        Fault(status=400, text='missing required labels env for user fake for stream {job="x"}'),
        "enforced_labels",
    ),
    (Fault(status=302, headers={"Location": "/login"}), "redirect"),
    (Fault(status=260), "block_ingestion_until"),
    (Fault(status=222, text=BLOCKED.replace("260", "222")), "block_ingestion_until"),
    (Fault(status=200, text='{"status":"success"}'), "not 204"),
    (Fault(status=203, text=LOGIN), "not 204"),
    (Fault(status=205), "not 204"),
    (Fault(status=207, text="<multistatus/>"), "not 204"),
    (Fault(status=208), "not 204"),
    (Fault(status=226), "not 204"),
    (Fault(status=299, text="fine"), "not 204"),
    (Fault(status=401, text="invalid token"), "check the token"),
    (Fault(status=403, text="forbidden"), "check the token"),
    (Fault(status=404, text="404 page not found"), "check the address"),
    (Fault(status=405, text="method not allowed"), "answered 405"),
    (Fault(status=407, text="Proxy Authentication Required"), "answered 407"),
    (Fault(status=415, text="unsupported media type"), "answered 415"),
    (Fault(status=400, text="Client sent an HTTP request to an HTTPS server."), "https://"),
    (Fault(status=400, text="Bad Request"), "refuses even an empty push"),
]


def test_no_other_answer_moves_the_cursor_or_refuses_an_entry(loki, run):
    make_events(make_session(), 3)
    wrong = {}
    for fault, word in ANSWERS:
        loki.faults.extend([fault] * 4)
        result = run("--loki", loki.url)
        loki.faults.clear()
        moved = ShippingCursor.objects.exclude(row_id=0).exists()
        if result.code != 1 or word not in result.err or moved or RejectedEntry.objects.exists():
            wrong[fault.status, fault.text[:40]] = (result.code, result.err, moved)
    assert wrong == {}


def test_all_is_shipped_when_the_other_side_is_itself_again(loki, run):
    make_events(make_session(), 3)
    loki.faults.append(Fault(status=260, text=BLOCKED))
    assert run("--loki", loki.url).code == 1

    assert run("--loki", loki.url).out == "session: shipped 3, rejected 0, left 0\n"
    assert len(loki.stored()) == 3


def test_an_unknown_reason_is_counted_once_whatever_the_stream():
    """The public report: 40 streams, 40 lines in the summary, each cut off before its sentence."""
    reason = 'stream \'{app="shop }", note="a \\" {%s", server_id="%s"}\' lacks what this Loki wants'
    kinds = {kind_of(reason % ("x" * n, n)) for n in range(40)}

    assert kinds == {"stream '{…}' lacks what this Loki wants"}


def test_a_reason_with_braces_is_shortened_in_time():
    texts = ["{" * 8000, '{"' * 4000, '{a="' + "\\" * 7996, "{}" * 4000]

    assert [len(kind_of(text)) for text in texts] == [120] * 4
