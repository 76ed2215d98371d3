"""Credentials out of many entries at once: a line at a time would cost ten times as much."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from logsite.redaction import Redactor
from prodlogs.traces import Entry

REST = "<redacted:private-key>"  # a line that was part of a secret of several lines


def redacted(entries: Sequence[Entry], redactor: Redactor) -> list[Entry]:
    """The entries without credentials: as many as before, in their order.

    An entry whose message had one loses its raw line: control sequences may part a secret there.
    """
    clean = redacted_texts([entry.message for entry in entries], redactor)
    raws = [(index, entry.raw_line) for index, entry in enumerate(entries) if entry.raw_line is not None]
    found = list(entries)
    for (index, raw), text in zip(raws, redacted_texts([raw for _, raw in raws], redactor), strict=True):
        if text != raw:
            found[index] = found[index]._replace(raw_line=text)
    for index, (entry, text) in enumerate(zip(entries, clean, strict=True)):
        if text is not entry.message and text != entry.message:
            found[index] = entry._replace(message=text, raw_line=None)
    return found


def redacted_texts(texts: list[str], redactor: Redactor) -> list[str]:
    """Each text without credentials. They are looked at as one, in which a secret may go over several."""
    joined = "\n".join(texts)
    clean = redactor.redact(joined)
    if clean == joined:
        return texts
    before, after = joined.split("\n"), clean.split("\n")
    lines = iter(after if len(after) == len(before) else _aligned(before, after))
    return ["\n".join([next(lines) for _ in range(text.count("\n") + 1)]) for text in texts]


def _aligned(before: list[str], after: list[str]) -> list[str]:
    """`after` with as many lines as `before`, where a mark took the place of several lines."""
    lines: list[str] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(None, before, after, False).get_opcodes():
        new = after[new_start:new_end]
        if kind != "equal" and len(new) != end - start:
            room = end - start
            new = [" ".join(new[:-room] + new[-room:][:1]), *new[-room:][1:]] if len(new) > room else new
            new = [*new, *[REST] * (room - len(new))]
        lines += new
    return lines
