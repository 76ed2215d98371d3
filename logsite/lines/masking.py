"""Credentials out of many lines at once: a line at a time would cost ten times as much."""

from collections.abc import Sequence

from logsite.lines.control import clean, is_plain
from logsite.lines.line import Line
from logsite.redaction import Redactor


def redacted(lines: Sequence[Line], redactor: Redactor, opening: str = "") -> tuple[Sequence[Line], str]:
    """The lines without credentials, and the `opening` for the stream's next lines (`Redactor.redact_lines`).

    A line in which something was found without its control sequences loses them: they may part a secret.
    """
    raw = "\n".join([line[3] for line in lines])
    if is_plain(raw):
        texts, opening = redactor.redact_lines(raw, opening)
        return (lines if texts == raw else _with(lines, texts.split("\n"))), opening
    shown = [clean(line[3]) for line in lines]
    raw, _ = redactor.redact_lines(raw, opening)
    texts, opening = redactor.redact_lines("\n".join(shown), opening)
    found = zip(texts.split("\n"), shown, raw.split("\n"), strict=True)
    return _with(lines, [text if text != before else coloured for text, before, coloured in found]), opening


def _with(lines: Sequence[Line], texts: Sequence[str]) -> list[Line]:
    return [
        line if text == line.text else line._replace(text=text)
        for line, text in zip(lines, texts, strict=True)
    ]
