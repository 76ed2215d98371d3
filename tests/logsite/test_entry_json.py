"""A record as the JSON of an entry."""

import json

from logsite.records import LogRecord, Parts, WithheldField, entry_of

MOMENT = 1_768_473_045_123_456_789  # 2026-01-15T10:30:45.123456789Z
PLAIN = {
    "id": "app-4711",
    "source": "app",
    "timestamp": "2026-01-15T10:30:45.123456789Z",
    "level": "INFO",
    "message": "User authenticated",
    "labels": {},
    "attributes": {},
}
APP_FIELDS = {
    "category": "api",
    "app": "auth_service",
    "host": "host1",
    "logger": "auth",
    "module": "auth_service",
    "function": "authenticate_user",
    "line": 142,
    "trace_id": "",
    "span_id": "",
    "entry_id": "e-1",
    "context": {"request_id": "req_123456"},
    "metadata": {"auth_method": "password"},
    "performance_data": {"response_time": 0.045},
}

# What a record has beside the five fields of PLAIN, and what its entry says beside or instead of them.
ROWS = [
    ({}, {}),
    ({"level": "", "message": ""}, {"level": "", "message": ""}),
    ({"message": 'a"\n\u2028ü\ud800'}, {"message": 'a"\n\u2028ü\ud800'}),
    ({"attributes": APP_FIELDS}, APP_FIELDS),
    ({"attributes": {"line": 0, "context": {}, "logger": None}}, {"line": 0, "context": {}, "logger": None}),
    ({"attributes": {"user": "netops"}}, {"attributes": {"user": "netops"}}),
    (
        {"attributes": {"file": "cut", "attributes": {"file": "whole", "file_": 1, "user": "netops"}}},
        {"attributes": {"file": "cut", "file__": "whole", "file_": 1, "user": "netops"}},
    ),
    ({"labels": {"app": "shop", "job": "aoss"}}, {"app": "shop", "labels": {"job": "aoss"}}),
    (
        {"labels": {"host": "edge"}, "attributes": {"host": "given", "line": 7, "x": [1]}},
        {"host": "edge", "line": 7, "attributes": {"host": "given", "x": [1]}},
    ),
    (
        {"attributes": {"id": 5, "source": "x", "timestamp": 1, "level": "x", "message": "x", "parts": 1}},
        {"attributes": {"id": 5, "source": "x", "timestamp": 1, "level": "x", "message": "x", "parts": 1}},
    ),
    # What the sender called so stands beside those of the record.
    ({"attributes": {"labels": {"a": "1"}, "x": 1}}, {"labels": {"a": "1"}, "attributes": {"x": 1}}),
    ({"attributes": {"attributes": {"a": 1}, "x": 1}}, {"attributes": {"a": 1, "x": 1}}),
    ({"attributes": {"labels": "a", "attributes": "b"}}, {"attributes": {"labels": "a", "attributes": "b"}}),
    ({"source": "session", "id": 2**63 - 1}, {"source": "session", "id": f"session-{2**63 - 1}"}),
    ({"timestamp": 0}, {"timestamp": "1970-01-01T00:00:00.000000000Z"}),
    ({"timestamp": -1}, {"timestamp": "1969-12-31T23:59:59.999999999Z"}),
    ({"timestamp": 1}, {"timestamp": "1970-01-01T00:00:00.000000001Z"}),
    ({"timestamp": 2**63 - 1}, {"timestamp": "2262-04-11T23:47:16.854775807Z"}),
    ({"timestamp": -(2**63)}, {"timestamp": "1677-09-21T00:12:43.145224192Z"}),
    (
        {"parts": Parts(1, "uptime", 0, "up 3 days", "")},
        {"parts": {"step": 1, "command": "uptime", "exit_code": 0, "stdout": "up 3 days", "stderr": ""}},
    ),
    (
        {"parts": Parts(2, "reload", 1, "")},
        {"parts": {"step": 2, "command": "reload", "exit_code": 1, "stdout": ""}},
    ),
    ({"parts": Parts(3, "show clock")}, {"parts": {"step": 3, "command": "show clock"}}),
    ({"texts": {"response": "not shown"}}, {}),
    (
        {
            "parts": Parts(4, "show run", 0),
            "withheld": {"response": WithheldField(1234, "sessionlogs.view_responses")},
        },
        {
            "parts": {"step": 4, "command": "show run", "exit_code": 0},
            "withheld": {"response": {"bytes": 1234, "permission": "sessionlogs.view_responses"}},
        },
    ),
    (
        {"withheld": {"a": WithheldField(0, "x.view_a"), "b": WithheldField(1, "x.view_b")}},
        {
            "withheld": {
                "a": {"bytes": 0, "permission": "x.view_a"},
                "b": {"bytes": 1, "permission": "x.view_b"},
            }
        },
    ),
]


def record(**fields: object) -> LogRecord:
    plain = {
        "id": 4711,
        "source": "app",
        "timestamp": MOMENT,
        "level": "INFO",
        "message": "User authenticated",
    }
    return LogRecord(**(plain | fields))  # type: ignore[arg-type]


def test_an_entry_has_the_fields_that_its_record_has():
    wrong = {
        str(fields): entry for fields, said in ROWS if (entry := entry_of(record(**fields))) != PLAIN | said
    }
    assert wrong == {}


def test_an_entry_is_the_same_after_a_way_through_json():
    wrong = {
        str(fields): entry
        for fields, _ in ROWS
        if json.loads(json.dumps(entry := entry_of(record(**fields)))) != entry
    }
    assert wrong == {}


def test_an_entry_names_its_fields_in_the_order_of_the_manual():
    entry = entry_of(record(attributes=dict(reversed(APP_FIELDS.items())), parts=Parts(1, "uptime")))

    assert [*entry] == [
        "id",
        "source",
        "timestamp",
        "level",
        "message",
        *APP_FIELDS,
        "labels",
        "attributes",
        "parts",
    ]


def test_an_entry_does_not_change_its_record():
    labels, attributes = {"app": "shop"}, {"line": 1}

    entry_of(record(labels=labels, attributes=attributes))["attributes"]["x"] = 1

    assert (labels, attributes) == ({"app": "shop"}, {"line": 1})
