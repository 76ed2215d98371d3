"""Texts that people write on devices, and where they stand in an answer: they tell nothing but themselves.

A description is taken out of an answer before anything looks for facts in it: readers (devices/readers.py) know
their platforms' forms.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devices.errors import ParseFailed

MAX_LINE_CHARACTERS = 16_384
CELL = "\ue000"  # stands in a row of a table for the cell that was taken out
RULE = re.compile(r"[-=+| ]*")  # below a heading


def lines_of(output: str) -> Iterator[str]:
    """The lines of a device's answer. Raises ParseFailed for one that is longer than any device's."""
    for number, line in enumerate(output.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise ParseFailed(
                f"line {number} has {len(line):,} characters, more than {MAX_LINE_CHARACTERS:,}: {line[:40]!r}"
            )
        yield line


def depth(line: str) -> int:
    """How many blanks stand before the line's text."""
    return len(line) - len(line.lstrip(" "))


def indented(line: str) -> str:
    """The line with blanks for the tabs before its text; tabs within the text stay."""
    text = line.lstrip(" \t")
    return line[: len(line) - len(text)].expandtabs() + text


@dataclass
class Columns:
    """The column of a table in which people's texts stand, as the last heading tells it."""

    headings: Iterable[re.Pattern[str]]
    start: int = 0
    end: int | None = None
    rows: int = 0

    def cut(self, row: str) -> tuple[str, str] | None:
        """The row without its cell, and the cell's text; None where it cannot be told where the cell is."""
        if "\t" in row[: self.start or None]:
            row = row.expandtabs()
        for heading in self.headings:
            if found := heading.match(row):
                self.start, end = found.span("description")
                self.end, self.rows = end if row[end:].strip() else None, 0
                return None
        if RULE.fullmatch(row):
            if self.rows or not row.strip():  # the table has ended
                self.start = 0
            return None
        self.rows += 1
        return self._cut(row) if self.start else None

    def _cut(self, row: str) -> tuple[str, str] | None:
        before, text = row[: self.start], row[self.start : self.end]
        if not before.strip() or not before.endswith(" "):
            return None
        if self.end is None:
            return f"{before}{CELL}", text.strip()
        if not text.endswith(" ") and len(row) >= self.end:  # letters of two bytes have moved it
            return None
        return f"{before}{CELL} {row[self.end :]}", text.strip()
