"""Tokens for the API: by password over HTTP, or by command for scripts."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken

LOGIN = "/api/v2/auth/login/"
LOGOUT = "/api/v2/auth/logout/"
LOGOUT_ALL = "/api/v2/auth/logout-all/"
EVENTS = "/api/v2/session-logs/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_tried_before():
    cache.clear()
    yield
    cache.clear()


def log_in(api, username="teammate", password="teammate-password", **headers):
    return api(None).post(LOGIN, {"username": username, "password": password}, **headers)


def with_token(api, token):
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


# --- Log in and out ----------------------------------------------------------------------------------------


def test_a_password_gives_a_token_that_works(api, teammate):
    answer = log_in(api)

    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expiry"}
    assert with_token(api, answer.json()["token"]).get(EVENTS).status_code == 200


def test_a_token_may_do_what_its_user_may(api, outsider):
    token = log_in(api, "outsider", "outsider-password").json()["token"]

    assert with_token(api, token).get(EVENTS).status_code == 403


def test_the_database_holds_only_a_hash(api, teammate):
    token = log_in(api).json()["token"]

    with connection.cursor() as sql:
        sql.execute("SELECT * FROM knox_authtoken")
        [row] = sql.fetchall()
    assert token not in str(row)


def test_wrong_user_and_wrong_password_get_the_same_answer(api, teammate):
    wrong_password, wrong_user = log_in(api, password="x"), log_in(api, username="nobody")

    assert wrong_password.status_code == wrong_user.status_code == 400
    assert (
        wrong_password.json()
        == wrong_user.json()
        == {"non_field_errors": ["Unable to log in with provided credentials."]}
    )


def test_a_user_who_left_gets_the_same_answer(api, teammate):
    wrong = log_in(api, password="x")
    teammate.is_active = False
    teammate.save()

    assert log_in(api).json() == wrong.json()


def test_a_bad_body_is_a_400_that_names_the_field(api):
    client, wrong = api(None), {}
    rows = [
        ({}, "username"),
        ({"username": "teammate"}, "password"),
        ({"username": ["teammate"], "password": "x"}, "username"),
        ({"username": {"a": 1}, "password": "x"}, "username"),
        ({"username": "a\0b", "password": "x"}, "username"),
        ({"username": None, "password": "x"}, "username"),
        ([], "non_field_errors"),
        ("text", "non_field_errors"),
    ]
    for body, field in rows:
        answer = client.post(LOGIN, body)
        if answer.status_code != 400 or field not in answer.json():
            wrong[str(body)] = (answer.status_code, answer.json())

    assert wrong == {}


def test_a_body_that_is_no_text_is_a_400(api):
    bodies = (b"{", b"", b"\xff", b'{"username": "\\ud800", "password": "x"}', b"[" * 900)
    client = api(None)
    found = {
        body: client.generic("POST", LOGIN, body, content_type="application/json").status_code
        for body in bodies
    }

    assert {body: status for body, status in found.items() if status != 400} == {}


def test_guessing_is_stopped_after_20_tries_a_minute(api, teammate):
    answers = [log_in(api, password=f"guess {number}").status_code for number in range(21)]

    assert answers == [400] * 20 + [429]
    assert log_in(api).status_code == 429


def test_a_made_up_proxy_header_gives_no_further_tries(api, teammate):
    answers = [
        log_in(api, password="guess", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}").status_code
        for number in range(21)
    ]

    assert answers[-1] == 429


def test_another_address_has_tries_of_its_own(api, teammate):
    for _ in range(21):
        log_in(api, password="guess")

    assert log_in(api, REMOTE_ADDR="203.0.113.5").status_code == 200


def test_the_token_itself_is_not_throttled(api, teammate):
    token = log_in(api).json()["token"]
    for _ in range(20):
        log_in(api, password="guess")

    assert with_token(api, token).get(EVENTS).status_code == 200


def test_logging_out_ends_this_token_and_no_other(api, teammate):
    one, two = log_in(api).json()["token"], log_in(api).json()["token"]

    assert with_token(api, one).post(LOGOUT).status_code == 204
    assert with_token(api, one).get(EVENTS).status_code == 401
    assert with_token(api, two).get(EVENTS).status_code == 200


def test_logging_out_everywhere_ends_all_tokens_of_the_user(api, teammate, outsider):
    tokens = [log_in(api).json()["token"] for _ in range(2)]
    foreign = log_in(api, "outsider", "outsider-password").json()["token"]

    assert with_token(api, tokens[0]).post(LOGOUT_ALL).status_code == 204
    assert [with_token(api, token).get(EVENTS).status_code for token in tokens] == [401, 401]
    assert with_token(api, foreign).get(EVENTS).status_code == 403


def test_logging_out_asks_for_a_token(api):
    assert api(None).post(LOGOUT).status_code == 401


def test_a_token_ends_after_the_hours_that_were_set(api, teammate):
    token = log_in(api).json()["token"]
    stored = AuthToken.objects.get()

    assert timedelta(hours=9.9) < stored.expiry - timezone.now() <= timedelta(hours=10)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert with_token(api, token).get(EVENTS).status_code == 401


def test_the_token_of_a_user_who_left_does_not_work(api, teammate):
    token = log_in(api).json()["token"]
    teammate.is_active = False
    teammate.save()

    assert with_token(api, token).get(EVENTS).status_code == 401


def test_a_bad_header_is_a_401(api, teammate):
    client, wrong = api(None), {}
    headers = (
        "Token",
        "Token x",
        "Token x y",
        "Token \xff\xfe",
        "Bearer x",
        "Basic dGVhbW1hdGU6eA==",
        "",
        "Token " + "a" * 5000,
    )
    for header in headers:
        client.credentials(HTTP_AUTHORIZATION=header)
        if (answer := client.get(EVENTS)).status_code != 401:
            wrong[header] = answer.status_code

    assert wrong == {}


def test_a_browser_s_session_works_for_reading(browser, teammate):
    assert browser(teammate).get(EVENTS).status_code == 200


# --- create_token ------------------------------------------------------------------------------------------


def make_token(capsys, *arguments):
    call_command("create_token", *arguments)
    return capsys.readouterr().out


def test_create_token_prints_a_token_that_works_and_nothing_else(api, teammate, capsys):
    output = make_token(capsys, "teammate")

    assert output.count("\n") == 1
    assert with_token(api, output.strip()).get(EVENTS).status_code == 200


def test_create_token_makes_it_last_a_year(teammate, capsys):
    make_token(capsys, "teammate")

    assert timedelta(days=364) < AuthToken.objects.get().expiry - timezone.now() <= timedelta(days=365)


def test_create_token_takes_days(teammate, capsys):
    make_token(capsys, "teammate", "--days", "2")

    assert timedelta(days=1) < AuthToken.objects.get().expiry - timezone.now() <= timedelta(days=2)


@pytest.mark.parametrize("days", ["0", "-1", "3651", "999999999"])
def test_create_token_refuses_days_out_of_range(teammate, days):
    with pytest.raises(CommandError, match="--days must be a whole number from 1 to 3650") as caught:
        call_command("create_token", "teammate", f"--days={days}")

    assert caught.value.returncode == 2
    assert not AuthToken.objects.exists()


def test_create_token_refuses_an_unknown_user():
    with pytest.raises(CommandError, match="'nobody' is not a user of this site") as caught:
        call_command("create_token", "nobody")

    assert caught.value.returncode == 2


def test_create_token_refuses_a_user_who_left(teammate):
    teammate.is_active = False
    teammate.save()

    with pytest.raises(CommandError, match="'teammate' is not active"):
        call_command("create_token", "teammate")
