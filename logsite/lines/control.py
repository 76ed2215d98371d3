"""Control sequences out of a line: what a terminal would have shown of it at the end."""

import re

# ECMA-48. Colours first and by themselves: an expression that begins with fixed characters is searched for ten
# times as fast. Then CSI; strings (OSC, DCS, SOS, PM, APC) with their end, or unended to the line's end; all others.
_COLOURS = re.compile(r"\x1b\[[0-?]*+[ -/]*+[@-~]")
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*+(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*+[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Where none of these stands in a text there is nothing to take out; looking for each is a memchr.
_SIGNS = (
    "\x1b",
    "\r",
    "\x08",
    "\x07",
    "\x9b",
    "\x9d",
    "\x90",
    "\x0c",
    "\x0b",
    "\x0e",
    "\x0f",
    "\x00",
    "\x7f",
)


def is_plain(text: str) -> bool:
    """Whether `text`, of one or many lines, has no common control characters except tabs and newlines."""
    return not any(sign in text for sign in _SIGNS)


def clean(text: str) -> str:
    """The line `text` without control sequences; carriage returns leave the text that was written last."""
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if not text.isprintable():
        text = _SEQUENCES.sub("", text)
    if "\r" in text:
        states = text.split("\r")
        text = next((state for state in reversed(states) if state.strip()), "")
    return text if text.isprintable() else _CONTROLS.sub("", text)
