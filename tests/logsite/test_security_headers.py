"""One Content-Security-Policy without `unsafe-*`, a Permissions-Policy and no-store, on whatever the site answers."""

import re
from pathlib import Path

import pytest
from django.conf import settings as site
from django.contrib import admin
from django.test import Client
from rest_framework.test import APIClient

from sessionlogs.models import EventType
from tests.factories import SessionLogFactory
from tests.logsite.test_login_limits import knock

pytestmark = pytest.mark.django_db
ROOT = Path(site.BASE_DIR)


def lists():
    """The addresses of all lists of the admin."""
    return [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]


def answers(owner, teammate, outsider, settings, monkeypatch):
    """(what, response) of every kind."""
    people = {None: Client(), "owner": Client(), "teammate": Client(), "outsider": Client()}
    for name, user in (("owner", owner), ("teammate", teammate), ("outsider", outsider)):
        people[name].force_login(user)
        people[name].raise_request_exception = False
    event = SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="up")
    gets = {
        None: [
            "/", "/admin/", "/admin/login/", "/healthz", "/readyz", "/metrics", "/favicon.ico", "/nope",
            "/admin/nope/", "/api/v2/nope/", "/api/v2/sessions/", "/api/docs/", "/api/schema/", "/static/nope.css",
            "/admin/login", "/api/v2/auth/login/", "/%00", "/robots.txt", "/admin/logout/",
        ],
        "outsider": ["/admin/", "/api/v2/sessions/", "/api/docs/", "/metrics"],
        "teammate": ["/admin/devices/credential/add/", "/admin/sessionlogs/session/nope/change/"],
        "owner": [
            "/", "/admin/", *lists(), "/admin/jsi18n/", "/admin/password_change/", "/admin/auth/user/add/",
            "/admin/sessionlogs/statistics/", "/admin/prodlogs/follow/", "/admin/prodlogs/follow/entries/?level=x",
            f"/admin/sessionlogs/sessionlog/{event.pk}/response/", f"/admin/sessionlogs/sessionlog/{event.pk}/diff/",
            "/api/docs/", "/api/schema/", "/api/schema/?format=json", "/metrics", "/api/v2/sessions/",
            f"/api/v2/session-logs/{event.pk}/", "/api/v2/sessions/?nope=1", "/api/v2/sessions/nope/",
            "/api/v2/devices/1/collect/", "/api/monitoring/logs",
        ],
    }  # fmt: skip
    for who, paths in gets.items():
        for path in paths:
            yield f"{who or 'nobody'} {path}", people[who].get(path)
    yield "HEAD", people["owner"].head("/admin/")
    yield "OPTIONS", people["owner"].options("/api/v2/sessions/")
    yield "logging out", Client().post("/admin/logout/")
    yield "another host", Client().get("/admin/", HTTP_HOST="evil.example.com")
    yield "a broken body", APIClient().generic("POST", "/api/v2/auth/login/", "{", "application/json")
    yield "too many fields", people["owner"].post("/admin/login/", {f"a{n}": "" for n in range(2000)})
    yield "a forged form", Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    settings.LOGIN_ADDRESS_LIMIT = 0
    yield "a log-in too many in the admin", knock("admin")
    yield "a log-in too many in the API", knock("api")
    monkeypatch.setattr("sessionlogs.admin.sessions.SessionAdmin.get_queryset", lambda *_: 1 / 0)
    yield "an error of ours", people["owner"].get("/admin/sessionlogs/session/")
    settings.SECURE_SSL_REDIRECT = True
    yield "on to HTTPS", Client().get("/admin/")


@pytest.fixture
def found(owner, teammate, outsider, settings, monkeypatch):
    return [*answers(owner, teammate, outsider, settings, monkeypatch)]


def policies(response):
    return [value for name, value in response.items() if name.lower() == "content-security-policy"]


def test_every_answer_has_the_one_policy_and_is_stored_nowhere(found):
    from logsite.web.headers import CONTENT_SECURITY_POLICY, PERMISSIONS_POLICY

    wrong = []
    for what, response in found:
        if policies(response) != [CONTENT_SECURITY_POLICY]:
            wrong.append((what, "policy", policies(response)))
        if response.get("Permissions-Policy") != PERMISSIONS_POLICY:
            wrong.append((what, "permissions"))
        if "no-store" not in response.get("Cache-Control", ""):
            wrong.append((what, "cache", response.get("Cache-Control")))
        if "unsafe" in str(response.headers):
            wrong.append((what, "unsafe"))
        wrong += [
            (what, name) for name in ("X-Content-Type-Options", "Referrer-Policy") if name not in response
        ]

    assert wrong == []
    assert {response.status_code for _, response in found} >= {
        200,
        301,
        302,
        400,
        401,
        403,
        404,
        405,
        429,
        500,
    }


STATIC = [
    "admin/css/base.css", "logsite/admin.css", "logsite/follow.js", "logsite/icon.svg",
    "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js",
    "drf_spectacular_sidecar/swagger-ui-dist/oauth2-redirect.html",
]  # fmt: skip


def test_files_have_the_policy_and_may_be_kept(client):
    from logsite.web.headers import CONTENT_SECURITY_POLICY, PERMISSIONS_POLICY

    wrong = []
    for name in STATIC:
        response = client.get(f"/static/{name}")
        response.close()
        headers = (policies(response), response.get("Permissions-Policy"), response.get("Cache-Control"))
        if headers != ([CONTENT_SECURITY_POLICY], PERMISSIONS_POLICY, "max-age=60, public"):
            wrong.append((name, headers))

    assert wrong == []


def test_the_policy_lets_in_what_the_site_itself_serves_and_nothing_else():
    from logsite.web.headers import CONTENT_SECURITY_POLICY

    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    allowed = {word for words in policy.values() for word in words.split()}
    assert allowed <= {"'self'", "'none'", "data:"}
    assert policy["default-src"] == "'none'"
    assert [name for name, words in policy.items() if "data:" in words] == ["img-src"]
    assert {"base-uri", "form-action", "frame-ancestors", "script-src", "style-src"} <= {*policy}


def test_the_policy_stands_in_one_place():
    rooms = ("logsite", "devices", "sessionlogs", "prodlogs", "shipping", "templates", "deploy")
    files = [
        path for room in rooms for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".html", ".js")
    ]
    naming = [path for path in files if re.search(r"content.security.policy|\bcsp\b", path.read_text(), re.I)]

    assert [str(path.relative_to(ROOT)) for path in naming] == ["logsite/web/headers.py"]


INLINE = re.compile(
    r"""<style|\sstyle\s*=|\son[a-z]+\s*=\s*["'{]|javascript:|<script(?![^>]*\ssrc=)|\.cssText"""
    r"""|setAttribute\(\s*["']style"|\beval\(|new Function|document\.write""",
    re.IGNORECASE,
)


def test_no_template_and_no_script_of_ours_has_anything_inline():
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "logsite/assets").rglob("*.js")]

    assert len(files) > 20
    found = {path.name: INLINE.findall(path.read_text()) for path in files}
    assert {name: inline for name, inline in found.items() if inline} == {}


def test_anything_inline_is_found():
    forms = [
        '<p style="x">', "<style>", "<p onclick='x()'>", '<a href="javascript:x">', "<script>", "<script defer>",
        "<body onload = {x}", "a.style.cssText = 'x'", 'a.setAttribute( "style", b)', "eval(x)", "new Function(x)",
    ]  # fmt: skip
    assert [form for form in forms if not INLINE.search(form)] == []


def test_pages_of_errors_have_nothing_inline(found):
    pages = [
        (what, response)
        for what, response in found
        if response.status_code >= 400 and response["Content-Type"].startswith("text/html")
    ]

    assert len(pages) > 5
    assert [what for what, response in pages if INLINE.search(response.content.decode())] == []
