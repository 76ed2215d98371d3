"""A browser opens every page of the site: none breaks the policy, none throws, wide or narrow."""

import re
import time
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from devices.models import PlatformLogging
from logsite.housekeeping.models import PurgeRun
from logsite.intake.rejected import Rejection, keep_rejected
from logsite.intake.tokens import make_token
from prodlogs.models import DockerHost
from sessionlogs.models import EventType, ResponseView, SessionLog, SessionStatus
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from tests import flushing
from tests.chromium import chromium
from tests.factories import (
    AddressFactory,
    ContainerFactory,
    ContainerLogEntryFactory,
    DeviceFactory,
    DockerHostFactory,
    InterfaceFactory,
    LogEntryFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
    ResponseFactory,
    SessionFactory,
    SessionLogFactory,
    TagFactory,
)
from tests.prodlogs.keys import HOST_KEY
from tests.serving import serving
from tests.test_actors import addresses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor == "postgresql", reason="the pages are those of SQLite's turn"),
]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Old addresses that lead on, the end of the session, and what scripts ask for.
NOT_OPENED = re.compile(r"admin/|.*\{id\}/|admin/logout/|admin/r/.*|admin/\(.*|.*jsi18n/|.*autocomplete/")
ROWLESS = 4  # pages of a row that fill_tables makes none of
ONE_PAGE = (
    "/admin/applogs/app/",
    "/admin/sessionlogs/statistics/",
    "/admin/prodlogs/errors/",
    "/admin/prodlogs/follow/",
)


def fill_tables():
    """A row of every model that has pages, and what their pages link to."""
    owner = User.objects.create_superuser("owner", "owner@example.com", "owner-password")
    Group.objects.create(name="operators")
    AuthToken.objects.create(user=owner)
    session = SessionFactory(device="rtr01", status=SessionStatus.RUNNING)
    for command in ("show version", "show version"):
        SessionLogFactory(session=session, command=command)
        SessionLogFactory(
            session=session,
            command=command,
            event_type=EventType.COMMAND_RESPONSE,
            response=f"up\n{command}",
            duration_ms=12.5,
            timing={"first_byte": 2, "prompt": 10},
        )
    event = SessionLog.objects.last()
    ResponseView.objects.create(
        viewed_at=NOON, user="eve", user_id="7", via="api", what="event", event_id=event.pk, count=1
    )
    PurgeRun.objects.create(started=NOON)
    token, _ = make_token("billing", app="billing")
    keep_rejected([Rejection("not a time", "yesterday", "timestamp")], token=token, protocol="http")
    device = DeviceFactory(name="rtr01")
    device.tags.add(TagFactory())
    AddressFactory(interface=InterfaceFactory(device=device))
    ResponseFactory(device=device)
    PlatformLogging.objects.create(platform="cisco_ios")
    container = ContainerFactory(host=DockerHostFactory(offered_host_key=HOST_KEY))
    ContainerLogEntryFactory(container=container, message="Traceback\n  line\nError: x", level="ERROR")
    now = time.time_ns()
    LogEntryFactory(
        message="Traceback\n  line\nError: x", level="ERROR", timestamp=now, context={"user_id": "u1"}
    )
    LogSnapshotFactory(container=container)
    RemoteCommandFactory(host=container.host)
    target = Destination.objects.create(name="main", url="http://127.0.0.1:3100")
    ShippingCursor.objects.create(destination=target, source="session")
    run = ShippingRun.objects.create(destination=target, source="session", started=NOON)
    RejectedEntry.objects.create(
        destination=target, run=run, source="session", row_id=1, timestamp=NOON, reason="too old"
    )
    return owner


def admin_pages():
    """Every address of the admin that GET answers with a page, with the id of each model's newest row."""
    admin.autodiscover()
    ids = {
        f"{model._meta.app_label}/{model._meta.model_name}": str(row.pk)
        for model in admin.site._registry
        if (row := model._default_manager.order_by("pk").last())
    }
    for route in addresses():
        if route.startswith("admin/") and not NOT_OPENED.fullmatch(route):
            yield "/" + route.replace("{id}", ids.get("/".join(route.split("/")[1:3]), "nothing"))
    yield "/admin/"
    yield from {f"/admin/{model._meta.app_label}/": None for model in admin.site._registry}


OTHERS = [
    "/api/docs/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nope",
    "/admin/nope/",
    "/api/v2/sessions/",
    "/admin/devices/device/?name__regex=x",
    "/admin/devices/device/?_popup=1",
    "/admin/devices/device/add/?_popup=1",
    "/admin/sessionlogs/session/?q=rtr01&status__exact=running",
    "/admin/sessionlogs/sessionlog/?q=nothing+at+all",
    "/admin/sessionlogs/statistics/?since=x",
    "/admin/prodlogs/follow/?level=errors&text=x",
    "/admin/applogs/logentry/?query=user_id:u1",
    "/static/logsite/icon.svg",
    "/static/admin/css/base.css",
]

# What a person does on a page; a script that it starts shows itself then.
CLICKS = """
const shown = (each) => each.checkVisibility();
for (const each of [...document.querySelectorAll(`summary, .theme-toggle, .toggle-nav-sidebar, .datetimeshortcuts a,
    .calendarlink, .add-row a, .fold, [data-step], [data-copy], #action-toggle, .selector-chooseall`)
].filter(shown)) {
  if (!each.href || each.href.includes("#")) each.click();
}
for (const each of document.querySelectorAll("input[type=search], input[type=text]")) {
  each.value = "a";
  each.dispatchEvent(new Event("input", { bubbles: true }));
  each.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
}
for (const each of document.querySelectorAll("select")) each.dispatchEvent(new Event("change", { bubbles: true }));
document.body?.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
scrollBy(0, 500);
null
"""
ACTION = """
document.querySelector("#action-toggle").click();
document.querySelector("select[name=action]").value = "%s";
document.querySelector("button[name=index]").click();
"""
LOG_IN = """
document.querySelector("#id_username").value = "%s";
document.querySelector("#id_password").value = "wrong";
%s;
document.querySelector("#login-form [type=submit]").click();
"""
FORGE = 'document.querySelector("#login-form [name=csrfmiddlewaretoken]").value = ""'
SAVE = "document.querySelector('[name=_save]').form.submit()"
OPERATION = ".opblock-get:has([data-path='/api/v2/sessions/'])"
ANSWERED = ".live-responses-table tbody .response-col_status"
STATUS = f"Number(document.querySelector('{ANSWERED}').innerText.match(/[0-9]+/)[0])"
COME = """
new Promise((done) => {
  const look = () => document.querySelector(%r) && done(true);
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  look();
})
"""
DELIBERATE = """
document.body.insertAdjacentHTML("beforeend", '<p style="color: red" onclick="x()">a</p><style>p {}</style>');
const script = document.createElement("script");
script.textContent = "window.ran = true";
document.body.append(script);
const image = document.createElement("img");
image.src = "http://127.0.0.1:9/x.png";
document.body.append(image);
fetch("http://127.0.0.1:9/").catch(() => {});
try { new Function("1")(); } catch {}
setTimeout(() => { throw new Error("deliberate"); }, 0);
console.error("deliberate too");
"""
SEEN = {f"{kind}-src{part}" for kind in ("style", "script") for part in ("-attr", "-elem")}
SEEN |= {"img-src", "connect-src", "script-src"}


class Visit:
    """What came of opening all pages: status codes and complaints, by page."""

    def __init__(self, browser, site, said):
        self.browser, self.site, self.said = browser, site, said
        self.codes, self.complaints, self.deliberate, self.pixels = {}, {}, [], 1200

    def keep(self, what, code):
        """Do on the page what a person does, in both widths, and keep what it complains of."""
        self.browser.run(CLICKS, by_hand=True)
        self.pixels = {390: 1200, 1200: 390}[self.pixels]  # the next page begins as narrow as this one ends
        self.browser.width(self.pixels)
        self.codes[what] = code
        if found := self.browser.complaints():
            self.complaints[what] = found

    def open(self, path):
        self.keep(path, self.browser.open(self.site + path))

    def submit(self, what, path, script):
        self.browser.open(self.site + path)
        self.keep(what, self.browser.submit(script))

    def everything(self, cookie):
        login = "/admin/login/"
        self.open(login)
        self.submit("a wrong password", login, LOG_IN % ("nobody", ""))
        self.submit("a log-in too many", login, LOG_IN % ("nobody", ""))
        self.submit("a forged form", login, LOG_IN % ("x", FORGE))
        self.browser.call("Network.setCookie", url=self.site, name="sessionid", value=cookie, httpOnly=True)
        for path in [*admin_pages(), *OTHERS]:
            self.open(path)
        self.submit("commands", "/admin/devices/device/", ACTION % "run_commands")
        self.submit("deleting", "/admin/devices/device/", ACTION % "delete_selected")
        self.submit("an empty form", "/admin/devices/device/add/", SAVE)
        host = f"/admin/prodlogs/dockerhost/{DockerHost.objects.get().pk}/change/"
        for name in ("collect", "check-health"):
            self.submit(name, host, f"document.querySelector('form[action$=\"/{name}/\"] button').click()")
        self.try_an_operation()
        self.break_the_policy()

    def try_an_operation(self):
        """Open one on the page of the API, and carry it out."""
        self.browser.open(f"{self.site}/api/docs/")
        for place in (f"{OPERATION} .opblock-summary-control", ".try-out__btn", ".execute", ANSWERED):
            self.browser.run(COME % place)
            self.browser.run(f"document.querySelector({place!r}).click()")
        self.keep("an operation", self.browser.run(STATUS))

    def break_the_policy(self):
        self.browser.open(f"{self.site}/admin/")
        self.browser.call("Runtime.evaluate", expression=DELIBERATE, allowUnsafeEvalBlockedByCSP=False)
        self.deliberate = self.browser.complaints()


@pytest.fixture(scope="module")
def visit(django_db_setup, django_db_blocker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    with django_db_blocker.unblock():
        try:
            client = Client()
            client.force_login(fill_tables())
            limits = {"LOGIN_ADDRESS_LIMIT": "1", "PRODLOGS_CONNECT_TIMEOUT": "0.2"}
            with serving(**limits) as site, chromium(folder / "profile") as browser:
                found = Visit(browser, site.address, site.said)
                found.everything(client.cookies["sessionid"].value)
            yield found
        finally:
            for alias in ("default", "audit"):
                flushing.empty_filled_tables(alias)


def test_a_deliberate_violation_and_a_deliberate_error_are_seen(visit):
    broken = {text.split(": ")[1] for text in visit.deliberate if text.startswith("policy: ")}

    assert broken == SEEN
    assert any(text.startswith("thrown: Error: deliberate") for text in visit.deliberate)
    assert any(text.startswith("console: ['deliberate too']") for text in visit.deliberate)


def test_no_page_breaks_the_policy_and_none_throws(visit):
    assert visit.complaints == {}


def test_every_page_was_opened(visit):
    """Each model has its list, and unless that is all, a row's page, its history, adding and deleting."""
    missing = []
    for model in admin.site._registry:
        start = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        rest = [path.removeprefix(start) for path in visit.codes if path.startswith(start)]
        for page in ["", *([] if start in ONE_PAGE else ["add/", "/change/", "/history/", "/delete/"])]:
            if not any(path == page or (page[:1] == "/" and path.endswith(page)) for path in rest):
                missing.append(start + page)

    assert missing == []
    assert sum("/nothing/" in path for path in visit.codes) <= ROWLESS, sorted(visit.codes)


def test_the_pages_were_there(visit):
    """A page that only POST may have, or that nobody may, is an error, and is looked at as such."""
    wrong = {path: code for path, code in visit.codes.items() if code not in (200, 400, 403, 404, 405, 429)}

    assert wrong == {}, "".join(visit.said)
    assert [visit.codes[what] for what in ("a log-in too many", "a forged form")] == [429, 403]
    assert [visit.codes[what] for what in ("a wrong password", "commands", "deleting", "an operation")] == [
        200
    ] * 4
