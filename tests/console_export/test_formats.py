"""Entries in JSON, CSV and text: what a spreadsheet, a terminal and a reader of cut files must not be told."""

import csv
import io
import json

import pytest

from console.export.formats import COLUMNS, new_format
from logsite.records import LogRecord, Parts, entry_of
from logsite.records.plain import WithheldField

MOMENT = 1_768_473_045_123_456_789  # 2026-01-15 10:30:45 UTC
RED, TURNED, ZERO_WIDTH = "\x1b[31m", "\u202e", "\u200b"


def record(**fields):
    given = {"id": 7, "source": "app", "timestamp": MOMENT, "level": "INFO", "message": "ready"}
    return LogRecord(**given | fields)


def file_of(name, *records, **options):
    form = new_format(name, **options)
    entries = [form.entry(entry_of(each)) for each in records]
    return form.head() + "".join(entries) + form.tail(len(records))


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


# --- JSON ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 3])
def test_json_is_one_array_with_an_entry_a_line(number):
    text = file_of("json", *[record(id=each) for each in range(number)])

    assert [entry["id"] for entry in json.loads(text)] == [f"app-{each}" for each in range(number)]
    assert text.endswith("\n]\n")
    assert len(text.splitlines()) == number + 2


def test_an_entry_in_json_is_the_entry_of_the_api():
    given = record(
        attributes={"context": {"user_id": "u1"}, "line": 142, "zone": "eu"}, labels={"app": "shop"}
    )

    assert json.loads(file_of("json", given)) == [entry_of(given)]


def test_json_is_strict_whatever_a_column_holds():
    given = record(
        attributes={"a": float("inf"), "b": [float("nan"), {"c": float("-inf")}], "d": 1.5, "e": {1}}
    )

    def refuse(word):
        raise AssertionError(word)

    [entry] = json.loads(file_of("json", given), parse_constant=refuse)
    assert entry["attributes"] == {"a": "inf", "b": ["nan", {"c": "-inf"}], "d": 1.5, "e": "{1}"}


@pytest.mark.parametrize("text", [RED, TURNED, ZERO_WIDTH, "\x9b", "\x7f", "\0", "\ud800", "\u2028"])
def test_json_has_no_character_that_steers_and_means_the_same(text):
    found = file_of("json", record(message=f"a{text}b"))

    assert text not in found
    assert json.loads(found)[0]["message"] == f"a{text}b"


# --- CSV ----------------------------------------------------------------------------------------------------


# Case A67: (the text of a message, its cell)
TEXTS = [
    ("=1+1", "'=1+1"), ("+49 30 1234", "'+49 30 1234"), ("-5", "'-5"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("＝1", "'＝1"), ("＋1", "'＋1"), ("－1", "'－1"), ("＠A1", "'＠A1"),
    ("a=1", "a=1"), ("'=1", "'=1"), (" ready", " ready"), ("5-3", "5-3"), ("", ""), ("12", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cell"), TEXTS)
def test_a_text_that_a_spreadsheet_takes_for_a_formula_has_an_apostrophe(text, cell):
    [row, _] = rows_of(file_of("csv", record(message=text)))

    assert row["message"] == cell


@pytest.mark.parametrize(
    ("value", "cell"), [(-5, "-5"), (-0.5, "-0.5"), ("-5", "'-5"), (142, "142"), (True, "true")]
)
def test_only_texts_are_changed(value, cell):
    [row, _] = rows_of(file_of("csv", record(attributes={"line": value})))

    assert row["line"] == cell


def test_attributes_are_json_that_keeps_numbers_and_texts():
    given = {"duration_ms": -5, "shown": "-5", "phone": "+49 30 1234"}

    [row, _] = rows_of(file_of("csv", record(attributes=given)))

    assert json.loads(row["attributes"]) == given
    assert '"duration_ms": -5,' in row["attributes"]


def test_the_switch_for_programs_leaves_every_text_as_it_is():
    given = [record(message=text) for text, _ in TEXTS]

    rows = rows_of(file_of("csv", *given, escape_formulas=False))

    assert [row["message"] for row in rows[:-1]] == [text for text, _ in TEXTS]


@pytest.mark.parametrize(
    "text", ['say "no"', "a,b", "a;=cmd()", "one\r\ntwo\nthree", 'x\n"# 9 entries, complete"', "x" * 100_000]
)
def test_a_cell_holds_any_text(text):
    found = file_of("csv", record(message=text))

    assert rows_of(found)[0]["message"] == text
    assert found.endswith("\r\n")
    assert '\n"# 9' not in found


def test_every_text_is_in_quotes_so_that_no_other_separator_cuts_it():
    found = file_of("csv", record(message="x;=cmd()"))

    assert ',"x;=cmd()",' in found


def test_csv_has_a_column_for_each_field_and_a_row_that_counts():
    given = record(
        labels={"app": "shop"},
        attributes={"metadata": {"a": 1}, "zone": "eu"},
        parts=Parts(1, "show clock", 0, "12:00", ""),
        withheld={"stderr": WithheldField(5, "sessionlogs.view_responses")},
    )

    row, last = rows_of(file_of("csv", given))

    assert tuple(row) == COLUMNS
    assert (row["app"], json.loads(row["metadata"]), json.loads(row["parts"])["step"]) == (
        "shop",
        {"a": 1},
        1,
    )
    assert json.loads(row["withheld"]) == {"stderr": {"bytes": 5, "permission": "sessionlogs.view_responses"}}
    assert last == {"id": "# 1 entries, complete", **dict.fromkeys(COLUMNS[1:], "")}


# --- Text ---------------------------------------------------------------------------------------------------


# (what differs, the line): the form is the handbook's «Console Format»
LINES = [
    ({"labels": {"app": "auth_service"}}, "[2026-01-15 10:30:45] [INFO    ] auth_service: ready"),
    ({"level": "WARNING", "labels": {"container": "web"}}, "[2026-01-15 10:30:45] [WARNING ] web: ready"),
    ({"level": "CRITICAL", "labels": {"server_tag": "rtr01"}}, "[2026-01-15 10:30:45] [CRITICAL] rtr01: ready"),
    ({"level": ""}, "[2026-01-15 10:30:45] [        ] app: ready"),
    ({"message": "one\n# 9 entries, complete"}, "[2026-01-15 10:30:45] [INFO    ] app: one␊# 9 entries, complete"),
    ({"message": f"a{RED}b\r"}, "[2026-01-15 10:30:45] [INFO    ] app: a␛[31mb␍"),
    ({"message": f"a{TURNED}b"}, "[2026-01-15 10:30:45] [INFO    ] app: a<U+202E>b"),
    ({"labels": {"app": f"x{TURNED}\n"}}, "[2026-01-15 10:30:45] [INFO    ] x<U+202E>␊: ready"),
    ({"withheld": {"response": WithheldField(5, "p")}},
    "[2026-01-15 10:30:45] [INFO    ] app: ready [withheld: response]"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "line"), LINES)
def test_a_line_of_text_is_one_entry_and_steers_nothing(fields, line):
    assert file_of("txt", record(**fields)) == f"{line}\n# 1 entries, complete\n"
