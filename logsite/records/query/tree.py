"""What a query says, before anybody knows which fields there are.

A leaf without a field is text that is searched for in the texts of an entry. `position` counts characters of the
query from 0; two nodes are equal whatever their positions.

A pattern is a text in which `*` stands for any run of characters, `?` for one, and a backslash makes the next
character plain. Elasticsearch takes the same form.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["=", ">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class All:
    """Every part matches; without parts, everything."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part matches; without parts, nothing."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Contains:
    """A bare word: `timeout`, `foo-bar`, `10.0.0.1`."""

    text: str
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text in quotes: `"connection refused"`."""

    text: str
    position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern: `time*`, `"connection res*"`, `container:web-*`."""

    pattern: str
    field: str = ""
    position: int = dataclasses.field(default=0, compare=False)
    value_position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`level:ERROR`, `step:>=5`"""

    field: str
    operator: Operator
    value: str
    position: int = dataclasses.field(default=0, compare=False)
    value_position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """`step:[1 TO 5}`: from 1 on, below 5. An end that is None is open."""

    field: str
    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True
    position: int = dataclasses.field(default=0, compare=False)
    value_position: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """`user:*`: the entry has a value there."""

    field: str
    position: int = dataclasses.field(default=0, compare=False)


Leaf: TypeAlias = Contains | Phrase | Wildcard | Compare | Range | Exists
Node: TypeAlias = All | Any | Not | Leaf

EVERYTHING = All(())
NOTHING = Any(())
