"""The table of queries, read by the ORM on the engine at hand and by the predicate."""

import pytest

from logsite.records.query import QueryError, bind, filtered, parse, predicate
from tests.records_query.cases import FOUND, FOUND_WITH_PERMISSION, REFUSED
from tests.records_query.toy import FIELDS, NOW, PERMISSION, record, rows

TABLES = [(FOUND, ()), (FOUND_WITH_PERMISSION, (PERMISSION,))]
RECORDS = [record(row) for row in rows()]


def bound(query, permissions=()):
    return bind(parse(query, FIELDS), FIELDS, permissions.__contains__, now=NOW)


def by_predicate(condition):
    holds = predicate(condition)
    return [record.id for record in RECORDS if holds(record)]


def by_orm(toys, condition):
    return list(filtered(toys.objects.order_by("id"), condition).values_list("id", flat=True))


def test_the_table_is_large_enough():
    assert (len(FOUND) + len(REFUSED) >= 150, len(RECORDS) >= 25) == (True, True)
    assert len({query for query, *_ in [*FOUND, *REFUSED]}) == len(FOUND) + len(REFUSED)


@pytest.mark.parametrize(
    ("table", "permissions"), [(FOUND, ()), (FOUND_WITH_PERMISSION, (PERMISSION,))], ids=["plain", "held"]
)
def test_each_query_finds_its_records(table, permissions):
    wrong = [
        (query, found, expected)
        for query, expected in table
        if (found := by_predicate(bound(query, permissions))) != expected
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("table", "permissions"), [(FOUND, ()), (FOUND_WITH_PERMISSION, (PERMISSION,))], ids=["plain", "held"]
)
def test_each_query_finds_its_rows(toys, table, permissions):
    wrong = [
        (query, found, expected)
        for query, expected in table
        if (found := by_orm(toys, bound(query, permissions))) != expected
    ]

    assert wrong == []


def test_each_query_and_its_negation_part_the_rows(toys):
    """A row without a value is on one side of NOT, never on none."""
    wrong = []
    for query, expected in FOUND:
        condition = bound(f"NOT ({query})")
        others = [record.id for record in RECORDS if record.id not in expected]
        found = (by_orm(toys, condition), by_predicate(condition))
        if found != (others, others):
            wrong.append((query, found, others))

    assert wrong == []


def test_what_is_refused_names_the_position_and_the_reason():
    wrong = []
    for query, position, reason in REFUSED:
        try:
            wrong.append((query, bound(query)))
        except QueryError as error:
            if (error.position, error.reason) != (position, reason):
                wrong.append((query, error.position, error.reason))

    assert wrong == []


def test_an_error_as_json_has_the_four_parts():
    with pytest.raises(QueryError) as caught:
        bound("boom (disk")

    assert caught.value.as_json() == {
        "error": {
            "field": "query",
            "position": 5,
            "reason": "this bracket is not closed",
            "hint": "to search for the text itself, put it in quotes, or close it",
        }
    }
