"""The OpenAPI schema tells the truth about /api/v2/logs/: requests made of it, valid or not, are answered so."""

import json
import logging

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import given
from hypothesis.strategies import one_of
from knox.models import AuthToken
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from sessionlogs.models import EventType
from tests.factories import ContainerLogEntryFactory, LogEntryFactory, SessionLogFactory
from tests.fuzzing import drawn, lines_of_json

pytestmark = [pytest.mark.django_db, pytest.mark.soak, pytest.mark.timeout(1800)]
OPERATIONS = [
    "GET entries",
    "GET entries/{source}/{id}",
    "GET entries/{source}/{id}/context",
    "GET histogram",
    "GET facets",
    "GET patterns",
    "GET stats",
    "POST export",
    "POST ingest",
]
schemathesis.openapi.media_type("application/x-ndjson", lines_of_json())
# A schema cannot say which texts are times, queries and names of sources. The ingest takes a body of which every
# entry is rejected, and an empty one.
NOT_SAID = [checks.positive_data_acceptance]
OF_INGEST = [*NOT_SAID, checks.negative_data_rejection]
WITHIN_AND_BEYOND = [
    *((name, GenerationMode.POSITIVE) for name in OPERATIONS),
    *((name, GenerationMode.NEGATIVE) for name in OPERATIONS if not name.endswith("{id}")),  # any text is one
]


@pytest.fixture(scope="module")
def schema():
    text = json.dumps(SchemaGenerator().get_schema(request=None, public=True))
    found = schemathesis.openapi.from_dict(json.loads(text))
    found.app = WSGIHandler()
    return found


@pytest.fixture
def _one_connection():
    """The requests run in the test's transaction, whose connection a request would close."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable()  # a line for each refusal
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def headers(owner, _one_connection):
    return {"Authorization": f"Token {AuthToken.objects.create(owner)[1]}"}


def operation_of(schema, name):
    method, _, path = name.partition(" ")
    return schema[f"/api/v2/logs/{path}"][method]


def compare(case, headers, name):
    """Raises where the answer is a 500, or another than the schema says, or invalid data or nobody gets a 200."""
    excluded = OF_INGEST if name == "POST ingest" else NOT_SAID
    case.call_and_validate(headers=headers, excluded_checks=excluded)


def test_each_operation_is_tried(schema):
    found = {
        f"{method.upper()} {path.removeprefix('/api/v2/logs/')}"
        for path in schema
        if path.startswith("/api/v2/logs/")
        for method in schema[path]
    }
    assert found == set(OPERATIONS)


@pytest.fixture
def entries(db):
    """The address of an entry of each source."""
    rows = {
        "app": LogEntryFactory(level="ERROR", message="it failed"),
        "session": SessionLogFactory(event_type=EventType.COMMAND_RESPONSE, response="up 3 days"),
        "container": ContainerLogEntryFactory(),
    }
    return [{"source": source, "id": str(row.pk)} for source, row in rows.items()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_another_method_is_told_which_one_is_meant(schema, entries, api, owner, name):
    meant, _, path = name.partition(" ")
    url = f"/api/v2/logs/{path.format(**entries[0])}"
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {meant}:
        answer = api(owner).generic(method, url, b"{}", content_type="application/json")

        assert (answer.status_code, meant in answer["Allow"]) == (405, True), method


@pytest.mark.parametrize("name", OPERATIONS)
def test_at_the_bounds_of_the_schema(schema, headers, entries, name):
    operation = operation_of(schema, name)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    config = schema.config.generation_for(operation=operation)
    for case in schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=config):
        compare(case, headers, name)


@pytest.mark.parametrize(
    ("name", "mode"), WITHIN_AND_BEYOND, ids=[f"{name} {mode.value}" for name, mode in WITHIN_AND_BEYOND]
)
def test_within_and_beyond_the_schema(schema, headers, entries, name, mode):
    operation = operation_of(schema, name)
    any_address = operation.as_strategy(generation_mode=mode)
    known = [operation.as_strategy(generation_mode=mode, path_parameters=each) for each in entries]

    @drawn(8, 150)
    @given(case=one_of(any_address, *known) if "{" in name else any_address)
    def ask(case):
        compare(case, headers, name)

    ask()
