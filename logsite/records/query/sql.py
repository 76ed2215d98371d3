"""Conditions that Django has no lookup for, in the SQL of SQLite and of PostgreSQL. Every value is a parameter."""

import json
import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.expressions import Combinable

from logsite.records.query.conditions import Equals, Network, Within
from logsite.records.query.patterns import Glob, TextPattern

GROUP = 30  # conditions that one AND or OR joins
Sql: TypeAlias = tuple[str, tuple[Any, ...]]


class _Condition(Func):
    """A condition on columns."""

    output_field = models.BooleanField()

    def __init__(self, columns: Sequence[str | Combinable], *details: Any) -> None:
        super().__init__(*(F(column) if isinstance(column, str) else column for column in columns))
        self.details = details

    def columns(self, compiler: Any) -> list[Sql]:
        found = map(compiler.compile, self.source_expressions)
        return [(sql, tuple(params)) for sql, params in found]

    def column(self, compiler: Any) -> Sql:
        """Of a condition on one."""
        return self.columns(compiler)[0]


class TextWhere(Case):
    """A column of texts in the rows that `rows` holds for, empty in the others.

    A query looks for its needle in the column itself, which an index may serve.
    """

    def __init__(self, column: str, rows: Q) -> None:
        super().__init__(When(rows, then=F(column)), default=Value(""), output_field=models.TextField())

    @property
    def column(self) -> Combinable:
        found: Combinable = self.cases[0].result
        return found


def _joined(operator: str, found: Sequence[Sql]) -> Sql:
    """SQLite refuses expressions more than 1,000 deep, and each part is one deeper than the part before: many are
    joined in groups."""
    while len(found) > GROUP:
        found = [_joined(operator, found[start : start + GROUP]) for start in range(0, len(found), GROUP)]
    return f"({operator.join(sql for sql, _ in found)})", tuple(
        value for _, params in found for value in params
    )


class MatchesText(_Condition):
    """Whether the texts have the terms of all patterns, or of one pattern at least. A term may be in any text.

    The needle comes first: an index of trigrams may serve it, and both engines compare it quicker than an expression.
    `logsite_has_term` is a function of our engine for SQLite.
    """

    details: tuple[Sequence[TextPattern], bool]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        return self._patterns(
            compiler, "{0} LIKE %s ESCAPE '\\'", "logsite_has_term({0}, %s)", attrgetter("pattern")
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        return self._patterns(compiler, "UPPER({0}) LIKE UPPER(%s)", "{0} ~ %s", attrgetter("postgres"))

    def _patterns(
        self, compiler: Any, has_needle: str, matches: str, term: Callable[[TextPattern], str]
    ) -> Sql:
        patterns, every = self.details
        texts = self._texts(compiler)
        return _joined(
            " AND " if every else " OR ",
            [
                _joined(
                    " OR ", [_has(text, pattern.needle, term(pattern), has_needle, matches) for text in texts]
                )
                for pattern in patterns
            ],
        )

    def _texts(self, compiler: Any) -> list[tuple[Sql, Sql]]:
        """Each text, and the column in which its needle is looked for."""
        found = []
        for text in self.source_expressions:
            sql = compiler.compile(text)
            column = compiler.compile(text.column) if isinstance(text, TextWhere) else sql
            found.append((sql, column))
        return found


def _has(text: tuple[Sql, Sql], needle: str, term: str, has_needle: str, matches: str) -> Sql:
    """Whether one text has one term."""
    (sql, params), (column, own) = text
    tests, values = [f"{sql} IS NOT NULL"], [*params]
    if needle:
        tests.append(has_needle.format(column))
        values += [*own, "%" + re.sub(r"([%_\\])", r"\\\1", needle) + "%"]
    tests.append(matches.format(sql))
    return f"({' AND '.join(tests)})", (*values, *params, term)


class MatchesGlob(_Condition):
    """Whether the whole value has the form of a Glob."""

    details: tuple[Glob]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        return f"{column} GLOB %s", (*params, self.details[0].glob)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        if isinstance(self.source_expressions[0].output_field, models.GenericIPAddressField):
            column = f"HOST({column})"
        return f"{column} LIKE %s", (*params, self.details[0].like)


class InOrder(_Condition):
    """A text beside another, in the order of their code points whatever the collation: `column >= 'x'`."""

    details: tuple[str, str]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        operator, value = self.details
        return f"{column} {operator} %s", (*params, value)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        operator, value = self.details
        return f'{column} {operator} %s COLLATE "C"', (*params, value)


class HasNetwork(_Condition):
    """Whether the address is one of a network. `logsite_in_network` is a function of our engine for SQLite."""

    details: tuple[Network]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        return f"logsite_in_network({column}, %s)", (*params, str(self.details[0]))

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = self.column(compiler)
        return f"{column} <<= %s::inet", (*params, str(self.details[0]))


class KeyPasses(_Condition):
    """Whether a key of one of the JSON columns, by one of several paths, passes a test; see `HasKey`."""

    details: tuple[tuple[tuple[str, ...], ...], Equals | Within | Glob | None]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        return self._any_path(compiler, _sqlite_key)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        return self._any_path(compiler, _postgres_key)

    def _any_path(self, compiler: Any, key: Any) -> Sql:
        paths, test = self.details
        return _joined(
            " OR ", [key(column, path, test) for column in self.columns(compiler) for path in paths]
        )


def _sqlite_key(column: Sql, path: tuple[str, ...], test: Equals | Within | Glob | None) -> Sql:
    sql, params = column
    place = "$" + "".join(f".{json.dumps(part)}" for part in path)  # as Django stores keys: in ASCII
    if test is None:
        return f"COALESCE(JSON_TYPE({sql}, %s) <> 'null', 0)", (*params, place)
    passes, values = _sqlite_test(test)
    return (
        f"EXISTS (SELECT 1 FROM JSON_EACH({sql}, %s) AS found"  # noqa: S608
        f" WHERE JSON_TYPE({sql}, %s) <> 'object' AND ({passes}))",
        (*params, place, *params, place, *values),
    )


def _sqlite_test(test: Equals | Within | Glob) -> Sql:
    number, text = "found.type IN ('integer', 'real') AND found.atom", "found.type = 'text' AND found.atom"
    match test:
        case Glob():
            return f"{text} GLOB %s", (test.glob,)
        case Within():
            return _ends(test, text if _of_texts(test) else number, "%s")
    parts = [f"{text} = %s"]
    values: list[Any] = [test.text]
    if test.number is not None:
        parts.append(f"{number} = %s")
        values.append(test.number)
    if test.boolean is not None:
        parts.append("found.type = %s")
        values.append(test.text)
    return " OR ".join(f"({part})" for part in parts), tuple(values)


def _postgres_key(column: Sql, path: tuple[str, ...], test: Equals | Within | Glob | None) -> Sql:
    sql, params = column
    place = f"({sql}{' -> %s::text' * len(path)})"
    if test is None:
        return f"COALESCE(JSONB_TYPEOF({place}) <> 'null', false)", (*params, *path)
    passes, values = _postgres_test(test)
    return (
        f"EXISTS (SELECT 1 FROM JSONB_PATH_QUERY({place}, '$[*]') AS found(item) WHERE {passes})",  # noqa: S608
        (*params, *path, *values),
    )


def _postgres_test(test: Equals | Within | Glob) -> Sql:
    text = "JSONB_TYPEOF(found.item) = 'string' AND (found.item #>> '{}')"
    match test:
        case Glob():
            return f"{text} LIKE %s", (test.like,)
        case Within() if _of_texts(test):
            return _ends(test, text, '%s COLLATE "C"')
        case Within():
            # CASE, because AND has no order: no text may be cast to a number.
            passes, values = _ends(test, "(found.item #>> '{}')::numeric", "%s::numeric")
            case = f"CASE JSONB_TYPEOF(found.item) WHEN 'number' THEN {passes} ELSE false END"
            return case, tuple(map(repr, values))
    wanted = [value for value in (test.text, test.number, test.boolean) if value is not None]
    return f"found.item IN ({', '.join(['%s::jsonb'] * len(wanted))})", tuple(map(json.dumps, wanted))


def _of_texts(test: Within) -> bool:
    return isinstance(test.low, str) or isinstance(test.high, str)


def _ends(test: Within, left: str, right: str) -> Sql:
    """`left >= low AND left < high`, without an end that is open."""
    ends = ((">=" if test.with_low else ">", test.low), ("<=" if test.with_high else "<", test.high))
    given = [(operator, value) for operator, value in ends if value is not None]
    return " AND ".join(f"{left} {operator} {right}" for operator, _ in given), tuple(
        value for _, value in given
    )
