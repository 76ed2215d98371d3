"""Who sees what: every address of devices, session logs and container logs, asked by each actor.

`reader` is a teammate without the permission to see what devices answered. A new address fails the first test
until it has its row.
"""

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.urls import URLPattern, URLResolver, get_resolver

from applogs.models import LogEntry
from devices.models import (
    Credential,
    Device,
    Interface,
    InterfaceAddress,
    PlatformLogging,
    Response,
    Tag,
)
from logsite.housekeeping.models import PurgeRun
from logsite.logins.sessions import SEEN
from prodlogs.models import Container, ContainerLogEntry, DockerHost, LogSnapshot, RemoteCommand
from sessionlogs.models import EventType, ResponseView, Session, SessionLog
from tests.factories import (
    AddressFactory,
    AuditEntryFactory,
    ContainerFactory,
    ContainerLogEntryFactory,
    CredentialFactory,
    DeviceFactory,
    DockerHostFactory,
    IngestTokenFactory,
    InterfaceFactory,
    LogEntryFactory,
    LogSnapshotFactory,
    RejectedInputFactory,
    RemoteCommandFactory,
    ResponseFactory,
    SessionFactory,
    SessionLogFactory,
    TagFactory,
)
from tests.prodlogs.keys import HOST_KEY

pytestmark = pytest.mark.django_db
ANSWER = "serial number FTX1840ABCD"
ACTORS = ("nobody", "outsider", "reader", "teammate", "owner")

# What GET answers to: nobody, outsider, reader, teammate, owner. 302 is the way to the login page.
READ = (302, 302, 200, 200, 200)
ANSWERS = (302, 302, 403, 200, 200)
OWNER = (302, 302, 403, 403, 200)
NEVER = (302, 302, 403, 403, 403)
API_READ = (401, 403, 200, 200, 200)
API_OWNER = (401, 403, 403, 403, 200)
API_POST_ONLY = (401, 403, 403, 403, 405)
API_EXPORT = (401, 403, 405, 405, 405)  # whoever may see a source may export it, by POST
POST_ONLY = (302, 302, 403, 403, 405)
MOVED = (302, 302, 302, 302, 302)  # the admin's old addresses on to …/change/


def admin_rows(app, model, **different):
    kinds = {
        "": READ,
        "add/": OWNER,
        "{id}/history/": READ,
        "{id}/delete/": OWNER,
        "{id}/change/": READ,
        "{id}/": MOVED,
    }
    return {
        f"admin/{app}/{model}/{rest}": different.get(rest or "list", codes) for rest, codes in kinds.items()
    }


PRODLOGS = ("hosts", "containers", "logs", "errors", "snapshots", "commands")
RECORD = {"add/": NEVER, "{id}/delete/": NEVER}
TABLE = {
    **admin_rows("sessionlogs", "session", **RECORD),
    "admin/sessionlogs/session/{id}/events/": READ,
    **admin_rows("sessionlogs", "sessionlog", **RECORD),
    "admin/sessionlogs/sessionlog/{id}/diff/": ANSWERS,
    "admin/sessionlogs/sessionlog/{id}/response/": ANSWERS,
    **admin_rows("sessionlogs", "responseview", **RECORD),
    **admin_rows("housekeeping", "purgerun", **RECORD),
    **admin_rows(
        "audit", "auditentry", **RECORD, **dict.fromkeys(("list", "{id}/history/", "{id}/change/"), OWNER)
    ),
    "api/v2/audit/": API_OWNER,
    **admin_rows("intake", "ingesttoken"),
    **admin_rows("intake", "rejectedinput", **RECORD),
    "api/v2/intake/tokens/": API_READ,
    "api/v2/intake/rejected/": API_READ,
    "admin/sessionlogs/statistics/": READ,
    **admin_rows("devices", "platformlogging"),
    "admin/devices/device/run-commands/": (302, 302, 403, 403, 302),  # back to the list: nothing is chosen
    **admin_rows("devices", "credential"),
    **admin_rows("devices", "tag"),
    **admin_rows("devices", "device"),
    "admin/devices/device/{id}/accept-host-key/": OWNER,
    **admin_rows("devices", "interface", **RECORD),
    **admin_rows("devices", "response", **RECORD),
    "admin/devices/response/{id}/raw/": ANSWERS,
    "api/v2/sessions/": API_READ,
    "api/v2/sessions/{id}/": API_READ,
    "api/v2/sessions/statistics/": API_READ,
    "api/v2/session-logs/": API_READ,
    "api/v2/session-logs/{id}/": API_READ,
    "api/v2/devices/": API_READ,
    "api/v2/devices/{id}/": API_READ,
    "api/v2/devices/{id}/collect/": API_POST_ONLY,
    "api/v2/devices/{id}/run/": API_POST_ONLY,
    "api/v2/devices/{id}/accept-host-key/": API_POST_ONLY,
    "api/v2/interfaces/": API_READ,
    "api/v2/interfaces/{id}/": API_READ,
    **admin_rows("prodlogs", "dockerhost", **{"{id}/delete/": NEVER}),  # entries of it are stored
    **{f"admin/prodlogs/dockerhost/{{id}}/{page}/": POST_ONLY for page in ("collect", "check-health")},
    "admin/prodlogs/dockerhost/{id}/accept-host-key/": OWNER,
    **admin_rows("prodlogs", "container", **RECORD),
    **admin_rows("prodlogs", "logsnapshot", **RECORD),
    **admin_rows("prodlogs", "containerlogentry", **RECORD),
    **admin_rows("prodlogs", "remotecommand", **RECORD),
    "admin/query-language/": READ,
    "admin/prodlogs/errors/": MOVED,  # on to the entries, or to the login page
    "admin/prodlogs/follow/": READ,
    "admin/prodlogs/follow/entries/": READ,
    **{f"api/v2/prodlogs/{name}/": API_READ for name in PRODLOGS},
    **{f"api/v2/prodlogs/{name}/{{id}}/": API_READ for name in PRODLOGS if name != "errors"},
    **{f"api/v2/prodlogs/{name}/": API_READ for name in ("error-summary", "health")},
    **{f"api/v2/prodlogs/hosts/{{id}}/{name}/": API_POST_ONLY for name in ("collect", "accept-host-key")},
    "api/v2/logs/export": API_EXPORT,
    "api/v2/logs/ingest": (405,) * 5,  # an answer that needs no sender
    **admin_rows("applogs", "logentry", **RECORD),
    "admin/applogs/app/": READ,
    "api/v2/device-responses/": API_READ,
    "api/v2/device-responses/{id}/": API_READ,
    **{f"api/v2/logs/{name}": API_READ for name in ("entries", "histogram", "facets", "patterns", "stats")},
    **{f"api/v2/logs/entries/{{id}}/{{id}}{rest}": API_READ for rest in ("", "/context")},
}
OURS = (
    "admin/query-language/",
    "admin/sessionlogs/",
    "admin/audit/",
    "admin/applogs/",
    "admin/intake/",
    "api/v2/intake",
    "admin/housekeeping/",
    "api/v2/audit",
    "admin/devices/",
    "api/v2/sessions",
    "api/v2/session-logs",
    "api/v2/devices",
    "api/v2/interfaces",
    "admin/prodlogs/",
    "api/v2/prodlogs",
    "api/v2/device-responses",
    "api/v2/logs",
)


def addresses(patterns=None, before=""):
    """Every address of the resolver, with `{id}` for whatever stands in a variable place."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def plain(route):
    """A route of either syntax without its anchors: `<path:object_id>` and `(?P<pk>[^/.]+)` become `{id}`."""
    route = re.sub(r"\(\?P<\w+>[^()]*\)", "{id}", route)
    return re.sub(r"<[^>]+>", "{id}", route).lstrip("^").rstrip("$").replace("\\Z", "")


def own_addresses():
    return {route for route in addresses() if route.startswith(OURS)}


@pytest.fixture
def nobody():
    return None


@pytest.fixture
def reader(db):
    user = User.objects.create_user("reader", password="reader-password", is_staff=True)
    apps = ("applogs", "devices", "housekeeping", "intake", "prodlogs", "sessionlogs")
    codes = Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=apps)
    user.user_permissions.set(codes.exclude(codename="view_responses"))
    return user


@pytest.fixture
def ids():
    """An id for the variable place of each address, by what stands before it."""
    session = SessionFactory(device="rtr01")
    event = SessionLogFactory(session=session, event_type=EventType.COMMAND_RESPONSE, response=ANSWER)
    view = ResponseView.objects.create(
        viewed_at=session.started_at,
        user="eve",
        user_id="7",
        via="api",
        what="event",
        event_id=event.pk,
        count=1,
    )
    device = DeviceFactory(name="rtr01", credential=CredentialFactory(), offered_host_key=HOST_KEY)
    interface = InterfaceFactory(device=device)
    AddressFactory(interface=interface)
    stored = ResponseFactory(device=device, raw=ANSWER)
    purge = PurgeRun.objects.create(started=session.started_at)
    logging = PlatformLogging.objects.create(platform="cisco_ios")
    container = ContainerFactory(host=DockerHostFactory(offered_host_key=HOST_KEY))
    entry = ContainerLogEntryFactory(container=container)
    snapshot = LogSnapshotFactory(container=container)
    command = RemoteCommandFactory(host=container.host)
    return {
        "prodlogs/dockerhost/": container.host.pk, "prodlogs/container/": container.pk,
        "prodlogs/containerlogentry/": entry.pk, "prodlogs/logsnapshot/": snapshot.pk,
        "prodlogs/remotecommand/": command.pk, "prodlogs/hosts/": container.host.pk,
        "prodlogs/containers/": container.pk, "prodlogs/logs/": entry.pk, "prodlogs/snapshots/": snapshot.pk,
        "prodlogs/commands/": command.pk,
        "audit/auditentry/": AuditEntryFactory().pk,
        "applogs/logentry/": LogEntryFactory().pk,
        "intake/ingesttoken/": IngestTokenFactory().pk, "intake/rejectedinput/": RejectedInputFactory().pk,
        "housekeeping/purgerun/": purge.pk, "devices/platformlogging/": logging.pk,
        "sessionlogs/session/": session.pk, "sessionlogs/sessionlog/": event.pk, "sessionlogs/responseview/": view.pk,
        "devices/credential/": device.credential.pk, "devices/tag/": TagFactory().pk, "devices/device/": device.pk,
        "devices/interface/": interface.pk, "v2/sessions/": session.pk, "v2/session-logs/": event.pk,
        "v2/devices/": device.pk, "v2/interfaces/": interface.pk,
        "devices/response/": stored.pk, "v2/device-responses/": stored.pk,
        "v2/logs/entries/": f"session/{event.pk}",
    }  # fmt: skip


def filled(route, ids):
    [key] = [str(value) for start, value in ids.items() if f"/{start}" in route] or [""]
    return "/" + with_key(route, key)


def with_key(route, key):
    """A key such as session/4711 fills two variable places."""
    *firsts, last = key.split("/")
    for part in firsts:
        route = route.replace("{id}", part, 1)
    return route.replace("{id}", last)


class Asking:
    """One actor's clients, logged in once: one for the API, and one as a browser.

    Each request begins with the cookies of the login alone. A message of an earlier request, which travels in a
    cookie, is gone by then.
    """

    def __init__(self, user, browser, api):
        self._api, self._browser = api(user), browser(user)
        self._cookies = {name: morsel.value for name, morsel in self._browser.cookies.items()}
        self._session = self._stored_session()

    def ask(self, method, address, data=None):
        client = self._api if address.startswith("/api/") else self._browser
        cookies = self._cookies if client is self._browser else {}
        client.cookies.clear()
        client.cookies.load(cookies)
        return getattr(client, method)(address, data)

    def is_as_at_login(self):
        """Whether the browser's session is the one of the login still: no request has ended or changed it.

        A request renews it once a minute, which asking all addresses may take.
        """
        return self._stored_session() == self._session

    def _stored_session(self):
        cookie = self._cookies.get(settings.SESSION_COOKIE_NAME)
        return cookie and {**SessionStore(cookie).load(), SEEN: None}


@pytest.fixture
def asking(who, request, browser, api):
    actor = Asking(request.getfixturevalue(who), browser, api)
    yield actor
    assert actor.is_as_at_login()


def test_every_address_has_its_row():
    assert own_addresses() == set(TABLE)


@pytest.mark.parametrize("who", ACTORS)
def test_who_gets_in_where(who, ids, asking):
    place = ACTORS.index(who)
    found = {route: asking.ask("get", filled(route, ids)).status_code for route in TABLE}

    assert found == {route: codes[place] for route, codes in TABLE.items()}


@pytest.mark.parametrize("who", ["nobody", "outsider", "reader"])
def test_no_address_shows_an_answer_to_whom_may_not_see_it(who, ids, asking):
    showing = [route for route in TABLE if b"FTX1840" in asking.ask("get", filled(route, ids)).content]

    assert showing == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["nobody", "outsider", "reader", "teammate"])
def test_who_may_only_look_changes_nothing(who, ids, asking):
    before = rows()

    for route in TABLE:
        for method in ("post", "put", "patch", "delete"):
            asking.ask(method, filled(route, ids), {"name": "forged", "device": "forged", "post": "yes"})

    assert rows() == before


def rows():
    tables = (
        Session, SessionLog, Device, Credential, Tag, Interface, InterfaceAddress, DockerHost, Container,
        ContainerLogEntry, LogSnapshot, RemoteCommand, Response, LogEntry,
    )  # fmt: skip
    found = {table: list(table._base_manager.order_by("pk").values_list()) for table in tables}
    return found | {ResponseView: ResponseView.objects.filter(user="eve").values_list().get()}
