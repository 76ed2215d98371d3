"""One line of text as a program wrote it, whatever brought it here."""

from typing import NamedTuple


class Line(NamedTuple):
    """One line of one stream.

    `timestamp` is Docker's, in nanoseconds. `sequence` numbers the lines of the stream with the same timestamp,
    from 0. `length` is in bytes, of the message as Docker sent it: all its pieces, without stamps and newline.
    `text` is the message, with U+FFFD for invalid UTF-8 and NUL, and without a terminal's `\\r` at its end; of a
    very long one `dropped` bytes are missing from the middle.
    """

    timestamp: int
    sequence: int
    length: int
    text: str
    dropped: int = 0
