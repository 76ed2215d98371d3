"""What the tokens of a row must be for a query to find it, and how each engine asks for that.

A token is the CRC-32 of a text, as PostgreSQL's `int4` holds it; FTS5 has its eight hexadecimal digits. Two texts
with one token only cost a look at a row, because each row that is found is compared with the query itself.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Every:
    """The row has all of the parts, of which there is one at least."""

    parts: tuple["Tokens", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """The row has one of the parts, of which there is one at least."""

    parts: tuple["Tokens", ...]


Tokens: TypeAlias = int | Every | Some


def number(text: str) -> int:
    """The token of `text`, from -2**31 to 2**31 - 1."""
    found = crc32(text.encode("utf-8", "surrogatepass"))
    return found - 0x1_0000_0000 if found & 0x8000_0000 else found


def holds(wanted: Tokens, row: set[int]) -> bool:
    """Whether a row with these tokens has what is wanted."""
    match wanted:
        case Every(parts):
            return all(holds(part, row) for part in parts)
        case Some(parts):
            return any(holds(part, row) for part in parts)
    return wanted in row


def salted(wanted: Tokens, salt: int) -> Tokens:
    """`wanted` of rows whose tokens were each combined with `salt` by XOR."""
    match wanted:
        case Every(parts):
            return Every(tuple(salted(part, salt) for part in parts))
        case Some(parts):
            return Some(tuple(salted(part, salt) for part in parts))
    return wanted ^ salt


def as_match(wanted: Tokens) -> str:
    """`wanted` in the language of FTS5: `(0a1b2c3d AND (00000001 OR 00000002))`."""
    match wanted:
        case Every(parts):
            return f"({' AND '.join(map(as_match, parts))})"
        case Some(parts):
            return f"({' OR '.join(map(as_match, parts))})"
    return f"{wanted & 0xFFFF_FFFF:08x}"


def as_arrays(wanted: Tokens, column: str) -> tuple[str, list[Any]]:
    """`wanted` as a condition on PostgreSQL's array of tokens: `(column @> %s AND column && %s)`."""
    match wanted:
        case Every(parts):
            return _joined(parts, column, " AND ", "@>")
        case Some(parts):
            return _joined(parts, column, " OR ", "&&")
    return f"{column} @> %s::int4[]", [[wanted]]


def _joined(parts: tuple[Tokens, ...], column: str, operator: str, of_numbers: str) -> tuple[str, list[Any]]:
    numbers = [part for part in parts if isinstance(part, int)]
    found = [as_arrays(part, column) for part in parts if not isinstance(part, int)]
    if numbers:
        found.insert(0, (f"{column} {of_numbers} %s::int4[]", [numbers]))
    return f"({operator.join(sql for sql, _ in found)})", [value for _, values in found for value in values]


class Hashes(dict[str, str]):
    """The token of each text as one engine takes it, with `separator` behind it, kept for the texts that come again:
    most do. There are very many, so each costs one call."""

    MOST, LONGEST = 200_000, 100  # texts, characters
    separator: ClassVar[str]

    def _keep(self, text: str, found: str) -> str:
        if len(text) <= self.LONGEST:
            if len(self) >= self.MOST:
                self.clear()
            self[text] = found
        return found


class DigitHashes(Hashes):
    """As FTS5 has them."""

    separator = " "

    def __missing__(self, text: str) -> str:
        return self._keep(text, f"{crc32(text.encode('utf-8', 'surrogatepass')):08x} ")


class NumberHashes(Hashes):
    """As PostgreSQL has them, each combined with `salt` by XOR."""

    separator = ","

    def __init__(self, salt: int = 0) -> None:
        super().__init__()
        self.salt = salt

    def __missing__(self, text: str) -> str:
        return self._keep(text, f"{number(text) ^ self.salt},")
