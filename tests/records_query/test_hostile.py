"""Ten thousand queries that nobody would write: each finds rows, the same by every reader, or is refused."""

import random
import sys
import time
from contextlib import suppress

import pytest

from logsite.records.query import QueryError, bind, filtered, parse, predicate
from logsite.records.query.patterns import finder, glob_pattern, text_pattern
from tests.records_query.random_queries import hostile, tree
from tests.records_query.toy import FIELDS, NOW, PERMISSION, record, rows
from tests.soak import short_or_long

RECORDS = [record(row) for row in rows()]
COUNT = short_or_long(10_000, 200_000)


def bound(query):
    """What the query asks, or None where it is refused; any other error ends the test."""
    refused = None
    try:
        return bind(parse(query, FIELDS), FIELDS, lambda permission: permission != PERMISSION, now=NOW)
    except QueryError as error:
        refused = error
    assert 0 <= refused.position <= len(query), refused
    assert refused.reason
    return None


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hostile_query_is_read_or_refused():
    read = 0
    for query in hostile(COUNT, seed=1):
        if (condition := bound(query)) is not None:
            read += 1
            holds = predicate(condition)
            for each in RECORDS[:5]:
                holds(each)

    assert COUNT / 10 < read < COUNT


def differences(toys, queries):
    found = []
    for query in queries:
        condition = bound(query)
        if condition is None:
            continue
        by_orm = list(filtered(toys.objects.order_by("id"), condition).values_list("id", flat=True))
        holds = predicate(condition)
        by_predicate = [each.id for each in RECORDS if holds(each)]
        if by_orm != by_predicate:
            found.append((query, by_orm, by_predicate))
    return found


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_hostile_queries_find_the_same_rows_and_records(toys):
    assert differences(toys, hostile(short_or_long(1_000, 20_000), seed=2)) == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_random_trees_find_the_same_rows_and_records(toys):
    seeded = random.Random(3)

    assert differences(toys, [tree(seeded, 4) for _ in range(short_or_long(300, 5_000))]) == []


def test_the_largest_query_is_read_by_both(toys):
    """SQLite refuses expressions more than 1,000 deep."""
    queries = [
        " OR ".join(f"boom{number}" for number in range(499)) + " OR boom",
        " ".join(f"-é{number}" for number in range(500)),
        "-(" * 50 + "boom" + ")" * 50,
        "-(a " * 50 + "boom" + ")" * 50,
        "(a OR (b " * 25 + "user_id:[1 TO 5]" + "))" * 25,
        "(NOT count:[1 TO 5] OR -(path:x* " * 25 + "seen_at:2026" + "))" * 25,
        "(" * 25 + " OR ".join("user_id:>5" for _ in range(400)) + ")" * 25,
    ]

    assert [bound(query) is None for query in queries] == [False] * 7
    assert differences(toys, queries) == []


def steps(function, *arguments):
    """How many calls and lines of Python `function` takes."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += 1
        return trace

    sys.settrace(trace)
    try:
        function(*arguments)
    except QueryError:
        pass
    finally:
        sys.settrace(None)
    return count


FORMS = ["a ", "(", "[", "{a ", '"', 'a" ', "\\", "a:", ":", "- ", "!", "f(", "*", "a OR ", "1:", "[a] "]
FORMS += [
    "x:[1 TO 2] ",
    "x:(",
    "! ",
    "f( ) ",
    'a="b c" ',
    "fe80::1%eth0 ",
    "[1 TO ",
    "?",
    'a\\"',
    "a:a",
    "x:[",
    'a="\\" ',
    'a="\\"" ',
    "m.go:4:",
    '"\\',
]


def test_the_steps_of_parsing_grow_with_the_text_and_no_faster():
    wrong = {}
    for form in FORMS:
        few, many = (steps(parse, form * number) for number in (40, 400))
        if many > 10 * few + 200:
            wrong[form] = (few, many)

    assert wrong == {}


def least(function, text):
    """The shortest of five runs, in time of the processor."""
    taken = []
    for _ in range(5):
        start = time.thread_time()
        with suppress(QueryError):
            function(text)
        taken.append(time.thread_time() - start)
    return min(taken)


def test_the_patterns_of_the_parser_are_linear():
    """Steps of Python do not count what an expression does. Ten times the text takes 10 times as long, or 100."""
    wrong = {}
    for form in FORMS:
        few, many = (least(parse, (form * 10_000)[:size]) for size in (1_000, 10_000))
        if many > 50 * few:
            wrong[form] = many / few

    assert wrong == {}


def test_the_patterns_of_a_term_are_made_in_linear_time():
    def made(term):
        text_pattern.__wrapped__(term)
        glob_pattern.__wrapped__(term)

    wrong = {}
    for form in ["a", "é", "a ", "a*", "*", "? ", r"a\*"]:
        few, many = (least(made, (form * size)[:size]) for size in (1_000, 10_000))
        if many > 30 * few:
            wrong[form] = many / few

    assert wrong == {}


def test_the_patterns_of_a_text_are_linear():
    """The text has no match, so everything is tried."""
    terms = [
        "a*b",
        "*a*b",
        "a*a*a*a*b",
        '"a* b"',
        '"a a b"',
        "*a?a*b",
        "a" * 30 + "*b",
        '"a* a* b*c"',
        "?" * 10 + "b",
    ]
    texts = ["a", "a ", "aa,", "a\n", " ", "a  "]
    wrong = {}
    for term in terms:
        search = finder(term.strip('"'))
        for text in texts:
            few, many = (least(search, (text * size)[:size]) for size in (3_000, 30_000))
            if many > 50 * few:
                wrong[term, text] = many / few

    assert wrong == {}
