"""The OpenAPI schema and its page."""

import pytest
from django.core.management import call_command

from logsite import __version__

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/api/docs/", "/api/schema/"])
def test_the_documentation_is_for_those_who_are_logged_in(browser, owner, teammate, outsider, url):
    answers = [browser(user).get(url).status_code for user in (owner, teammate, outsider, None)]

    assert answers == [200, 200, 200, 401]


def test_the_page_loads_nothing_from_elsewhere(browser, teammate):
    body = browser(teammate).get("/api/docs/").content.decode()

    assert "/static/drf_spectacular_sidecar/" in body
    assert "https://" not in body


def test_the_schema_names_the_version_and_the_interfaces(browser, teammate):
    schema = browser(teammate).get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()

    assert schema["info"]["version"].startswith(__version__)
    assert set(schema["paths"]) >= {
        "/api/monitoring/logs",
        "/api/v2/auth/login/",
        "/api/v2/devices/",
        "/api/v2/devices/{id}/collect/",
        "/api/v2/devices/{id}/run/",
        "/api/v2/interfaces/",
        "/api/v2/logs/entries",
        "/api/v2/logs/entries/{source}/{id}",
        "/api/v2/logs/entries/{source}/{id}/context",
        *(
            f"/api/v2/logs/{name}"
            for name in ("histogram", "facets", "patterns", "stats", "export", "ingest")
        ),
        *(
            f"/api/v2/prodlogs/{name}/"
            for name in (
                "hosts",
                "hosts/{id}/collect",
                "hosts/{id}/accept-host-key",
                "containers",
                "logs",
                "errors",
                "error-summary",
                "snapshots",
                "commands",
                "health",
            )
        ),
        "/api/v2/session-logs/",
        "/api/v2/sessions/",
        "/api/v2/sessions/{session_id}/",
        "/api/v2/shipping/destinations/",
        "/api/v2/shipping/rejected/",
        "/api/v2/shipping/status/",
    }


def test_each_operation_says_what_it_answers_where_it_fails(browser, teammate):
    schema = browser(teammate).get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
    wrong = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            expected = {"400", "503"} | ({"404"} if "{" in path else set())
            expected |= set() if path.endswith("/auth/login/") else {"401", "403"}
            expected |= {"413", "415"} if "requestBody" in operation else set()
            if missing := expected - set(operation["responses"]):
                wrong[f"{method} {path}"] = missing

    assert wrong == {}


def test_lists_show_how_they_page(browser, teammate):
    schema = browser(teammate).get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
    parameters = schema["paths"]["/api/v2/session-logs/"]["get"]["parameters"]

    assert {parameter["name"] for parameter in parameters} >= {"cursor", "limit", "device", "start_time"}


def test_the_schema_is_valid_and_made_without_a_warning(tmp_path):
    call_command("spectacular", fail_on_warn=True, validate=True, file=str(tmp_path / "schema.yml"))
