"""What a query may name in a source, and what a page may offer while somebody types."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias, Union

from logsite.records.plain import LEVELS

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

_SHOWN = 12


class Kind(enum.Enum):
    """How a value is read and compared."""

    TEXT = "text"  # words and phrases, without case
    KEYWORD = "keyword"  # the whole value, as it is
    LEVEL = "level"  # a level's name, without case; in the order of severity
    INTEGER = "integer"
    FLOAT = "float"
    TIME = "time"  # a day, a minute, a moment; nanoseconds in a record
    IP = "ip"  # an address, a network
    UUID = "uuid"
    JSON = "json"  # a mapping whose keys a query may name


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value is: in a row and in a record.

    `column` is a column of the source's model, a path to one (`container__host__name`), or an expression. `record` is
    the path in a LogRecord (`level`, `labels.container`), `absent` the value that the column has where the record
    leaves it out. A closed set of `values` is compared without case, and any other value is refused.
    Bare words are looked for in the fields that are `searched`. Without `permission` a reader can neither name the
    field nor find anything by it.
    """

    kind: Kind
    column: Union[str, "Combinable"]
    record: str
    absent: object = None
    values: tuple[str, ...] = ()
    searched: bool = False
    low_cardinality: bool = False
    permission: str = ""
    help: str = ""


Fields: TypeAlias = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A field that a page offers. `values` are all there can be; `enumerable`, that there are few in the rows."""

    name: str
    kind: str
    values: tuple[str, ...]
    enumerable: bool
    help: str


def suggestions(fields: Fields, holds: Callable[[str], bool]) -> list[Suggestion]:
    """The fields that a reader may name, in the order of their names."""
    return [
        Suggestion(
            name,
            field.kind.value,
            tuple(LEVELS) if field.kind is Kind.LEVEL else field.values,
            field.low_cardinality,
            field.help,
        )
        for name, field in sorted(fields.items())
        if not field.permission or holds(field.permission)
    ]


def hint_for(name: str, fields: Fields) -> str:
    """`did you mean "level"? For the text, write "levl:…" in quotes`"""
    if close := get_close_matches(name[:60].lower(), fields, n=1):
        start = f"did you mean {close[0]}?"
    else:
        start = f"fields: {', '.join(sorted(fields)[:_SHOWN])}"
    return f"{start}; to search for the text itself, put it in quotes"
