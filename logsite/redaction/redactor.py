"""Takes credentials out of a text: those that are known, and what the patterns recognise as one."""

from collections.abc import Iterable
from typing import Self

from logsite.redaction import known as known_secrets
from logsite.redaction.encodings import unbroken
from logsite.redaction.known import Known, Secrets, pairs_of
from logsite.redaction.patterns import KINDS
from logsite.redaction.searched_text import SearchedText
from logsite.redaction.spans import Span, block_spans, line_spans, masked, text_spans
from logsite.redaction.streams import still_open, taken_up


class Redactor:
    """Masks the given credentials, and whatever the patterns recognise as one.

    `secrets` holds the kind and the literal value of each, for example `{"password": …, "enable-secret": …}`.
    """

    def __init__(self, secrets: Secrets = ()) -> None:
        self._known = tuple(Known(kind, value) for kind, value in pairs_of(secrets))

    @classmethod
    def _of(cls, known: Iterable[Known]) -> Self:
        redactor = cls()
        redactor._known = tuple(known)
        return redactor

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._known)} known secrets>"

    def redact(self, text: str) -> str:
        """`text` with a mark in the place of every credential; the rest of each line stays."""
        spans = self._spans(text)
        return masked(text, spans) if spans else text

    def redact_lines(self, text: str, opening: str = "") -> tuple[str, str]:
        """The same for a part of a stream, line by line: a secret of three lines leaves three marks.

        Returns what is to be given as `opening` with the lines that follow: where a secret of several lines
        has not ended in this part, words that open one of its kind.
        """
        opening = taken_up(opening, text)
        whole = f"{opening}\n{text}" if opening else text
        spans = self._spans(whole)
        clean = masked(whole, spans, by_line=True) if spans else whole
        return (clean.partition("\n")[2] if opening else clean), still_open(whole)

    def _spans(self, text: str) -> list[Span]:
        if not text:
            return []
        source = SearchedText(text, self._kinds())
        return [
            *line_spans(source),
            *text_spans(source),
            *block_spans(source),
            *self._known_spans(source),
        ]

    def leaks(self, text: str) -> list[str]:
        """The kinds of the known secrets that still stand in `text`, in more forms than `redact` takes out.

        Those are in `disguises.py`; in them a secret has no place that could be masked for certain.
        """
        if not text:
            return []
        source = SearchedText(text, self._kinds())
        joined = unbroken(source.text)
        return sorted({known.kind for known in self._known if known.survives(source, joined)})

    def _kinds(self) -> frozenset[str]:
        return KINDS | known_secrets.kinds

    def _known_spans(self, source: SearchedText) -> list[Span]:
        return [span for known in self._known for span in known.spans(source)]
