"""Ingest tokens: shown once, stored as a hash, revocable, held to their rates."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from logsite.audit.models import AuditEntry
from logsite.intake import tokens
from logsite.intake.answers import not_authenticated, too_many, unavailable
from logsite.intake.models import IngestToken
from logsite.intake.tokens import find_token, make_token, revoke, token_of

pytestmark = pytest.mark.django_db
LIST = "/admin/intake/ingesttoken/"
API = "/api/v2/intake/tokens/"


@pytest.fixture
def made():
    return make_token("billing", app="billing", host="web1")


def events():
    return list(AuditEntry.objects.order_by("id").values_list("event_type", "what", "target"))


def test_a_token_is_found_by_its_text_alone(made):
    token, text = made

    assert find_token(text) == token
    assert token_of(f"Bearer {text}") == token
    assert token_of(f"bearer  {text} ") == token
    wrong = [
        "",
        "Bearer",
        f"Token {text}",
        text,
        f"Bearer {text}x",
        f"Bearer {text[:-1]}",
        f"Bearer {text.upper()}",
    ]
    wrong += [
        f"Bearer {token.beginning}",
        f"Bearer {token.digest}",
        "Bearer lsi_\0",
        "Bearer lsi_\udcff",
        "Bearer lsi_",
    ]
    assert [word for word in wrong if token_of(word) is not None] == []


def test_the_database_and_the_audit_hold_no_text(made):
    _, text = made
    with connection.cursor() as sql:
        sql.execute("SELECT * FROM intake_ingesttoken")
        stored = str(sql.fetchall())

    assert text not in stored
    assert text[12:] not in stored
    assert text[12:] not in str(list(AuditEntry.objects.values_list()))
    assert events() == [("authn_token_created", "intake.ingesttoken", "billing")]


def test_two_tokens_are_never_the_same():
    texts = {make_token(f"app{number}", app="x")[1] for number in range(20)}

    assert len(texts) == 20
    assert {len(text) for text in texts} == {47}


def test_a_revoked_token_lets_nobody_in_and_stays_in_the_list(made):
    token, text = made
    revoke(token)
    revoke(token)

    assert find_token(text) is None
    assert IngestToken.objects.get().revoked_at is not None
    assert events()[1:] == [("authn_token_revoked", "intake.ingesttoken", "billing")]


def test_a_token_is_for_an_app_a_host_or_both():
    make_token("by app", app="x")
    make_token("by host", host="x")
    for wrong in ({}, {"app": "", "host": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_token("for all", **wrong)


def test_the_use_of_a_token_is_noted_to_the_minute(made, django_assert_num_queries):
    text = made[1]
    find_token(text)
    first = IngestToken.objects.get().last_used_at
    with django_assert_num_queries(1):
        find_token(text)
    IngestToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=tokens.USED_SECONDS + 1))
    find_token(text)

    assert first is not None
    assert IngestToken.objects.get().last_used_at >= first


@pytest.mark.parametrize(("seconds", "wanted"), [(0, "1"), (0.2, "1"), (1.2, "2"), (30, "30")])
def test_who_has_to_wait_is_told_how_long_in_whole_seconds(seconds, wanted):
    answers = too_many(seconds, "the rate is used up"), unavailable("the database is locked", seconds)

    assert [(each.status_code, each["Retry-After"]) for each in answers] == [(429, wanted), (503, wanted)]
    assert not_authenticated()["WWW-Authenticate"] == "Bearer"


# --- Pages, API ---------------------------------------------------------------------------------------------


def test_a_token_s_text_is_shown_once_on_the_page_behind_the_form(browser, owner):
    client = browser(owner)
    form = {"name": "billing", "app": "billing", "host": "", "entries_per_second": 10, "bytes_per_second": 0}
    page = client.post(f"{LIST}add/", form)
    text = page.content.decode().partition("Bearer ")[2].partition("<")[0]
    token = IngestToken.objects.get()

    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert find_token(text) == token
    assert (token.created_by, token.entries_per_second) == ("owner", 10)
    others = [LIST, f"{LIST}{token.pk}/change/", f"{LIST}{token.pk}/history/", API]
    assert [where for where in others if text[12:] in client.get(where).content.decode()] == []
    assert "_messages" not in client.session
    assert text[12:] not in str(client.cookies)


def test_a_token_is_not_made_for_all_apps_and_hosts(browser, owner):
    form = {"name": "all", "app": "", "host": "", "entries_per_second": 0, "bytes_per_second": 0}
    page = browser(owner).post(f"{LIST}add/", form)

    assert "Give an app, a host, or both." in page.content.decode()
    assert not IngestToken.objects.exists()


def test_limits_can_be_changed_and_app_and_host_cannot(browser, owner, made):
    token, text = made
    form = {"name": "new", "app": "other", "host": "other", "entries_per_second": 7, "bytes_per_second": 8}
    browser(owner).post(f"{LIST}{token.pk}/change/", form)
    found = IngestToken.objects.get()

    assert (found.name, found.app, found.host) == ("new", "billing", "web1")
    assert (found.entries_per_second, found.bytes_per_second) == (7, 8)
    assert find_token(text) == found


def test_tokens_are_revoked_in_the_list_by_who_may_change_them(browser, owner, teammate, made):
    token, text = made
    form = {"action": "revoke_tokens", "_selected_action": [token.pk]}
    browser(teammate).post(LIST, form)
    assert find_token(text) == token
    browser(owner).post(LIST, form)
    assert find_token(text) is None


def test_the_api_lists_tokens_without_their_hashes(api, owner, made):
    token, _ = made
    [found] = api(owner).get(f"{API}?app=billing").json()["results"]

    assert (found["name"], found["beginning"], found["revoked_at"]) == ("billing", token.beginning, None)
    assert token.digest not in str(found)
    assert api(owner).get(f"{API}?token=x").status_code == 400
