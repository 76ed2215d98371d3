"""Lists of the admin take only their filters, and a filter that cannot be read shows no row and says why."""

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from devices.models import Device
from logsite.admin import StrictModelAdmin
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    CredentialFactory,
    DeviceFactory,
    DockerHostFactory,
    InterfaceFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
    ResponseFactory,
    SessionFactory,
    SessionLogFactory,
    TagFactory,
)

pytestmark = pytest.mark.django_db
admin.autodiscover()
SLOW = "(a+)+$"
OTHERS = ("iregex", "range", "contains", "in", "startswith", "lt", "x__y", "0")


def lists():
    """(model, address) of each page of the registry that lists rows."""
    for model in admin.site._registry:
        if not model._meta.proxy:
            yield model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.fixture
def client(browser, owner):
    for factory in (
        ContainerLogEntryFactory,
        CredentialFactory,
        DeviceFactory,
        InterfaceFactory,
        LogSnapshotFactory,
        RemoteCommandFactory,
        ResponseFactory,
        SessionLogFactory,
        TagFactory,
        ContainerFactory,
        DockerHostFactory,
    ):
        factory()
    return browser(owner)


def test_every_page_of_the_registry_is_strict():
    loose = [
        str(model) for model, page in admin.site._registry.items() if not isinstance(page, StrictModelAdmin)
    ]

    assert loose == []
    assert len(list(lists())) > 10


def bad_queries(model):
    """Lookups by each column that no list has, and values that no column holds."""
    pk = model._meta.pk.name
    yield {f"{pk}__range": "null"}
    yield {"pk__in": "x"}
    yield {"no_such_column": "1"}
    yield {"e": "1", "password__startswith": "a"}
    for number, field in enumerate(model._meta.fields):
        lookup = "regex" if number % 2 == 0 else OTHERS[number // 2 % len(OTHERS)]
        yield {f"{field.name}__{lookup}": SLOW}


@pytest.mark.timeout(900)
def test_no_list_takes_a_lookup_that_it_does_not_list(client):
    wrong = []
    for model, address in lists():
        for query in bad_queries(model):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address, query)
            sent = [sql["sql"] for sql in queries if SLOW in sql["sql"] or "REGEXP" in sql["sql"]]
            if answer.status_code != 400 or sent or list(answer.context["cl"].result_list):
                wrong.append((address, query, answer.status_code, sent))

    assert wrong == []


UNREADABLE = [
    ("devices/device", {"enabled__exact": "perhaps"}, "enabled__exact"),
    ("devices/device", {"outcome__exact": "great"}, "outcome__exact"),
    ("devices/device", {"outcome__isnull": "banana"}, "outcome__isnull"),
    ("devices/device", {"tags__id__exact": "x"}, "tags__id__exact"),
    ("devices/device", {"tags__id__exact": "9" * 30}, "tags__id__exact"),
    ("devices/device", {"credential__id__exact": "x"}, "credential__id__exact"),
    ("devices/device", {"credential__id__exact": "9" * 30}, "credential__id__exact"),
    ("devices/device", {"platform": "no_such_platform"}, "platform"),
    ("devices/device", {"enabled__exact": "a\0b"}, "enabled__exact"),
    ("devices/interface", {"state__exact": "sideways"}, "state__exact"),
    ("devices/interface", {"device__id__exact": "x"}, "device__id__exact"),
    ("devices/interface", {"device__name": "a\0"}, "device__name"),
    ("sessionlogs/sessionlog", {"since": "yesterday"}, "since"),
    ("sessionlogs/sessionlog", {"until": "0001-01-01T00:00+14:00"}, "until"),
    ("sessionlogs/sessionlog", {"event_type__exact": "x"}, "event_type__exact"),
    ("sessionlogs/sessionlog", {"older": "garbage"}, "older"),
    ("sessionlogs/sessionlog", {"timing__device": "1"}, "timing__device"),
    ("sessionlogs/sessionlog", {"response__contains": "secret"}, "response__contains"),
    ("sessionlogs/session", {"status__exact": "great"}, "status__exact"),
    ("sessionlogs/session", {"tags__0": "core"}, "tags__0"),
    ("sessionlogs/session", {"slow": "fast"}, "slow"),
    ("prodlogs/containerlogentry", {"level": "LOUD"}, "level"),
    ("prodlogs/containerlogentry", {"stream__exact": "stdin"}, "stream__exact"),
    ("prodlogs/container", {"host__id__exact": "x"}, "host__id__exact"),
    ("prodlogs/logsnapshot", {"container__id__exact": "1e3"}, "container__id__exact"),
    ("prodlogs/remotecommand", {"denied__exact": "2"}, "denied__exact"),
    ("auth/user", {"is_staff__exact": "maybe"}, "is_staff__exact"),
    ("auth/user", {"password__startswith": "md5"}, "password__startswith"),
    ("auth/user", {"groups__id__exact": "x"}, "groups__id__exact"),
    ("knox/authtoken", {"digest__startswith": "a"}, "digest__startswith"),
]


def test_a_filter_that_cannot_be_read_shows_no_row_and_names_itself(client):
    wrong = {}
    for path, query, name in UNREADABLE:
        answer = client.get(f"/admin/{path}/", query)
        said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
        said = said or answer.content.decode()
        rows = len(answer.context["cl"].result_list) if answer.context else -1
        if (
            (answer.status_code, rows) != (400, 0)
            or "a filter cannot be read. " not in said
            or name not in said
        ):
            wrong[path, str(query)] = (answer.status_code, rows, answer.headers.get("Location"))

    assert wrong == {}


def test_a_filter_with_one_choice_still_narrows(client):
    """Django leaves out a filter with nothing to choose from, and shows all rows."""
    host = DockerHostFactory(name="alone")
    hosts = {container.host_id for container in [ContainerFactory(host=host)]}

    answer = client.get("/admin/prodlogs/container/", {"host__id__exact": host.pk})

    assert {row.host_id for row in answer.context["cl"].result_list} == hosts


def test_an_action_on_a_list_with_an_unreadable_filter_touches_nothing(client):
    before = set(Device.objects.values_list("enabled", "pk"))

    client.post(
        "/admin/devices/device/?enabled__exact=perhaps",
        {
            "action": "delete_selected",
            "select_across": "1",
            "index": "0",
            "post": "yes",
            "_selected_action": list(Device.objects.values_list("pk", flat=True)),
        },
    )

    assert set(Device.objects.values_list("enabled", "pk")) == before


def test_links_of_other_pages_find_their_rows(client):
    interface = InterfaceFactory()
    session = SessionFactory(device="rtr77")
    rows = {
        f"/admin/devices/interface/?device__id__exact={interface.device_id}": {interface.pk},
        f"/admin/sessionlogs/session/?device={session.device}&status__exact=success": {session.pk},
        f"/admin/devices/device/?credential__id__exact={interface.device.credential_id}": {
            interface.device_id
        },
    }

    found = {address: {row.pk for row in client.get(address).context["cl"].result_list} for address in rows}

    assert found == rows
