"""Rejected input: counted, the last thousand kept, without credentials."""

from datetime import UTC, datetime

import pytest

from logsite.intake import rejected
from logsite.intake.models import IngestToken, RejectedInput
from logsite.intake.rejected import Rejection, keep_rejected
from logsite.intake.tokens import make_token

pytestmark = pytest.mark.django_db
API = "/api/v2/intake/rejected/"


@pytest.fixture
def token():
    return make_token("billing", app="billing")[0]


def keep(*rejections, token=None, **more):
    keep_rejected(rejections, token=token, protocol="http", **more)
    return list(RejectedInput.objects.order_by("id"))


def test_an_entry_is_kept_with_reason_place_and_token(token):
    bad = Rejection("expected a time, got 'yesterday'", b'{"timestamp": "yesterday"}', "timestamp", 3)
    [row] = keep(bad, token=token, address="198.51.100.7")

    assert (row.token, row.token_name, row.protocol, row.address) == (
        token,
        "billing",
        "http",
        "198.51.100.7",
    )
    assert (row.reason, row.field, row.index) == ("expected a time, got 'yesterday'", "timestamp", 3)
    assert (row.size, row.excerpt) == (26, '{"timestamp": "yesterday"}')
    assert IngestToken.objects.get().rejected == 1


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe\x00garbage", "half \ud800", "nul \0", "ü" * 5000, b"\xc3" * 9000, "\u202e\x1b[31m"],
    ids=["empty", "no-utf-8", "half", "nul", "long", "cut", "control"],
)
def test_whatever_was_sent_can_be_stored(raw):
    [row] = keep(Rejection("r" * 5000 + "\0", raw, "f" * 500 + "\0"))

    assert len(row.excerpt) <= rejected.EXCERPT_CHARACTERS
    assert (len(row.reason), len(row.field)) == (500, 100)


@pytest.mark.parametrize("place", [0, 1980, 1995, 8180])
def test_no_credential_is_kept_also_not_half_of_one_at_the_cut(place):
    [row] = keep(Rejection("bad", "x" * place + "\nsnmp-server community hunter2hunter2 ro\n" + "y" * 100))

    assert "hunter" not in row.excerpt


def test_a_reason_that_quotes_a_credential_is_redacted():
    [row] = keep(Rejection("cannot read: enable secret 5 $1$abcd$0123456789abcdefghijkl"))

    assert "0123456789" not in row.reason


def test_the_last_thousand_are_kept_and_all_are_counted(token, monkeypatch):
    monkeypatch.setattr(rejected, "KEPT_ROWS", 20)
    for number in range(8):
        keep(*(Rejection(f"{number}.{index}", index=index) for index in range(5)), token=token)
    rows = list(RejectedInput.objects.order_by("id").values_list("reason", flat=True))

    assert rows == [f"{number}.{index}" for number in range(4, 8) for index in range(5)]
    assert IngestToken.objects.get().rejected == 40


def test_one_request_keeps_a_hundred_at_most(token):
    keep(*(Rejection("bad", index=index) for index in range(5000)), token=token)

    assert RejectedInput.objects.count() == 100
    assert IngestToken.objects.get().rejected == 5000


def test_nothing_is_written_where_nothing_was_rejected(django_assert_num_queries):
    with django_assert_num_queries(0):
        keep_rejected([], token=None, protocol="http")


def test_what_was_rejected_stays_when_its_token_is_removed(token):
    keep(Rejection("bad"), token=token)
    token.delete()
    row = RejectedInput.objects.get()

    assert (row.token, row.token_name) == (None, "billing")


def test_the_api_lists_it_newest_first_and_filters(api, owner, token):
    keep(Rejection("too long"), token=token)
    keep(Rejection("no time"))
    RejectedInput.objects.filter(reason="too long").update(rejected_at=datetime(2026, 1, 1, tzinfo=UTC))

    def reasons(query):
        return [row["reason"] for row in api(owner).get(f"{API}?{query}").json()["results"]]

    wanted = {
        "": ["no time", "too long"],
        "token=billing": ["too long"],
        "reason=TIME": ["no time"],
        "protocol=http&end_time=2026-02-01T00:00:00Z": ["too long"],
    }
    assert {query: reasons(query) for query in wanted} == wanted
    assert api(owner).get(f"{API}?levl=x").status_code == 400


def test_the_page_escapes_what_a_stranger_sent(browser, owner):
    [row] = keep(Rejection("<script>alert(1)</script>", "<img src=x onerror=alert(1)>\u202e"))
    for where in ("", f"{row.pk}/change/"):
        page = browser(owner).get(f"/admin/intake/rejectedinput/{where}").content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
