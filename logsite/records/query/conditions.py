"""What a query asks of the fields of one source: its tree with fields for names and values for texts.

Both readers, `orm` and `predicate`, take this, so that they cannot read one query in two ways.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from uuid import UUID

from logsite.records.query.fields import Field
from logsite.records.query.patterns import Glob, TextPattern

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Value: TypeAlias = str | int | float | UUID


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts, any row will do. Elsewhere no part is always or never true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds at least; without parts, no row will do."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    part: "Condition"


@dataclass(frozen=True, slots=True)
class HasText:
    """One of the fields, which are texts, has the term in it."""

    fields: tuple[Field, ...]
    pattern: TextPattern


@dataclass(frozen=True, slots=True)
class OneOf:
    field: Field
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole value has the form of the pattern."""

    field: Field
    glob: Glob


@dataclass(frozen=True, slots=True)
class Between:
    """An end that is None is open. Texts are in the order of their code points."""

    field: Field
    low: Value | None
    high: Value | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class InNetwork:
    field: Field
    network: Network


@dataclass(frozen=True, slots=True)
class Present:
    """The field has a value, which is not the empty text."""

    field: Field


@dataclass(frozen=True, slots=True)
class Equals:
    """A value in JSON: this text, this number, or true or false. Each is None where the query cannot mean it."""

    text: str
    number: int | float | None
    boolean: bool | None


@dataclass(frozen=True, slots=True)
class Within:
    """A number in JSON between two numbers, or a text between two texts."""

    low: str | int | float | None
    high: str | int | float | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class HasKey:
    """A key of a JSON column, by one of these paths, has a value that passes the test; of an array any element does.

    One column of `fields` is enough. The test is None where any value but null will do.
    """

    fields: tuple[Field, ...]
    paths: tuple[tuple[str, ...], ...]
    test: Equals | Within | Glob | None


OfField: TypeAlias = OneOf | Matches | Between | InNetwork | Present
Leaf: TypeAlias = HasText | HasKey | OfField
Condition: TypeAlias = AllOf | AnyOf | Negated | Leaf

ALWAYS = AllOf(())
NEVER = AnyOf(())
