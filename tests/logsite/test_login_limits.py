"""Log-ins that fail: counted for the admin and the API together, by address and by name."""

import json
import os
import subprocess
import sys
import threading
import time
import unicodedata
from collections import Counter
from urllib.parse import quote

import pytest
from django.conf import settings as site
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection, connections
from django.test import Client, override_settings
from rest_framework.test import APIClient

from tests.conftest import service_address
from tests.shipping.processes import database_url

pytestmark = pytest.mark.django_db
DOORS = ("admin", "api")
ADDRESSES = 4  # failures that one address may have
NAMES = 6  # that one name may have, from all addresses
BROWSER = 10  # that one name may have in a browser in which it has logged in before


@pytest.fixture(autouse=True)
def _low_limits(settings):
    settings.LOGIN_ADDRESS_LIMIT, settings.LOGIN_NAME_LIMIT = ADDRESSES, NAMES


def knock(door, name="teammate", password="wrong", address="192.0.2.1", client=None, **headers):
    """The response to one log-in attempt."""
    body = {"username": name, "password": password}
    headers = {"REMOTE_ADDR": address, **headers}
    if door == "admin":
        return (client or Client()).post("/admin/login/", body, **headers)
    return APIClient().post("/api/v2/auth/login/", body, **headers)


def refused(response):
    return response.status_code == 429


def exhaust(name="teammate", door="api", address="192.0.2.1"):
    """Fail until `address` may not try any more."""
    for _ in range(ADDRESSES):
        assert not refused(knock(door, name, address=address))


def exhaust_name(name="teammate"):
    """Fail from ever new addresses until the name may not be tried any more."""
    for number in range(NAMES):
        assert not refused(knock("api", name, address=f"203.0.113.{number}")), number


def later(monkeypatch, seconds):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


# --- By address --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_an_address_that_fails_too_often_is_refused_with_the_time_to_wait(door, teammate):
    responses = [knock(door) for _ in range(ADDRESSES + 1)]

    assert [refused(response) for response in responses] == [False] * ADDRESSES + [True]
    assert 0 < int(responses[-1]["Retry-After"]) <= 15 * 60


def test_the_api_refuses_in_json(teammate):
    exhaust()
    response = knock("api")

    assert response["Content-Type"] == "application/json"
    assert response.json()["detail"].startswith("Too many log-ins failed")


def test_the_admin_refuses_with_a_page_that_says_why(teammate):
    exhaust()
    response = knock("admin")

    assert response["Content-Type"].startswith("text/html")
    text = response.content.decode()
    assert "Too many log-ins failed" in text
    assert "15 minutes" in text
    assert "LogSite" in text


@pytest.mark.parametrize(("first", "second"), [DOORS, DOORS[::-1]])
def test_both_doors_share_the_count(first, second, teammate):
    exhaust(door=first)

    assert refused(knock(second))
    assert refused(knock(second, "teammate", "teammate-password"))


def test_many_names_from_one_address_are_limited(teammate):
    responses = [knock(DOORS[number % 2], f"user-{number}") for number in range(ADDRESSES + 1)]

    assert [refused(response) for response in responses] == [False] * ADDRESSES + [True]


def test_another_address_may_still_try(teammate):
    exhaust()

    assert knock("api", "teammate", "teammate-password", address="192.0.2.2").status_code == 200


@pytest.mark.parametrize("door", DOORS)
def test_after_the_window_everybody_may_try_again(door, teammate, monkeypatch):
    exhaust()
    wait = int(knock(door)["Retry-After"])
    later(monkeypatch, wait + 1)

    assert knock(door, "teammate", "teammate-password").status_code == {"admin": 302, "api": 200}[door]


def test_further_tries_do_not_make_the_wait_longer(teammate, monkeypatch):
    """Otherwise an attacker who goes on keeps everybody out for ever."""
    exhaust()
    first = int(knock("api")["Retry-After"])
    later(monkeypatch, 60)
    second = int(knock("api")["Retry-After"])

    assert second <= first - 59


def test_a_success_gives_the_address_no_further_guesses(teammate, outsider):
    """Whoever has one account would guess all others with it."""
    for number in range(ADDRESSES):
        knock("api", f"victim-{number}")
        knock("api", "outsider", "outsider-password")

    assert refused(knock("api", "victim"))


def test_successes_are_no_failures(teammate):
    found = Counter(knock("api", "teammate", "teammate-password").status_code for _ in range(ADDRESSES + 2))

    assert found == {200: ADDRESSES + 2}


SAME_NETWORK = [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
    ("2001:db8:1:3::1", "2001:0DB8:0001:0003:0000:0000:0000:0001"),
    ("198.51.100.1", "::ffff:198.51.100.1"),
    ("198.51.100.2", "::ffff:c633:6402"),
    ("fe80::1%eth0", "fe80::2%eth1"),
    ("::1", "::2"),
]
OTHER_NETWORKS = [
    ("2001:db8:2:1::1", "2001:db8:2:2::1"),
    ("198.51.100.3", "198.51.100.4"),
    ("::ffff:198.51.100.5", "::ffff:198.51.100.6"),
    ("198.51.100.7", "2001:db8::198.51.100.7"),
]


def test_addresses_of_one_network_are_one():
    from logsite.web.addresses import network_of

    wrong = [pair for pair in SAME_NETWORK if network_of(pair[0]) != network_of(pair[1])]
    wrong += [pair for pair in OTHER_NETWORKS if network_of(pair[0]) == network_of(pair[1])]

    assert wrong == []


@pytest.mark.parametrize(
    ("first", "second", "limited"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("198.51.100.1", "::ffff:198.51.100.1", True),
        ("", "unix:", True),  # a UNIX socket has no address
    ],
)
def test_the_addresses_of_one_network_share_their_count(first, second, limited, teammate):
    exhaust("victim", address=first)

    assert refused(knock("api", "somebody", address=second)) == limited


# --- Behind a proxy ----------------------------------------------------------------------------------------


def behind_proxy(settings):
    settings.REST_FRAMEWORK = {**site.REST_FRAMEWORK, "NUM_PROXIES": 1}


def test_a_header_of_the_client_s_own_gives_no_further_tries(teammate):
    for number in range(ADDRESSES):
        door, address = DOORS[number % 2], f"203.0.113.{number}"
        assert not refused(
            knock(door, f"user-{number}", HTTP_X_FORWARDED_FOR=address, HTTP_X_REAL_IP=address)
        )

    assert refused(knock("admin", HTTP_X_FORWARDED_FOR="203.0.113.99", HTTP_FORWARDED="for=203.0.113.99"))


FORWARDED = [
    ("198.51.100.1", "198.51.100.1"),
    (" 198.51.100.1 ", "198.51.100.1"),
    ("203.0.113.9, 198.51.100.1", "198.51.100.1"),
    ("203.0.113.9,10.0.0.1 ,\t198.51.100.1", "198.51.100.1"),
    ("198.51.100.1:50123", "198.51.100.1"),
    ("2001:DB8::0:7", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"),
    ("[2001:db8::7]:50123", "2001:db8::7"),
    ("::ffff:198.51.100.1", "198.51.100.1"),
    ("[::ffff:198.51.100.1]:443", "198.51.100.1"),
    ("fe80::7%eth0", "fe80::7"),
    ("198.51.100.1,", None),
    ("unknown", None),
    ("_hidden", None),
    ("for=198.51.100.1", None),
    ("198.51.100.999", None),
    ("198.51.100.1:port", None),
    ("[2001:db8::7", None),
    ("198.51.100.1 198.51.100.2", None),
    ("\xff", None),
    ("1" * 9000, None),
    ("1." * 9000 + ":1", None),
    (None, "192.0.2.1"),  # the proxy itself asks
]


def test_behind_our_proxy_its_last_word_is_the_address(settings, rf):
    from logsite.web.addresses import address_of

    behind_proxy(settings)
    wrong = []
    for text, address in FORWARDED:
        headers = {} if text is None else {"HTTP_X_FORWARDED_FOR": text}
        found = address_of(rf.get("/", REMOTE_ADDR="192.0.2.1", **headers))
        if found != address:
            wrong.append((text, found))

    assert wrong == []


def test_behind_our_proxy_each_client_has_a_count_of_its_own(settings, teammate):
    behind_proxy(settings)
    for number in range(ADDRESSES):
        forged = f"203.0.113.{number}, 198.51.100.1"
        assert not refused(knock("api", f"user-{number}", HTTP_X_FORWARDED_FOR=forged))

    assert refused(knock("admin", HTTP_X_FORWARDED_FOR="198.51.100.1:50123"))
    assert not refused(knock("admin", HTTP_X_FORWARDED_FOR="198.51.100.2"))


MISFITS = [
    ({"LOGIN_ADDRESS_LIMIT": 0}, {"logsite.E002"}),
    ({"LOGIN_NAME_LIMIT": 0}, {"logsite.E002"}),
    ({"LOGIN_WINDOW_MINUTES": -1}, {"logsite.E002"}),
    ({"LOGIN_WINDOW_MINUTES": 1440}, set()),
    ({"LOGIN_WINDOW_MINUTES": 1441}, {"logsite.E020"}),
    ({"LOGIN_WINDOW_MINUTES": 10**30}, {"logsite.E020"}),
    ({"LOGIN_NAME_LIMIT": 10**30}, {"logsite.E020"}),
    ({"LOGIN_ADDRESS_LIMIT": 10**30, "LOGIN_NAME_LIMIT": 10**31}, {"logsite.E020"}),
    ({"LOGIN_NAME_LIMIT": ADDRESSES}, {"logsite.W020"}),
    ({"LOGIN_NAME_LIMIT": ADDRESSES + 1}, set()),
]


def test_limits_that_do_not_fit_are_checks_with_hints():
    wrong = []
    for changed, expected in MISFITS:
        with override_settings(**changed):
            found = run_checks(tags=["logsite"])
        if {message.id for message in found} != expected or not all(message.hint for message in found):
            wrong.append((changed, found))

    assert wrong == []


# --- By name -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_one_name_from_many_addresses_is_limited(door, teammate):
    exhaust_name()

    assert refused(knock(door, address="198.51.100.77"))
    assert refused(knock(door, "teammate", "teammate-password", address="198.51.100.78"))


def test_other_names_are_not_locked_out(teammate, owner):
    exhaust_name()

    assert knock("admin", "owner", "owner-password", address="198.51.100.77").status_code == 302


def test_one_address_alone_does_not_lock_a_name_out(teammate):
    for _ in range(2 * NAMES):
        knock("api", address="203.0.113.1")

    assert knock("api", "teammate", "teammate-password", address="198.51.100.77").status_code == 200


def test_a_name_is_not_locked_out_for_ever(teammate, monkeypatch):
    exhaust_name()
    wait = int(knock("api", address="198.51.100.77")["Retry-After"])
    later(monkeypatch, wait + 1)

    assert wait <= 15 * 60
    assert knock("api", "teammate", "teammate-password", address="198.51.100.77").status_code == 200


def test_a_success_resets_the_name(teammate):
    for number in range(NAMES - 1):
        knock("api", address=f"203.0.113.{number}")
    assert knock("api", "teammate", "teammate-password", address="198.51.100.1").status_code == 200

    exhaust_name()


def test_a_browser_that_the_name_knows_is_not_locked_out_by_others(teammate):
    """An attacker with many addresses could keep the owner out of a site under attack."""
    browser = Client()
    assert knock("admin", "teammate", "teammate-password", client=browser).status_code == 302
    assert browser.post("/admin/logout/").status_code == 200
    exhaust_name()
    exhaust("somebody", address="192.0.2.1")

    assert refused(knock("admin", "teammate", "teammate-password", address="198.51.100.77"))
    assert knock("admin", "teammate", "teammate-password", client=browser).status_code == 302


def test_a_browser_that_the_name_knows_may_not_guess_without_end(teammate, owner):
    browser = Client()
    knock("admin", "teammate", "teammate-password", client=browser)

    browser.post("/admin/logout/")

    found = [refused(knock("admin", address=f"203.0.113.{n}", client=browser)) for n in range(BROWSER + 1)]
    assert found == [False] * BROWSER + [True]


def test_a_known_browser_is_known_by_one_name_alone(teammate, owner):
    browser = Client()
    knock("admin", "teammate", "teammate-password", client=browser)
    exhaust_name("owner")

    assert refused(knock("admin", "owner", "owner-password", client=browser))


@pytest.mark.parametrize("value", ["", "x", "a:b:c", "\xff", "e30:1tX:AAAA", "A" * 3000])
def test_a_made_up_mark_of_a_browser_is_worth_nothing(value, teammate):
    browser = Client()
    knock("admin", "teammate", "teammate-password", client=browser)
    [name] = {*browser.cookies} - {"sessionid", "csrftoken", "messages"}
    browser.cookies[name] = value
    exhaust_name()

    assert refused(knock("admin", "teammate", "teammate-password", client=browser))


def test_who_may_not_enter_the_admin_learns_nothing_from_its_cookies(outsider):
    right, wrong = (knock("admin", "outsider", word) for word in ("outsider-password", "x"))

    assert {*right.cookies} == {*wrong.cookies}


DECOMPOSED = unicodedata.normalize("NFD", "ölfée")
SPELLINGS = [
    ("capitals", "teammate", ["TEAMMATE", "Teammate", "tEAMMATE"]),
    ("blanks around", "blanks", [" blanks", "blanks ", "\tblanks\n", "\u00a0blanks", "\u3000blanks"]),
    ("wide letters", "wide", ["ｗｉｄｅ", "WＩDE"]),
    ("ligatures", "office", ["oﬃce", "OFFICE"]),
    ("letters that are compatible", "kelvin", ["\u212aelvin", "KELVIN"]),
    ("composed and decomposed", "ölfée", [DECOMPOSED, DECOMPOSED.upper()]),
    ("sharp s", "straße", ["STRASSE", "strasse"]),
    ("final sigma", "οδος", ["οδοσ", "ΟΔΟΣ"]),
    ("superscripts and circles", "a1", ["a¹", "ａ①", "A1"]),
    ("dotted capital I", "i\u0307mam", ["\u0130mam"]),
    ("long s", "admins", ["admin\u017f"]),
    ("mathematical letters", "root", ["𝐫𝐨𝐨𝐭", "𝓇𝑜𝑜𝓉", "ℝ𝕆𝕆𝕋"]),
]


def test_the_spellings_of_a_name_are_one():
    from logsite.logins.limits import name_digest

    wrong = [
        (what, form)
        for what, name, forms in SPELLINGS
        for form in forms
        if name_digest(form) != name_digest(name)
    ]

    assert wrong == []
    assert len({name_digest(name) for _, name, _ in SPELLINGS}) == len(SPELLINGS)


def test_the_spellings_of_a_name_share_their_count(teammate):
    for number in range(NAMES):
        name = ["teammate", "TEAMMATE", "ｔｅａｍｍａｔｅ"][number % 3]
        assert not refused(knock(DOORS[number % 2], name, address=f"10.0.0.{number}"))

    assert refused(knock("api", "Teammate", address="10.0.1.1"))


STRANGE = [
    "x" * 151, "x" * 100_000, "名" * 5000, "a\x00b", "\x1b[31mred", "a\nb\r\nc", "\u202eevil", "\ufeff", "😀" * 40,
    "'", "%", "%s%n", "{}", "../../etc/passwd", "null", "0", "-1", "\x00", "a" * 150, "\ud800",
]  # fmt: skip
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def raw(door, name, address):
    """A log-in whose body is written by hand: no client of a test sends a half of a surrogate pair."""
    if door == "admin":
        body = f"username={quote(name.encode('utf-8', 'surrogatepass'))}&password=x"
        return Client().generic("POST", "/admin/login/", body, FORM, REMOTE_ADDR=address)
    body = json.dumps({"username": name, "password": "x"})
    return Client().generic("POST", "/api/v2/auth/login/", body, JSON, REMOTE_ADDR=address)


@pytest.mark.parametrize("door", DOORS)
def test_no_name_makes_the_log_in_fail_in_another_way(door, teammate):
    """What a name may not hold is refused as any other wrong one; nothing is a 500."""
    expected = {"admin": 200, "api": 400}[door]
    found = [raw(door, name, f"203.0.113.{place}").status_code for place, name in enumerate(STRANGE)]

    assert [(name[:20], code) for name, code in zip(STRANGE, found, strict=True) if code != expected] == []


def test_a_long_name_is_limited_as_any_other(teammate):
    exhaust_name("x" * 50_000)

    assert refused(knock("api", "x" * 50_000, address="198.51.100.1"))
    assert not refused(knock("api", "x" * 50_001, address="198.51.100.1"))


# --- Nobody learns who has an account ----------------------------------------------------------------------


@pytest.fixture
def gone(db):
    return User.objects.create_user(
        "gone", "gone@example.com", "gone-password", is_staff=True, is_active=False
    )


@pytest.mark.parametrize("door", DOORS)
def test_known_and_unknown_names_get_the_same_answers(door, teammate, gone):
    def answers(name, place):
        found = [knock(door, name, address=f"10.0.{place}.{number}") for number in range(NAMES + 1)]
        return [
            (response.status_code, response.content.replace(name.encode(), b"NAME"))
            if door == "api"
            else response.status_code
            for response in found
        ]

    first = answers("teammate", 1)
    assert answers("nobody", 2) == first
    assert answers("gone", 3) == first
    assert first[-1] == 429 if door == "admin" else first[-1][0] == 429


@pytest.mark.parametrize("door", DOORS)
def test_a_password_is_hashed_as_often_for_a_name_that_nobody_has(door, teammate, gone, monkeypatch):
    """The hash takes nearly all of a log-in's time."""
    hashed = Counter()
    encode = MD5PasswordHasher.encode

    def counting(self, password, salt):
        hashed[name] += 1
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    for name in ("teammate", "nobody", "gone"):
        knock(door, name)

    assert hashed == {"teammate": 1, "nobody": 1, "gone": 1}


def test_who_is_refused_has_no_password_looked_at(teammate, monkeypatch):
    exhaust()
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *_: pytest.fail("the password was looked at"))

    assert refused(knock("api", "teammate", "teammate-password"))
    assert refused(knock("api", "nobody"))


# --- On record ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_a_failure_is_logged_with_name_and_address_and_without_the_password(door, teammate, caplog):
    knock(door, "teammate", "Secret-Guess-4711", address="203.0.113.9")

    [record] = [record for record in caplog.records if record.name.startswith("logsite.logins")]
    text = record.getMessage()
    assert record.levelname == "WARNING"
    assert "'teammate'" in text
    assert "203.0.113.9" in text
    assert "Secret-Guess-4711" not in caplog.text


def test_a_refusal_is_logged(teammate, caplog):
    exhaust()
    caplog.clear()
    knock("admin", "teammate", "Secret-Guess-4711")

    [record] = [record for record in caplog.records if record.name.startswith("logsite.logins")]
    assert "refused" in record.getMessage()
    assert "'teammate'" in record.getMessage()
    assert "192.0.2.1" in record.getMessage()
    assert "Secret-Guess-4711" not in caplog.text


@pytest.mark.parametrize(
    "name", ["a\nWARNING logsite.logins: forged", "a\r\nb", "\x1b[2J", "\u202eevil", "\u2028x", "a" * 100_000]
)
def test_a_name_writes_no_line_of_the_log_by_itself(name, db, caplog):
    knock("api", name)

    [record] = [record for record in caplog.records if record.name.startswith("logsite.logins")]
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 400


def test_a_success_logs_no_warning(teammate, caplog):
    knock("api", "teammate", "teammate-password")

    assert [record.name for record in caplog.records if record.name.startswith("logsite.logins")] == []


# --- Several processes -------------------------------------------------------------------------------------

TRY_ONCE = """
import sys, django
django.setup()
from rest_framework.test import APIClient
for number in range(int(sys.argv[1])):
    answer = APIClient().post(
        "/api/v2/auth/login/", {"username": "teammate", "password": "wrong"}, format="json",
        REMOTE_ADDR="192.0.2.1", HTTP_HOST="127.0.0.1")
    print(answer.status_code)
"""


def elsewhere(tries, **environment):
    """The status codes of attempts in another process."""
    done = subprocess.run(
        [sys.executable, "-c", TRY_ONCE, str(tries)],
        cwd=site.BASE_DIR,
        env={
            **os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(site.DATA_DIR),
            "LOGIN_ADDRESS_LIMIT": str(ADDRESSES), **environment,
        },
        capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


@pytest.mark.django_db(transaction=True)
def test_processes_share_the_count_by_way_of_the_database(teammate):
    for _ in range(ADDRESSES - 2):
        knock("api")

    assert elsewhere(3) == [400, 400, 429]
    assert refused(knock("admin"))


@pytest.mark.django_db(transaction=True)
def test_many_attempts_at_once_get_no_more_answers_than_one_after_the_other(teammate):
    found, ready = Counter(), threading.Barrier(8)

    def work():
        try:
            ready.wait()
            for _ in range(2):
                found[knock("api").status_code] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {400: ADDRESSES, 429: 16 - ADDRESSES}


@pytest.fixture
def redis_url(settings):
    import redis

    url = service_address("LOGSITE_TEST_REDIS")
    server = redis.Redis.from_url(url)
    for key in server.scan_iter("logsite:logins:*"):
        server.delete(key)
    settings.REDIS_URL = url
    yield url
    for key in server.scan_iter("logsite:logins:*"):
        server.delete(key)
    server.close()


def tables():
    """The rows that the log-ins have left in the database."""
    names = [name for name in connection.introspection.table_names() if "login" in name]
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            yield from cursor.fetchall()


def test_with_redis_the_count_is_there_and_not_in_the_database(redis_url, teammate):
    import redis

    exhaust()

    assert refused(knock("admin"))
    assert [*tables()] == []
    with redis.Redis.from_url(redis_url) as server:
        waits = [server.ttl(key) for key in server.scan_iter("logsite:logins:*")]
    assert len(waits) == 2
    assert all(0 < wait <= 15 * 60 for wait in waits)


@pytest.mark.django_db(transaction=True)
def test_with_redis_processes_share_the_count(redis_url, teammate):
    for _ in range(ADDRESSES - 2):
        knock("api")

    assert elsewhere(3, REDIS_URL=redis_url) == [400, 400, 429]
    assert refused(knock("admin"))


def test_with_redis_a_success_resets_the_name(redis_url, teammate):
    for number in range(NAMES - 1):
        knock("api", address=f"203.0.113.{number}")
    assert knock("api", "teammate", "teammate-password", address="198.51.100.1").status_code == 200

    exhaust_name()
    assert refused(knock("api", address="198.51.100.2"))


def test_a_redis_that_is_away_locks_nobody_out_and_lifts_no_limit(settings, teammate, caplog):
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    exhaust()

    assert refused(knock("admin"))
    assert knock("api", "teammate", "teammate-password", address="192.0.2.2").status_code == 200
    assert "hunter2" not in caplog.text
    assert "ConnectionError" in caplog.text


def test_the_database_forgets_counts_whose_time_is_over(teammate, monkeypatch):
    for number in range(3):
        knock("api", f"user-{number}", address=f"203.0.113.{number}")
    assert len([*tables()]) == 6
    later(monkeypatch, 15 * 60 + 1)
    knock("api")

    assert len([*tables()]) == 2
