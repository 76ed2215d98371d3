"""From the tree of a query to what it asks of the fields of one source, for one reader."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from logsite.records.query import tree, values
from logsite.records.query.conditions import (
    ALWAYS,
    NEVER,
    Address,
    AllOf,
    AnyOf,
    Between,
    Condition,
    Equals,
    HasKey,
    HasText,
    InNetwork,
    Matches,
    Negated,
    OneOf,
    Present,
    Within,
)
from logsite.records.query.errors import QueryError, UnknownField, Withheld
from logsite.records.query.fields import Field, Fields, Kind, hint_for
from logsite.records.query.patterns import Glob, escaped, glob_pattern, text_pattern

_Named: TypeAlias = tree.Wildcard | tree.Compare | tree.Range | tree.Exists
_ALIASES = {"@timestamp": "timestamp"}  # as Kibana calls it


def bind(
    node: tree.Node,
    fields: Fields,
    holds: Callable[[str], bool],
    *,
    strict: bool = True,
    now: datetime | None = None,
) -> Condition:
    """What `node` asks of `fields`; `holds` says which permissions the reader has. Raises QueryError.

    A field that the reader lacks the permission for cannot be named, and bare words are not looked for in it. A
    name that is not in `fields` is a key of the columns of JSON. Where there are none the name is refused, or with
    `strict=False` matches nothing: a query over several sources names fields that only one of them has.
    """
    return _Binder(fields, holds, strict, now or datetime.now(UTC)).condition(node)


class _Binder:
    def __init__(self, fields: Fields, holds: Callable[[str], bool], strict: bool, now: datetime) -> None:
        self.fields = fields
        self.holds = holds
        self.strict = strict
        self.now = now
        readable = [field for field in fields.values() if not field.permission or holds(field.permission)]
        self.searched = tuple(field for field in readable if field.searched)
        self.open = tuple(field for field in readable if field.kind is Kind.JSON)

    def condition(self, node: tree.Node) -> Condition:
        match node:
            case tree.All(parts):
                return all_of([self.condition(part) for part in parts])
            case tree.Any(parts):
                return any_of([self.condition(part) for part in parts])
            case tree.Not(part):
                return negated(self.condition(part))
            case tree.Contains(text) | tree.Phrase(text):
                return self._text(self.searched, escaped(text))
            case tree.Wildcard(pattern, ""):
                return self._text(self.searched, pattern)
            case _:
                return self._named(node)

    @staticmethod
    def _text(fields: tuple[Field, ...], pattern: str) -> Condition:
        return HasText(fields, text_pattern(pattern)) if fields else NEVER

    def _named(self, node: _Named) -> Condition:
        """A leaf that names a field, or a key of JSON."""
        name = _ALIASES.get(node.field, node.field)
        field = self.fields.get(name)
        if field is not None:
            self._check_permission(name, field, node.position)
            if field.kind is Kind.JSON:
                raise QueryError(node.position, f"{name} holds keys", f"name one of them: {name}.KEY:VALUE")
            return self._of_field(name, field, node)
        prefix, dot, key = name.partition(".")
        holder = self.fields.get(prefix)
        if dot and key and holder is not None and holder.kind is Kind.JSON:
            self._check_permission(prefix, holder, node.position)
            return self._of_key((holder,), key, node)
        if self.open:
            return self._of_key(self.open, name, node)
        if self.strict:
            raise UnknownField(node.position, f"no field {name[:60]!r}", hint_for(name, self.fields))
        return NEVER

    def _check_permission(self, name: str, field: Field, position: int) -> None:
        if field.permission and not self.holds(field.permission):
            raise Withheld(position, f"{name} is withheld: you lack the permission {field.permission}")

    def _of_field(self, name: str, field: Field, node: _Named) -> Condition:
        match node:
            case tree.Exists():
                return Present(field)
            case tree.Wildcard(pattern):
                return self._wildcard(name, field, pattern, node.value_position)
            case tree.Compare(_, "=", value):
                return self._equals(name, field, value, node.value_position)
            case tree.Compare():
                return values.between(name, field, ranged(node), node.value_position, self.now)
        return values.between(name, field, node, node.value_position, self.now)

    def _equals(self, name: str, field: Field, value: str, at: int) -> Condition:
        match field.kind:
            case Kind.TEXT:
                if not value.strip():
                    raise QueryError(at, "nothing to search for", f"NOT {name}:* finds what has no {name}")
                return self._text((field,), escaped(value))
            case Kind.LEVEL:
                return OneOf(field, (values.level(value, at),))
            case Kind.INTEGER:
                found = values.integer(value, at)
                return OneOf(field, (found,)) if abs(found) <= values.MAX_INTEGER else NEVER
            case Kind.FLOAT:
                return OneOf(field, (values.real(value, at),))
            case Kind.TIME:
                return Between(field, *values.moment(value, at, self.now), with_high=False)
            case Kind.UUID:
                return OneOf(field, (values.unique_id(value, at),))
            case Kind.IP:
                found_address = values.address(value, at)
                if isinstance(found_address, Address):
                    return OneOf(field, (str(found_address),))
                return InNetwork(field, found_address)
        closed = values.one_of(value, field.values, name, at) if field.values else value
        return OneOf(field, (closed,))

    def _wildcard(self, name: str, field: Field, pattern: str, at: int) -> Condition:
        match field.kind:
            case Kind.TEXT:
                return self._text((field,), pattern)
            case Kind.LEVEL:
                return _among(field, tuple(values.LEVELS), pattern)
            case Kind.KEYWORD if field.values:
                return _among(field, field.values, pattern)
            case Kind.KEYWORD | Kind.IP:
                return Matches(field, glob_pattern(pattern))
            case Kind.UUID if pattern.endswith("*") and not set(pattern[:-1]) & set("*?\\"):
                low, high = values.unique_ids(pattern[:-1], at)
                return Between(field, low, high)
        hint = f"compare: {name}:>VALUE" if field.kind is not Kind.UUID else "a star may be at its end"
        raise QueryError(at, f"{name} takes no wildcards such as {pattern[:60]!r}", hint)

    def _of_key(
        self,
        fields: tuple[Field, ...],
        key: str,
        node: _Named,
    ) -> Condition:
        """The key as it is, or with its dots as steps into inner objects."""
        parts = tuple(key.split("."))
        paths = ((key,), parts) if len(parts) > 1 and all(parts) else ((key,),)
        match node:
            case tree.Exists():
                test: Equals | Within | Glob | None = None
            case tree.Wildcard(pattern):
                test = glob_pattern(pattern)
            case tree.Compare(_, "=", value):
                test = _equal_in_json(value)
            case tree.Compare():
                test = values.within(ranged(node))
            case _:
                test = values.within(node)
        return HasKey(fields, paths, test)


def ranged(node: tree.Compare) -> tree.Range:
    """`>=5` as `[5 TO *]`."""
    if node.operator in (">", ">="):
        return tree.Range(node.field, node.value, None, node.operator == ">=", position=node.position)
    return tree.Range(node.field, None, node.value, with_high=node.operator == "<=", position=node.position)


def _among(field: Field, known: tuple[str, ...], pattern: str) -> Condition:
    """Those of a closed set of values that have the form of the pattern, whatever the case."""
    form = re.compile(glob_pattern(pattern.lower()).python)
    found = tuple(value for value in known if form.match(value.lower()))
    return OneOf(field, found) if found else NEVER


def _equal_in_json(value: str) -> Equals:
    number = values.number(value, 0) if values.is_number(value) else None
    limit = values.MAX_INTEGER if isinstance(number, int) else 2**53
    if number is not None and abs(number) > limit:
        number = None
    return Equals(value, number, {"true": True, "false": False}.get(value))


def all_of(parts: list[Condition]) -> Condition:
    kept = [part for part in parts if part != ALWAYS]
    if NEVER in kept:
        return NEVER
    return kept[0] if len(kept) == 1 else AllOf(tuple(kept))


def any_of(parts: list[Condition]) -> Condition:
    kept = [part for part in parts if part != NEVER]
    if ALWAYS in kept:
        return ALWAYS
    return kept[0] if len(kept) == 1 else AnyOf(tuple(kept))


def negated(part: Condition) -> Condition:
    if part in (ALWAYS, NEVER):
        return NEVER if part == ALWAYS else ALWAYS
    return part.part if isinstance(part, Negated) else Negated(part)


def check_names(node: tree.Node, sources: Sequence[Fields]) -> None:
    """Raises UnknownField for a name that none of several sources knows: in a query over all of them, each lets pass
    what only the others have."""
    match node:
        case tree.All(parts) | tree.Any(parts):
            for part in parts:
                check_names(part, sources)
        case tree.Not(part):
            check_names(part, sources)
        case tree.Contains() | tree.Phrase() | tree.Wildcard(field=""):
            return
        case _:
            check_name(node.field, node.position, sources)


def check_name(name: str, position: int, sources: Sequence[Fields]) -> None:
    """Raises UnknownField where none of the sources knows `name`."""
    name = _ALIASES.get(name, name)
    if not any(_knows(fields, name) for fields in sources):
        known = {each: field for fields in sources for each, field in fields.items()}
        raise UnknownField(position, f"no field {name[:60]!r}", hint_for(name, known))


def _knows(fields: Fields, name: str) -> bool:
    """Whether `name` is a field, or may be a key of a column of JSON."""
    return name in fields or any(field.kind is Kind.JSON for field in fields.values())
