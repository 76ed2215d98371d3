"""One language for queries, wherever one is typed: the search box, `?query=`, `--query`, the live filter.

`parse` gives the tree of a text, `bind` what it asks of the fields of a source for one reader. `as_q` and `filtered`
(which need Django and load late) find the rows, `predicate` decides about a record: both say the same.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from logsite.records.query.binding import bind, check_name, check_names
from logsite.records.query.conditions import Condition
from logsite.records.query.errors import QueryError, UnknownField, Withheld
from logsite.records.query.fields import Field, Fields, Kind, Suggestion, suggestions
from logsite.records.query.parse import parse
from logsite.records.query.predicate import Predicate, predicate
from logsite.records.query.tree import Node
from logsite.records.query.words import fold, words

if TYPE_CHECKING:
    from logsite.records.query.orm import TextWhere, as_q, expression, filtered, values_in
else:
    _LATE = ("TextWhere", "as_q", "expression", "filtered", "values_in")

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("logsite.records.query.orm"), name)


__all__ = [
    "Condition",
    "Field",
    "Fields",
    "Kind",
    "Node",
    "Predicate",
    "QueryError",
    "Suggestion",
    "TextWhere",
    "UnknownField",
    "Withheld",
    "as_q",
    "bind",
    "check_name",
    "check_names",
    "expression",
    "filtered",
    "fold",
    "parse",
    "predicate",
    "suggestions",
    "values_in",
    "words",
]
