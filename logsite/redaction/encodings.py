"""The forms of a known secret that redaction does not look for, and the canary check does.

Redaction takes a secret out where it stands as a text writes it; what is left of it in one of these forms has
no place in the text that could be masked for certain, so the whole text is refused instead.
"""

import base64
import re
from collections.abc import Iterator

SHORTEST = 8  # characters; shorter ones turn up in hexadecimal and base64 by chance
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|[\r\n\x08]")
_ACCIDENTS = re.compile(r"[0-9. ]*+")  # a number may be broken over two lines by chance


def disguises(value: str) -> frozenset[str]:
    """`value` in hexadecimal, inside a longer base64 text, and as UTF-16 looks when it is read as bytes."""
    if len(value) < SHORTEST:
        return frozenset()
    raw = value.encode("utf-8", "surrogatepass")
    return frozenset(
        {
            raw.hex(),
            raw.hex().upper(),
            raw.hex(":"),
            "\N{SYMBOL FOR NULL}".join(value),  # what is left of a NUL by then
            *_within_base64(raw),
        }
    )


def _within_base64(raw: bytes) -> Iterator[str]:
    """What base64 makes of `raw` behind nought, one or two other bytes, without the characters they share."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        yield text[first:last]


def may_be_broken(value: str) -> bool:
    """Whether `value` is telling enough to be looked for across line ends and terminal sequences."""
    return len(value) >= SHORTEST and not _ACCIDENTS.fullmatch(value) and "\n" not in value


def unbroken(text: str) -> str:
    """`text` as one line, without what a terminal puts between two characters; empty where that changes nothing."""
    if "\x1b" in text or "\x08" in text:
        return _TERMINAL.sub("", text)
    joined = text.replace("\n", "").replace("\r", "")
    return "" if len(joined) == len(text) else joined
