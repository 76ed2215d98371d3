"""Every row that a condition holds for has the tokens that the condition requires."""

import json
import random
import time

import pytest

from logsite.records.indexes import tokens as token_rules
from logsite.records.indexes.tokens import TokenRules
from logsite.records.query import QueryError, bind, parse, predicate
from logsite.tables.token_sets import as_match, holds
from tests.records_query.cases import FOUND, FOUND_WITH_PERMISSION
from tests.records_query.random_queries import hostile, tree
from tests.records_query.toy import FIELDS, NOW, PERMISSION, record, rows
from tests.soak import short_or_long

ROWS = rows()
RECORDS = [record(row) for row in ROWS]
RULES = TokenRules(FIELDS, together=("app", "level"))
OBJECTS = ("context", "attributes")
COLUMNS = {field.name: [getattr(row, field.name) for row in ROWS] for field in ROWS[0]._meta.fields}
COLUMNS |= {name: [json.dumps(value) for value in COLUMNS[name]] for name in OBJECTS}


def numbers(row):
    """The tokens of a row as PostgreSQL takes them: `{7,-4711}`."""
    return {int(number) for number in row.strip("{}").split(",") if number}


TOKENS = [numbers(row) for row in RULES.of_rows(COLUMNS)]
DIGITS = [set(row.split()) for row in RULES.of_rows(COLUMNS, as_digits=True)]


def condition(query):
    return bind(parse(query, FIELDS), FIELDS, (PERMISSION,).__contains__, now=NOW)


def missed(query):
    """The ids of the rows that the query finds and its tokens would leave out."""
    asked = condition(query)
    wanted, has = RULES.required(asked), predicate(asked)
    if wanted is None:
        return []
    pairs = zip(RECORDS, TOKENS, strict=True)
    return [found.id for found, tokens in pairs if has(found) and not holds(wanted, tokens)]


def test_no_query_of_the_table_misses_a_row():
    assert [query for query, _ in [*FOUND, *FOUND_WITH_PERMISSION] if missed(query)] == []


@pytest.mark.soak
def test_no_query_that_nobody_would_write_misses_a_row():
    seeded, found = random.Random(15), []
    queries = [tree(seeded, 4) for _ in range(short_or_long(1500, 50_000))]
    for query in [*queries, *hostile(short_or_long(1500, 50_000), 15)]:
        try:
            found += [query] if missed(query) else []
        except QueryError:
            continue

    assert found == []


def left(query):
    """The ids of the rows that have the tokens of the query, of which nothing is known for None."""
    wanted = RULES.required(condition(query))
    return (
        None if wanted is None else [r.id for r, t in zip(RECORDS, TOKENS, strict=True) if holds(wanted, t)]
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("connection", [1, 2, 21, 27]),
        ('"connection refused"', [1, 27]),
        ("conn* reset", [2]),
        ("user_id:42", [1, 15]),
        ("context.user_id:7.0", [25]),
        ("http.method:GET", [10, 13]),
        ("tags:7", [16]),
        ("admin:true", [15]),
        ("price:10", [22]),
        ("app:web-1 level:WARNING", [2]),
        ("app:web-1 AND (status:success AND level:INFO) AND NOT boom", [4]),
        ("level:>=CRITICAL", [24, 25, 26]),
        ("app:db OR app:java", [16, 24, 26]),
        ("(app:db disk) OR (app:java boom)", [16, 26]),
        ("app:db OR conn*", None),
        ("NOT connection", None),
        ("count:5", None),
        ("user_id:*", None),
        ("user_id:>5", None),
        ("app:web*", None),
        ("*", None),
    ],
)
def test_few_rows_are_left_to_look_at(query, expected):
    assert left(query) == expected


def test_both_forms_of_a_token_are_the_same_number():
    assert [{as_match(token) for token in found} for found in TOKENS] == DIGITS


def test_a_row_with_too_many_tokens_is_left_for_every_query(monkeypatch):
    monkeypatch.setattr(token_rules, "MOST_TOKENS", 3)
    [found] = RULES.of_rows({"message": ["one two three four five"], "level": ["INFO"]})

    assert len(numbers(found)) == 4
    assert holds(RULES.required(condition("nowhere")), numbers(found))


def test_an_object_too_deep_is_left_for_every_query():
    deep = "{" + '"a":{' * 500 + '"b":1' + "}" * 500 + "}"
    [found] = RULES.of_rows({"context": [deep]})

    assert holds(RULES.required(condition("nowhere")), numbers(found))


def test_a_fraction_of_many_digits_is_left_to_the_rows():
    """It would be a token of one row alone, which nobody asks for."""
    short, long = '{"took":1.25,"version":"0.123456"}', '{"took":0.123456}'
    texts = RULES.of_rows({"context": [short, long]})

    assert [len(numbers(text)) for text in texts] == [2, 0]
    assert [
        RULES.required(condition(query)) is None for query in ("context.took:1.25", "context.took:0.123456")
    ] == [
        False,
        True,
    ]


def test_a_query_of_many_words_asks_for_some_of_them():
    wanted = RULES.required(condition(" ".join(f"word{number}" for number in range(500))))

    assert 100 < as_match(wanted).count("AND") < 250


def test_tokens_take_little_time():
    """Of an entry with ten words and two small objects: ten times what it takes on a quiet machine."""
    number = 2000
    columns = {
        "message": [f"user {each} did log in from host alpha with code ok" for each in range(number)],
        "app": ["shop"] * number,
        "level": ["INFO"] * number,
        "context": [json.dumps({"user_id": each, "ip": "10.0.0.1"}) for each in range(number)],
        "attributes": [json.dumps({"pod": "x1", "zone": "y"})] * number,
    }
    start = time.process_time()
    RULES.of_rows(columns)

    assert (time.process_time() - start) / number < 100e-6
