"""Who makes a request is known all through it, under ASGI as the site runs, and forgotten behind it."""

import asyncio

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from logsite.audit import Reader, current_reader
from logsite.audit.models import AuditEntry
from logsite.audit.reader import answering, in_request

BODY = {"username": "teammate", "password": "teammate-password"}


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_entries_have_the_user_and_the_address_of_their_request(teammate):
    clients = [AsyncClient() for _ in range(4)]
    answers = await asyncio.gather(*(client.post("/admin/login/", BODY) for client in clients))
    await clients[0].get("/admin/auth/user/")

    assert [answer.status_code for answer in answers] == [302] * 4
    found = [row async for row in AuditEntry.objects.filter(event_type="authn_login_success")]
    assert [(row.user, row.via, row.address) for row in found] == [("teammate", "admin", "127.0.0.1")] * 4
    denied = await AuditEntry.objects.aget(event_type="authz_fail")
    assert (denied.user, denied.target) == ("teammate", "/admin/auth/user/")
    assert not in_request()


def test_behind_a_request_the_process_is_itself_again():
    user = User(username="olivia")
    with answering(lambda: Reader(user, "", "api")):
        assert current_reader().user is user
        assert in_request()

    assert current_reader().user is None
    assert not in_request()


def test_a_reader_is_asked_for_anew_since_the_user_may_be_known_later():
    users = [None]
    with answering(lambda: Reader(users[0], "", "api")):
        assert current_reader().user is None
        users[0] = User(username="olivia")
        assert current_reader().user is users[0]
