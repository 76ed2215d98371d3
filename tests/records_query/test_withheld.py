"""What a reader lacks the permission for can be neither named nor found, whatever the query."""

import dataclasses
import random

import pytest

from logsite.records.query import QueryError, Withheld, bind, filtered, parse, predicate, suggestions
from tests.records_query.cases import FOUND, FOUND_WITH_PERMISSION
from tests.records_query.random_queries import hostile, tree
from tests.records_query.toy import FIELDS, NOW, PERMISSION, record, rows

# A text and a column of keys are withheld.
GUARDED = {**FIELDS, "attributes": dataclasses.replace(FIELDS["attributes"], permission=PERMISSION)}
EMPTIED = {"secret": "", "attributes": {}}
NAMED = [
    "secret:hunter2",
    'secret:"hunter2"',
    "secret: hunter2",
    "secret : hunter2",
    "secret:hunt*",
    "secret:*",
    "secret:?*",
    "secret:>a",
    "secret>a",
    "secret:[a TO z]",
    "secret:(a OR hunter2)",
    'secret:""',
    "NOT secret:x",
    "-secret:x",
    "!secret:x",
    "NOT (boom OR secret:x)",
    "boom OR secret:x",
    "* (boom (secret:x))",
    "unheard_of:x AND secret:x",
    "_exists_:secret",
    '_exists_:"secret"',
    "NOT _exists_:secret",
    "_exists_:(count OR secret)",
    "attributes:x",
    "attributes.user_id:42",
    "attributes.user_id:*",
    "attributes.user_id:>5",
    "attributes.user_id:[1 TO 50]",
    "attributes.http.method:G*",
    "NOT attributes.user_id:*",
    "_exists_:attributes.user_id",
]
UNNAMED = [
    "hunter2",
    "hunt*",
    "*unter2",
    "*unt*",
    "h?nter2",
    '"hunter2 connection"',
    '"hunter2 c*"',
    "NOT hunter2",
    "sec*:hunter2",
    "s?cret:hunter2",
    "*:hunter2",
    "*t:*",
    "secret.x:1",
    "Secret:hunter2",
    "@secret:hunter2",
    "context.secret:hunter2",
    '"secret":"hunter2"',
    "secret\\:hunter2",
    "user_id:42",
    "NOT user_id:42",
    "admin:*",
    "NOT admin:*",
    "_exists_:admin",
    "tags:core",
    "tags:c*",
    "tags:>5",
    "http.method:*",
    "user_id:[1 TO 50]",
]


def withheld(query, *, strict=True):
    return bind(
        parse(query, GUARDED),
        GUARDED,
        lambda permission: permission != PERMISSION,
        strict=strict,
        now=NOW,
    )


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_a_query_that_names_what_is_withheld_is_refused(strict):
    wrong = []
    for query in NAMED:
        try:
            wrong.append((query, withheld(query, strict=strict)))
        except Withheld as error:
            if PERMISSION not in error.reason or "hunter2" in str(error):
                wrong.append((query, error))

    assert wrong == []


def queries():
    """Those of the tables, and some at random, which the reader is not refused."""
    seeded = random.Random(5)
    written = [query for query, _ in [*FOUND, *FOUND_WITH_PERMISSION]]
    made = [*hostile(200, seed=6), *(tree(seeded, 3) for _ in range(50))]
    for query in [*UNNAMED, *written, *made]:
        try:
            yield query, withheld(query)
        except QueryError:
            continue


def test_what_is_withheld_makes_no_difference(toys):
    """Rows with it and rows without it are found alike, by both readers."""
    asked = list(queries())

    def found():
        by_orm = [
            list(filtered(toys.objects.order_by("id"), condition).values_list("id", flat=True))
            for _, condition in asked
        ]
        return dict(zip((query for query, _ in asked), by_orm, strict=True))

    records = [record(row) for row in rows()]
    bare = []
    for row in rows():
        row.secret, row.attributes = "", {}
        bare.append(record(row))
    with_it = found()
    toys.objects.update(**EMPTIED)
    without_it = found()
    leaking = [query for query in with_it if with_it[query] != without_it[query]]
    for query, condition in asked:
        holds = predicate(condition)
        if list(map(holds, records)) != list(map(holds, bare)):
            leaking.append(query)

    assert {query for query, _ in asked} >= set(UNNAMED)
    assert leaking == []


def test_the_same_queries_find_it_with_the_permission(toys):
    """So the test above would see a leak."""
    table = {"hunter2": [27], "h?nter2": [27], "user_id:42": [1, 15], "admin:*": [15, 16], "tags:core": [16]}
    found = {
        query: list(
            filtered(toys.objects.order_by("id"), bind(parse(query, GUARDED), GUARDED, bool)).values_list(
                "id", flat=True
            )
        )
        for query in table
    }

    assert found == table


def test_completion_names_nothing_withheld():
    offered = {each.name for each in suggestions(GUARDED, lambda permission: permission != PERMISSION)}

    assert offered == set(FIELDS) - {"secret", "attributes"}
