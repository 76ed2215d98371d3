"""Credentials that are known by their value, in each form that devices and libraries print."""

import re
from collections.abc import Iterable, Iterator, Mapping

from logsite.redaction.encodings import disguises, may_be_broken
from logsite.redaction.searched_text import SearchedText, word_shape
from logsite.redaction.spans import Span
from logsite.redaction.written_forms import (
    ANYWHERE,
    KEYWORD_STEMS,
    WHOLE_TOKEN,
    beside_pattern,
    telling_parts,
    token_pattern,
    written_forms,
)

Secrets = Mapping[str, str] | Iterable[tuple[str, str]]
kinds: set[str] = set()  # of all secrets that this process has known: their marks are no secrets


def pairs_of(secrets: Secrets) -> list[tuple[str, str]]:
    pairs = secrets.items() if isinstance(secrets, Mapping) else secrets
    return list(dict.fromkeys((kind, value) for kind, value in pairs if value and value.strip()))


def _shaped(forms: Iterable[str]) -> dict[str, str]:
    return {form: word_shape(form) for form in forms}


class Known:
    """One known credential and all that has to be looked for because of it."""

    def __init__(self, kind: str, value: str) -> None:
        self.kind = re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")[:60] or "secret"
        kinds.add(self.kind)
        parts = telling_parts(value)
        forms = {form for part in parts for form in written_forms(part)}
        self._disguises = _shaped(frozenset[str]().union(*map(disguises, parts)))
        self._broken = tuple(part for part in parts if may_be_broken(part))
        self._anywhere = _shaped(sorted(form for form in forms if len(form) >= ANYWHERE))
        self._tokens = _shaped(form for form in forms if WHOLE_TOKEN <= len(form) < ANYWHERE)
        self._token_patterns = {form: token_pattern(form) for form in self._tokens}
        self._beside = _shaped(form for form in forms if 0 < len(form) < WHOLE_TOKEN)
        self._beside_patterns = tuple(map(beside_pattern, self._beside))

    def spans(self, source: SearchedText) -> Iterator[Span]:
        for form in source.possible(self._anywhere):
            position = source.text.find(form)
            while position >= 0:
                yield Span(position, position + len(form), -2, self.kind)
                position = source.text.find(form, position + len(form))
        for form in source.possible(self._tokens):
            if form in source.text:
                for match in self._token_patterns[form].finditer(source.text):
                    yield Span(*match.span(), -2, self.kind)
        if any(form in source.text for form in source.possible(self._beside)):
            yield from self._spans_beside_keywords(source)

    def survives(self, source: SearchedText, joined: str) -> bool:
        """Whether it is still there, also in a form that `spans` does not see; `joined` is the text unbroken."""
        return (
            any(form in source.text for form in source.possible(self._disguises))
            or any(part in joined for part in self._broken)
            or next(self.spans(source), None) is not None
        )

    def _spans_beside_keywords(self, source: SearchedText) -> Iterator[Span]:
        for start, end in (region for stem in KEYWORD_STEMS for region in source.regions(stem)):
            for pattern in self._beside_patterns:
                for match in pattern.finditer(source.text, start, end):
                    yield Span(*match.span(1), -2, self.kind)
