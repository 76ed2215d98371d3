"""Texts that people write on devices, and where they stand in an answer: they tell nothing but themselves.

A description is taken out of an answer before anything looks for facts in it. Readers (readers.py) know
their platforms' forms; answers that templates read are masked here: a word stands for each description, and
the rows get the description back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from devices.errors import ParseFailed

MAX_LINE_CHARACTERS = 16_384
CELL = "\ue000"  # stands in a row of a table for the cell that was taken out
# The line of an interface's description, in the words of many vendors: `  Description: to rtr01`
LABEL = re.compile(
    r"(?is)(?P<label> *(?:(?:(?:port|interface|if|os)[ -])?(?:description|descr|alias|comments?)"
    r"(?:[ \t]*[:=]|[ \t]+is\b|(?=[ \t]))|port name is\b)[ \t]*)(?P<text>.*)"
)
# The heading of a table with such a column: `Interface   IP Address   S/L  Description`
HEADING = re.compile(
    r"(?i)\s*(?:port|interface|intf|if|name)\b.*(?:(?<=\s\s)|(?<=\s)(?=descr?(?:iption)? *$))"
    r"(?P<description>(?:description|descr?|alias|name|port name)\b *)"
)
RULE = re.compile(r"[-=+| ]*")  # below a heading
# What Python takes for the end of a line, and no device does.
NO_LINE_ENDS = dict.fromkeys(map(ord, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), " ")


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


@dataclass
class Masked:
    """An answer in which a word stands for each description."""

    lines: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    mark: str = ""

    def word(self, text: str) -> str:
        word = f"{self.mark}{len(self.texts):x}T"
        self.texts[word] = text
        return word

    def restored(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        words = re.compile(rf"{self.mark}[0-9a-f]+T")

        def restore(value: Any) -> Any:
            if isinstance(value, list):
                return [restore(each) for each in value]
            return words.sub(lambda found: self.texts[found[0]], value) if isinstance(value, str) else value

        return [{column: restore(value) for column, value in row.items()} for row in rows]


def masked(output: str) -> Masked:
    """`output` with a word for each description: after a label, and in the last column of a table. Lines that
    stand deeper than a label, and lines with nothing before the column, go on with the description above."""
    found = Masked(mark=f"T{token_hex(4)}")
    while found.mark in output:
        found.mark = f"T{token_hex(4)}"
    columns, word, column = Columns([HEADING]), "", 0
    for raw in lines_of(output):
        line = indented(raw)
        if word and line.strip() and depth(line) > column:
            if len(found.texts[word]) < MAX_LINE_CHARACTERS:
                found.texts[word] += f" {line.strip()}"
            continue
        word = ""
        if (label := LABEL.match(line)) and label["text"].strip():
            word, column = found.word(label["text"].strip()), depth(line)
            line = label["label"] + word
        elif (cut := columns.cut(line)) and cut[1]:
            word, column = found.word(cut[1]), columns.start - 1
            line = cut[0].replace(CELL, word)
        found.lines.append(line.translate(NO_LINE_ENDS))
    return found
