"""Texts of other machines on a terminal: they must not steer it, hide in it or turn its lines around."""

import json
import logging
import re
import unicodedata
from typing import Any

# ESC is shown as ␛, and so on.
CONTROL = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "\N{SYMBOL FOR DELETE}"}
CONTROL |= dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
# Control, format (turns of direction, zero width), half characters, separators of lines and paragraphs.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# By their category letters and marks, and yet nothing to see: a joiner, fillers of Hangul, vowels of Khmer, Braille.
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_UNUSUAL = re.compile(r"[^\t\n -~]")


def is_printable(text: str) -> bool:
    """Whether `text` shows all that it holds: nothing that steers, turns, or is not to be seen."""
    return not any(unicodedata.category(letter) in HIDDEN or letter in BLANK for letter in text)


class _Shown(dict[int, str]):
    """For str.translate: a character that does not show itself, as one that does."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        self[code] = letter if is_printable(letter) else CONTROL.get(code, f"<U+{code:04X}>")
        return self[code]


class _Escaped(dict[int, str]):
    """The same inside of JSON: what does not show itself has its escape there, and reads as itself."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        self[code] = letter if is_printable(letter) else json.dumps(letter)[1:-1]
        return self[code]


_LINES = _Shown({ord("\t"): "\t", ord("\n"): "\n"})
_ONE_LINE = _Shown()
_JSON = _Escaped({ord("\n"): "\n"})  # between two values


def plain(text: str) -> str:
    """`text` without what would steer the terminal it is printed on; a device's line ends become ours."""
    return text.replace("\r\n", "\n").translate(_LINES) if _UNUSUAL.search(text) else text


def one_line(text: str) -> str:
    """`text` as a part of one line, such as a name."""
    return text.translate(_ONE_LINE)


def json_text(value: Any, **options: Any) -> str:
    """`value` as JSON that a terminal can show: no character of it but reads as itself or as its escape."""
    return escaped_json(json.dumps(value, ensure_ascii=False, **options))


def escaped_json(text: str) -> str:
    """`text`, which is JSON, with the escape of each character that does not show itself."""
    return text.translate(_JSON)


class LineFormatter(logging.Formatter):
    """A line of the process's log; further lines of a message are indented, so that they pass for no line."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record)).replace("\n", "\n  ")
