"""Nothing that a client sends is a 500: each address of the site is asked with hostile requests.

What of the requests is hostile stands in tests/hostile.py; addresses, parameters, fields and forms are found.
"""

import json
import logging
from itertools import count

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.urls import get_resolver

from devices.models import Device
from prodlogs.models import DockerHost
from tests import hostile
from tests.test_actors import addresses, ids, with_key  # noqa: F401  a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.soak, pytest.mark.timeout(1800)]
ENDS_THE_SESSION = ("admin/logout/",)


@pytest.fixture
def visitor(owner, ids):  # noqa: F811
    """The owner, on a site whose devices and hosts nobody connects to."""
    Device.objects.update(enabled=False)
    DockerHost.objects.update(enabled=False)
    logging.disable()  # a line for each refusal
    yield hostile.Visitor(owner)
    logging.disable(logging.NOTSET)


def filled(route, ids):  # noqa: F811
    key = next((str(value) for start, value in ids.items() if f"/{start}" in f"/{route}"), "1")
    return "/" + with_key(route.replace("{source}", "{id}"), key)


ROUTES = sorted({route for route in addresses() if not route.startswith("static")} - {*ENDS_THE_SESSION})
API = [route for route in ROUTES if route.startswith("api/")]
PAGES = [route for route in ROUTES if route.startswith("admin/")]


def test_there_are_addresses_of_every_room():
    assert len(API) > 30
    assert len(PAGES) > 80
    assert get_resolver().url_patterns


def test_no_query_is_a_server_error(visitor, ids):  # noqa: F811
    for place, route in enumerate(ROUTES):
        for query in hostile.some(hostile.QUERIES, place):
            visitor.ask(query[:40], "GET", filled(route, ids), query)

    assert visitor.wrong == []


def test_no_parameter_of_the_api_is_a_server_error_and_a_400_names_it(visitor, ids):  # noqa: F811
    unnamed, places = [], count()
    for path, operations in hostile.schema_of(hostile.query_parameters).items():
        for name in operations.get("get", ()):
            for value in hostile.some(hostile.VALUES, next(places)):
                answer = visitor.ask(value[:40], "GET", filled(path.strip("/"), ids), f"{name}={value}")
                if answer.status_code == 400 and name not in named(answer.json()):
                    unnamed.append(f"{path} {name}={value[:40]}: {answer.content[:80]!r}")

    assert (visitor.wrong, unnamed) == ([], [])


def named(answer):
    """The parameters that a 400 names: its keys, or the field of the error of a query."""
    return {answer["error"]["field"]} if set(answer) == {"error"} else set(answer)


def test_no_parameter_of_a_list_in_the_admin_is_a_server_error(visitor):
    places = count()
    for path, names in hostile.list_parameters():
        for name in names:
            for value in hostile.some(hostile.VALUES, next(places)):
                visitor.ask(value[:40], "GET", path, f"{name}={value}")

    assert visitor.wrong == []


def test_no_id_in_an_address_is_a_server_error(visitor):
    for place, route in enumerate(route for route in ROUTES if "{id}" in route):
        for text in hostile.some(hostile.IDS, place):
            for method in hostile.some(["GET", "POST", "PATCH", "DELETE"], place // 2):
                visitor.ask(
                    "", method, "/" + route.replace("{id}", text), body=b"{}" if method != "GET" else b""
                )

    assert visitor.wrong == []


def test_no_header_is_a_server_error(visitor, ids):  # noqa: F811
    for place, route in enumerate(ROUTES):
        for headers in hostile.some(hostile.HEADERS, place):
            for method in hostile.some(["GET", "POST"], place // 2):
                visitor.ask(str(headers)[:60], method, filled(route, ids), **headers)

    assert visitor.wrong == []


def test_no_body_is_a_server_error(visitor, ids):  # noqa: F811
    for place, route in enumerate(API):
        for what in hostile.some(list(hostile.BODIES), place):
            for method in hostile.some(["POST", "PATCH", "PUT"], place):
                visitor.ask(what, method, filled(route, ids), body=hostile.BODIES[what])

    assert visitor.wrong == []


def test_no_field_of_a_body_is_a_server_error_and_a_400_names_it(visitor, ids):  # noqa: F811
    unnamed, places = [], count()
    for path, operations in hostile.schema_of(hostile.body_properties).items():
        for method, names in operations.items():
            for name in names:
                for literal in hostile.some(hostile.LITERALS, next(places)):
                    body = b'{"%s": %s}' % (name.encode(), literal.encode())
                    answer = visitor.ask(
                        f"{body[:60]!r}", method.upper(), filled(path.strip("/"), ids), body=body
                    )
                    if answer.status_code == 400 and name not in {
                        key.partition(".")[0] for key in named(answer.json())
                    }:
                        unnamed.append(f"{method} {path} {body[:60]!r}: {answer.content[:80]!r}")

    assert (visitor.wrong, unnamed) == ([], [])


def test_no_content_type_is_a_server_error(visitor, ids):  # noqa: F811
    body = hostile.MULTIPART["no UTF-8"]
    for place, route in enumerate(ROUTES):
        for kind in hostile.some(hostile.TYPES, place):
            visitor.ask(kind[:60], "POST", filled(route, ids), body=body, kind=kind)

    assert visitor.wrong == []


@pytest.mark.parametrize(
    ("forms", "kind"),
    [
        (hostile.FORMS, "application/x-www-form-urlencoded"),
        (hostile.MULTIPART, "multipart/form-data; boundary=x"),
    ],
    ids=["urlencoded", "multipart"],
)
def test_no_form_is_a_server_error(visitor, ids, forms, kind):  # noqa: F811
    for place, route in enumerate(ROUTES):
        for what in hostile.some(list(forms), place):
            visitor.ask(what, "POST", filled(route, ids), body=forms[what], kind=kind)

    assert visitor.wrong == []


def test_no_field_of_a_form_is_a_server_error(visitor, ids):  # noqa: F811
    kind, places = "application/x-www-form-urlencoded", count()
    for route in PAGES:
        path = filled(route, ids)
        form = hostile.Fields(visitor.ask("its form", "GET", path).content.decode(errors="replace"))
        for name in form.values:
            for value in hostile.some(hostile.VALUES, place := next(places)):
                for action in hostile.some(form.actions, place) if form.actions else [""]:
                    given = form.values | {"action": action} if action else form.values
                    others = "&".join(f"{each}={text}" for each, text in given.items() if each != name)
                    visitor.ask(
                        f"{name}={value[:40]}",
                        "POST",
                        path,
                        body=f"{others}&{name}={value}".encode(),
                        kind=kind,
                    )

    assert visitor.wrong == []


@pytest.mark.parametrize(
    "charset", ["charset*=utf-8''%00", "charset*=hex''%41", "charset=hex", "charset=utf-7"]
)
def test_a_charset_that_is_none_is_refused_by_the_server_s_own_handler(charset):
    from logsite.asgi import http

    async def ask():
        headers = [(b"host", b"127.0.0.1"), (b"content-type", f"text/plain; {charset}".encode())]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v2/devices/",
            "query_string": b"",
            "headers": headers,
        }
        client = ApplicationCommunicator(http, scope)
        await client.send_input({"type": "http.request", "body": b"x"})
        answer = await client.receive_output(60)
        await client.receive_output(60)
        await client.wait(120)
        return answer["status"]

    assert async_to_sync(ask)() == 415


def test_json_of_a_body_is_answered_with_what_is_wrong(visitor):
    """One row a kind: what the API says."""
    said = {
        body: json.loads(visitor.ask("", "POST", "/api/v2/devices/", body=body.encode()).content)
        for body in SAID
    }

    assert said == SAID


SAID = {
    "[" * 100_000: {"detail": "JSON parse error - nested deeper than 32 levels"},
    '{"tags": ' + "[" * 40 + "]" * 40 + "}": {
        "tags" + ".0" * 32: ["nested deeper than 32 levels"],
    },
    r'{"name": "a\ud800"}': {"name": ["half of a surrogate pair is not a character"]},
    r'{"tags": ["a", "\udfff"]}': {"tags.1": ["half of a surrogate pair is not a character"]},
    r'{"\ud800": 1}': {"\\ud800": ["half of a surrogate pair is not a character"]},
    '{"port": 1e999}': {"port": ["not a finite number"]},
    '{"port": 9223372036854775808}': {"port": ["a number beyond 64 bits"]},
}
