"""A text as redaction searches it."""

import re
from functools import cached_property

from logsite.redaction_patterns import BLANK

_MARK = re.compile(r"<redacted:([a-z0-9-]{1,60})>")


def lower(text: str) -> str:
    """Lower case of the same length: «İ» alone grows when lowered, and would shift every position."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.replace("İ", "I").lower()


class SearchedText:
    """A text, with what both layers share: its lower-case form and the lines in which a stem stands.

    Marks from an earlier pass are blanked: they are full of keywords, and a secret may read «password».
    """

    def __init__(self, text: str, kinds: frozenset[str]) -> None:
        self.blanked: set[int] = set()
        if "<redacted:" in text:  # a mark of a kind nobody uses is a device's text
            text = _MARK.sub(lambda mark: self._blank(mark) if mark[1] in kinds else mark[0], text)
        self.text = text

    @cached_property
    def lowered(self) -> str:
        return lower(self.text)

    @cached_property
    def _words(self) -> str:
        """Stems are looked up in the distinct words first: output repeats itself, so they are a fifth of it."""
        return "\n".join(set(self.lowered.split()))

    def _blank(self, mark: re.Match[str]) -> str:
        self.blanked.add(mark.start())
        return BLANK * len(mark[0])

    def has(self, stem: str) -> bool:
        return stem in self._words

    def may_have(self, word: str) -> bool:
        """Whether a text without blanks can be in here; certain only once the words have been needed anyway."""
        return "_words" not in self.__dict__ or word in self._words

    def regions(self, stem: str) -> list[tuple[int, int]]:
        """The lines with `stem`, neighbours joined."""
        found: list[tuple[int, int]] = []
        if stem not in self._words:
            return found
        position = self.lowered.find(stem)
        end = -1
        while position >= 0:
            start = self.text.rfind("\n", end + 1, position) + 1 or end + 1
            joined = bool(found) and start == end + 1
            end = self.text.find("\n", position)
            end = len(self.text) if end < 0 else end
            found[-1:] = [(found[-1][0], end)] if joined else [*found[-1:], (start, end)]
            position = self.lowered.find(stem, end)
        return found
