"""Ingest tokens are held to their rates, by all processes together where there is Redis."""

import threading

import pytest
import redis

from logsite.audit.models import AuditEntry
from logsite.intake import checks
from logsite.intake.rates import Rates
from logsite.intake.tokens import make_token
from tests.conftest import service_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def made():
    return make_token("billing", app="billing", host="web1")


@pytest.fixture
def in_redis(settings):
    settings.REDIS_URL = service_address("LOGSITE_TEST_REDIS")
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.flushdb()
        yield server


def events():
    return list(AuditEntry.objects.order_by("id").values_list("event_type", "what", "target"))


def test_a_rate_lets_through_what_it_says_over_time(made):
    token, _ = made
    token.entries_per_second = 100
    rates, taken = Rates(), 0
    for tenth in range(100):  # ten seconds, in which 500 entries a second are sent
        if not rates.take(token, 50, 0, now=tenth / 10):
            taken += 50

    assert 1000 <= taken <= 1150  # ten seconds' worth, and the second's worth that was there


def test_a_batch_larger_than_the_rate_is_taken_and_made_up_for(made):
    token, _ = made
    token.entries_per_second = 100
    rates = Rates()

    assert rates.take(token, 1000, 0, now=0.0) == 0
    assert rates.take(token, 1, 0, now=1.0) == pytest.approx(8.0)
    assert rates.take(token, 1, 0, now=9.5) == 0


def test_both_rates_hold_and_none_is_taken_of_where_the_other_refuses(made):
    token, _ = made
    token.entries_per_second, token.bytes_per_second = 10, 1000
    rates = Rates()

    assert rates.take(token, 1, 5000, now=0.0) == 0
    assert [rates.take(token, 10, 1, now=1.0) > 0 for _ in range(50)] == [True] * 50
    assert rates.take(token, 10, 1, now=6.0) == 0


def test_without_a_rate_all_is_taken_and_a_new_rate_counts_at_once(made):
    token, _ = made
    rates = Rates()
    assert {rates.take(token, 10**9, 10**12, now=0.0) for _ in range(10)} == {0}
    token.entries_per_second = 1
    rates.take(token, 100, 0, now=0.0)
    assert rates.take(token, 1, 0, now=0.0) > 0
    token.entries_per_second = 1000
    assert rates.take(token, 1, 0, now=0.0) == 0


def test_a_rate_that_is_exceeded_is_on_record_once_a_minute(made):
    token, _ = made
    token.entries_per_second = 1
    rates = Rates()
    for second in range(100):
        rates.take(token, 1000, 0, now=float(second))

    assert events()[1:] == [("excess_rate_limit_exceeded", "intake.ingesttoken", "billing")] * 2


# --- In Redis -----------------------------------------------------------------------------------------------


def test_processes_share_one_rate(made, in_redis):
    token, _ = made
    token.entries_per_second = 1
    one, other = Rates(), Rates()

    assert one.take(token, 1000, 0) == 0
    assert other.take(token, 1, 0) == pytest.approx(999, abs=5)
    assert one.take(token, 1, 0) > 900


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_the_rate_lets_through_what_it_says(made, in_redis):
    token, _ = made
    token.entries_per_second = 1
    start, waits = threading.Barrier(8), []

    def send():
        mine = Rates()
        start.wait(60)
        waits.append(mine.take(token, 1000, 0))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(wait == 0 for wait in waits) == [False] * 7 + [True]


def test_in_redis_nothing_is_taken_of_one_rate_where_the_other_refuses(made, in_redis):
    token, _ = made
    token.entries_per_second, token.bytes_per_second = 1000, 1
    rates = Rates()

    assert rates.take(token, 1, 10_000) == 0
    assert [rates.take(token, 10**6, 1) > 9000 for _ in range(5)] == [True] * 5
    token.bytes_per_second = 0
    assert rates.take(token, 1, 0) == 0  # a million entries would have used the rate up for 17 minutes


def test_in_redis_an_unused_rate_is_a_second_s_worth_and_is_forgotten(made, in_redis):
    token, _ = made
    token.entries_per_second = 10
    rates = Rates()

    assert rates.take(token, 10, 0) == 0  # the second's worth that was there
    assert rates.take(token, 1, 0) == 0
    assert {in_redis.ttl(key) for key in in_redis.keys("logsite:intake:*")} <= {1, 2}


def test_in_redis_an_exceeded_rate_is_on_record_once_for_all_processes(made, in_redis):
    token, _ = made
    token.entries_per_second = 1
    for _ in range(4):
        Rates().take(token, 1000, 0)

    assert events()[1:] == [("excess_rate_limit_exceeded", "intake.ingesttoken", "billing")]


def test_while_redis_is_away_the_process_counts_by_itself_and_says_so(made, settings, caplog):
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    token, _ = made
    token.entries_per_second = 1
    rates = Rates()

    assert rates.take(token, 1000, 0) == 0
    assert rates.take(token, 1, 0) > 900
    assert "Redis does not answer (ConnectionError)" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("processes", "url", "ids"),
    [(4, "", ["intake.W001"]), (4, "redis://127.0.0.1:6379/0", []), (1, "", [])],
)
def test_several_web_processes_without_redis_are_a_warning(settings, processes, url, ids):
    settings.WEB_CONCURRENCY, settings.REDIS_URL = processes, url

    assert [each.id for each in checks.check_shared_rates(None)] == ids
