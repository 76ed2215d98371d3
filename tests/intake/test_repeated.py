"""A request that is sent again with its key is carried out once."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.utils import timezone

from logsite.intake.models import IdempotencyKey
from logsite.intake.repeated import KeyRefused, once, owner_of
from logsite.intake.tokens import make_token

pytestmark = pytest.mark.django_db
OWNER, KEY, BODY = "token:1", "batch-17", b'[{"message": "a"}]'


def store(name="stored"):
    """Stands for the entries of a request: something that is stored in the same transaction."""

    def carry_out():
        Group.objects.create(name=name)
        return {"accepted": 1, "rejected": 0}

    return carry_out


def never():
    pytest.fail("it was carried out again")


def test_a_repetition_gets_the_first_answer_and_stores_nothing():
    first = once(OWNER, KEY, BODY, store())

    assert first == ({"accepted": 1, "rejected": 0}, False)
    assert once(OWNER, KEY, BODY, never) == ({"accepted": 1, "rejected": 0}, True)
    assert Group.objects.count() == 1


def test_a_key_belongs_to_its_token():
    token, _ = make_token("billing", app="billing")
    once(owner_of(token), KEY, BODY, store("one"))

    assert once("user:7", KEY, BODY, store("two"))[1] is False
    assert Group.objects.count() == 2


def test_a_key_that_comes_with_another_body_is_refused():
    once(OWNER, KEY, BODY, store())
    with pytest.raises(KeyRefused) as refused:
        once(OWNER, KEY, BODY + b" ", never)

    assert refused.value.status == 422


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\0b", "ü", "\udcff"])
def test_what_is_no_key_is_refused_before_anything_is_done(key):
    with pytest.raises(KeyRefused) as refused:
        once(OWNER, key, BODY, never)

    assert refused.value.status == 400


@pytest.mark.parametrize(
    "key", ["x" * 255, "8e03978e-40d5-43dd-bc93-6894a57f9324", "a b", "'; DROP TABLE x; --"]
)
def test_what_senders_use_as_keys_is_taken(key):
    once(OWNER, key, BODY, store())

    assert once(OWNER, key, BODY, never)[1] is True


def test_a_key_is_free_again_after_a_day_and_others_of_its_age_go_along():
    once(OWNER, KEY, BODY, store("one"))
    once(OWNER, "other", BODY, store("two"))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert once(OWNER, KEY, BODY, never)[1] is True
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))

    assert once(OWNER, KEY, b"another body", store("three"))[1] is False
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_request_that_fails_leaves_its_key_free():
    def fail():
        Group.objects.create(name="half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(OWNER, KEY, BODY, fail)

    assert (Group.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    assert once(OWNER, KEY, BODY, store())[1] is False


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_is_carried_out():
    inside, results = threading.Event(), []

    def slow():
        inside.set()
        second.start()
        second.join(0.5)  # it waits for this one's commit
        Group.objects.create(name="stored")
        return {"accepted": 1}

    def again():
        inside.wait(60)
        try:
            results.append(once(OWNER, KEY, BODY, never))
        finally:
            connections.close_all()

    second = threading.Thread(target=again)
    first = once(OWNER, KEY, BODY, slow)
    second.join(60)

    assert first == ({"accepted": 1}, False)
    assert results == [({"accepted": 1}, True)]
    assert connection.in_atomic_block is False
