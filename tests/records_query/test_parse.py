"""The tree of a query: precedence, groups, names, limits."""

import pytest

from logsite.records.query import QueryError, parse
from logsite.records.query.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS, MAX_WILDCARDS
from logsite.records.query.tree import All, Any, Compare, Contains, Exists, Not, Phrase, Range, Wildcard

A, B, C = Contains("a"), Contains("b"), Contains("c")


def test_the_empty_text_matches_everything():
    assert [parse(text) for text in ("", "  ", "\n", "*", "*:*")] == [All(())] * 5


def test_each_text_has_its_tree():
    trees = {
        "a b": All((A, B)),
        "a OR b c": Any((A, All((B, C)))),
        "a b OR c": Any((All((A, B)), C)),
        "a AND NOT b OR c": Any((All((A, Not(B))), C)),
        "NOT a b": All((Not(A), B)),
        "NOT (a b)": Not(All((A, B))),
        "-(a || b) && c": All((Not(Any((A, B))), C)),
        "!!a": Contains("!!a"),
        "NOT NOT NOT a": Not(A),
        "x:(a OR -b)": Any((Compare("x", "=", "a"), Not(Compare("x", "=", "b")))),
        "x:[1 TO 5}": Range("x", "1", "5", True, False),
        "x:{* TO 2026-01-15T10:30]": Range("x", None, "2026-01-15T10:30", False, True),
        'x:["a b" TO "c d"]': Range("x", "a b", "c d"),
        "x:>=5": Compare("x", ">=", "5"),
        'x:> "a b"': Compare("x", ">", "a b"),
        "x:*": Exists("x"),
        "_exists_:x.y": Exists("x.y"),
        '_exists_:"x.y"': Exists("x.y"),
        "_exists_:(x OR y)": Any((Exists("x"), Exists("y"))),
        "x:a*": Wildcard("a*", "x"),
        'x:"a b"': Compare("x", "=", "a b"),
        '"a b"': Phrase("a b"),
        r'"say \"a\" \\ b"': Phrase('say "a" \\ b'),
        r"a\:b\ c": Contains("a:b c"),
        r"a\*b*": Wildcard(r"a\*b*"),
        r"\d+ \w": All((Contains(r"\d+"), Contains(r"\w"))),
        "a.b-c:1": Compare("a.b-c", "=", "1"),
        "labels.app.kubernetes.io/name:web": Compare("labels.app.kubernetes.io/name", "=", "web"),
        "x:2001:db8::1": Compare("x", "=", "2001:db8::1"),
        r"x:C:\temp\*.log": Wildcard(r"C:\\temp\\*.log", "x"),
        r"x:C:\temp\x": Compare("x", "=", r"C:\temp\x"),
        r"\\server\share\*": Wildcard(r"\\server\\share\\*"),
        r'{"a":"\"b\\c\/d\n\*"}': Contains(r'{"a":"\"b\\c\/d\n*"}'),
        r'm="\"b\" \* *"': Wildcard(r'm="\\"b\\" \* *"'),
        r"m=\"b\"": Contains('m="b"'),
        "x:-5": Compare("x", "=", "-5"),
        "x:http://y/z": Compare("x", "=", "http://y/z"),
        "registry/web:1.4": Contains("registry/web:1.4"),
        "user@host:22": Contains("user@host:22"),
        "x : 5": All((Contains("x"), Contains(":"), Contains("5"))),
    }

    assert {text: parse(text) for text in trees} == trees


def test_a_space_may_stand_around_the_sign_of_a_known_field():
    trees = {
        "level: ERROR": Compare("level", "=", "ERROR"),
        "level : ERROR": Compare("level", "=", "ERROR"),
        "level >= ERROR": Compare("level", ">=", "ERROR"),
        "level>ERROR": Compare("level", ">", "ERROR"),
        'level: "ERROR"': Compare("level", "=", "ERROR"),
        "level: (a OR b)": Any((Compare("level", "=", "a"), Compare("level", "=", "b"))),
        "other: ERROR": All((Contains("other:"), Contains("ERROR"))),
    }

    assert {text: parse(text, {"level"}) for text in trees} == trees


def test_a_known_field_is_named_whatever_its_value_looks_like():
    trees = {
        "address:::1": Compare("address", "=", "::1"),
        "address:::/0": Compare("address", "=", "::/0"),
        "other:::1": Contains("other:::1"),
    }

    assert {text: parse(text, {"address"}) for text in trees} == trees


def test_pasted_text_is_text():
    pasted = [
        '{"level": "ERROR", "msg": "a OR b", "n": [1, 2]}',
        "[2026-01-15 10:30:45,123]",
        "[core:error]",
        "[2001:db8::1]:443",
        "main(args, [NOT])",
        'msg="a AND b"',
        '"key":"value","x":[1]',
        "fe80::1%eth0",
        "2001:db8::/32",
        "00:11:22:aa:bb:cc",
        "std::collections::HashMap",
        "https://example.com/a?b=c&d=e#f",
        "file:///etc/hosts",
        "10.0.0.1:5432",
        "2026-01-15T10:30:45.123+02:00",
        "%ASA-6-302013:",
        "100%",
        "~/dir",
        "a=b;c=d",
        "<script>",
        "$PATH",
        "#42",
        "C:/temp",
        "\\\\server\\share",
    ]
    wrong = [(text, tree) for text in pasted if not isinstance(tree := parse(text), Contains | Wildcard)]

    assert wrong == []


def test_each_limit_is_refused_where_it_is_passed():
    words = " ".join(["a"] * MAX_TERMS)
    deep = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert (len(parse(words).parts), parse(deep)) == (MAX_TERMS, A)

    positions = {}
    for text in (f"{words} b", f"({deep})", "a" * (MAX_CHARACTERS + 1), "a?" * (MAX_WILDCARDS + 1)):
        with pytest.raises(QueryError) as caught:
            parse(text)
        positions[text[:3]] = caught.value.position
    assert list(positions.values()) == [len(words) + 1, MAX_DEPTH, MAX_CHARACTERS, 0]


def test_what_no_column_stores_is_refused():
    with pytest.raises(QueryError, match=r"position 1: the character U\+0000 cannot be searched for"):
        parse("a\0b")
    with pytest.raises(QueryError, match=r"U\+D800"):
        parse("\ud800")


def test_signs_before_a_term_do_not_nest():
    """A thousand of them would be a thousand calls within each other."""
    assert parse("NOT " * 2001 + "a") == Not(A)
