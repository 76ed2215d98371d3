"""A query as a filter of rows, on SQLite and PostgreSQL. Values are parameters, never part of the SQL.

Each condition is true or false, never unknown, so that NOT finds the rows without a value as well.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import and_, or_
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable, ExpressionWrapper
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
)

from logsite.records.query import conditions
from logsite.records.query.conditions import Condition, OfField
from logsite.records.query.fields import Field, Kind
from logsite.records.query.patterns import TextPattern
from logsite.records.query.sql import (
    GROUP,
    HasNetwork,
    InOrder,
    KeyPasses,
    MatchesGlob,
    MatchesText,
    TextWhere,
)
from logsite.records.query.values import MAX_INTEGER
from logsite.tables.nanoseconds import NanosecondsField, from_nanoseconds

__all__ = ["TextWhere", "as_q", "expression", "filtered", "values_in"]
Rows = TypeVar("Rows", bound=QuerySet[Any])
NEVER = Q(pk__in=[])
_TEXTS = (Kind.TEXT, Kind.KEYWORD, Kind.LEVEL)
_LOOKUPS = {
    "exact": Exact,
    "in": In,
    "gt": GreaterThan,
    "gte": GreaterThanOrEqual,
    "lt": LessThan,
    "lte": LessThanOrEqual,
}
_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_FIRST, _LAST = -62_135_596_800_000_000_000, 253_402_300_799_999_999_000  # of the years 1 and 9999


def filtered(rows: Rows, condition: Condition) -> Rows:
    """Those of `rows` that `condition` holds for."""
    return rows.filter(as_q(condition, rows.model))


def as_q(condition: Condition, model: type[models.Model]) -> Q:
    """`condition` as a filter of `model`."""
    return _q(condition, model, negated=False)


def _q(condition: Condition, model: type[models.Model], *, negated: bool) -> Q:
    """NOT goes down to the leaves, and the deepest part comes first: SQLite's parser has a stack of 100 entries, of
    which a bracket takes one where nothing is before it, and three behind an AND."""
    match condition:
        case conditions.Negated(part):
            return _q(part, model, negated=not negated)
        case conditions.AllOf(parts) | conditions.AnyOf(parts):
            if not parts:
                return Q() if isinstance(condition, conditions.AllOf) else NEVER
            operator = and_ if isinstance(condition, conditions.AllOf) is not negated else or_
            others, words = _words_apart(parts, negated=negated)
            ordered = sorted(others, key=_depth, reverse=True)
            joined = [_q(part, model, negated=negated) for part in ordered]
            joined += [_words(*key, patterns, operator) for key, patterns in words.items()]
            return _joined(joined, operator)
    found = _leaf(condition, model)
    return ~found if negated else found


def _words_apart(
    parts: Iterable[Condition], *, negated: bool
) -> tuple[list[Condition], dict[tuple[tuple[Field, ...], bool], list[TextPattern]]]:
    """The other parts, and the patterns of words by their fields and whether the words are negated."""
    others: list[Condition] = []
    words: dict[tuple[tuple[Field, ...], bool], list[TextPattern]] = {}
    for part in parts:
        match part:
            case conditions.HasText(fields, pattern):
                words.setdefault((fields, negated), []).append(pattern)
            case conditions.Negated(conditions.HasText(fields, pattern)):
                words.setdefault((fields, not negated), []).append(pattern)
            case _:
                others.append(part)
    return others, words


def _words(
    fields: tuple[Field, ...], negated: bool, patterns: list[TextPattern], operator: Callable[[Q, Q], Q]
) -> Q:
    """Words of the same fields as one condition: Django takes a millisecond a word for the columns of many fields."""
    every = (operator is and_) is not negated
    found = Q(MatchesText([field.column for field in fields], patterns, every))
    return ~found if negated else found


def _depth(condition: Condition) -> int:
    match condition:
        case conditions.Negated(part):
            return _depth(part)
        case conditions.AllOf(parts) | conditions.AnyOf(parts):
            return 1 + max(map(_depth, parts), default=0)
    return 0


def _leaf(condition: conditions.Leaf, model: type[models.Model]) -> Q:
    match condition:
        case conditions.HasText(fields, pattern):
            return _words(fields, False, [pattern], or_)
        case conditions.HasKey(fields, paths, test):
            return Q(KeyPasses([field.column for field in fields], paths, test))
    found = _of_field(condition, model)
    return _one(found & _present(condition.field) if _nullable(condition.field, model) else found)


def _joined(parts: list[Q], operator: Callable[[Q, Q], Q]) -> Q:
    """The parts of one AND or OR, many in groups: see `sql`."""
    while len(parts) > GROUP:
        groups = (parts[start : start + GROUP] for start in range(0, len(parts), GROUP))
        parts = [_one(reduce(operator, group)) for group in groups]
    return reduce(operator, parts)


def _one(found: Q) -> Q:
    """`found` as one part, which Django does not join with those around it."""
    if len(found.children) < 2:
        return found
    return Q(ExpressionWrapper(found, models.BooleanField()))


def values_in(rows: QuerySet[Any], field: Field, limit: int) -> list[str]:
    """Up to `limit` values that `field` has in `rows`, sorted, for completion. Raises ValueError for a field with
    many values; its closed set of values needs no query. The caller bounds `rows` and checks the permission."""
    if not field.low_cardinality:
        raise ValueError(f"{field.record} has too many values to list")
    found = rows.order_by().values_list(expression(field), flat=True).distinct()
    return sorted(str(value) for value in found[:limit] if value not in (None, ""))


def _of_field(condition: OfField, model: type[models.Model]) -> Q:
    field = condition.field
    match condition:
        case conditions.OneOf(_, values):
            many = len(values) > 1
            return _compare(field, "in" if many else "exact", list(values) if many else values[0])
        case conditions.Matches(_, glob):
            return Q(MatchesGlob([field.column], glob))
        case conditions.InNetwork(_, network):
            return Q(HasNetwork([field.column], network))
        case conditions.Between():
            return _between(condition, model)
    return ~_compare(field, "exact", "") if field.kind in _TEXTS else _present(field)


def _between(condition: conditions.Between, model: type[models.Model]) -> Q:
    field = condition.field
    low = "gte" if condition.with_low else "gt"
    high = "lte" if condition.with_high else "lt"
    found = Q()
    for lookup, value in ((low, condition.low), (high, condition.high)):
        if value is None:
            continue
        if field.kind is Kind.TIME:
            found &= _at_time(field, lookup, int(value), model)
        elif field.kind is Kind.KEYWORD:
            found &= Q(InOrder([field.column], _OPERATORS[lookup], value))
        else:
            found &= _compare(field, lookup, value)
    return found or _present(field)


def _at_time(field: Field, lookup: str, nanoseconds: int, model: type[models.Model]) -> Q:
    """A column of nanoseconds has no years beyond 2262, one of datetimes no nanoseconds: both ends are rounded up."""
    if isinstance(_model_field(field, model), NanosecondsField):
        if abs(nanoseconds) <= MAX_INTEGER:
            return _compare(field, lookup, nanoseconds)
        inside = (nanoseconds < 0) == (lookup == "gte")
        return _present(field) if inside else NEVER
    if not _FIRST <= nanoseconds <= _LAST:
        return _present(field) if (nanoseconds < 0) == (lookup == "gte") else NEVER
    return _compare(field, lookup, from_nanoseconds(-(-nanoseconds // 1000) * 1000))


def _compare(field: Field, lookup: str, value: Any) -> Q:
    if isinstance(field.column, str):
        return Q(**{f"{field.column}__{lookup}": value})
    return Q(_LOOKUPS[lookup](field.column, value))


def _present(field: Field) -> Q:
    return Q(IsNull(expression(field), False))


def expression(field: Field) -> Combinable:
    """What the database reads for `field`."""
    return F(field.column) if isinstance(field.column, str) else field.column


def _nullable(field: Field, model: type[models.Model]) -> bool:
    """Whether a row may have no value there. What an expression gives is not known."""
    found = _model_field(field, model)
    return found is None or found.null


def _model_field(field: Field, model: type[models.Model]) -> "models.Field[Any, Any] | None":
    """The column's field of the model or of one that it refers to; None for an expression."""
    if not isinstance(field.column, str):
        return None
    found: Any = None
    for name in field.column.split("__"):
        found = (found.related_model if found is not None else model)._meta.get_field(name)
    return found
